//! The table of processes.

use gputop_fleet::state::{DeviceRow, ProcessOwner, ProcessRow};
use gputop_model::{DeviceKind, ProcessKind};

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::nodes::utilization_cell;
use super::{Cx, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("NODE", 1, (10, 32), Content::Process(node)),
    Column::words("GPU", 1, (3, 12), Content::Process(gpu)),
    Column::number("PID", 0, 7, Content::Process(pid)),
    Column::words("USER", 4, (5, 14), Content::Process(user)),
    Column::words("NAME", 0, (8, 28), Content::Process(name)),
    Column::words("TYPE", 5, (4, 4), Content::Process(kind)),
    Column::gauge("SM", 1, (4, 11, 24), Content::Process(sm)),
    Column::number("VRAM", 1, 7, Content::Process(memory)).measured(),
    Column::words("HELD BY", 1, (18, 60), Content::Process(holder)).measured(),
    Column::words("NOTE", 3, (9, 40), Content::Process(note)).when_filled(),
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
    Cell::reading(&row.process().user, |user| {
        Cell::new(format::one_line(user), Tone::Plain)
    })
}

fn name(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::new(format::one_line(&row.process().name), Tone::Strong)
}

fn kind(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    let kind = row.process().kind;
    let tone = if kind == ProcessKind::Compute {
        Tone::Plain
    } else {
        Tone::Muted
    };
    Cell::new(kind.letters(), tone)
}

fn sm(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::reading(&row.process().sm, |percent| utilization_cell(percent.0))
}

fn memory(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::reading(&row.process().memory_used, |bytes| {
        Cell::new(bytes.to_string(), Tone::Plain)
    })
}

/// What the process belongs to.
#[must_use]
pub fn owner_pieces(owner: &ProcessOwner) -> Vec<Piece> {
    match owner {
        ProcessOwner::Pod {
            namespace,
            pod,
            container,
            ..
        } => {
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
            vec![Piece::new(
                format!("a pod that is gone ({uid})"),
                Tone::Notice,
            )]
        }
        ProcessOwner::Outside(what) => vec![Piece::new(format::one_line(what), Tone::Notice)],
        ProcessOwner::Unknown => vec![Piece::new(format::UNKNOWN, Tone::Faint)],
    }
}

/// The process in one line, for where there are no columns.
#[must_use]
pub fn process_line(row: &ProcessRow) -> Vec<Piece> {
    let process = row.process();
    let mut line = vec![
        Piece::new(format!("{} ", process.pid), Tone::Muted),
        Piece::new(format::one_line(&process.name), Tone::Strong),
    ];
    if let Some(used) = process.memory_used.get() {
        line.push(Piece::new(format!("  {used}"), Tone::Plain));
    }
    if let Some(percent) = process.sm.fresh().filter(|_| !row.stale) {
        line.push(Piece::new(format!("  {percent}"), Tone::Plain));
    }
    line
}

fn holder(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    let pieces = owner_pieces(&row.owner);
    match &row.owner {
        // Without the container, which says the least.
        ProcessOwner::Pod { .. } => {
            let short = pieces[..2].to_vec();
            Cell::of(pieces).or_short(short)
        }
        _ => Cell::of(pieces),
    }
}

fn note(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    let stale = stale_cell(row.stale.then_some(row.age));
    let (note, short) = match (&row.owner, row.allocated) {
        (ProcessOwner::Pod { .. }, Some(false)) => ("⚑ not asked for", "⚑"),
        (ProcessOwner::Outside(_), _) => ("outside the cluster", "outside"),
        _ => return Cell::of(stale.into_iter().collect()),
    };
    let note = Piece::new(note, Tone::Notice);
    match stale {
        None => Cell::of(vec![note]).or_short(vec![Piece::new(short, Tone::Notice)]),
        Some(stale) => {
            let pieces = vec![stale.clone(), Piece::new(", ", Tone::Faint), note];
            Cell::of(pieces).or_short(vec![stale])
        }
    }
}
