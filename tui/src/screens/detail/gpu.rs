//! A device in full.

use gputop_fleet::state::{AllocatedTo, DeviceRow, DeviceState, Gap};
use gputop_model::{Bytes, DeviceKind, MilliWatts, Reading};

use super::{Facts, add, list, say};
use crate::app::format;
use crate::app::tables::{
    Cx, Piece, Tone, held_by, owner_pieces, process_line, product_of, sign, state_tone,
};

pub(super) fn facts(cx: Cx<'_>, row: &DeviceRow) -> Facts {
    let device = row.device();
    let mut facts = Facts {
        title: vec![
            Piece::new(row.node.to_string(), Tone::Muted),
            Piece::new(
                format!("  GPU {} {}", device.index, product_of(row)),
                Tone::Strong,
            ),
            Piece::new(
                format!("  {} {}", sign(row.state), row.state.name()),
                state_tone(row.state),
            ),
        ],
        ..Facts::default()
    };
    let lead = &mut facts.lead;
    say(lead, "state", meaning(row), state_tone(row.state));
    if row.stale {
        let age = format::spoken(row.age);
        say(
            lead,
            "stale",
            format!("measured {age} ago, nothing since"),
            Tone::Warn,
        );
    }
    if let Some(why) = device.health.known().and_then(|health| health.why()) {
        say(lead, "health", format::one_line(why), Tone::Bad);
    }
    let holders = row.allocated_to.as_deref().unwrap_or_default();
    list(&mut facts.parts, "given to", holders.iter().map(holder));
    list(
        &mut facts.parts,
        "processes",
        row.processes.iter().map(|at| {
            let process = &cx.picture.processes[*at];
            let mut line = process_line(process);
            line.push(Piece::new("  ", Tone::Plain));
            line.extend(owner_pieces(&process.owner));
            line
        }),
    );

    let rest = &mut facts.rest;
    add(
        rest,
        "memory",
        memory(&device.memory_used, &device.memory_total),
    );
    add(rest, "power", power(&device.power, &device.power_limit));
    let reasons = device.throttle_reasons.known();
    let reasons: Vec<String> = reasons
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if !reasons.is_empty() {
        say(rest, "held back", reasons.join(", "), Tone::Plain);
    }
    if let Reading::Value(percent) = device.memory_utilization {
        say(
            rest,
            "memory bus",
            format!("busy {percent} of the time"),
            Tone::Plain,
        );
    }
    say(rest, "product", device.product.clone(), Tone::Plain);
    say(rest, "uuid", device.uuid.to_string(), Tone::Muted);
    if let DeviceKind::MigInstance { parent, .. } = &device.kind {
        say(rest, "part of", parent.to_string(), Tone::Muted);
    }
    facts
}

/// The state in a sentence.
fn meaning(row: &DeviceRow) -> String {
    let quiet = row.device().idle_for.get().map(format::spoken);
    let quiet = quiet
        .map(|quiet| format!(" for {quiet}"))
        .unwrap_or_default();
    match row.state {
        DeviceState::Sick => "must not be given work".to_owned(),
        DeviceState::Idle => format!("given to a pod that has done nothing with it{quiet}"),
        DeviceState::Occupied => {
            "the scheduler takes it for free, but something uses it without having asked".to_owned()
        }
        DeviceState::Free => match row.closed {
            None => "nobody has it and nothing uses it".to_owned(),
            Some(closed) => format!("nobody has it, but the node is {}", closed.name()),
        },
        DeviceState::Ready => format!("given to a pod that has been quiet{quiet}"),
        DeviceState::Allocated => "given to a pod; its use can not be measured".to_owned(),
        DeviceState::Working => "given to a pod and at work".to_owned(),
        DeviceState::Partitioned => "split into MIG instances, listed below it".to_owned(),
        DeviceState::Unknown => "who has it, or what uses it, could not be asked".to_owned(),
    }
}

fn holder(to: &AllocatedTo) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(held_by(to), Tone::Plain)];
    pieces.push(Piece::new(
        format!("  container {}", to.container),
        Tone::Muted,
    ));
    if let Some(share) = to.device_id.share() {
        pieces.push(Piece::new(format!("  share {share}"), Tone::Muted));
    }
    pieces
}

/// A measurement, or why there is none.
fn said<T>(reading: &Reading<T>, show: impl FnOnce(&T) -> String) -> String {
    match reading {
        Reading::Value(value) => show(value),
        Reading::Stale { value, age } => {
            format!("{} ({} ago)", show(value), format::spoken(*age))
        }
        Reading::Unsupported => "not measured by this card".to_owned(),
        Reading::Failed(failure) => failure.to_string(),
    }
}

fn memory(used: &Reading<Bytes>, total: &Reading<Bytes>) -> Vec<Piece> {
    let total = said(total, ToString::to_string);
    let used = said(used, ToString::to_string);
    vec![Piece::new(format!("{used} of {total}"), Tone::Plain)]
}

fn power(draw: &Reading<MilliWatts>, limit: &Reading<MilliWatts>) -> Vec<Piece> {
    let mut text = said(draw, ToString::to_string);
    if let Some(limit) = limit.get() {
        text = format!("{text} of {limit}");
    }
    vec![Piece::new(text, Tone::Plain)]
}

pub(super) fn gap(gap: &Gap) -> Facts {
    let mut facts = Facts {
        title: vec![
            Piece::new(gap.node.to_string(), Tone::Strong),
            Piece::new("  its GPUs are not seen", Tone::Warn),
        ],
        ..Facts::default()
    };
    say(
        &mut facts.lead,
        "why",
        format::one_line(&gap.reason),
        Tone::Warn,
    );
    say(
        &mut facts.lead,
        "units",
        format!("{} offered to the scheduler", gap.units),
        Tone::Plain,
    );
    facts
}
