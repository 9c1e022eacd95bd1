//! The table of processes.

use gputop_fleet::state::{DeviceRow, ProcessOwner, ProcessRow};
use gputop_model::{DeviceKind, ProcessKind};

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::nodes::utilization_cell;
use super::{Cx, age_cell, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("NODE", 1, (10, 32), Content::Process(node))
        .roomy(20)
        .by("node"),
    Column::words("GPU", 1, (3, 12), Content::Process(gpu)).by("gpu"),
    Column::number("PID", 0, 7, Content::Process(pid)).by("pid"),
    Column::words("USER", 4, (5, 14), Content::Process(user)).by("user"),
    Column::words("NAME", 0, (8, 28), Content::Process(name))
        .roomy(15)
        .by("name"),
    Column::words("TYPE", 5, (4, 4), Content::Process(kind))
        .second()
        .by("type"),
    Column::number("OLD", 3, 4, Content::Process(old))
        .when_filled()
        .by("old"),
    Column::gauge("SM", 1, (4, 11, 24), Content::Process(sm)).by("sm"),
    Column::number("VRAM", 2, 7, Content::Process(memory))
        .measured()
        .by("vram"),
    Column::words("HELD BY", 1, (20, 60), Content::Process(holder))
        .measured()
        .roomy(24)
        .growing(0)
        .by("held"),
    Column::words("CONTAINER", 1, (9, 30), Content::Process(container))
        .second()
        .by("container"),
    Column::number("IDLE", 2, 6, Content::Process(idle))
        .measured()
        .second()
        .by("idle"),
    Column::words("NOTE", 6, (9, 40), Content::Process(note)).when_filled(),
];

fn node(cx: &Cx<'_>, row: &ProcessRow) -> Cell {
    super::gpus::node_name(cx, &row.node)
}

/// How a process calls its device: its label, with the profile of an instance.
#[must_use]
pub fn gpu_label(device: &DeviceRow) -> String {
    match &device.device().kind {
        DeviceKind::Gpu { .. } => device.device().index.to_string(),
        DeviceKind::MigInstance { profile, .. } => format!("{} {profile}", device.label()),
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
    let mut pieces = owner_pieces(&row.owner);
    let ProcessOwner::Pod { .. } = &row.owner else {
        return Cell::of(pieces);
    };
    // Without the container, which says the least.
    let mut short = pieces[..2].to_vec();
    if row.allocated == Some(false) {
        for pieces in [&mut pieces, &mut short] {
            pieces.insert(0, Piece::new("⚑ ", Tone::Notice));
        }
    }
    Cell::of(pieces).or_short(short)
}

/// How old the figures are, once they are old.
fn old(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    age_cell(row.stale.then_some(row.age))
}

fn container(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    match &row.owner {
        ProcessOwner::Pod { container, .. } => Cell::known(container.clone(), |container| {
            Cell::new(container, Tone::Plain)
        }),
        ProcessOwner::Outside(_) => Cell::default(),
        ProcessOwner::UnknownPod(_) | ProcessOwner::Unknown => Cell::unknown(),
    }
}

/// How long it has run nothing; nothing is said of one that is at work.
fn idle(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    Cell::reading(&row.process().idle_for, |idle| match idle.as_secs() {
        0 => Cell::default(),
        _ => Cell::new(format::age(*idle), Tone::Plain),
    })
}

fn note(_: &Cx<'_>, row: &ProcessRow) -> Cell {
    let stale = stale_cell(row.stale.then_some(row.age));
    let (note, short) = match (&row.owner, row.allocated) {
        (ProcessOwner::Pod { .. }, Some(false)) => ("⚑ not asked for", "⚑ unasked"),
        (ProcessOwner::Outside(_), _) => ("outside the cluster", "outside"),
        _ => return Cell::of(stale.into_iter().collect()),
    };
    let mut pieces = vec![Piece::new(note, Tone::Notice)];
    if let Some(stale) = stale {
        pieces.extend([Piece::new(", ", Tone::Faint), stale]);
    }
    Cell::of(pieces).or_short(vec![Piece::new(short, Tone::Notice)])
}
