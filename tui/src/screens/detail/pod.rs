//! A pod in full.

use gputop_fleet::fit::Pending;
use gputop_fleet::state::PodRow;
use gputop_model::{ContainerInfo, ContainerRole, ContainerState, Labels};

use super::{Facts, add, list, on_node, say};
use crate::app::format;
use crate::app::place::Within;
use crate::app::tables::{Cx, Piece, Tone, device_line, process_line, status_tone};

pub(super) fn facts(cx: Cx<'_>, row: &PodRow) -> Facts {
    let info = &row.info;
    let mut facts = Facts {
        title: vec![
            Piece::new(format!("{}/", info.key.namespace), Tone::Muted),
            Piece::new(info.key.name.to_string(), Tone::Strong),
            Piece::new(format!("  {}", row.status()), status_tone(row)),
        ],
        ..Facts::default()
    };
    let lead = &mut facts.lead;
    let pending = row.pending();
    if let Some(why) = row.why() {
        say(lead, "why", format::one_line(&why), Tone::Warn);
    }
    if let Some(fix) = pending.as_ref().and_then(Pending::fix) {
        say(lead, "what to do", fix, Tone::Plain);
    }
    if row.unrequested {
        let text = "uses a GPU that it did not ask for: the scheduler does not know of it";
        say(lead, "notice", text, Tone::Notice);
    }
    if let Some(since) = row.idle_since {
        let idle = format::spoken(cx.clock.age(since));
        let text = format!("for {idle}: it keeps its GPU from others and does nothing with it");
        say(lead, "idle", text, Tone::Warn);
    }
    add(lead, "requested", requested(row));
    if info.node.is_some() {
        add(lead, "allocated", allocated(row));
        add(lead, "used", used(row));
    }
    let (devices, processes) = parts(cx, row);
    list(&mut facts.parts, "devices", devices);
    list(&mut facts.parts, "processes", processes);
    let containers = info.containers.iter().map(|it| container(cx, it));
    list(&mut facts.parts, "containers", containers);
    let rest = &mut facts.rest;
    add(rest, "workload", workload(row));
    let node = info
        .node
        .as_ref()
        .map_or_else(|| "none yet".to_owned(), ToString::to_string);
    say(rest, "node", node, Tone::Plain);
    let others = info.other_requests.iter();
    let others: Vec<String> = others
        .map(|(name, count)| format!("{count} × {}", format::one_line(name)))
        .collect();
    if !others.is_empty() {
        add(
            rest,
            "others",
            vec![
                Piece::new(others.join(", "), Tone::Plain),
                Piece::new("  not counted in units", Tone::Muted),
            ],
        );
    }
    if let Some(created) = info.created {
        let age = format::spoken(cx.clock.age(created));
        say(rest, "age", age, Tone::Plain);
    }
    // The words above are ours.
    let said = info.message.as_ref().or(info.reason.as_ref());
    if let Some(said) = said.filter(|_| pending.is_some()) {
        say(rest, "API says", format::one_line(said), Tone::Muted);
    }
    say(rest, "labels", labels(&info.labels), Tone::Muted);
    facts
}

fn workload(row: &PodRow) -> Vec<Piece> {
    let workload = &row.info.workload;
    if workload.kind == "Pod" {
        return vec![
            Piece::new("none", Tone::Plain),
            Piece::new(": once gone, nothing starts this pod again", Tone::Muted),
        ];
    }
    vec![Piece::new(
        format!("{} {}", workload.kind, workload.name),
        Tone::Plain,
    )]
}

fn requested(row: &PodRow) -> Vec<Piece> {
    let requests: Vec<String> = row
        .info
        .requests
        .iter()
        .map(|(name, units)| format!("{units} × {name}"))
        .collect();
    if requests.is_empty() {
        return vec![Piece::new("no GPU", Tone::Muted)];
    }
    vec![Piece::new(requests.join(", "), Tone::Plain)]
}

fn allocated(row: &PodRow) -> Vec<Piece> {
    match &row.devices {
        None => vec![Piece::new("not known", Tone::Muted)],
        Some(devices) if devices.is_empty() => vec![Piece::new("no device", Tone::Muted)],
        Some(devices) => vec![Piece::new(
            format::count(devices.len(), "device"),
            Tone::Plain,
        )],
    }
}

/// The devices that the pod was given or uses, and its processes on them.
fn parts(cx: Cx<'_>, row: &PodRow) -> (Vec<Vec<Piece>>, Vec<Vec<Piece>>) {
    let Some(node) = &row.info.node else {
        return (Vec::new(), Vec::new());
    };
    let within = Within::Pod {
        uid: row.info.uid.clone(),
        key: row.info.key.clone(),
    };
    let devices = on_node(&cx.picture.devices, node)
        .iter()
        .filter(|device| within.has_device(cx.picture, device));
    let processes = &cx.picture.processes;
    let first = processes.partition_point(|process| process.node < *node);
    let processes = processes[first..]
        .iter()
        .take_while(|process| process.node == *node)
        .filter(|process| within.has_process(cx.picture, process));
    (
        devices.map(|device| device_line(&cx, device)).collect(),
        processes.map(process_line).collect(),
    )
}

fn used(row: &PodRow) -> Vec<Piece> {
    let devices = match row.in_use {
        None => return vec![Piece::new("not known", Tone::Muted)],
        Some(number) => format::count(number, "device"),
    };
    let memory = row
        .memory_used
        .map(|bytes| format!(", {bytes} of device memory held"));
    vec![Piece::new(
        format!("{devices}{}", memory.unwrap_or_default()),
        Tone::Plain,
    )]
}

/// What a container is and does, and from which image.
fn container(cx: Cx<'_>, container: &ContainerInfo) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(format::one_line(&container.name), Tone::Plain)];
    if container.role != ContainerRole::Main {
        pieces.push(Piece::new(
            format!(" ({})", container.role.name()),
            Tone::Muted,
        ));
    }
    let (text, tone) = match &container.state {
        ContainerState::Unknown => (String::new(), Tone::Muted),
        ContainerState::Waiting { reason } => (format::one_line(reason), Tone::Warn),
        ContainerState::Running { since } => {
            let since = since.map(|since| format!(" for {}", format::spoken(cx.clock.age(since))));
            let text = format!("running{}", since.unwrap_or_default());
            if container.ready {
                (text, Tone::Plain)
            } else {
                (format!("{text}, not ready"), Tone::Warn)
            }
        }
        ContainerState::Terminated { reason, code, at } => {
            let ago = at.map(|at| format!(" {} ago", format::spoken(cx.clock.age(at))));
            let ago = ago.unwrap_or_default();
            if *code == 0 {
                (format!("ended{ago}"), Tone::Muted)
            } else {
                let reason = format::one_line(reason);
                (format!("{reason}, exit code {code}{ago}"), Tone::Warn)
            }
        }
    };
    if !text.is_empty() {
        pieces.push(Piece::new(format!("  {text}"), tone));
    }
    if container.restarts > 0 {
        let count = usize::try_from(container.restarts).unwrap_or(usize::MAX);
        let text = format!("  {}", format::count(count, "restart"));
        pieces.push(Piece::new(text, Tone::Warn));
    }
    if !container.image.is_empty() {
        let image = format!("  {}", format::one_line(&container.image));
        pieces.push(Piece::new(image, Tone::Muted));
    }
    pieces
}

fn labels(labels: &Labels) -> String {
    let labels = labels.iter().map(|(key, value)| format!("{key}={value}"));
    format::one_line(&labels.collect::<Vec<_>>().join(" "))
}
