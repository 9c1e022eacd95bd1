//! The table of processes.

use gputop_fleet::state::{DeviceRow, ProcessOwner, ProcessRow};
use gputop_model::{DeviceKind, ProcessKind};

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::nodes::utilization_cell;
use super::{Cx, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("NODE", 1, (8, 32), Content::Process(node)),
    Column::words("GPU", 1, (3, 12), Content::Process(gpu)),
    Column::number("PID", 0, 7, Content::Process(pid)),
    Column::words("USER", 4, (5, 14), Content::Process(user)),
    Column::words("NAME", 0, (8, 28), Content::Process(name)),
    Column::words("TYPE", 5, (4, 4), Content::Process(kind)),
    Column::gauge("SM", 1, (4, 14, 26), Content::Process(sm)),
    Column::number("VRAM", 1, 7, Content::Process(memory)).measured(),
    Column::words("HELD BY", 1, (14, 60), Content::Process(holder)).measured(),
    Column::words("NOTE", 3, (13, 40), Content::Process(note)).when_filled(),
];

fn node(cx: &Cx<'_>, row: &ProcessRow) -> Cell {
    super::gpus::node_name(cx, &row.node)
}

/// How a process calls its device: the index, with the profile of an instance.
#[must_use]
pub fn gpu_label(device: &DeviceRow) -> String {
    match &device.device().kind {
        DeviceKind::Gpu { .. } => device.device().index.to_string(),
        DeviceKind::MigInstance { profile, .. } => format!("{} {profile}", device.device().index),
    }
}

fn gpu(cx: &Cx<'_>, row: &ProcessRow) -> Cell {
    let device = cx.device(&row.node, &row.process().device);
    Cell::known(device, |device| {
        let index = Piece::new(device.device().index.to_string(), Tone::Plain);
        Cell::new(gpu_label(device), Tone::Plain).or_short(vec![index])
    })
}

fn pid(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::new(row.process().pid.to_string(), Tone::Muted)
}

fn user(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::reading(&row.process().user, |user| Cell::new(format::one_line(user), Tone::Plain))
}

fn name(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::new(format::one_line(&row.process().name), Tone::Strong)
}

fn kind(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    let kind = row.process().kind;
    let tone = if kind == ProcessKind::Compute { Tone::Plain } else { Tone::Muted };
    Cell::new(kind.letters(), tone)
}

fn sm(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::reading(&row.process().sm, |percent| utilization_cell(percent.0))
}

fn memory(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::reading(&row.process().memory_used, |bytes| Cell::new(bytes.to_string(), Tone::Plain))
}

/// What the process belongs to.
#[must_use]
pub fn owner_pieces(owner: &ProcessOwner) -> Vec<Piece> {
    match owner {
        ProcessOwner::Pod { namespace, pod, container, .. } => {
            let mut pieces = vec![
                Piece::new(format!("{namespace}/"), Tone::Muted),
                Piece::new(pod.clone(), Tone::Plain),
            ];
            if let Some(container) = container.as_ref().filter(|container| *container != pod) {
                pieces.push(Piece::new(format!(" {container}"), Tone::Muted));
            }
            pieces
        }
        ProcessOwner::UnknownPod(uid) => {
            vec![Piece::new(format!("a pod that is gone ({uid})"), Tone::Notice)]
        }
        ProcessOwner::Outside(what) => vec![Piece::new(format::one_line(what), Tone::Notice)],
        ProcessOwner::Unknown => vec![Piece::new(format::UNKNOWN, Tone::Faint)],
    }
}

fn holder(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::of(owner_pieces(&row.owner))
}

fn note(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    let mut pieces: Vec<Piece> = stale_cell(row.stale.then_some(row.age)).into_iter().collect();
    let note = match (&row.owner, row.allocated) {
        (ProcessOwner::Pod { .. }, Some(false)) => Some("⚑ not asked for"),
        (ProcessOwner::Outside(_), _) => Some("outside the cluster"),
        _ => None,
    };
    if let Some(note) = note {
        if !pieces.is_empty() {
            pieces.push(Piece::new(", ", Tone::Faint));
        }
        pieces.push(Piece::new(note, Tone::Notice));
    }
    Cell::of(pieces)
}
