//! Cells of second rank in the table of devices: clocks, links, errors.

use gputop_fleet::state::DeviceRow;
use gputop_model::{MegaHertz, Percent, Reading};

use super::Cx;
use super::cell::{Cell, Piece, Tone};
use super::gpus::throttle_piece;
use crate::app::format;

pub(super) fn throttle(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    Cell::reading(&row.device().throttle_reasons, |reasons| {
        let mut pieces: Vec<Piece> = Vec::new();
        for reason in reasons {
            let piece = throttle_piece(*reason);
            if !pieces.contains(&piece) {
                if !pieces.is_empty() {
                    pieces.push(Piece::new(", ", Tone::Faint));
                }
                pieces.push(piece);
            }
        }
        if pieces.is_empty() {
            Cell::new("no", Tone::Faint)
        } else {
            Cell::of(pieces)
        }
    })
}

pub(super) fn memory_bandwidth(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    Cell::reading(&row.device().memory_utilization, |busy| percent(*busy))
}

pub(super) fn fan(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    Cell::reading(&row.device().thermal.fan, |speed| percent(*speed))
}

fn percent(percent: Percent) -> Cell {
    Cell::new(percent.to_string(), Tone::Plain)
}

pub(super) fn clock(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let clocks = &row.device().clocks;
    rate(&clocks.sm, &clocks.sm_max)
}

pub(super) fn memory_clock(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let clocks = &row.device().clocks;
    rate(&clocks.memory, &clocks.memory_max)
}

/// Megahertz now and at most.
fn rate(now: &Reading<MegaHertz>, max: &Reading<MegaHertz>) -> Cell {
    Cell::reading(now, |now| {
        let alone = vec![Piece::new(now.0.to_string(), Tone::Plain)];
        let Some(max) = max.get() else {
            return Cell::of(alone);
        };
        let limit = Piece::new(format!("/{}", max.0), Tone::Muted);
        Cell::of(vec![alone[0].clone(), limit]).or_short(alone)
    })
}

pub(super) fn p_state(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    Cell::reading(&row.device().p_state, |state| {
        Cell::new(state.to_string(), Tone::Plain)
    })
}

/// Generation and lanes; what is worse than it could be has a sign.
pub(super) fn pcie(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let device = row.device();
    if let Some(degraded) = device.pcie_degraded() {
        return Cell::new(format!("▲ {degraded}"), Tone::Warn);
    }
    let link = &device.pcie;
    match (link.generation.get(), link.width.get()) {
        (None, None) => Cell::unknown(),
        (Some(generation), None) => Cell::new(format!("gen {generation}"), Tone::Plain),
        (None, Some(width)) => Cell::new(format!("x{width}"), Tone::Plain),
        (Some(generation), Some(width)) => {
            Cell::new(format!("{generation}.0 x{width}"), Tone::Plain)
        }
    }
}

/// Memory errors since the driver was loaded: those that were corrected, and those that were not.
pub(super) fn ecc(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let ecc = &row.device().ecc;
    if ecc.enabled.get() == Some(false) {
        return Cell::new("off", Tone::Muted);
    }
    let counts = (ecc.volatile_corrected.get(), ecc.volatile_uncorrected.get());
    match counts {
        (None, None) => Cell::unknown(),
        (corrected, Some(lost @ 1..)) => {
            let corrected =
                corrected.map_or_else(String::new, |count| format!(", {count} corrected"));
            let short = vec![Piece::new(format!("▲{lost}"), Tone::Bad)];
            Cell::new(format!("▲ {lost} lost{corrected}"), Tone::Bad).or_short(short)
        }
        (Some(0) | None, _) => Cell::new("0", Tone::Faint),
        (Some(corrected), _) => Cell::new(format!("{corrected} corrected"), Tone::Plain)
            .or_short(vec![Piece::new(corrected.to_string(), Tone::Plain)]),
    }
}

/// Work of the video engines.
pub(super) fn video(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let video = &row.device().video;
    match (video.encoder.get(), video.decoder.get()) {
        (None, None) => Cell::unknown(),
        (encoder, decoder) => {
            let shown = |percent: Option<Percent>| {
                percent.map_or_else(|| format::UNKNOWN.to_owned(), |percent| percent.to_string())
            };
            Cell::new(
                format!("{}/{}", shown(encoder), shown(decoder)),
                Tone::Plain,
            )
        }
    }
}

pub(super) fn uuid(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    Cell::new(row.device().uuid.to_string(), Tone::Muted)
}
