//! A node in full.

use gputop_fleet::state::{AgentStatus, DeviceRow, NodeRow, ResourceRow};
use gputop_model::Readiness;

use super::{Facts, add, list, say};
use crate::app::format;
use crate::app::tables::{Cx, Piece, Tone, device_line};

pub(super) fn facts(cx: Cx<'_>, row: &NodeRow) -> Facts {
    let info = &row.info;
    let mut facts = Facts {
        title: title(row),
        ..Facts::default()
    };
    if let Some(reason) = row.reason.clone().or_else(|| row.agent.reason()) {
        say(
            &mut facts.lead,
            "why",
            format::one_line(&reason),
            Tone::Warn,
        );
    }
    list(&mut facts.lead, "units", row.resources.iter().map(units));

    let devices: Vec<&DeviceRow> = cx
        .picture
        .devices
        .iter()
        .filter(|device| device.node == info.name)
        .collect();
    list(
        &mut facts.parts,
        "devices",
        devices.iter().map(|device| device_line(&cx, device)),
    );

    let rest = &mut facts.rest;
    add(rest, "daemon", daemon(row));
    say(
        rest,
        "driver",
        row.driver_version.clone().unwrap_or_default(),
        Tone::Plain,
    );
    let taints: Vec<String> = info.taints.iter().map(taint).collect();
    say(rest, "taints", taints.join("  "), Tone::Plain);
    say(rest, "roles", info.roles.join(", "), Tone::Plain);
    let system = [&info.kubelet_version, &info.os_image, &info.architecture];
    let known: Vec<&str> = system
        .into_iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    say(rest, "system", known.join(" · "), Tone::Plain);
    if let Some(created) = info.created {
        say(
            rest,
            "in cluster",
            format::spoken(cx.clock.age(created)),
            Tone::Plain,
        );
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

fn daemon(row: &NodeRow) -> Vec<Piece> {
    let version = row.agent_version.as_ref();
    let version = version
        .map(|version| format!("gputop-node {version}  "))
        .unwrap_or_default();
    let (text, tone) = match &row.agent {
        AgentStatus::Live if row.stale => ("connected, says nothing".to_owned(), Tone::Warn),
        AgentStatus::Live => ("live".to_owned(), Tone::Plain),
        AgentStatus::Lost { age, .. } => (
            format!("lost, last heard {} ago", format::spoken(*age)),
            Tone::Warn,
        ),
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
