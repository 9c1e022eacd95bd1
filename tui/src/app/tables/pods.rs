//! The table of pods: requested, allocated and used side by side.

use gputop_fleet::state::PodRow;
use gputop_model::{ContainerRole, Phase, Readiness};

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::{Cx, age_cell, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("POD", 0, (22, 52), Content::Pod(name))
        .roomy(30)
        .by("pod"),
    Column::words("WORKLOAD", 5, (16, 40), Content::Pod(workload))
        .growing(3)
        .flat()
        .by("workload"),
    Column::words("NODE", 2, (8, 32), Content::Pod(node)).by("node"),
    Column::words("STATUS", 0, (13, 20), Content::Pod(status)).by("status"),
    Column::number("OLD", 3, 4, Content::Pod(old))
        .when_filled()
        .by("old"),
    Column::number("REQ", 0, 3, Content::Pod(requested)).by("req"),
    Column::number("ALLOC", 0, 5, Content::Pod(allocated))
        .measured()
        .by("alloc"),
    Column::number("USED", 0, 4, Content::Pod(used))
        .measured()
        .by("used"),
    Column::number("VRAM", 2, 7, Content::Pod(memory))
        .measured()
        .by("vram"),
    Column::number("IDLE", 1, 6, Content::Pod(idle))
        .measured()
        .by("idle"),
    Column::words("WHY", 4, (16, 100), Content::Pod(why))
        .remarks()
        .when_filled()
        .by("why"),
    Column::number("RESTARTS", 1, 8, Content::Pod(restarts))
        .second()
        .by("restarts"),
    Column::number("AGE", 2, 5, Content::Pod(age))
        .second()
        .by("age"),
    Column::words("CONTAINERS", 3, (12, 40), Content::Pod(containers))
        .second()
        .by("container"),
];

/// Below its workload it does not say the namespace again.
fn name(cx: &Cx<'_>, row: &PodRow) -> Cell {
    let key = &row.info.key;
    let name = Piece::new(key.name.to_string(), Tone::Strong);
    match cx.branch {
        Some(branch) => Cell::of(vec![Piece::new(branch.sign(), Tone::Faint), name]),
        None => Cell::of(vec![
            Piece::new(format!("{}/", key.namespace), Tone::Muted),
            name,
        ]),
    }
}

fn workload(_: &Cx<'_>, row: &PodRow) -> Cell {
    let workload = &row.info.workload;
    if workload.kind == "Pod" {
        return Cell::new("bare pod", Tone::Muted);
    }
    Cell::of(vec![
        Piece::new(format!("{}/", short_kind(&workload.kind)), Tone::Muted),
        Piece::new(workload.name.clone(), Tone::Plain),
    ])
}

/// A kind as kubectl abbreviates it.
pub(super) fn short_kind(kind: &str) -> String {
    match kind {
        "Deployment" => "deploy".to_owned(),
        "StatefulSet" => "sts".to_owned(),
        "DaemonSet" => "ds".to_owned(),
        "ReplicaSet" => "rs".to_owned(),
        other => other.to_lowercase(),
    }
}

fn node(_: &Cx<'_>, row: &PodRow) -> Cell {
    match &row.info.node {
        Some(node) => Cell::new(node.to_string(), Tone::Plain),
        None => Cell::new("none yet", Tone::Faint),
    }
}

/// What the word of the STATUS column means.
#[must_use]
pub fn status_tone(row: &PodRow) -> Tone {
    match row.status() {
        "Running" if row.info.ready => Tone::Plain,
        "Succeeded" | "Completed" | "Terminating" => Tone::Muted,
        _ => Tone::Warn,
    }
}

fn status(_: &Cx<'_>, row: &PodRow) -> Cell {
    Cell::new(row.status().to_owned(), status_tone(row))
}

fn requested(_: &Cx<'_>, row: &PodRow) -> Cell {
    match row.info.gpu_units() {
        0 => Cell::new(
            "0",
            if row.unrequested {
                Tone::Notice
            } else {
                Tone::Faint
            },
        ),
        units => Cell::new(units.to_string(), Tone::Plain),
    }
}

fn allocated(_: &Cx<'_>, row: &PodRow) -> Cell {
    Cell::known(row.devices.as_ref(), |devices| match devices.len() {
        0 => Cell::new("0", Tone::Faint),
        number => Cell::new(number.to_string(), Tone::Plain),
    })
}

fn used(_: &Cx<'_>, row: &PodRow) -> Cell {
    let given = row.devices.as_ref().map_or(0, Vec::len);
    Cell::known(row.in_use, |used| {
        // More than it was given: colour is not the only sign.
        if used > given {
            return Cell::new(format!("⚑{used}"), Tone::Notice);
        }
        let tone = match used {
            // A container that is still starting can not be blamed.
            0 if given > 0 && row.info.ready => Tone::Warn,
            0 => Tone::Faint,
            _ => Tone::Good,
        };
        Cell::new(used.to_string(), tone)
    })
}

fn memory(_: &Cx<'_>, row: &PodRow) -> Cell {
    if !row.concerns_gpus() || row.info.node.is_none() || row.info.phase.is_finished() {
        return Cell::default();
    }
    Cell::known(row.memory_used, |bytes| match bytes.0 {
        0 => Cell::new("0", Tone::Faint),
        _ => Cell::new(bytes.to_string(), Tone::Plain),
    })
}

fn idle(cx: &Cx<'_>, row: &PodRow) -> Cell {
    match row.idle_since {
        Some(since) => Cell::new(format::age(cx.clock.age(since)), Tone::Warn),
        None => Cell::default(),
    }
}

fn restarts(_: &Cx<'_>, row: &PodRow) -> Cell {
    match row.info.restarts() {
        0 => Cell::new("0", Tone::Faint),
        restarts => Cell::new(restarts.to_string(), Tone::Plain),
    }
}

fn age(cx: &Cx<'_>, row: &PodRow) -> Cell {
    Cell::known(row.info.created, |created| {
        Cell::new(format::age(cx.clock.age(created)), Tone::Plain)
    })
}

/// Those that run beside each other, without those that only prepare.
fn containers(_: &Cx<'_>, row: &PodRow) -> Cell {
    let names: Vec<&str> = row
        .info
        .containers
        .iter()
        .filter(|container| container.role != ContainerRole::Init)
        .map(|container| container.name.as_str())
        .collect();
    Cell::new(names.join(","), Tone::Plain)
}

/// How old the figures are, once they are old.
fn old(_: &Cx<'_>, row: &PodRow) -> Cell {
    age_cell(row.age.filter(|_| row.stale && row.concerns_gpus()))
}

/// Why a pod waits to be placed, in place of measurements that can not be there yet.
pub(super) fn sentence(row: &PodRow) -> Option<Cell> {
    if row.info.node.is_some() || row.info.phase != Phase::Pending {
        return None;
    }
    let why = row.why()?;
    Some(Cell::new(format::one_line(&why), Tone::Warn))
}

fn why(cx: &Cx<'_>, row: &PodRow) -> Cell {
    let mut notes: Vec<Piece> = Vec::new();
    if row.unrequested {
        notes.push(Piece::new("⚑ uses a GPU it did not ask for", Tone::Notice));
    }
    if let Some(why) = row.why().filter(|why| why != row.status()) {
        let tone = if row.info.phase == Phase::Pending {
            Tone::Warn
        } else {
            Tone::Muted
        };
        notes.push(Piece::new(format::one_line(&why), tone));
    }
    if row.info.gpu_units() > 0 && row.in_use.is_none() && row.info.node.is_some() {
        let reason = node_reason(cx, row);
        notes.extend(reason.map(|reason| Piece::new(reason, Tone::Muted)));
    }
    let old = row.age.filter(|_| row.stale && row.concerns_gpus());
    notes.extend(stale_cell(old));
    let mut pieces = Vec::new();
    for note in notes {
        if !pieces.is_empty() {
            pieces.push(Piece::new(", ", Tone::Faint));
        }
        pieces.push(note);
    }
    let short = row
        .unrequested
        .then(|| vec![Piece::new("⚑ not asked", Tone::Notice)]);
    Cell {
        short,
        ..Cell::of(pieces)
    }
}

/// Why the use of the pod's devices is not known: what its node says.
fn node_reason(cx: &Cx<'_>, row: &PodRow) -> Option<String> {
    let name = row.info.node.as_ref()?;
    let node = cx.node(name)?;
    let reason = match &node.info.readiness {
        _ if node.info.is_away() => Some("the node is away".to_owned()),
        Readiness::NotReady { .. } => Some("the node is not ready".to_owned()),
        _ => node.reason.clone().or_else(|| node.agent.reason()),
    };
    reason.map(|reason| format::one_line(&reason))
}
