//! A pod in full.

use gputop_fleet::state::PodRow;

use super::{Facts, add, list, say};
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
    if let Some(reason) = &info.reason {
        say(lead, "why", format::one_line(reason), Tone::Warn);
    }
    if row.unrequested {
        let text = "uses a GPU that it did not ask for: the scheduler does not know of it";
        say(lead, "notice", text, Tone::Notice);
    }
    if let Some(since) = row.idle_since {
        let idle = format::spoken(cx.clock.age(since));
        say(
            lead,
            "idle",
            format!("has had its GPU and not used it for {idle}"),
            Tone::Warn,
        );
    }
    add(lead, "requested", requested(row));
    add(lead, "allocated", allocated(row));
    add(lead, "used", used(row));
    let (devices, processes) = parts(cx, row);
    list(&mut facts.parts, "devices", devices);
    list(&mut facts.parts, "processes", processes);
    let rest = &mut facts.rest;
    add(rest, "workload", workload(row));
    let node = info
        .node
        .as_ref()
        .map_or_else(|| "none yet".to_owned(), ToString::to_string);
    say(rest, "node", node, Tone::Plain);
    let containers: Vec<&str> = info.containers.iter().map(|c| c.name.as_str()).collect();
    say(rest, "containers", containers.join(", "), Tone::Plain);
    if let Some(created) = info.created {
        say(
            rest,
            "age",
            format::spoken(cx.clock.age(created)),
            Tone::Plain,
        );
    }
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
    let within = Within::Pod {
        uid: row.info.uid.clone(),
        key: row.info.key.clone(),
    };
    let devices = cx
        .picture
        .devices
        .iter()
        .filter(|device| Some(&device.node) == row.info.node.as_ref())
        .filter(|device| within.has_device(cx.picture, device));
    let processes = cx
        .picture
        .processes
        .iter()
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
