//! GPUs and MIG instances.

use gputop_fleet::state::DeviceState;
use gputop_model::ThrottleReason;

use super::text::{Exposition, Labels, Unit};
use super::{ratio, seconds, whole};
use crate::export::gpu::{GpuItem, HolderItem};

/// Name without its unit, unit, meaning, value.
type Measure = (
    &'static str,
    Unit,
    &'static str,
    fn(&GpuItem) -> Option<f64>,
);

const GAUGES: &[Measure] = &[
    (
        "gputop_gpu_utilization",
        Unit::Ratio,
        "Share of the time in which a kernel ran",
        |g| g.utilization_percent.map(ratio),
    ),
    (
        "gputop_gpu_memory_utilization",
        Unit::Ratio,
        "Share of the time in which memory was read or written",
        |g| g.memory_utilization_percent.map(ratio),
    ),
    (
        "gputop_gpu_encoder_utilization",
        Unit::Ratio,
        "Share of the time in which the video encoder worked",
        |g| g.hardware.video.encoder_percent.map(ratio),
    ),
    (
        "gputop_gpu_decoder_utilization",
        Unit::Ratio,
        "Share of the time in which the video decoder worked",
        |g| g.hardware.video.decoder_percent.map(ratio),
    ),
    (
        "gputop_gpu_memory_total",
        Unit::Bytes,
        "Device memory in all",
        |g| g.memory_total_bytes.map(whole),
    ),
    (
        "gputop_gpu_memory_used",
        Unit::Bytes,
        "Device memory in use",
        |g| g.memory_used_bytes.map(whole),
    ),
    (
        "gputop_gpu_power",
        Unit::Watts,
        "Power drawn by the board",
        |g| g.power_mw.map(watts),
    ),
    (
        "gputop_gpu_power_limit",
        Unit::Watts,
        "Enforced power limit",
        |g| g.power_limit_mw.map(watts),
    ),
    (
        "gputop_gpu_temperature",
        Unit::Celsius,
        "Temperature of the core",
        |g| g.temperature_celsius.map(f64::from),
    ),
    (
        "gputop_gpu_slowdown_temperature",
        Unit::Celsius,
        "Core temperature at which the hardware slows down",
        |g| g.hardware.thermal.slowdown_celsius.map(f64::from),
    ),
    (
        "gputop_gpu_memory_temperature",
        Unit::Celsius,
        "Temperature of the memory",
        |g| g.hardware.thermal.memory_celsius.map(f64::from),
    ),
    (
        "gputop_gpu_fan",
        Unit::Ratio,
        "Speed of the fastest fan, of its highest",
        |g| g.hardware.thermal.fan_percent.map(ratio),
    ),
    (
        "gputop_gpu_sm_clock",
        Unit::Hertz,
        "Clock rate of the multiprocessors",
        |g| g.hardware.clocks.sm_mhz.map(hertz),
    ),
    (
        "gputop_gpu_memory_clock",
        Unit::Hertz,
        "Clock rate of the memory",
        |g| g.hardware.clocks.memory_mhz.map(hertz),
    ),
    (
        "gputop_gpu_pcie_generation",
        Unit::None,
        "Generation of the PCIe link; idle cards lower it",
        |g| g.hardware.pcie.generation.map(f64::from),
    ),
    (
        "gputop_gpu_pcie_lanes",
        Unit::None,
        "Lanes of the PCIe link",
        |g| g.hardware.pcie.width.map(f64::from),
    ),
    (
        "gputop_gpu_pcie_lanes_max",
        Unit::None,
        "Lanes that card and slot can have",
        |g| g.hardware.pcie.width_max.map(f64::from),
    ),
    (
        "gputop_gpu_nvlinks_active",
        Unit::None,
        "Links to other GPUs that are up",
        |g| g.hardware.nvlink.active.map(f64::from),
    ),
    (
        "gputop_gpu_remapped_rows",
        Unit::None,
        "Memory rows remapped after uncorrectable errors",
        |g| g.hardware.ecc.remapped_uncorrectable.map(f64::from),
    ),
    (
        "gputop_gpu_processes",
        Unit::None,
        "Processes on the device",
        |g| g.processes.as_ref().map(|list| list.len() as f64),
    ),
    (
        "gputop_gpu_holders",
        Unit::None,
        "Containers that were given the device or a share of it",
        |g| Some(holders(g)?.len() as f64),
    ),
];

const COUNTERS: &[Measure] = &[
    (
        "gputop_gpu_energy",
        Unit::Joules,
        "Energy used since the driver was loaded",
        |g| g.hardware.energy_mj.map(|v| whole(v) / 1000.0),
    ),
    (
        "gputop_gpu_pcie_replays",
        Unit::None,
        "PCIe packets sent again since the driver was loaded",
        |g| g.hardware.pcie.replays.map(f64::from),
    ),
    (
        "gputop_gpu_ecc_corrected_errors",
        Unit::None,
        "Memory errors corrected since the driver was loaded",
        |g| g.hardware.ecc.volatile_corrected.map(whole),
    ),
    (
        "gputop_gpu_ecc_uncorrected_errors",
        Unit::None,
        "Memory errors found and not corrected since the driver was loaded",
        |g| g.hardware.ecc.volatile_uncorrected.map(whole),
    ),
    (
        "gputop_gpu_nvlink_crc_errors",
        Unit::None,
        "Checksum errors on links to other GPUs since the driver was loaded",
        |g| g.hardware.nvlink.crc_errors.map(whole),
    ),
];

/// GPUs and MIG instances.
pub(in crate::export) fn gpus(items: &[GpuItem]) -> String {
    let mut text = Exposition::default();
    let known = || items.iter().filter(|item| item.uuid.is_some());
    let fresh = || known().filter(|item| !item.stale);
    let states = DeviceState::ALL.map(DeviceState::name);
    text.states(
        "gputop_gpu_state",
        "What the device is doing, and for whom",
        &states,
        known().map(|item| {
            let state = if item.stale {
                DeviceState::Unknown.name()
            } else {
                item.state
            };
            (device(item), vec![state])
        }),
    );
    text.states(
        "gputop_gpu_health",
        "Health as far as the driver tells",
        &["ok", "degraded", "sick"],
        fresh().filter_map(|item| Some((device(item), vec![item.health?]))),
    );
    text.states(
        "gputop_gpu_throttled",
        "Why the clocks are held back",
        &ThrottleReason::ALL.map(ThrottleReason::name),
        fresh().filter_map(|item| Some((device(item), item.throttle_reasons.clone()?))),
    );
    for (name, unit, help, value) in GAUGES {
        let samples = fresh().filter_map(|item| Some((device(item), value(item)?)));
        text.gauge(name, *unit, help, samples);
    }
    for (name, unit, help, value) in COUNTERS {
        let samples = fresh().filter_map(|item| Some((device(item), value(item)?)));
        text.counter(name, *unit, help, samples);
    }
    text.gauge(
        "gputop_gpu_held",
        Unit::None,
        "1 for each container that was given the device or a share of it",
        fresh().flat_map(|item| {
            holders(item).into_iter().flatten().map(|to| {
                let holder = device(item)
                    .with("namespace", &to.namespace)
                    .with("pod", &to.pod)
                    .with("container", &to.container)
                    .with("device_id", &to.device_id);
                (holder, 1.0)
            })
        }),
    );
    text.gauge(
        "gputop_gpu_telemetry_age",
        Unit::Seconds,
        "Time since the daemon was heard",
        known().filter_map(|item| Some((device(item), seconds(item.age_ms?)))),
    );
    text.gauge(
        "gputop_gpu_unmeasured",
        Unit::None,
        "Devices of the node that nobody measures, at least",
        unmeasured(items),
    );
    text.end()
}

/// Who has it now; `None`: nobody knows, or the kubelet said it too long ago.
fn holders(item: &GpuItem) -> Option<&[HolderItem]> {
    let now = item.allocated_to_age_ms.is_none();
    item.allocated_to.as_deref().filter(|_| now)
}

fn device(item: &GpuItem) -> Labels {
    Labels::default()
        .with("node", &item.node)
        .with_some("gpu", item.index.map(|index| index.to_string()))
        .with_some("uuid", item.uuid.clone())
        .with_some("product", item.product.clone())
        .with_some("profile", item.mig.as_ref().map(|mig| mig.profile.clone()))
}

/// Devices without an id can not be told apart: they are counted.
fn unmeasured(items: &[GpuItem]) -> impl Iterator<Item = (Labels, f64)> {
    let of = |node: &str| {
        let unnamed = items.iter().filter(|item| item.uuid.is_none());
        unnamed.filter(|item| item.node == node).count()
    };
    let mut nodes: Vec<&str> = items
        .iter()
        .filter(|item| item.uuid.is_none())
        .map(|item| &*item.node)
        .collect();
    nodes.dedup();
    nodes
        .into_iter()
        .map(move |node| (Labels::default().with("node", node), of(node) as f64))
}

fn watts(milliwatts: u32) -> f64 {
    f64::from(milliwatts) / 1000.0
}

fn hertz(mega: u32) -> f64 {
    f64::from(mega) * 1e6
}
