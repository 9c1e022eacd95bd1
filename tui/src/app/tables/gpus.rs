//! The table of devices.

use gputop_fleet::state::{AllocatedTo, Closed, DeviceRow, DeviceState, Gap, ProcessOwner, Shares};
use gputop_model::{DeviceKind, Health, NodeName, ThrottleReason};

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::nodes::{memory_cell, temperature_cell, utilization_cell};
use super::state_sign::{sign, state_tone};
use super::{Branch, Cx, age_cell, hardware, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("NODE", 1, (12, 32), Content::Device(node))
        .roomy(20)
        .by("node"),
    Column::number("GPU", 0, 3, Content::Device(index)).by("gpu"),
    Column::words("PRODUCT", 2, (11, 30), Content::Device(product))
        .measured()
        .roomy(15)
        .by("product"),
    Column::words("STATE", 0, (11, 13), Content::Device(state))
        .measured()
        .by("state"),
    Column::number("OLD", 0, 4, Content::Device(age))
        .when_filled()
        .by("old"),
    Column::gauge("UTIL", 1, (4, 14, 24), Content::Device(utilization)).by("util"),
    Column::gauge("VRAM", 2, (11, 20, 31), Content::Device(memory)).by("vram"),
    Column::number("TEMP", 4, 5, Content::Device(temperature))
        .measured()
        .by("temp"),
    Column::amount("POWER", 5, (5, 9), Content::Device(power))
        .measured()
        .by("power"),
    Column::words("HELD BY", 1, (12, 44), Content::Device(holder))
        .measured()
        .roomy(20)
        .growing(0)
        .by("held"),
    Column::number("PROC", 7, 4, Content::Device(processes))
        .measured()
        .by("proc"),
    Column::words("NOTE", 6, (11, 34), Content::Device(note))
        .remarks()
        .when_filled()
        .by("note"),
    Column::words("THROTTLE", 2, (11, 24), Content::Device(hardware::throttle))
        .measured()
        .second()
        .by("throttle"),
    Column::number("MEMBW", 1, 5, Content::Device(hardware::memory_bandwidth))
        .measured()
        .second()
        .by("membw"),
    Column::number("CLOCK", 3, 9, Content::Device(hardware::clock))
        .measured()
        .second()
        .when_filled()
        .by("clock"),
    Column::number("MEMCLOCK", 6, 11, Content::Device(hardware::memory_clock))
        .measured()
        .second()
        .when_filled()
        .by("memclock"),
    Column::number("PSTATE", 7, 6, Content::Device(hardware::p_state))
        .measured()
        .second()
        .when_filled()
        .by("pstate"),
    Column::number("FAN", 8, 4, Content::Device(hardware::fan))
        .measured()
        .second()
        .when_filled()
        .by("fan"),
    Column::words("PCIE", 4, (7, 20), Content::Device(hardware::pcie))
        .measured()
        .second()
        .when_filled()
        .by("pcie"),
    Column::words("ECC", 5, (4, 24), Content::Device(hardware::ecc))
        .measured()
        .second()
        .when_filled()
        .by("ecc"),
    Column::words("ENC/DEC", 9, (7, 9), Content::Device(hardware::video))
        .measured()
        .second()
        .when_filled()
        .by("enc"),
    Column::words("UUID", 10, (12, 40), Content::Device(hardware::uuid))
        .measured()
        .second()
        .by("uuid"),
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
        DeviceKind::MigInstance { .. } => Cell::new(row.label(), Tone::Faint),
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
    let DeviceKind::MigInstance { profile, .. } = &row.device().kind else {
        return Cell::new(product_of(row).to_owned(), Tone::Plain);
    };
    let branch = cx.branch.map_or("", Branch::sign);
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
    if device.has_unified_memory() && device.memory_total.known().is_none() {
        return Cell::new("unified", Tone::Muted);
    }
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

/// Who was given the device, or who uses it without having been given it; of a free one, why it
/// can not be had all the same.
fn holder(cx: &Cx<'_>, row: &DeviceRow) -> Cell {
    let mut cell = holders(cx, row);
    // Who got it since the kubelet spoke last is not known.
    cell.stale = row.holders_age.is_some();
    let shares = cx
        .node(&row.node)
        .and_then(|node| Shares::of(row, &node.info));
    if let Some(Shares { all, free, .. }) = shares
        && let Some(free @ 1..) = free
    {
        if let Some(short) = &mut cell.short {
            short.push(Piece::new(format!(", {free} free"), Tone::Accent));
        }
        let text = if cell.pieces.is_empty() {
            format!("{free} of {all} shares free")
        } else {
            format!(", {free} of {all} free")
        };
        cell.pieces.push(Piece::new(text, Tone::Accent));
    }
    cell
}

fn holders(cx: &Cx<'_>, row: &DeviceRow) -> Cell {
    let Some(holders) = &row.allocated_to else {
        return Cell::unknown();
    };
    match (pods_of(holders).as_slice(), row.closed) {
        ([], Some(closed)) if row.state == DeviceState::Free => {
            let tone = if closed == Closed::Away {
                Tone::Muted
            } else {
                Tone::Warn
            };
            Cell::new(format!("node {}", closed.name()), tone)
                .or_short(vec![Piece::new(closed.name(), tone)])
        }
        ([], _) => occupant(cx, row),
        ([(_, pod), others @ ..], _) => {
            let rest = (!others.is_empty())
                .then(|| Piece::new(format!(" +{}", others.len()), Tone::Muted));
            let first = Piece::new(held_by(&holders[0]), Tone::Plain);
            let short = Piece::new((*pod).to_owned(), Tone::Plain);
            Cell::of([first].into_iter().chain(rest.clone()).collect())
                .or_short([short].into_iter().chain(rest).collect())
        }
    }
}

/// The pods among the holders, each once, the first as it comes: a pod may hold several shares.
fn pods_of(holders: &[AllocatedTo]) -> Vec<(&str, &str)> {
    let mut pods: Vec<(&str, &str)> = Vec::new();
    for to in holders {
        let pod = (&*to.namespace, &*to.pod);
        if !pods.contains(&pod) {
            pods.push(pod);
        }
    }
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
        DeviceKind::MigInstance { .. } => format!("  {} {} ", row.label(), product_of(row)),
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
    let mut cell = process_count(processes_of(row));
    cell.stale = row.device().process_count.age().is_some();
    cell
}

/// How many processes are seen on the device; `None`: the driver does not list them, so that none
/// is not known either.
pub(super) fn processes_of(row: &DeviceRow) -> Option<usize> {
    let listed = row.device().process_count.known().is_some();
    (listed || !row.processes.is_empty()).then_some(row.processes.len())
}

pub(super) fn process_count(count: Option<usize>) -> Cell {
    Cell::known(count, |count| match count {
        0 => Cell::new("0", Tone::Faint),
        number => Cell::new(number.to_string(), Tone::Plain),
    })
}

fn note(_: &Cx<'_>, row: &DeviceRow) -> Cell {
    let mut notes: Vec<Piece> = Vec::new();
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
    if let (DeviceState::Idle, Some(idle)) = (row.state, row.device().idle_for.get()) {
        notes.push(Piece::new(
            format!("idle {}", format::age(idle)),
            Tone::Warn,
        ));
    }
    for reason in row.device().throttle_reasons.fresh().into_iter().flatten() {
        let note = throttle_piece(*reason);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes.extend(stale_cell(row.stale.then_some(row.age)));
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
pub(super) fn throttle_piece(reason: ThrottleReason) -> Piece {
    match reason {
        ThrottleReason::SoftwarePowerCap
        | ThrottleReason::SyncBoost
        | ThrottleReason::DisplayClocks => Piece::new(reason.to_string(), Tone::Muted),
        _ => Piece::new(format!("▼ {reason}"), Tone::Bad),
    }
}

/// The place of devices of which nothing is known. A node that may be away is no alarm.
pub(super) fn gap_sentence(cx: &Cx<'_>, gap: &Gap) -> Cell {
    let reason = format::one_line(&gap.reason);
    let text = match usize::try_from(gap.units) {
        Ok(units) if units > 0 => format!("{}: {reason}", format::count(units, "unit")),
        _ => reason,
    };
    let away = cx.node(&gap.node).is_some_and(|node| node.info.is_away());
    Cell::new(text, if away { Tone::Muted } else { Tone::Warn })
}
