//! The table of nodes.

use gputop_fleet::state::{AgentStatus, NodeRow, NodeState, Sum};
use gputop_model::Readiness;

use super::cell::{Cell, Piece, Tone};
use super::column::{Column, Content};
use super::state_sign::counts_pieces;
use super::{Cx, age_cell, stale_cell};
use crate::app::format;

pub(super) const COLUMNS: &[Column] = &[
    Column::words("NODE", 0, (12, 36), Content::Node(name))
        .roomy(24)
        .by("node"),
    Column::words("STATUS", 0, (8, 24), Content::Node(status))
        .growing(20)
        .by("status"),
    Column::number("OLD", 0, 4, Content::Node(old))
        .when_filled()
        .by("old"),
    Column::words("ROLES", 5, (8, 32), Content::Node(roles))
        .second()
        .when_filled()
        .by("role"),
    Column::words("GPUS", 1, (12, 24), Content::Node(products))
        .roomy(18)
        .by("product"),
    Column::words("UNITS", 1, (5, 12), Content::Node(units)).by("free"),
    Column::words("DEVICES", 2, (7, 60), Content::Node(devices))
        .measured()
        .short(17)
        .growing(8)
        .by("devices"),
    Column::gauge("UTIL", 2, (4, 14, 24), Content::Node(utilization)).by("util"),
    Column::gauge("VRAM", 3, (11, 20, 31), Content::Node(memory)).by("vram"),
    Column::number("TEMP", 4, 5, Content::Node(temperature))
        .measured()
        .by("temp"),
    Column::number("POWER", 5, 5, Content::Node(power))
        .measured()
        .by("power"),
    Column::words("DAEMON", 6, (9, 12), Content::Node(daemon))
        .remarks()
        .by("daemon"),
    Column::words("WHY", 7, (18, 48), Content::Node(why))
        .remarks()
        .when_filled()
        .growing(9)
        .by("why"),
    Column::words("CONDITIONS", 1, (10, 40), Content::Node(conditions))
        .second()
        .when_filled()
        .by("condition"),
    Column::words("TAINTS", 6, (10, 48), Content::Node(taints))
        .second()
        .when_filled()
        .by("taint"),
    Column::words("OTHER", 4, (10, 40), Content::Node(other))
        .second()
        .when_filled()
        .by("other"),
    Column::words("DRIVER", 2, (9, 14), Content::Node(driver))
        .second()
        .by("driver"),
    Column::words("CUDA", 6, (4, 6), Content::Node(cuda))
        .second()
        .by("cuda"),
    Column::words("VERSION", 3, (12, 20), Content::Node(version))
        .second()
        .by("version"),
    Column::words("RUNTIME", 8, (12, 24), Content::Node(runtime))
        .second()
        .when_filled()
        .by("runtime"),
    Column::words("OS/ARCH", 7, (12, 36), Content::Node(system))
        .second()
        .by("os"),
    Column::words("IP", 9, (13, 40), Content::Node(address))
        .second()
        .when_filled()
        .by("ip"),
    Column::number("AGE", 10, 5, Content::Node(age))
        .second()
        .by("age"),
];

/// Temperature in °C from which it is called hot: NVIDIA's consumer cards slow down from 83 to 90.
pub const HOT: i32 = 85;

/// Share of the memory in percent from which it is called full.
pub const FULL: u8 = 95;

/// Before a figure over several GPUs of which some do not say theirs.
pub const AT_LEAST: &str = "≥";

fn name(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::new(row.info.name.to_string(), Tone::Strong)
}

fn status(cx: &Cx<'_>, row: &NodeRow) -> Cell {
    let state = row.state();
    let (word, tone) = match state {
        NodeState::Ready => ("Ready", Tone::Plain),
        NodeState::Cordoned => ("cordoned", Tone::Warn),
        NodeState::NotReady => ("NotReady", Tone::Warn),
        // As it was said that it would be.
        NodeState::Away => ("away", Tone::Muted),
        NodeState::Unknown => ("Unknown", Tone::Warn),
    };
    let mut pieces = vec![Piece::new(word, tone)];
    let short = pieces.clone();
    if let Some(since) = row.info.not_ready_since() {
        let age = format!(" {}", format::age(cx.clock.age(since)));
        pieces.push(Piece::new(age, Tone::Muted));
    }
    if row.info.cordoned && state != NodeState::Cordoned {
        pieces.push(Piece::new(" cordoned", tone));
    }
    // With more columns they have one of their own.
    if !row.info.roles.is_empty() && !cx.wide {
        let roles = format!(" {}", row.info.roles.join(","));
        pieces.push(Piece::new(roles, Tone::Muted));
    }
    Cell::of(pieces).or_short(short)
}

/// How old the figures are, once they are old.
fn old(_: &Cx<'_>, row: &NodeRow) -> Cell {
    age_cell(row.age.filter(|_| row.stale))
}

/// How long the node has been in the cluster.
fn age(cx: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::known(row.info.created, |created| {
        Cell::new(format::age(cx.clock.age(created)), Tone::Plain)
    })
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
    match &row.no_gpu {
        _ if !row.products.is_empty() => Cell::new(product_list(row), Tone::Plain),
        // The first broken link from the card to the scheduler.
        Some(no_gpu) => Cell::new(no_gpu.word(), concern(row)),
        None => Cell::unknown(),
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
    // A mean of some is neither too low nor too high.
    let cell = Cell::known(row.utilization.value, utilization_cell);
    marked(cell, row.utilization, "~")
}

/// The cell of a figure which some of the GPUs do not say, with `sign` before it.
fn marked<T: Copy>(mut cell: Cell, sum: Sum<T>, sign: &'static str) -> Cell {
    if sum.is_partial() && sum.value.is_some() {
        cell.pieces.insert(0, Piece::new(sign, Tone::Warn));
    }
    cell
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
    let cell = Cell::known(row.memory.value, |(used, total)| {
        memory_cell(Some(used), total)
    });
    marked(cell, row.memory, AT_LEAST)
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
    let cell = Cell::known(row.temperature.value, temperature_cell);
    marked(cell, row.temperature, AT_LEAST)
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
    let cell = Cell::known(row.power.value, |power| {
        Cell::new(format::power(power), Tone::Plain)
    });
    marked(cell, row.power, AT_LEAST)
}

fn daemon(_: &Cx<'_>, row: &NodeRow) -> Cell {
    if let Some(stale) = stale_cell(row.age.filter(|_| row.stale)) {
        return Cell::of(vec![stale]);
    }
    match &row.agent {
        AgentStatus::Live => Cell::new("live", Tone::Muted),
        AgentStatus::Visited { .. } => Cell::new("in turn", Tone::Muted),
        AgentStatus::NotAsked => Cell::new("off", Tone::Faint),
        AgentStatus::Hidden => Cell::new("hidden", Tone::Faint),
        AgentStatus::Absent => Cell::new("none", concern(row)),
        AgentStatus::NotRunning { .. } => Cell::new("down", concern(row)),
        AgentStatus::Connecting => Cell::new("connecting", Tone::Muted),
        AgentStatus::Lost { .. } => Cell::new("lost", concern(row)),
    }
}

fn why(_: &Cx<'_>, row: &NodeRow) -> Cell {
    match (&row.reason, row.mixed_free()) {
        (Some(reason), _) => Cell::new(format::one_line(reason), concern(row)),
        (None, Some(mixed)) => Cell::new(mixed, Tone::Muted),
        (None, None) => Cell::default(),
    }
}

/// How much it matters that something is amiss: a machine that may be away is no alarm, and one
/// without a GPU is nothing to worry about.
fn concern(row: &NodeRow) -> Tone {
    if row.info.is_away() || row.capacity() == 0 {
        Tone::Muted
    } else {
        Tone::Warn
    }
}

fn roles(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::new(row.info.roles.join(","), Tone::Plain)
}

/// What the node complains of; a node that does not answer complains of nothing now.
fn conditions(_: &Cx<'_>, row: &NodeRow) -> Cell {
    let names: Vec<&str> = row
        .info
        .conditions
        .iter()
        .map(|condition| condition.kind.as_str())
        .collect();
    match names.as_slice() {
        [] => Cell::default(),
        names => Cell::new(format!("▲ {}", names.join(",")), Tone::Bad),
    }
}

fn taints(_: &Cx<'_>, row: &NodeRow) -> Cell {
    let taint = |taint: &gputop_model::Taint| {
        let value = if taint.value.is_empty() { "" } else { "=" };
        format!("{}{value}{}:{}", taint.key, taint.value, taint.effect)
    };
    match row.info.taints.as_slice() {
        [] => Cell::default(),
        taints => Cell::new(
            taints.iter().map(taint).collect::<Vec<_>>().join(","),
            Tone::Plain,
        ),
    }
}

/// Accelerators of other vendors and fractions by other tools: shown, not computed.
fn other(_: &Cx<'_>, row: &NodeRow) -> Cell {
    let others: Vec<String> = row
        .info
        .other_resources
        .iter()
        .map(|(name, counts)| format!("{name} {}", counts.allocatable))
        .collect();
    Cell::new(others.join(", "), Tone::Plain)
}

fn driver(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::known(row.driver_version.clone(), |version| {
        Cell::new(version, Tone::Plain)
    })
}

fn cuda(_: &Cx<'_>, row: &NodeRow) -> Cell {
    Cell::known(row.cuda_version.clone(), |version| {
        Cell::new(version, Tone::Plain)
    })
}

fn version(_: &Cx<'_>, row: &NodeRow) -> Cell {
    stated(&row.info.kubelet_version)
}

fn runtime(_: &Cx<'_>, row: &NodeRow) -> Cell {
    stated(&row.info.container_runtime.replace("://", " "))
}

fn system(_: &Cx<'_>, row: &NodeRow) -> Cell {
    let info = &row.info;
    stated(format!("{} {}", info.os_image, info.architecture).trim())
}

fn address(_: &Cx<'_>, row: &NodeRow) -> Cell {
    let short = row.info.addresses.first().cloned();
    let cell = stated(&row.info.addresses.join(","));
    match short {
        Some(first) => cell.or_short(vec![Piece::new(first, Tone::Plain)]),
        None => cell,
    }
}

/// What the API says of itself; it leaves out what it does not know.
fn stated(text: &str) -> Cell {
    if text.is_empty() {
        Cell::unknown()
    } else {
        Cell::new(text.to_owned(), Tone::Plain)
    }
}

/// Why nothing is measured, in place of the measurements.
pub(super) fn sentence(row: &NodeRow) -> Option<Cell> {
    let measured = row.utilization.value.is_some()
        || row.memory.value.is_some()
        || row.power.value.is_some()
        || row
            .devices
            .as_ref()
            .is_some_and(|counts| !counts.is_empty());
    if measured {
        return None;
    }
    let reason = row.reason.clone().or_else(|| row.agent.reason())?;
    Some(Cell::new(format::one_line(&reason), concern(row)))
}
