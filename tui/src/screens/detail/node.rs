//! A node in full.

use gputop_fleet::state::{AgentStatus, Closed, NodeRow, NodeState, PodRow, ResourceRow};
use gputop_model::{DriverState, NodeCondition, NodeName, ResourceCounts, Taint};

use super::{Facts, add, host, list, on_node, say, snapshot};
use crate::app::tables::{Cx, Piece, Tone, device_line, status_tone};
use crate::app::{State, format};

pub(super) fn facts(state: &State, row: &NodeRow) -> Facts {
    let cx = state.cx();
    let info = &row.info;
    let mut facts = Facts {
        title: title(cx, row),
        ..Facts::default()
    };
    let lead = &mut facts.lead;
    let away = row.state() == NodeState::Away;
    if away {
        let text = "marked as a machine that comes and goes: that it is not there is no alarm";
        say(lead, "away", text, Tone::Muted);
    }
    if let Some(reason) = row.reason.clone().or_else(|| row.agent.reason()) {
        // A machine without a GPU is nothing to worry about; one whose GPUs are not seen is.
        let harmless = away || row.capacity() == 0 && row.agent.reason().is_none();
        let tone = if harmless { Tone::Muted } else { Tone::Warn };
        say(lead, "why", format::one_line(&reason), tone);
    }
    if let Some(no_gpu) = &row.no_gpu {
        say(lead, "what to do", no_gpu.fix(), Tone::Plain);
    }
    let complaints = info.conditions.iter().map(|it| complaint(cx, it));
    for complaint in complaints {
        add(lead, "trouble", complaint);
    }
    let silent = row.silent_gpus();
    if silent > 0 {
        let all: usize = row.products.iter().map(|(_, count)| count).sum();
        let text = format!("{silent} of {all} GPUs: the node's figures are without them");
        say(lead, "silent", text, Tone::Warn);
    }
    host::lead(lead, row);
    let closed = Closed::of(info);
    list(
        lead,
        "units",
        row.resources.iter().map(|it| units(it, closed)),
    );
    say(
        lead,
        "free",
        row.mixed_free().unwrap_or_default(),
        Tone::Accent,
    );
    list(lead, "others", info.other_resources.iter().map(other));

    let devices = on_node(&cx.picture.devices, &info.name);
    let lines = devices.iter().map(|device| device_line(&cx, device));
    list(&mut facts.parts, "devices", lines);
    if devices.is_empty() {
        list(&mut facts.parts, "pods", pods(cx, &info.name));
    }

    let rest = &mut facts.rest;
    add(rest, "daemon", daemon(row));
    say(rest, "driver", driver(state, row), Tone::Plain);
    let taints: Vec<String> = info.taints.iter().map(taint).collect();
    say(rest, "taints", taints.join("  "), Tone::Plain);
    say(rest, "roles", info.roles.join(", "), Tone::Plain);
    say(
        rest,
        "kubelet",
        known(&[&info.kubelet_version]),
        Tone::Plain,
    );
    let runtime = info.container_runtime.replace("://", " ");
    say(
        rest,
        "runtime",
        known(&[&runtime, &handlers(row)]),
        Tone::Plain,
    );
    let system = [&info.os_image, &info.architecture, &info.kernel_version];
    say(rest, "system", known(&system), Tone::Plain);
    say(rest, "address", info.addresses.join(", "), Tone::Plain);
    host::rest(rest, row);
    if let Some(created) = info.created {
        let age = format::spoken(cx.clock.age(created));
        say(rest, "in cluster", age, Tone::Plain);
    }
    facts
}

fn title(cx: Cx<'_>, row: &NodeRow) -> Vec<Piece> {
    let mut title = vec![Piece::new(row.info.name.to_string(), Tone::Strong)];
    let (word, tone) = match row.state() {
        NodeState::Ready | NodeState::Cordoned => ("Ready", Tone::Muted),
        NodeState::NotReady => ("NotReady", Tone::Warn),
        NodeState::Away => ("away", Tone::Muted),
        NodeState::Unknown => ("readiness unknown", Tone::Warn),
    };
    title.push(Piece::new(format!("  {word}"), tone));
    if let Some(since) = row.info.not_ready_since() {
        let text = format!(" for {}", format::spoken(cx.clock.age(since)));
        title.push(Piece::new(text, Tone::Muted));
    }
    if row.info.cordoned {
        title.push(Piece::new("  cordoned: takes no new pods", Tone::Warn));
    }
    title
}

fn complaint(cx: Cx<'_>, condition: &NodeCondition) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(
        format!("▲ {}", format::one_line(&condition.kind)),
        Tone::Bad,
    )];
    let texts = [&condition.message, &condition.reason];
    if let Some(why) = texts.into_iter().find(|text| !text.is_empty()) {
        let why = format!("  {}", format::one_line(why));
        pieces.push(Piece::new(why, Tone::Plain));
    }
    if let Some(since) = condition.since {
        let age = format::spoken(cx.clock.age(since));
        pieces.push(Piece::new(format!("  for {age}"), Tone::Muted));
    }
    pieces
}

/// What pods ask for and what is left; what is left where no pod can be put is not promised.
fn units(resource: &ResourceRow, closed: Option<Closed>) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(format!("{} ", resource.name), Tone::Muted)];
    match (resource.requested, resource.free()) {
        (Some(requested), Some(free)) => {
            let asked = format!("{requested} of {} requested, ", resource.allocatable);
            pieces.push(Piece::new(asked, Tone::Plain));
            pieces.push(match closed {
                Some(closed) if free > 0 => {
                    let text = format!("{free} free, but the node is {}", closed.name());
                    Piece::new(text, Tone::Muted)
                }
                _ if free < 0 => Piece::new(format!("{free} free"), Tone::Warn),
                _ => Piece::new(format!("{free} free"), Tone::Plain),
            });
        }
        _ => pieces.push(Piece::new(
            format!("{} in all, requests not known", resource.allocatable),
            Tone::Plain,
        )),
    }
    if resource.capacity != resource.allocatable {
        let away = format!(", {} not usable", resource.capacity - resource.allocatable);
        pieces.push(Piece::new(away, Tone::Warn));
    }
    pieces
}

/// What other vendors and other tools offer.
fn other((name, counts): (&String, &ResourceCounts)) -> Vec<Piece> {
    vec![
        Piece::new(format!("{} ", format::one_line(name)), Tone::Muted),
        Piece::new(counts.allocatable.to_string(), Tone::Plain),
        Piece::new("  not counted in units", Tone::Muted),
    ]
}

/// The pods that have to do with GPUs, where nobody says which.
pub(super) fn pods<'a>(cx: Cx<'a>, node: &'a NodeName) -> impl Iterator<Item = Vec<Piece>> + 'a {
    let here = move |pod: &&PodRow| {
        pod.info.node.as_ref() == Some(node) && pod.concerns_gpus() && !pod.info.phase.is_finished()
    };
    cx.picture.pods.iter().filter(here).map(pod)
}

fn pod(row: &PodRow) -> Vec<Piece> {
    let units = row.info.gpu_units();
    vec![
        Piece::new(row.info.key.to_string(), Tone::Plain),
        Piece::new(format!("  asks for {units}"), Tone::Muted),
        Piece::new(format!("  {}", row.status()), status_tone(row)),
    ]
}

fn daemon(row: &NodeRow) -> Vec<Piece> {
    let version = row.agent_version.as_ref();
    let version = version
        .map(|version| format!("gputop-node {version}  "))
        .unwrap_or_default();
    let (text, tone) = match &row.agent {
        AgentStatus::Live if row.stale => ("connected, says nothing".to_owned(), Tone::Warn),
        AgentStatus::Live => ("live".to_owned(), Tone::Plain),
        AgentStatus::Visited { age } => (
            format!(
                "asked in turn with many others, {} ago",
                format::spoken(*age)
            ),
            Tone::Plain,
        ),
        AgentStatus::Lost { age, .. } => {
            let tone = if row.state() == NodeState::Away {
                Tone::Muted
            } else {
                Tone::Warn
            };
            (
                format!("lost, last heard {} ago", format::spoken(*age)),
                tone,
            )
        }
        other => (other.reason().unwrap_or_default(), Tone::Muted),
    };
    vec![Piece::new(version, Tone::Plain), Piece::new(text, tone)]
}

fn driver(state: &State, row: &NodeRow) -> String {
    let Some(version) = &row.driver_version else {
        return String::new();
    };
    let cuda = match snapshot(state, &row.info.name).map(|snapshot| &snapshot.driver) {
        Some(DriverState::Ready {
            cuda: Some(cuda), ..
        }) => format!("CUDA up to {cuda}"),
        _ => String::new(),
    };
    known(&[version, &cuda])
}

/// Whether containers can reach GPUs, where the kubelet says which handlers the runtime has.
fn handlers(row: &NodeRow) -> String {
    let nvidia = |handlers: &Vec<String>| handlers.iter().any(|handler| handler == "nvidia");
    match row.info.runtime_handlers.as_ref().map(nvidia) {
        Some(true) => "with nvidia handler".to_owned(),
        Some(false) if row.capacity() > 0 => "without nvidia handler".to_owned(),
        _ => String::new(),
    }
}

/// Those that the API says.
fn known(parts: &[&String]) -> String {
    let parts = parts.iter().map(|part| format::one_line(part));
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

fn taint(taint: &Taint) -> String {
    if taint.value.is_empty() {
        format!("{}:{}", taint.key, taint.effect)
    } else {
        format!("{}={}:{}", taint.key, taint.value, taint.effect)
    }
}
