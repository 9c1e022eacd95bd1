//! A device in full.

use gputop_fleet::state::{AllocatedTo, DeviceRow, DeviceState, Gap, NodeRow, Shares};
use gputop_model::{Device, DeviceEvent, DeviceKind, EventSeverity, Health, NodeSnapshot};

use super::{Facts, add, hardware, list, node, on_node, say, snapshot};
use crate::app::tables::{
    Cx, Piece, Tone, device_line, held_by, owner_pieces, process_line, product_of, sign, state_tone,
};
use crate::app::{State, format};

/// Events of a card that are shown, the newest.
const EVENTS: usize = 5;

pub(super) fn facts(state: &State, row: &DeviceRow) -> Facts {
    let cx = state.cx();
    let device = row.device();
    let mut facts = Facts {
        title: title(row),
        rest: hardware::facts(device),
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
    if let Some(age) = row.holders_age {
        let text = format!(
            "the kubelet has not said for {} who has it; who came since is not known",
            format::spoken(age)
        );
        say(lead, "holders", text, Tone::Warn);
    }
    add(lead, "health", health(device));
    add(lead, "held back", held_back(device));
    if let Some(worse) = device.pcie_degraded() {
        let text = format!("▲ {worse}: the card, the slot or a riser is not as good as the other");
        say(lead, "PCIe", text, Tone::Warn);
    }
    let node = cx.node(&row.node);
    say(lead, "shares", shares(row, node), Tone::Plain);

    let holders = row.allocated_to.as_deref().unwrap_or_default();
    list(&mut facts.parts, "given to", holders.iter().map(holder));
    list(&mut facts.parts, "processes", processes(cx, row));
    list(&mut facts.parts, "instances", instances(cx, row));
    if let Some(snapshot) = snapshot(state, &row.node) {
        list(&mut facts.parts, "events", events(snapshot, device));
    }
    facts
}

fn title(row: &DeviceRow) -> Vec<Piece> {
    vec![
        Piece::new(row.node.to_string(), Tone::Muted),
        Piece::new(
            format!("  GPU {} {}", row.label(), product_of(row)),
            Tone::Strong,
        ),
        Piece::new(
            format!("  {} {}", sign(row.state), row.state.name()),
            state_tone(row.state),
        ),
    ]
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

fn health(device: &Device) -> Vec<Piece> {
    match device.health.known() {
        Some(Health::Sick { why }) => vec![Piece::new(
            format!("✖ {}", format::one_line(why)),
            Tone::Bad,
        )],
        Some(Health::Degraded { why }) => vec![Piece::new(
            format!("▲ {}", format::one_line(why)),
            Tone::Bad,
        )],
        Some(Health::Ok) | None => Vec::new(),
    }
}

/// Why the clocks are held back. A card at its power limit does what it was told to.
fn held_back(device: &Device) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for reason in device.throttle_reasons.known().into_iter().flatten() {
        let piece = if reason.needs_attention() {
            Piece::new(format!("▼ {reason}"), Tone::Bad)
        } else {
            Piece::new(reason.to_string(), Tone::Plain)
        };
        if pieces.contains(&piece) {
            continue;
        }
        if !pieces.is_empty() {
            pieces.push(Piece::new(", ", Tone::Faint));
        }
        pieces.push(piece);
    }
    if let Some(margin) = device
        .temperature_margin()
        .filter(|_| device.is_slowed_down())
    {
        let text = match margin.0 {
            0.. => format!("  {margin} below where the hardware halves the clocks"),
            _ => "  beyond where the hardware halves the clocks".to_owned(),
        };
        pieces.push(Piece::new(text, Tone::Muted));
    }
    pieces
}

/// How many shares of a time-sliced card are held, and how many are free.
fn shares(row: &DeviceRow, node: Option<&NodeRow>) -> String {
    if let Some(shares) = node.and_then(|node| Shares::of(row, &node.info)) {
        let free = shares.free.map(|free| format!(", {free} free"));
        return format!(
            "{} of {} held{}: the pods take turns and share the memory",
            shares.held,
            shares.all,
            free.unwrap_or_default(),
        );
    }
    let holders = row.allocated_to.as_deref().unwrap_or_default();
    let held = holders
        .iter()
        .filter(|to| to.device_id.share().is_some())
        .count();
    if held == 0 {
        return String::new();
    }
    format!("{held} held: the pods take turns and share the memory")
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

fn processes<'a>(cx: Cx<'a>, row: &'a DeviceRow) -> impl Iterator<Item = Vec<Piece>> + 'a {
    row.processes.iter().map(move |at| {
        let process = &cx.picture.processes[*at];
        let mut line = process_line(process);
        line.push(Piece::new("  ", Tone::Plain));
        line.extend(owner_pieces(&process.owner));
        line
    })
}

/// The MIG instances of a GPU.
fn instances<'a>(cx: Cx<'a>, row: &'a DeviceRow) -> impl Iterator<Item = Vec<Piece>> + 'a {
    let of = &row.device().uuid;
    on_node(&cx.picture.devices, &row.node)
        .iter()
        .filter(move |other| {
            matches!(&other.device().kind, DeviceKind::MigInstance { parent, .. } if parent == of)
        })
        .map(move |instance| device_line(&cx, instance))
}

/// What the driver reported by itself, the newest first. A MIG instance's card speaks for it.
fn events(snapshot: &NodeSnapshot, device: &Device) -> Vec<Vec<Piece>> {
    let uuid = match &device.kind {
        DeviceKind::Gpu { .. } => &device.uuid,
        DeviceKind::MigInstance { parent, .. } => parent,
    };
    let mut events: Vec<&DeviceEvent> = snapshot
        .events
        .iter()
        .filter(|event| event.device == *uuid && !event.kind.is_frequent())
        .collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(EVENTS);
    let line = |event: &DeviceEvent| {
        let ago = format::spoken(snapshot.event_age(event));
        let tone = match event.kind.severity() {
            EventSeverity::Notice => Tone::Plain,
            EventSeverity::Degraded => Tone::Warn,
            EventSeverity::Sick => Tone::Bad,
        };
        let mut line = vec![
            Piece::new(format!("{ago} ago  "), Tone::Muted),
            Piece::new(event.kind.meaning(), tone),
        ];
        if event.count > 1 {
            line.push(Piece::new(format!(" ×{}", event.count), Tone::Muted));
        }
        if let Some(advice) = event.kind.advice() {
            line.push(Piece::new(format!("  {advice}"), Tone::Muted));
        }
        line
    };
    events.into_iter().map(line).collect()
}

/// The place of devices that nobody sees: why, and what the API says of them all the same.
pub(super) fn gap(state: &State, gap: &Gap) -> Facts {
    let cx = state.cx();
    let node = cx.node(&gap.node);
    let mut facts = Facts {
        title: vec![
            Piece::new(gap.node.to_string(), Tone::Strong),
            Piece::new(
                if gap.is_part {
                    "  some of its devices are not seen"
                } else {
                    "  its GPUs are not seen"
                },
                Tone::Warn,
            ),
        ],
        rest: node
            .map(|row| node::facts(state, row).rest)
            .unwrap_or_default(),
        ..Facts::default()
    };
    let lead = &mut facts.lead;
    say(lead, "why", format::one_line(&gap.reason), Tone::Warn);
    if let Some(no_gpu) = node.and_then(|row| row.no_gpu.as_ref()) {
        say(lead, "what to do", no_gpu.fix(), Tone::Plain);
    }
    if !gap.is_part {
        let units = format!("{} offered to the scheduler", gap.units);
        say(lead, "units", units, Tone::Plain);
    }
    let product = gap.product.as_deref().map(format::product);
    let labels = match (gap.devices, product) {
        (Some(count), Some(product)) => format!("{count} × {product}"),
        (Some(count), None) => format::count(count, "GPU"),
        (None, Some(product)) => product.to_owned(),
        (None, None) => String::new(),
    };
    if !labels.is_empty() && !gap.is_part {
        let labels = vec![
            Piece::new(format::one_line(&labels), Tone::Plain),
            Piece::new(" (GPU feature discovery)", Tone::Muted),
        ];
        add(lead, "labels say", labels);
    }
    let named = gap.named.iter().flat_map(|(uuid, holders)| {
        holders.iter().map(move |to| {
            let mut line = vec![Piece::new(format!("{uuid}  "), Tone::Muted)];
            line.extend(holder(to));
            line
        })
    });
    list(&mut facts.parts, "given to", named);
    list(&mut facts.parts, "pods", node::pods(cx, &gap.node));
    facts
}
