//! The table of pods: requested, allocated and used side by side.

use gputop_fleet::state::PodRow;
use gputop_model::{Phase, Readiness};

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::{Cx, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("POD", 0, (24, 52), Content::Pod(name)),
    Column::words("WORKLOAD", 5, (16, 40), Content::Pod(workload)).growing(3),
    Column::words("NODE", 2, (8, 32), Content::Pod(node)),
    Column::words("STATUS", 1, (9, 20), Content::Pod(status)),
    Column::number("REQ", 0, 3, Content::Pod(requested)),
    Column::number("ALLOC", 0, 5, Content::Pod(allocated)).measured(),
    Column::number("USED", 0, 4, Content::Pod(used)).measured(),
    Column::number("VRAM", 2, 7, Content::Pod(memory)).measured(),
    Column::number("IDLE", 1, 6, Content::Pod(idle)).measured(),
    Column::words("WHY", 4, (22, 100), Content::Pod(why)).when_filled(),
];

fn name(_: &Cx<'_>, row: &PodRow) -> Cell {
    let key = &row.info.key;
    Cell::of(vec![
        Piece::new(format!("{}/", key.namespace), Tone::Muted),
        Piece::new(key.name.to_string(), Tone::Strong),
    ])
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
fn short_kind(kind: &str) -> String {
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
        let tone = match used {
            _ if used > given => Tone::Notice,
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

fn why(cx: &Cx<'_>, row: &PodRow) -> Cell {
    let mut notes: Vec<Piece> = Vec::new();
    let stale = stale_cell(row.age.filter(|_| row.stale && row.concerns_gpus()));
    let short = match &stale {
        Some(stale) => Some(vec![stale.clone()]),
        None if row.unrequested => Some(vec![Piece::new("⚑ not asked", Tone::Notice)]),
        None => None,
    };
    notes.extend(stale);
    if row.unrequested {
        notes.push(Piece::new("⚑ uses a GPU it did not ask for", Tone::Notice));
    }
    if let Some(reason) = row
        .info
        .reason
        .as_deref()
        .filter(|reason| *reason != row.status())
    {
        let tone = if row.info.phase == Phase::Pending {
            Tone::Warn
        } else {
            Tone::Muted
        };
        notes.push(Piece::new(format::one_line(reason), tone));
    }
    if row.info.gpu_units() > 0 && row.in_use.is_none() && row.info.node.is_some() {
        let reason = node_reason(cx, row);
        notes.extend(reason.map(|reason| Piece::new(reason, Tone::Muted)));
    }
    let mut pieces = Vec::new();
    for note in notes {
        if !pieces.is_empty() {
            pieces.push(Piece::new(", ", Tone::Faint));
        }
        pieces.push(note);
    }
    Cell {
        short,
        ..Cell::of(pieces)
    }
}

/// Why the use of the pod's devices is not known: what its node says.
fn node_reason(cx: &Cx<'_>, row: &PodRow) -> Option<String> {
    let name = row.info.node.as_ref()?;
    let node = cx
        .picture
        .nodes
        .iter()
        .find(|node| node.info.name == *name)?;
    let reason = match &node.info.readiness {
        Readiness::NotReady { .. } => Some("the node is not ready".to_owned()),
        _ => node.reason.clone().or_else(|| node.agent.reason()),
    };
    reason.map(|reason| format::one_line(&reason))
}
