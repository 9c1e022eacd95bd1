//! A card's own figures, each said in a few words. What a card does not have is left out.

use gputop_model::{Bytes, Device, DeviceKind, Ecc, MilliWatts, Pcie, Reading};

use super::{Fact, add, say};
use crate::app::format;
use crate::app::tables::{Piece, Tone};

/// What the card says of itself, from what changes to what stays.
pub(super) fn facts(device: &Device) -> Vec<Fact> {
    let mut facts = Vec::new();
    let rest = &mut facts;
    say(rest, "memory", memory(device), Tone::Plain);
    let bus = shown(&device.memory_utilization, |busy| {
        format!("busy {busy} of the time")
    });
    say(rest, "memory bus", bus.unwrap_or_default(), Tone::Plain);
    say(rest, "power", power(device), Tone::Plain);
    say(rest, "clocks", clocks(device), Tone::Plain);
    say(rest, "heat", heat(device), Tone::Plain);
    say(rest, "fan", fan(device), Tone::Plain);
    say(rest, "PCIe", pcie(&device.pcie), Tone::Plain);
    add(rest, "ECC", ecc(&device.ecc));
    say(rest, "NVLink", nvlink(device), Tone::Plain);
    say(rest, "video", video(device), Tone::Plain);
    let energy = shown(&device.energy, ToString::to_string);
    let energy = energy.map(|energy| format!("{energy} since the driver was loaded"));
    say(rest, "energy", energy.unwrap_or_default(), Tone::Plain);
    say(
        rest,
        "product",
        format::one_line(&device.product),
        Tone::Plain,
    );
    say(rest, "uuid", device.uuid.to_string(), Tone::Muted);
    if let DeviceKind::MigInstance { parent, .. } = &device.kind {
        let card = format!("GPU {} {parent}", device.index);
        say(rest, "part of", card, Tone::Muted);
    }
    say(rest, "place", place(device), Tone::Muted);
    say(rest, "board", board(device), Tone::Muted);
    say(rest, "set up", settings(device), Tone::Muted);
    let memory = &device.memory;
    let window = memory.bar1_used.get().zip(memory.bar1_total.get());
    let window = window.map(|(used, total)| format!("{used} of {total} mapped into PCIe"));
    say(rest, "BAR1", window.unwrap_or_default(), Tone::Muted);
    facts
}

/// A measurement, or why there is none.
fn said<T>(reading: &Reading<T>, show: impl FnOnce(&T) -> String) -> String {
    match reading {
        Reading::Unsupported => "not measured by this card".to_owned(),
        Reading::Failed(failure) => failure.to_string(),
        known => shown(known, show).unwrap_or_default(),
    }
}

/// A measurement, with its age once it has one.
fn shown<T>(reading: &Reading<T>, show: impl FnOnce(&T) -> String) -> Option<String> {
    match reading {
        Reading::Value(value) => Some(show(value)),
        Reading::Stale { value, age } => {
            Some(format!("{} ({} ago)", show(value), format::spoken(*age)))
        }
        Reading::Unsupported | Reading::Failed(_) => None,
    }
}

fn join(parts: impl IntoIterator<Item = Option<String>>) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

fn memory(device: &Device) -> String {
    if device.has_unified_memory() {
        let used = shown(&device.memory_used, Bytes::to_string);
        let used = used.map(|used| format!("{used} in use, "));
        return format!(
            "{}unified: it is the machine's own, shared with the processor",
            used.unwrap_or_default()
        );
    }
    let total = said(&device.memory_total, Bytes::to_string);
    let used = said(&device.memory_used, Bytes::to_string);
    let reserved = device.memory.reserved.get().filter(|bytes| bytes.0 > 0);
    let reserved = reserved.map(|bytes| format!("{bytes} kept by the driver"));
    join([Some(format!("{used} of {total}")), reserved])
}

fn power(device: &Device) -> String {
    let mut text = said(&device.power, MilliWatts::to_string);
    let limit = device.power_limit.get();
    if let Some(limit) = limit {
        text = format!("{text} of {limit}");
    }
    let limits = &device.power_limits;
    let default = limits
        .default
        .get()
        .filter(|default| Some(*default) != limit);
    let default = default.map(|default| format!("by default {default}"));
    let range = limits.min.get().zip(limits.max.get());
    let range = range.map(|(min, max)| format!("can be set from {min} to {max}"));
    join([Some(text), default, range])
}

fn clocks(device: &Device) -> String {
    let clocks = &device.clocks;
    let rate = |now: &Reading<_>, most: &Reading<_>| {
        let now = shown(now, ToString::to_string)?;
        let most = most.get().map(|most| format!(" of {most}"));
        Some(format!("{now}{}", most.unwrap_or_default()))
    };
    let memory = rate(&clocks.memory, &clocks.memory_max);
    let state = device.p_state.get().map(|state| match state.0 {
        0 => format!("{state} (full speed)"),
        8.. => format!("{state} (at rest)"),
        _ => state.to_string(),
    });
    join([
        rate(&clocks.sm, &clocks.sm_max),
        memory.map(|memory| format!("memory {memory}")),
        state,
    ])
}

fn heat(device: &Device) -> String {
    let thermal = &device.thermal;
    let core = shown(&device.temperature, ToString::to_string);
    let memory = shown(&thermal.memory, ToString::to_string);
    let slowdown = thermal
        .slowdown
        .get()
        .map(|limit| format!("slows down at {limit}"));
    let shutdown = thermal
        .shutdown
        .get()
        .map(|limit| format!("switches off at {limit}"));
    if core.is_none() && memory.is_none() {
        return String::new();
    }
    join([
        core,
        memory.map(|memory| format!("memory {memory}")),
        slowdown,
        shutdown,
    ])
}

fn fan(device: &Device) -> String {
    match (&device.thermal.fan, &device.kind) {
        (Reading::Unsupported, DeviceKind::Gpu { .. }) => "none of its own".to_owned(),
        (fan, _) => shown(fan, ToString::to_string).unwrap_or_default(),
    }
}

/// The link as it is; whether that is bad is said above.
fn pcie(link: &Pcie) -> String {
    let best = |most: &Reading<u32>, now: &Reading<u32>, sign: &str| {
        let most = most.get().filter(|most| Some(*most) != now.get());
        most.map(|most| format!(" of {sign}{most}"))
            .unwrap_or_default()
    };
    let generation = shown(&link.generation, |generation| format!("gen {generation}"));
    let generation = generation
        .map(|text| format!("{text}{}", best(&link.generation_max, &link.generation, "")));
    let width = shown(&link.width, |width| format!("×{width}"));
    let width = width.map(|text| format!("{text}{}", best(&link.width_max, &link.width, "×")));
    let replays = link.replays.get().filter(|count| *count > 0);
    let replays = replays.map(|count| format!("{count} packets sent again"));
    join([generation, width, replays])
}

/// Counts of errors, and what is to be done about them.
fn ecc(ecc: &Ecc) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut part = |text: String, tone: Tone| {
        if !pieces.is_empty() {
            pieces.push(Piece::new(", ", Tone::Faint));
        }
        pieces.push(Piece::new(text, tone));
    };
    match ecc.enabled.get() {
        Some(false) => {
            part("off: memory errors go unseen".to_owned(), Tone::Muted);
            return pieces;
        }
        Some(true) => part("on".to_owned(), Tone::Plain),
        None => {}
    }
    let counts = [
        (
            "since the driver was loaded",
            &ecc.volatile_corrected,
            &ecc.volatile_uncorrected,
        ),
        (
            "in its life",
            &ecc.aggregate_corrected,
            &ecc.aggregate_uncorrected,
        ),
    ];
    for (when, corrected, uncorrected) in counts {
        match (corrected.get(), uncorrected.get()) {
            (None, None) => {}
            (Some(0), Some(0)) => part(format!("no errors {when}"), Tone::Plain),
            (corrected, uncorrected) => {
                let number = |count: Option<u64>| {
                    count.map_or_else(|| format::UNKNOWN.to_owned(), |count| count.to_string())
                };
                let tone = match uncorrected {
                    Some(1..) => Tone::Bad,
                    _ => Tone::Plain,
                };
                let (corrected, uncorrected) = (number(corrected), number(uncorrected));
                part(
                    format!("{corrected} corrected and {uncorrected} uncorrected {when}"),
                    tone,
                );
            }
        }
    }
    let repairs = [
        (
            "retired after single-bit errors",
            "page",
            &ecc.retired_single_bit,
        ),
        (
            "retired after double-bit errors",
            "page",
            &ecc.retired_double_bit,
        ),
        (
            "remapped after correctable errors",
            "row",
            &ecc.remapped_correctable,
        ),
        (
            "remapped after uncorrectable errors",
            "row",
            &ecc.remapped_uncorrectable,
        ),
    ];
    for (what, one, count) in repairs {
        if let Some(count) = count.get().filter(|count| *count > 0) {
            let number = usize::try_from(count).unwrap_or(usize::MAX);
            part(format!("{} {what}", format::count(number, one)), Tone::Warn);
        }
    }
    let waiting =
        ecc.retirement_pending.get() == Some(true) || ecc.remap_pending.get() == Some(true);
    if waiting {
        part("repairs wait for a reset of the GPU".to_owned(), Tone::Warn);
    }
    if ecc.remap_failure.get() == Some(true) {
        part("no spare rows are left".to_owned(), Tone::Bad);
    }
    pieces
}

fn nvlink(device: &Device) -> String {
    let link = &device.nvlink;
    let Some(links) = link.links.get().filter(|links| *links > 0) else {
        return String::new();
    };
    let up = link
        .active
        .get()
        .map_or_else(|| format::UNKNOWN.to_owned(), |up| up.to_string());
    let errors = [
        (&link.crc_errors, "checksum errors"),
        (&link.replay_errors, "transfers repeated"),
        (&link.recovery_errors, "times brought up again"),
    ];
    let errors = errors.into_iter().map(|(count, what)| {
        let count = count.get().filter(|count| *count > 0);
        count.map(|count| format!("{count} {what}"))
    });
    join(std::iter::once(Some(format!("{up} of {links} links up"))).chain(errors))
}

fn video(device: &Device) -> String {
    let share = |what: &str, reading| {
        let share = shown(reading, ToString::to_string);
        share.map(|share| format!("{what} {share}"))
    };
    join([
        share("encoder", &device.video.encoder),
        share("decoder", &device.video.decoder),
    ])
}

fn place(device: &Device) -> String {
    let identity = &device.identity;
    let bus = identity.pci_bus_id.known();
    let bus = bus.map(|bus| format!("PCI {}", format::one_line(bus)));
    let numa = identity
        .numa_node
        .get()
        .map(|numa| format!("NUMA node {numa}"));
    join([bus, numa])
}

fn board(device: &Device) -> String {
    let identity = &device.identity;
    let named = |what: &str, value: &Reading<String>| {
        let value = value.known().filter(|value| !value.is_empty());
        value.map(|value| format!("{what} {}", format::one_line(value)))
    };
    join([
        named("serial", &identity.serial),
        named("video BIOS", &identity.vbios),
    ])
}

fn settings(device: &Device) -> String {
    let settings = &device.settings;
    let persistence = settings.persistence.get().map(|on| {
        let on = if on { "on" } else { "off" };
        format!("persistence {on}")
    });
    let mode = settings.compute_mode.get();
    let mode = mode.map(|mode| format!("compute mode {}", mode.name().replace('_', " ")));
    join([persistence, mode])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gputop_model::{Celsius, Failure, MegaHertz, MemoryKind, PState, Percent};

    use super::*;

    fn gpu() -> Device {
        let kind = DeviceKind::Gpu { mig_enabled: false };
        Device::unmeasured(0, "GPU-1".into(), "NVIDIA T4".to_owned(), kind)
    }

    /// What is said, as `label: value`.
    fn texts(device: &Device) -> Vec<String> {
        let text = |fact: Fact| {
            let value: String = fact.value.iter().map(|piece| &*piece.text).collect();
            format!("{}: {value}", fact.label)
        };
        facts(device).into_iter().map(text).collect()
    }

    #[test]
    fn what_nobody_measured_is_left_out_and_the_essentials_say_why() {
        let shown = texts(&gpu());
        assert_eq!(
            shown,
            [
                "memory: not measured yet of not measured yet",
                "power: not measured yet",
                "product: NVIDIA T4",
                "uuid: GPU-1",
            ]
        );
        let lost = texts(&gpu().failed(Failure::GpuLost));
        assert!(lost.contains(&"power: GPU is lost".to_owned()), "{lost:?}");
    }

    #[test]
    fn a_card_that_says_all_is_said_in_few_lines() {
        let mut device = gpu();
        device.memory_total = Bytes::from_gib(24).into();
        device.memory_used = Bytes::from_gib(6).into();
        device.memory.reserved = Bytes::from_mib(312).into();
        device.power = MilliWatts(338_000).into();
        device.power_limit = MilliWatts(300_000).into();
        device.power_limits.default = MilliWatts(350_000).into();
        device.power_limits.min = MilliWatts(100_000).into();
        device.power_limits.max = MilliWatts(366_000).into();
        device.clocks.sm = MegaHertz(1905).into();
        device.clocks.sm_max = MegaHertz(2100).into();
        device.p_state = PState(2).into();
        device.temperature = Celsius(79).into();
        device.thermal.slowdown = Celsius(93).into();
        device.thermal.fan = Percent(62).into();
        device.pcie.generation = 1.into();
        device.pcie.generation_max = 4.into();
        device.pcie.width = 16.into();
        device.pcie.width_max = 16.into();
        device.nvlink.links = 4.into();
        device.nvlink.active = 3.into();
        device.nvlink.crc_errors = 7.into();
        let shown = texts(&device);
        for line in [
            "memory: 6.0Gi of 24.0Gi, 312Mi kept by the driver",
            "power: 338W of 300W, by default 350W, can be set from 100W to 366W",
            "clocks: 1905MHz of 2100MHz, P2",
            "heat: 79°C, slows down at 93°C",
            "fan: 62%",
            "PCIe: gen 1 of 4, ×16",
            "NVLink: 3 of 4 links up, 7 checksum errors",
        ] {
            assert!(
                shown.iter().any(|text| text == line),
                "{line} in {shown:#?}"
            );
        }
    }

    #[test]
    fn what_is_old_has_its_age() {
        let mut device = gpu();
        device.temperature = Reading::Value(Celsius(79)).aged(Duration::from_secs(12));
        assert!(texts(&device).contains(&"heat: 79°C (12 s ago)".to_owned()));
    }

    #[test]
    fn a_card_without_fan_or_memory_of_its_own_says_so() {
        let mut device = gpu();
        device.thermal.fan = Reading::Unsupported;
        device.memory_kind = MemoryKind::Unified.into();
        let shown = texts(&device);
        assert!(shown.contains(&"fan: none of its own".to_owned()));
        let unified = "memory: unified: it is the machine's own, shared with the processor";
        assert!(shown.contains(&unified.to_owned()), "{shown:?}");
    }

    #[test]
    fn memory_errors_are_told_from_their_repair() {
        let mut device = gpu();
        device.ecc.enabled = false.into();
        assert_eq!(ecc(&device.ecc)[0].tone, Tone::Muted);
        device.ecc.enabled = true.into();
        device.ecc.volatile_corrected = 12.into();
        device.ecc.volatile_uncorrected = 0.into();
        device.ecc.aggregate_corrected = 0.into();
        device.ecc.aggregate_uncorrected = 0.into();
        device.ecc.remapped_correctable = 1.into();
        device.ecc.remap_pending = true.into();
        let text: String = ecc(&device.ecc).iter().map(|piece| &*piece.text).collect();
        assert_eq!(
            text,
            "on, 12 corrected and 0 uncorrected since the driver was loaded, no errors in its \
             life, 1 row remapped after correctable errors, repairs wait for a reset of the GPU"
        );
        device.ecc.volatile_uncorrected = 1.into();
        assert!(ecc(&device.ecc).iter().any(|piece| piece.tone == Tone::Bad));
    }
}
