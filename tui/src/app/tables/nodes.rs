//! The table of nodes.

use gputop_fleet::state::{AgentStatus, NodeRow};
use gputop_model::Readiness;

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::state_sign::counts_pieces;
use super::{Cx, age_cell, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("NODE", 0, (12, 36), Content::Node(name)),
    Column::words("STATUS", 2, (8, 24), Content::Node(status)).growing(20),
    Column::number("AGE", 0, 4, Content::Node(age)).when_filled(),
    Column::words("GPUS", 1, (12, 24), Content::Node(products)),
    Column::words("UNITS", 1, (5, 12), Content::Node(units)),
    Column::words("DEVICES", 4, (7, 44), Content::Node(devices))
        .measured()
        .growing(21),
    Column::gauge("UTIL", 2, (4, 14, 24), Content::Node(utilization)),
    Column::gauge("VRAM", 2, (11, 20, 31), Content::Node(memory)),
    Column::number("TEMP", 3, 5, Content::Node(temperature)).measured(),
    Column::number("POWER", 5, 5, Content::Node(power)).measured(),
    Column::words("DAEMON", 6, (9, 12), Content::Node(daemon)).remarks(),
    Column::words("WHY", 7, (18, 48), Content::Node(why))
        .remarks()
        .when_filled(),
];

/// Temperature in °C from which it is called hot: NVIDIA's consumer cards slow down from 83 to 90.
pub(super) const HOT: i32 = 85;

/// Share of the memory in percent from which it is called full.
pub(super) const FULL: u8 = 95;

fn name(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::new(row.info.name.to_string(), Tone::Strong)
}

fn status(_: &Cx<'_>, row: &NodeRow) -> Cell {
    let (word, tone) = match &row.info.readiness {
        Readiness::Ready if row.info.cordoned => ("cordoned", Tone::Warn),
        Readiness::Ready => ("Ready", Tone::Plain),
        Readiness::NotReady { .. } => ("NotReady", Tone::Warn),
        Readiness::Unknown => ("Unknown", Tone::Warn),
    };
    let mut pieces = vec![Piece::new(word, tone)];
    let short = pieces.clone();
    if row.info.cordoned && !matches!(row.info.readiness, Readiness::Ready) {
        pieces.push(Piece::new(" cordoned", Tone::Warn));
    }
    if !row.info.roles.is_empty() {
        pieces.push(Piece::new(
            format!(" {}", row.info.roles.join(",")),
            Tone::Muted,
        ));
    }
    Cell::of(pieces).or_short(short)
}

/// How old the figures are, once they are old.
fn age(_: &Cx<'_>, row: &NodeRow) -> Cell {
    age_cell(row.age.filter(|_| row.stale))
}

/// `2× RTX 3090, 1× T4`.
pub(crate) fn product_list(row: &NodeRow) -> String {
    let names: Vec<String> = row
        .products
        .iter()
        .map(|(name, count)| format!("{count}× {}", format::product(name)))
        .collect();
    names.join(", ")
}

fn products(_: &Cx<'_>, row: &NodeRow) -> Cell {
    if row.products.is_empty() {
        Cell::unknown()
    } else {
        Cell::new(product_list(row), Tone::Plain)
    }
}

fn units(_: &Cx<'_>, row: &NodeRow) -> Cell {
    if row.resources.is_empty() {
        return Cell::new("none", Tone::Faint);
    }
    let requested = row
        .requested()
        .map_or_else(|| format::UNKNOWN.to_owned(), |units| units.to_string());
    let counts = Piece::new(format!("{requested}/{}", row.allocatable()), Tone::Plain);
    let short = vec![counts.clone()];
    let free = match row.free() {
        None => Piece::new("", Tone::Plain),
        Some(0) => Piece::new(" full", Tone::Muted),
        Some(free) if free < 0 => Piece::new(format!(" {free} free"), Tone::Warn),
        // Free, but no pod can be put there.
        Some(free) if row.info.cordoned || row.info.readiness != Readiness::Ready => {
            Piece::new(format!(" {free} free"), Tone::Muted)
        }
        Some(free) => Piece::new(format!(" {free} free"), Tone::Accent),
    };
    Cell::of(vec![counts, free]).or_short(short)
}

fn devices(_: &Cx<'_>, row: &NodeRow) -> Cell {
    let Some(counts) = &row.devices else {
        return Cell::unknown();
    };
    let join = |short| {
        let mut pieces = Vec::new();
        for piece in counts_pieces(counts, short) {
            if !pieces.is_empty() {
                pieces.push(Piece::new(if short { " " } else { "  " }, Tone::Plain));
            }
            pieces.push(piece);
        }
        pieces
    };
    Cell::of(join(false)).or_short(join(true))
}

fn utilization(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::known(row.utilization, utilization_cell)
}

/// A share of time with a bar; much is good.
pub(super) fn utilization_cell(percent: u8) -> Cell {
    let tone = if percent == 0 {
        Tone::Muted
    } else {
        Tone::Plain
    };
    Cell::new(format!("{percent}%"), tone).with_gauge(percent, Tone::Good)
}

fn memory(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::known(row.memory, |(used, total)| memory_cell(Some(used), total))
}

/// Used of all memory with a bar; nearly all is bad.
pub(super) fn memory_cell(used: Option<gputop_model::Bytes>, total: gputop_model::Bytes) -> Cell {
    let percent = used
        .and_then(|used| used.share_of(total))
        .map(|percent| percent.0);
    let full = percent.is_some_and(|percent| percent >= FULL);
    let (text, bar) = if full {
        (Tone::Bad, Tone::Bad)
    } else {
        (Tone::Plain, Tone::Accent)
    };
    let cell = Cell::new(format::memory(used, total), text);
    match percent {
        Some(percent) => cell.with_gauge(percent, bar),
        None => cell,
    }
}

fn temperature(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::known(row.temperature, temperature_cell)
}

/// Degrees; heat has a sign as well as a colour.
pub(super) fn temperature_cell(celsius: i32) -> Cell {
    if celsius >= HOT {
        // One column for the sign, so that three digits still fit.
        Cell::new(format!("▲{celsius}°"), Tone::Bad)
    } else {
        Cell::new(format!("{celsius}°C"), Tone::Plain)
    }
}

fn power(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::known(row.power, |power| {
        Cell::new(format::power(power), Tone::Plain)
    })
}

fn daemon(_: &Cx<'_>, row: &NodeRow) -> Cell {
    if let Some(stale) = stale_cell(row.age.filter(|_| row.stale)) {
        return Cell::of(vec![stale]);
    }
    match &row.agent {
        AgentStatus::Live => Cell::new("live", Tone::Muted),
        AgentStatus::NotAsked => Cell::new("off", Tone::Faint),
        AgentStatus::Hidden => Cell::new("hidden", Tone::Faint),
        AgentStatus::Absent => Cell::new("none", Tone::Warn),
        AgentStatus::NotRunning { .. } => Cell::new("down", Tone::Warn),
        AgentStatus::Connecting => Cell::new("connecting", Tone::Muted),
        AgentStatus::Lost { .. } => Cell::new("lost", Tone::Warn),
    }
}

fn why(_: &Cx<'_>, row: &NodeRow) -> Cell {
    match &row.reason {
        Some(reason) => Cell::new(format::one_line(reason), Tone::Warn),
        None => Cell::default(),
    }
}

/// Why nothing is measured, in place of the measurements.
pub(super) fn sentence(row: &NodeRow) -> Option<Cell> {
    let measured = row.utilization.is_some()
        || row.memory.is_some()
        || row.power.is_some()
        || row
            .devices
            .as_ref()
            .is_some_and(|counts| !counts.is_empty());
    if measured {
        return None;
    }
    let reason = row.reason.clone().or_else(|| row.agent.reason())?;
    // A machine without a GPU is nothing to worry about; one whose GPUs are not seen is.
    let tone = if row.capacity() > 0 {
        Tone::Warn
    } else {
        Tone::Muted
    };
    Some(Cell::new(format::one_line(&reason), tone))
}
