//! GPUs and MIG instances.

use gputop_model::{
    Device, DeviceKind, EventKind, Failure, MemoryKind, NodeSnapshot, Reading, ThrottleReason,
};

use super::text::{Exposition, Labels, Unit};
use super::{flag, ratio, told, whole};

/// Name without its unit, unit, meaning, value.
pub(super) type Measure = (&'static str, Unit, &'static str, fn(&Device) -> Option<f64>);

pub(super) const GAUGES: &[Measure] = &[
    (
        "gputop_gpu_up",
        Unit::None,
        "Whether the device answers the driver",
        answers,
    ),
    (
        "gputop_gpu_utilization",
        Unit::Ratio,
        "Share of the time in which a kernel ran",
        |d| told(&d.utilization).map(ratio),
    ),
    (
        "gputop_gpu_memory_utilization",
        Unit::Ratio,
        "Share of the time in which memory was read or written",
        |d| told(&d.memory_utilization).map(ratio),
    ),
    (
        "gputop_gpu_encoder_utilization",
        Unit::Ratio,
        "Share of the time in which the video encoder worked",
        |d| told(&d.video.encoder).map(ratio),
    ),
    (
        "gputop_gpu_decoder_utilization",
        Unit::Ratio,
        "Share of the time in which the video decoder worked",
        |d| told(&d.video.decoder).map(ratio),
    ),
    (
        "gputop_gpu_sm_active",
        Unit::Ratio,
        "Share of the time in which a multiprocessor had work, over all of them",
        |d| told(&d.activity.sm_active).map(ratio),
    ),
    (
        "gputop_gpu_sm_occupancy",
        Unit::Ratio,
        "Resident warps, of as many as there could be",
        |d| told(&d.activity.sm_occupancy).map(ratio),
    ),
    (
        "gputop_gpu_tensor_active",
        Unit::Ratio,
        "Share of the time in which the tensor cores worked",
        |d| told(&d.activity.tensor).map(ratio),
    ),
    (
        "gputop_gpu_memory_bandwidth",
        Unit::Ratio,
        "Memory bandwidth in use, of what the card can do",
        |d| told(&d.activity.memory_bandwidth).map(ratio),
    ),
    (
        "gputop_gpu_idle",
        Unit::Seconds,
        "How long no kernel has run, as far as the daemon has seen; 0 while one runs",
        |d| told(&d.idle_for).map(|time| time.as_secs_f64()),
    ),
    (
        "gputop_gpu_memory_total",
        Unit::Bytes,
        "Device memory in all",
        |d| told(&d.memory_total).map(|v| whole(v.0)),
    ),
    (
        "gputop_gpu_memory_used",
        Unit::Bytes,
        "Device memory in use",
        |d| told(&d.memory_used).map(|v| whole(v.0)),
    ),
    (
        "gputop_gpu_memory_reserved",
        Unit::Bytes,
        "Device memory that driver and firmware keep; not part of what is used",
        |d| told(&d.memory.reserved).map(|v| whole(v.0)),
    ),
    (
        "gputop_gpu_bar1_total",
        Unit::Bytes,
        "Size of the PCIe window to the memory",
        |d| told(&d.memory.bar1_total).map(|v| whole(v.0)),
    ),
    (
        "gputop_gpu_bar1_used",
        Unit::Bytes,
        "What is mapped through the PCIe window",
        |d| told(&d.memory.bar1_used).map(|v| whole(v.0)),
    ),
    (
        "gputop_gpu_power",
        Unit::Watts,
        "Power drawn by the board",
        |d| told(&d.power).map(|v| watts(v.0)),
    ),
    (
        "gputop_gpu_power_limit",
        Unit::Watts,
        "Enforced power limit",
        |d| told(&d.power_limit).map(|v| watts(v.0)),
    ),
    (
        "gputop_gpu_temperature",
        Unit::Celsius,
        "Temperature of the core",
        |d| told(&d.temperature).map(|v| f64::from(v.0)),
    ),
    (
        "gputop_gpu_slowdown_temperature",
        Unit::Celsius,
        "Core temperature at which the hardware slows down",
        |d| told(&d.thermal.slowdown).map(|v| f64::from(v.0)),
    ),
    (
        "gputop_gpu_memory_temperature",
        Unit::Celsius,
        "Temperature of the memory",
        |d| told(&d.thermal.memory).map(|v| f64::from(v.0)),
    ),
    (
        "gputop_gpu_fan",
        Unit::Ratio,
        "Speed of the fastest fan, of its highest",
        |d| told(&d.thermal.fan).map(ratio),
    ),
    (
        "gputop_gpu_sm_clock",
        Unit::Hertz,
        "Clock rate of the multiprocessors",
        |d| told(&d.clocks.sm).map(|v| hertz(v.0)),
    ),
    (
        "gputop_gpu_sm_clock_max",
        Unit::Hertz,
        "Highest clock rate of the multiprocessors",
        |d| told(&d.clocks.sm_max).map(|v| hertz(v.0)),
    ),
    (
        "gputop_gpu_memory_clock",
        Unit::Hertz,
        "Clock rate of the memory",
        |d| told(&d.clocks.memory).map(|v| hertz(v.0)),
    ),
    (
        "gputop_gpu_performance_state",
        Unit::None,
        "Performance state, from 0 (full speed) to 15",
        |d| told(&d.p_state).map(|v| f64::from(v.0)),
    ),
    (
        "gputop_gpu_pcie_generation",
        Unit::None,
        "Generation of the PCIe link; idle cards lower it",
        |d| told(&d.pcie.generation).map(f64::from),
    ),
    (
        "gputop_gpu_pcie_generation_max",
        Unit::None,
        "Generation that card and slot can have",
        |d| told(&d.pcie.generation_max).map(f64::from),
    ),
    (
        "gputop_gpu_pcie_lanes",
        Unit::None,
        "Lanes of the PCIe link",
        |d| told(&d.pcie.width).map(f64::from),
    ),
    (
        "gputop_gpu_pcie_lanes_max",
        Unit::None,
        "Lanes that card and slot can have",
        |d| told(&d.pcie.width_max).map(f64::from),
    ),
    (
        "gputop_gpu_pcie_receive",
        Unit::BytesPerSecond,
        "What goes to the card over PCIe; measured only while a client looks",
        |d| told(&d.traffic.pcie_receive).map(|v| whole(v.0)),
    ),
    (
        "gputop_gpu_pcie_transmit",
        Unit::BytesPerSecond,
        "What comes from the card over PCIe; measured only while a client looks",
        |d| told(&d.traffic.pcie_transmit).map(|v| whole(v.0)),
    ),
    (
        "gputop_gpu_nvlinks_active",
        Unit::None,
        "Links to other GPUs that are up",
        |d| told(&d.nvlink.active).map(f64::from),
    ),
    (
        "gputop_gpu_nvlinks",
        Unit::None,
        "Links to other GPUs that the card has",
        |d| told(&d.nvlink.links).map(f64::from),
    ),
    (
        "gputop_gpu_retired_pages",
        Unit::None,
        "Memory pages retired after errors (before Ampere)",
        |d| {
            let single = told(&d.ecc.retired_single_bit)?;
            Some(f64::from(single) + f64::from(told(&d.ecc.retired_double_bit)?))
        },
    ),
    (
        "gputop_gpu_remapped_rows",
        Unit::None,
        "Memory rows remapped after uncorrectable errors",
        |d| told(&d.ecc.remapped_uncorrectable).map(f64::from),
    ),
    (
        "gputop_gpu_memory_repair_pending",
        Unit::None,
        "Whether memory waits to be repaired at the next reset",
        |d| {
            told(&d.ecc.remap_pending)
                .or_else(|| told(&d.ecc.retirement_pending))
                .map(flag)
        },
    ),
    (
        "gputop_gpu_memory_repair_failed",
        Unit::None,
        "Whether no spare memory rows are left",
        |d| told(&d.ecc.remap_failure).map(flag),
    ),
    (
        "gputop_gpu_processes",
        Unit::None,
        "Processes on the device",
        |d| told(&d.process_count).map(f64::from),
    ),
];

pub(super) const COUNTERS: &[Measure] = &[
    (
        "gputop_gpu_energy",
        Unit::Joules,
        "Energy used since the driver was loaded",
        |d| told(&d.energy).map(|v| whole(v.0) / 1000.0),
    ),
    (
        "gputop_gpu_pcie_replays",
        Unit::None,
        "PCIe packets sent again since the driver was loaded",
        |d| told(&d.pcie.replays).map(f64::from),
    ),
    (
        "gputop_gpu_ecc_corrected_errors",
        Unit::None,
        "Memory errors corrected since the driver was loaded",
        |d| told(&d.ecc.volatile_corrected).map(whole),
    ),
    (
        "gputop_gpu_ecc_uncorrected_errors",
        Unit::None,
        "Memory errors found and not corrected since the driver was loaded",
        |d| told(&d.ecc.volatile_uncorrected).map(whole),
    ),
    (
        "gputop_gpu_nvlink_crc_errors",
        Unit::None,
        "Checksum errors on links to other GPUs since the driver was loaded",
        |d| told(&d.nvlink.crc_errors).map(whole),
    ),
    (
        "gputop_gpu_nvlink_recovery_errors",
        Unit::None,
        "Times that a link to another GPU had to be brought up again",
        |d| told(&d.nvlink.recovery_errors).map(whole),
    ),
];

/// What is measured of the devices, and what the driver reported about them.
pub(super) fn write(text: &mut Exposition, snapshot: &NodeSnapshot) {
    let devices = || snapshot.devices.iter();
    let named = |d: &Device| labels(snapshot, d);
    text.info(
        "gputop_gpu",
        "Which card it is",
        devices().map(|device| {
            let identity = &device.identity;
            named(device)
                .with_some("serial", identity.serial.known().map(String::as_str))
                .with_some("vbios", identity.vbios.known().map(String::as_str))
                .with_some(
                    "pci_bus_id",
                    identity.pci_bus_id.known().map(String::as_str),
                )
                .with_some("memory", device.memory_kind.get().map(MemoryKind::name))
        }),
    );
    text.states(
        "gputop_gpu_health",
        "Health as far as the driver tells",
        &["ok", "degraded", "sick"],
        devices().filter_map(|d| Some((named(d), vec![told(&d.health)?.name()]))),
    );
    text.states(
        "gputop_gpu_throttled",
        "Why the clocks are held back",
        &ThrottleReason::ALL.map(ThrottleReason::name),
        devices().filter_map(|device| {
            let reasons = told(&device.throttle_reasons)?;
            let names = reasons.into_iter().map(ThrottleReason::name);
            Some((named(device), names.collect()))
        }),
    );
    for (name, unit, help, value) in GAUGES {
        let samples = devices().filter_map(|d| Some((named(d), value(d)?)));
        text.gauge(name, *unit, help, samples);
    }
    for (name, unit, help, value) in COUNTERS {
        let samples = devices().filter_map(|d| Some((named(d), value(d)?)));
        text.counter(name, *unit, help, samples);
    }
    events(text, snapshot);
}

fn events(text: &mut Exposition, snapshot: &NodeSnapshot) {
    let of = |kind: EventKind, device: &Device| {
        let labels = labels(snapshot, device);
        match kind.xid_number() {
            Some(xid) => labels
                .with("xid", &xid.to_string())
                .with("severity", kind.severity().name()),
            None => labels.with("event", kind.name()),
        }
    };
    let all = || {
        snapshot.events.iter().filter_map(|event| {
            let device = snapshot.devices.iter().find(|d| d.uuid == event.device)?;
            Some((event, of(event.kind, device)))
        })
    };
    let xids = || all().filter(|(event, _)| event.kind.xid_number().is_some());
    text.counter(
        "gputop_gpu_xid_errors",
        Unit::None,
        "Errors of that number that the driver has reported since the daemon's start",
        xids().map(|(event, labels)| (labels, f64::from(event.count))),
    );
    text.gauge(
        "gputop_gpu_xid_age",
        Unit::Seconds,
        "Time since the driver last reported an error of that number",
        xids().map(|(event, labels)| (labels, snapshot.event_age(event).as_secs_f64())),
    );
    text.counter(
        "gputop_gpu_events",
        Unit::None,
        "Other events that the driver has reported since the daemon's start",
        all()
            .filter(|(event, _)| event.kind.xid_number().is_none())
            .map(|(event, labels)| (labels, f64::from(event.count))),
    );
}

/// The labels of all that is said of a device.
pub(super) fn labels(snapshot: &NodeSnapshot, device: &Device) -> Labels {
    let profile = match &device.kind {
        DeviceKind::Gpu { .. } => None,
        DeviceKind::MigInstance { profile, .. } => Some(profile.as_str()),
    };
    Labels::default()
        .with("node", snapshot.node.as_str())
        .with("gpu", &device.index.to_string())
        .with("uuid", device.uuid.as_str())
        .with("product", &device.product)
        .with_some("profile", profile)
}

/// Whether anything that every device has was told just now; `None`: nothing was asked yet.
fn answers(device: &Device) -> Option<f64> {
    fn state<T: Clone>(reading: &Reading<T>) -> Option<bool> {
        match reading {
            Reading::Unsupported | Reading::Failed(Failure::NotMeasured) => None,
            reading => Some(told(reading).is_some()),
        }
    }
    let states = [
        state(&device.memory_used),
        state(&device.utilization),
        state(&device.temperature),
        state(&device.process_count),
    ];
    let known = states.into_iter().flatten();
    known.reduce(|one, other| one || other).map(flag)
}

fn watts(milliwatts: u32) -> f64 {
    f64::from(milliwatts) / 1000.0
}

fn hertz(mega: u32) -> f64 {
    f64::from(mega) * 1e6
}
