//! The table of devices.

use gputop_fleet::state::{AllocatedTo, DeviceRow, DeviceState, Gap, ProcessOwner};
use gputop_model::{DeviceKind, Health, NodeName, ThrottleReason};

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::nodes::{memory_cell, temperature_cell, utilization_cell};
use super::state_sign::{sign, state_tone};
use super::{Cx, age_cell, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("NODE", 1, (12, 32), Content::Device(node)),
    Column::number("GPU", 0, 3, Content::Device(index)),
    Column::words("PRODUCT", 3, (11, 30), Content::Device(product)).measured(),
    Column::words("STATE", 0, (11, 13), Content::Device(state)).measured(),
    Column::number("AGE", 0, 4, Content::Device(age)).when_filled(),
    Column::gauge("UTIL", 1, (4, 14, 24), Content::Device(utilization)),
    Column::gauge("VRAM", 1, (11, 20, 31), Content::Device(memory)),
    Column::number("TEMP", 4, 5, Content::Device(temperature)).measured(),
    Column::amount("POWER", 5, (5, 9), Content::Device(power)).measured(),
    Column::words("HELD BY", 1, (12, 44), Content::Device(holder))
        .measured()
        .growing(0),
    Column::number("PROC", 7, 4, Content::Device(processes)).measured(),
    Column::words("NOTE", 6, (11, 34), Content::Device(note))
        .remarks()
        .when_filled(),
];

fn node(cx: &Cx<'_>, row: &DeviceRow) -> Cell {
    node_name(cx, &row.node)
}

pub(super) fn node_name(cx: &Cx<'_>, name: &NodeName) -> Cell {
    Cell::new(
        name.to_string(),
        if cx.repeated {
            Tone::Faint
        } else {
            Tone::Strong
        },
    )
}

fn index(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    match row.device().kind {
        DeviceKind::Gpu { .. } => Cell::new(row.device().index.to_string(), Tone::Plain),
        DeviceKind::MigInstance { .. } => Cell::new(row.device().index.to_string(), Tone::Faint),
    }
}

/// How old the figures are, once they are old.
fn age(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    age_cell(row.stale.then_some(row.age))
}

/// A product, or the profile of an instance.
#[must_use]
pub fn product_of(row: &DeviceRow) -> &str {
    match &row.device().kind {
        DeviceKind::Gpu { .. } => format::product(&row.device().product),
        DeviceKind::MigInstance { profile, .. } => profile,
    }
}

fn product(cx: &Cx<'_>, row: &DeviceRow) -> Cell {
    let DeviceKind::MigInstance { parent, profile } = &row.device().kind else {
        return Cell::new(product_of(row).to_owned(), Tone::Plain);
    };
    let next = cx.picture.devices.get(cx.position + 1);
    let goes_on = next.is_some_and(|next| {
        next.node == row.node
            && matches!(&next.device().kind, DeviceKind::MigInstance { parent: other, .. } if other == parent)
    });
    let branch = if goes_on { "├ " } else { "└ " };
    Cell::of(vec![
        Piece::new(branch, Tone::Faint),
        Piece::new(profile.clone(), Tone::Plain),
    ])
}

fn state(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let tone = state_tone(row.state);
    Cell::new(format!("{} {}", sign(row.state), row.state.name()), tone)
}

fn utilization(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    Cell::reading(&row.device().utilization, |percent| {
        utilization_cell(percent.0)
    })
}

fn memory(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let device = row.device();
    Cell::reading(&device.memory_total, |total| {
        let mut cell = memory_cell(device.memory_used.get(), *total);
        cell.stale = device.memory_used.age().is_some();
        cell
    })
}

fn temperature(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    Cell::reading(&row.device().temperature, |celsius| {
        temperature_cell(celsius.0)
    })
}

fn power(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let device = row.device();
    Cell::reading(&device.power, |power| {
        let watts = Piece::new(power.to_string(), Tone::Plain);
        let Some(limit) = device.power_limit.get() else {
            return Cell::of(vec![watts]);
        };
        let draw = power.0.saturating_add(500) / 1000;
        Cell::of(vec![
            Piece::new(draw.to_string(), Tone::Plain),
            Piece::new(format!("/{limit}"), Tone::Muted),
        ])
        .or_short(vec![watts])
    })
}

/// Who was given the device, or who uses it without having been given it.
fn holder(cx: &Cx<'_>, row: &DeviceRow) -> Cell {
    match &row.allocated_to {
        None => Cell::unknown(),
        Some(holders) if holders.is_empty() => occupant(cx, row),
        Some(holders) => {
            let others = pods_of(holders).len() - 1;
            let mut pieces = vec![Piece::new(held_by(&holders[0]), Tone::Plain)];
            if others > 0 {
                pieces.push(Piece::new(format!(" +{others}"), Tone::Muted));
            }
            Cell::of(pieces)
        }
    }
}

/// The pods among the holders, each once: a pod may hold several shares.
fn pods_of(holders: &[AllocatedTo]) -> Vec<(&str, &str)> {
    let mut pods: Vec<_> = holders
        .iter()
        .map(|to| (&*to.namespace, &*to.pod))
        .collect();
    pods.sort_unstable();
    pods.dedup();
    pods
}

/// `namespace/pod`.
#[must_use]
pub fn held_by(to: &AllocatedTo) -> String {
    format!("{}/{}", to.namespace, to.pod)
}

fn occupant(cx: &Cx<'_>, row: &DeviceRow) -> Cell {
    let mut names: Vec<String> = Vec::new();
    for at in &row.processes {
        let name = match &cx.picture.processes[*at].owner {
            ProcessOwner::Pod { namespace, pod, .. } => format!("{namespace}/{pod}"),
            ProcessOwner::UnknownPod(_) => "a pod that is gone".to_owned(),
            ProcessOwner::Outside(what) => what.clone(),
            ProcessOwner::Unknown => "an unknown process".to_owned(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut pieces = Vec::new();
    match names.as_slice() {
        [] if row.state == DeviceState::Occupied => {
            pieces.push(Piece::new("nobody visible", Tone::Notice));
        }
        [] => {}
        [first, others @ ..] => {
            pieces.push(Piece::new(first.clone(), Tone::Notice));
            if !others.is_empty() {
                pieces.push(Piece::new(format!(" +{}", others.len()), Tone::Muted));
            }
        }
    }
    Cell::of(pieces)
}

/// The device in one line, for where there are no columns.
#[must_use]
pub fn device_line(cx: &Cx<'_>, row: &DeviceRow) -> Vec<Piece> {
    let device = row.device();
    let name = match device.kind {
        DeviceKind::Gpu { .. } => format!("{} {} ", device.index, product_of(row)),
        DeviceKind::MigInstance { .. } => format!("  {} ", product_of(row)),
    };
    let mut line = vec![
        Piece::new(name, Tone::Plain),
        Piece::new(
            format!("{} {}", sign(row.state), row.state.name()),
            state_tone(row.state),
        ),
    ];
    let cells = [
        (!row.stale).then(|| utilization(cx, row)),
        Some(memory(cx, row)),
        Some(holder(cx, row)),
    ];
    for cell in cells
        .into_iter()
        .flatten()
        .filter(|cell| *cell != Cell::unknown())
    {
        line.push(Piece::new("  ", Tone::Plain));
        line.extend(cell.pieces);
    }
    line
}

fn processes(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    match row.processes.len() {
        0 => Cell::new("0", Tone::Faint),
        number => Cell::new(number.to_string(), Tone::Plain),
    }
}

fn note(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let mut notes: Vec<Piece> = Vec::new();
    notes.extend(stale_cell(row.stale.then_some(row.age)));
    match row.device().health.known() {
        Some(Health::Sick { why }) => notes.push(Piece::new(format::one_line(why), Tone::Bad)),
        Some(Health::Degraded { why }) => {
            notes.push(Piece::new(
                format!("▲ {}", format::one_line(why)),
                Tone::Bad,
            ));
        }
        Some(Health::Ok) | None => {}
    }
    for reason in row.device().throttle_reasons.fresh().into_iter().flatten() {
        let note = throttle_piece(*reason);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    if let (Some(closed), DeviceState::Free) = (row.closed, row.state) {
        notes.push(Piece::new(closed.name(), Tone::Warn));
    }
    let mut pieces = Vec::new();
    for note in notes {
        if !pieces.is_empty() {
            pieces.push(Piece::new(", ", Tone::Faint));
        }
        pieces.push(note);
    }
    Cell::of(pieces)
}

/// Why the clocks are held back. A card at its power limit does what it was told to.
fn throttle_piece(reason: ThrottleReason) -> Piece {
    match reason {
        ThrottleReason::SoftwarePowerCap
        | ThrottleReason::SyncBoost
        | ThrottleReason::DisplayClocks => Piece::new(reason.to_string(), Tone::Muted),
        _ => Piece::new(format!("▼ {reason}"), Tone::Bad),
    }
}

/// The place of devices of which nothing is known.
pub(super) fn gap_sentence(gap: &Gap) -> Cell {
    let reason = format::one_line(&gap.reason);
    let text = match usize::try_from(gap.units) {
        Ok(units) if units > 0 => format!("{}: {reason}", format::count(units, "unit")),
        _ => reason,
    };
    Cell::new(text, Tone::Warn)
}
