//! A node in full.

use gputop_fleet::state::{AgentStatus, NodeRow, ResourceRow};
use gputop_model::Readiness;

use super::Facts;
use crate::app::format;
use crate::app::tables::{Cx, Piece, Tone, counts_pieces};

pub(super) fn facts(cx: Cx<'_>, row: &NodeRow) -> Facts {
    let info = &row.info;
    let mut facts = Facts { title: title(row), ..Facts::default() };
    if let Some(reason) = row.reason.clone().or_else(|| row.agent.reason()) {
        facts.say("why", format::one_line(&reason), Tone::Warn);
    }
    for (at, resource) in row.resources.iter().enumerate() {
        facts.add(if at == 0 { "units" } else { "" }, units(resource));
    }
    if let Some(counts) = &row.devices {
        let mut pieces = Vec::new();
        for piece in counts_pieces(counts, false) {
            if !pieces.is_empty() {
                pieces.push(Piece::new("  ", Tone::Plain));
            }
            pieces.push(piece);
        }
        facts.add("devices", pieces);
    }
    facts.add("holders", holders(cx, row));
    facts.add("driver", driver(row));
    facts.add("daemon", daemon(row));
    let taints: Vec<String> = info.taints.iter().map(taint).collect();
    facts.say("taints", taints.join("  "), Tone::Plain);
    facts.say("roles", info.roles.join(", "), Tone::Plain);
    let system = [&info.kubelet_version, &info.os_image, &info.architecture];
    let known: Vec<&str> =
        system.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    facts.say("system", known.join(" · "), Tone::Plain);
    if let Some(created) = info.created {
        facts.say("in cluster", format::spoken(cx.clock.age(created)), Tone::Plain);
    }
    facts
}

fn title(row: &NodeRow) -> Vec<Piece> {
    let mut title = vec![Piece::new(row.info.name.to_string(), Tone::Strong)];
    let (word, tone) = match row.info.readiness {
        Readiness::Ready => ("Ready", Tone::Muted),
        Readiness::NotReady { .. } => ("NotReady", Tone::Warn),
        Readiness::Unknown => ("readiness unknown", Tone::Warn),
    };
    title.push(Piece::new(format!("  {word}"), tone));
    if row.info.cordoned {
        title.push(Piece::new("  cordoned: takes no new pods", Tone::Warn));
    }
    title
}

fn units(resource: &ResourceRow) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(format!("{} ", resource.name), Tone::Muted)];
    match (resource.requested, resource.free()) {
        (Some(requested), Some(free)) => {
            let asked = format!("{requested} of {} requested, ", resource.allocatable);
            pieces.push(Piece::new(asked, Tone::Plain));
            let tone = if free < 0 { Tone::Warn } else { Tone::Plain };
            pieces.push(Piece::new(format!("{free} free"), tone));
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

/// The pods on the node that ask for units.
fn holders(cx: Cx<'_>, row: &NodeRow) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let pods = cx.picture.pods.iter().filter(|pod| {
        pod.info.node.as_ref() == Some(&row.info.name)
            && pod.concerns_gpus()
            && !pod.info.phase.is_finished()
    });
    for pod in pods {
        if !pieces.is_empty() {
            pieces.push(Piece::new(", ", Tone::Faint));
        }
        let tone = if pod.unrequested {
            Tone::Notice
        } else if pod.idle_since.is_some() {
            Tone::Warn
        } else {
            Tone::Plain
        };
        pieces.push(Piece::new(pod.info.key.to_string(), tone));
        if pod.idle_since.is_some() {
            pieces.push(Piece::new(" idle", Tone::Warn));
        }
    }
    pieces
}

fn driver(row: &NodeRow) -> Vec<Piece> {
    match &row.driver_version {
        Some(version) => vec![Piece::new(version.clone(), Tone::Plain)],
        None => Vec::new(),
    }
}

fn daemon(row: &NodeRow) -> Vec<Piece> {
    let version = row.agent_version.as_ref();
    let version = version.map(|version| format!("gputop-node {version}  ")).unwrap_or_default();
    let (text, tone) = match &row.agent {
        AgentStatus::Live if row.stale => ("connected, says nothing".to_owned(), Tone::Warn),
        AgentStatus::Live => ("live".to_owned(), Tone::Plain),
        AgentStatus::Lost { age, .. } => {
            (format!("lost, last heard {} ago", format::spoken(*age)), Tone::Warn)
        }
        other => (other.reason().unwrap_or_default(), Tone::Muted),
    };
    vec![Piece::new(version, Tone::Plain), Piece::new(text, tone)]
}

fn taint(taint: &gputop_model::Taint) -> String {
    if taint.value.is_empty() {
        format!("{}:{}", taint.key, taint.effect)
    } else {
        format!("{}={}:{}", taint.key, taint.value, taint.effect)
    }
}
