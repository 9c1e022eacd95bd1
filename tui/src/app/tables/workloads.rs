//! A workload as the head of its pods: sums in the columns of the pods.

use gputop_fleet::state::{PodRow, WorkloadRow};

use super::Cx;
use super::cell::{Cell, Piece, Tone};
use super::column::Column;
use super::pods::short_kind;
use crate::app::format;

/// The cell of a column of the pods' table.
pub(super) fn cell(cx: &Cx<'_>, column: &Column, row: &WorkloadRow) -> Cell {
    match column.title {
        "POD" => name(cx, row),
        "NODE" => node(cx, row),
        "STATUS" => status(cx, row),
        "REQ" => count(usize::try_from(row.requested).ok()),
        "ALLOC" => count(row.devices),
        "USED" => used(row),
        "VRAM" => Cell::known(row.memory_used, |bytes| {
            Cell::new(bytes.to_string(), Tone::Plain)
        }),
        "IDLE" => match row.idle_since {
            Some(since) => Cell::new(format::age(cx.clock.age(since)), Tone::Warn),
            None => Cell::default(),
        },
        "RESTARTS" => restarts(cx, row),
        "WHY" => why(row),
        _ => Cell::default(),
    }
}

/// Its pods.
pub(super) fn pods<'a>(
    cx: &Cx<'a>,
    row: &'a WorkloadRow,
) -> impl Iterator<Item = &'a PodRow> + use<'a> {
    let pods = &cx.picture.pods;
    row.pods.iter().filter_map(|at| pods.get(*at))
}

fn name(cx: &Cx<'_>, row: &WorkloadRow) -> Cell {
    let pieces = vec![
        Piece::new(if cx.folded { "▸ " } else { "▾ " }, Tone::Accent),
        Piece::new(format!("{}/", row.namespace), Tone::Muted),
        Piece::new(row.name.clone(), Tone::Strong),
    ];
    let short = pieces.clone();
    let kind = format!(" {} {}", short_kind(&row.kind), row.pods.len());
    let mut whole = pieces;
    whole.push(Piece::new(kind, Tone::Muted));
    Cell::of(whole).or_short(short)
}

fn node(cx: &Cx<'_>, row: &WorkloadRow) -> Cell {
    let mut nodes: Vec<&str> = pods(cx, row)
        .filter_map(|pod| pod.info.node.as_ref().map(gputop_model::NodeName::as_str))
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    match nodes.as_slice() {
        [] => Cell::new("none yet", Tone::Faint),
        [only] => Cell::new((*only).to_owned(), Tone::Muted),
        nodes => Cell::new(format!("{} nodes", nodes.len()), Tone::Muted),
    }
}

/// What is amiss with some, or how many are ready.
fn status(cx: &Cx<'_>, row: &WorkloadRow) -> Cell {
    if row.pending > 0 {
        return Cell::new(format!("{} pending", row.pending), Tone::Warn);
    }
    let running = || pods(cx, row).filter(|pod| !pod.info.phase.is_finished());
    let all = running().count();
    let ready = running().filter(|pod| pod.info.ready).count();
    match (ready, all) {
        (_, 0) => Cell::new("done", Tone::Muted),
        (ready, all) if ready == all => Cell::new(format!("{ready} ready"), Tone::Muted),
        (ready, all) => Cell::new(format!("{ready} of {all} ready"), Tone::Warn),
    }
}

fn count(count: Option<usize>) -> Cell {
    Cell::known(count, |count| match count {
        0 => Cell::new("0", Tone::Faint),
        count => Cell::new(count.to_string(), Tone::Plain),
    })
}

fn used(row: &WorkloadRow) -> Cell {
    match row.in_use {
        Some(used) if row.unrequested => Cell::new(format!("⚑{used}"), Tone::Notice),
        used => count(used),
    }
}

fn restarts(cx: &Cx<'_>, row: &WorkloadRow) -> Cell {
    let restarts = pods(cx, row).fold(0_u32, |sum, pod| sum.saturating_add(pod.info.restarts()));
    count(usize::try_from(restarts).ok())
}

fn why(row: &WorkloadRow) -> Cell {
    if row.unrequested {
        return Cell::new("⚑ uses a GPU it did not ask for", Tone::Notice)
            .or_short(vec![Piece::new("⚑ not asked", Tone::Notice)]);
    }
    Cell::default()
}
