//! A device: a physical GPU or a MIG instance, as the node's daemon measures it.

mod health;
mod parts;
mod pcie;
mod throttle;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Bytes, Celsius, Failure, GpuUuid, MilliJoules, MilliWatts, Percent, Reading};

pub use health::Health;
pub use parts::{
    Activity, Clocks, ComputeMode, Ecc, Identity, MemoryDetail, MemoryKind, NvLink, PState,
    PowerLimits, Settings, Thermal, Traffic, Video,
};
pub use pcie::{Pcie, PcieDegraded};
pub use throttle::ThrottleReason;

/// Utilization from which a card counts as under load when its PCIe link is judged: below it the
/// link may be on its way up or down.
const UNDER_LOAD: Percent = Percent(10);

/// The deepest performance state in which a card under load is at full speed. Some cards never go
/// higher than P2 for CUDA.
const FULL_SPEED: PState = PState(2);

/// What is measured of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// NVML's index of the physical GPU, 0 upwards; a MIG instance has its parent's.
    pub index: u32,
    /// NVML's UUID, stable over restarts.
    pub uuid: GpuUuid,
    /// Product name as NVML spells it, such as `NVIDIA GeForce RTX 3090`.
    pub product: String,
    /// Whole GPU or MIG instance.
    pub kind: DeviceKind,
    /// Size of the frame buffer (unified memory: unsupported).
    pub memory_total: Reading<Bytes>,
    /// Allocated frame buffer.
    pub memory_used: Reading<Bytes>,
    /// Share of the last sample period (1/6 s to 1 s) in which a kernel ran.
    pub utilization: Reading<Percent>,
    /// Share of the last sample period in which memory was read or written.
    pub memory_utilization: Reading<Percent>,
    /// Core temperature.
    pub temperature: Reading<Celsius>,
    /// Power drawn by the board.
    pub power: Reading<MilliWatts>,
    /// Enforced power limit.
    pub power_limit: Reading<MilliWatts>,
    /// Why the clocks are held back now; empty: they are not.
    pub throttle_reasons: Reading<Vec<ThrottleReason>>,
    /// Health as far as the driver tells.
    pub health: Reading<Health>,
    /// Number of processes on the device; missing where the driver did not list them, so that
    /// "no process" can be told from "nobody could look".
    pub process_count: Reading<u32>,
    /// How long no kernel has run, counted by the daemon; zero while one runs. A lower bound:
    /// the daemon knows nothing of the time before its own start.
    pub idle_for: Reading<Duration>,
    /// Where its memory is.
    pub memory_kind: Reading<MemoryKind>,
    /// Performance state.
    pub p_state: Reading<PState>,
    /// Energy used since the driver was loaded.
    pub energy: Reading<MilliJoules>,
    /// Clock rates.
    pub clocks: Clocks,
    /// The video engines.
    pub video: Video,
    /// Further temperatures, their limits, the fan.
    pub thermal: Thermal,
    /// Memory besides what programs hold.
    pub memory: MemoryDetail,
    /// The PCIe link.
    pub pcie: Pcie,
    /// Memory errors.
    pub ecc: Ecc,
    /// Links to other GPUs.
    pub nvlink: NvLink,
    /// Bounds of the power limit.
    pub power_limits: PowerLimits,
    /// Serial number and the like.
    pub identity: Identity,
    /// How it is set up.
    pub settings: Settings,
    /// What the multiprocessors do.
    #[serde(default)]
    pub activity: Activity,
    /// What goes over the PCIe link.
    #[serde(default)]
    pub traffic: Traffic,
}

/// Whole GPU or part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// A physical GPU.
    Gpu {
        /// MIG mode is on: the GPU itself can not be allocated, its instances can.
        mig_enabled: bool,
    },
    /// A MIG instance.
    MigInstance {
        /// Profile, such as `1g.10gb`.
        profile: String,
        /// The physical GPU.
        parent: GpuUuid,
    },
}

impl Device {
    /// A device of which nothing has been measured yet.
    #[must_use]
    pub fn unmeasured(index: u32, uuid: GpuUuid, product: String, kind: DeviceKind) -> Self {
        Self {
            index,
            uuid,
            product,
            kind,
            memory_total: Reading::default(),
            memory_used: Reading::default(),
            utilization: Reading::default(),
            memory_utilization: Reading::default(),
            temperature: Reading::default(),
            power: Reading::default(),
            power_limit: Reading::default(),
            throttle_reasons: Reading::default(),
            health: Reading::default(),
            process_count: Reading::default(),
            idle_for: Reading::default(),
            memory_kind: Reading::default(),
            p_state: Reading::default(),
            energy: Reading::default(),
            clocks: Clocks::default(),
            video: Video::default(),
            thermal: Thermal::default(),
            memory: MemoryDetail::default(),
            pcie: Pcie::default(),
            ecc: Ecc::default(),
            nvlink: NvLink::default(),
            power_limits: PowerLimits::default(),
            identity: Identity::default(),
            settings: Settings::default(),
            activity: Activity::default(),
            traffic: Traffic::default(),
        }
    }

    /// The same, read `by` ago: measurements are older, properties still hold.
    #[must_use]
    pub fn aged(self, by: Duration) -> Self {
        Self {
            memory_total: self.memory_total.aged(by),
            memory_used: self.memory_used.aged(by),
            utilization: self.utilization.aged(by),
            memory_utilization: self.memory_utilization.aged(by),
            temperature: self.temperature.aged(by),
            power: self.power.aged(by),
            power_limit: self.power_limit.aged(by),
            throttle_reasons: self.throttle_reasons.aged(by),
            health: self.health.aged(by),
            process_count: self.process_count.aged(by),
            idle_for: self.idle_for.aged(by),
            memory_kind: self.memory_kind,
            p_state: self.p_state.aged(by),
            energy: self.energy.aged(by),
            clocks: self.clocks.aged(by),
            video: self.video.aged(by),
            thermal: self.thermal.aged(by),
            memory: self.memory.aged(by),
            pcie: self.pcie.aged(by),
            ecc: self.ecc.aged(by),
            nvlink: self.nvlink.aged(by),
            power_limits: self.power_limits.aged(by),
            identity: self.identity.aged(by),
            settings: self.settings.aged(by),
            activity: self.activity.aged(by),
            traffic: self.traffic.aged(by),
            index: self.index,
            uuid: self.uuid,
            product: self.product,
            kind: self.kind,
        }
    }

    /// The same after a failure: no measurement, and the properties that were known.
    #[must_use]
    pub fn failed(self, failure: Failure) -> Self {
        Self {
            memory_total: Reading::Failed(failure),
            memory_used: Reading::Failed(failure),
            utilization: Reading::Failed(failure),
            memory_utilization: Reading::Failed(failure),
            temperature: Reading::Failed(failure),
            power: Reading::Failed(failure),
            power_limit: Reading::Failed(failure),
            throttle_reasons: Reading::Failed(failure),
            health: Reading::Failed(failure),
            process_count: Reading::Failed(failure),
            idle_for: Reading::Failed(failure),
            memory_kind: self.memory_kind,
            p_state: Reading::Failed(failure),
            energy: Reading::Failed(failure),
            clocks: self.clocks.failed(failure),
            video: self.video.failed(failure),
            thermal: self.thermal.failed(failure),
            memory: self.memory.failed(failure),
            pcie: self.pcie.failed(failure),
            ecc: self.ecc.failed(failure),
            nvlink: self.nvlink.failed(failure),
            power_limits: self.power_limits.failed(failure),
            identity: self.identity.failed(failure),
            settings: self.settings.failed(failure),
            activity: self.activity.failed(failure),
            traffic: self.traffic.failed(failure),
            index: self.index,
            uuid: self.uuid,
            product: self.product,
            kind: self.kind,
        }
    }

    /// Whether both say the same, apart from how old it is: stale values that stay what they
    /// were, an idle time that goes on.
    #[must_use]
    pub fn same_but_for_ages(&self, other: &Self) -> bool {
        // A new field must be thought of here.
        let Self {
            index,
            uuid,
            product,
            kind,
            memory_total,
            memory_used,
            utilization,
            memory_utilization,
            temperature,
            power,
            power_limit,
            throttle_reasons,
            health,
            process_count,
            idle_for,
            memory_kind,
            p_state,
            energy,
            clocks,
            video,
            thermal,
            memory,
            pcie,
            ecc,
            nvlink,
            power_limits,
            identity,
            settings,
            activity,
            traffic,
        } = self;
        *index == other.index
            && *uuid == other.uuid
            && *product == other.product
            && *kind == other.kind
            && memory_total.same_but_for_age(&other.memory_total)
            && memory_used.same_but_for_age(&other.memory_used)
            && utilization.same_but_for_age(&other.utilization)
            && memory_utilization.same_but_for_age(&other.memory_utilization)
            && temperature.same_but_for_age(&other.temperature)
            && power.same_but_for_age(&other.power)
            && power_limit.same_but_for_age(&other.power_limit)
            && throttle_reasons.same_but_for_age(&other.throttle_reasons)
            && health.same_but_for_age(&other.health)
            && process_count.same_but_for_age(&other.process_count)
            && idle_for.same_idle(&other.idle_for)
            && memory_kind.same_but_for_age(&other.memory_kind)
            && p_state.same_but_for_age(&other.p_state)
            && energy.same_but_for_age(&other.energy)
            && clocks.same_but_for_ages(&other.clocks)
            && video.same_but_for_ages(&other.video)
            && thermal.same_but_for_ages(&other.thermal)
            && memory.same_but_for_ages(&other.memory)
            && pcie.same_but_for_ages(&other.pcie)
            && ecc.same_but_for_ages(&other.ecc)
            && nvlink.same_but_for_ages(&other.nvlink)
            && power_limits.same_but_for_ages(&other.power_limits)
            && identity.same_but_for_ages(&other.identity)
            && settings.same_but_for_ages(&other.settings)
            && activity.same_but_for_ages(&other.activity)
            && traffic.same_but_for_ages(&other.traffic)
    }

    /// Whether its memory is the machine's own (Jetson, GB10), of which the driver counts no
    /// total.
    #[must_use]
    pub fn has_unified_memory(&self) -> bool {
        self.memory_kind.get() == Some(MemoryKind::Unified)
    }

    /// How many degrees are left until the hardware slows the card down; negative beyond that.
    #[must_use]
    pub fn temperature_margin(&self) -> Option<Celsius> {
        let limit = self.thermal.slowdown.get()?;
        let now = self.temperature.get()?;
        Some(Celsius(limit.0.saturating_sub(now.0)))
    }

    /// What is worse with its PCIe link than it could be, if anything.
    #[must_use]
    pub fn pcie_degraded(&self) -> Option<PcieDegraded> {
        let busy = self.utilization.get().is_some_and(|u| u >= UNDER_LOAD);
        let awake = self.p_state.get().is_none_or(|state| state <= FULL_SPEED);
        self.pcie.degraded(busy && awake)
    }

    /// Whether heat or the power supply holds the clocks back.
    #[must_use]
    pub fn is_slowed_down(&self) -> bool {
        let reasons = self.throttle_reasons.known();
        reasons.is_some_and(|list| list.iter().any(|reason| reason.needs_attention()))
    }

    /// Whether this is a physical GPU that is split into MIG instances and so is not itself
    /// something that a pod can hold.
    #[must_use]
    pub const fn is_partitioned(&self) -> bool {
        matches!(self.kind, DeviceKind::Gpu { mig_enabled: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu() -> Device {
        let kind = DeviceKind::Gpu { mig_enabled: false };
        Device::unmeasured(0, "GPU-1".into(), String::new(), kind)
    }

    #[test]
    fn a_lower_generation_counts_at_full_speed_only() {
        let mut device = gpu();
        device.pcie.generation = 1.into();
        device.pcie.generation_max = 4.into();
        assert_eq!(device.pcie_degraded(), None, "load is not known");
        device.utilization = Percent(80).into();
        assert!(device.pcie_degraded().is_some());
        device.p_state = PState(8).into();
        assert_eq!(device.pcie_degraded(), None, "at rest");
        device.p_state = PState(2).into();
        device.utilization = Percent(0).into();
        assert_eq!(device.pcie_degraded(), None, "idle");
    }

    #[test]
    fn the_margin_needs_both_temperatures() {
        let mut device = gpu();
        device.temperature = Celsius(71).into();
        assert_eq!(device.temperature_margin(), None);
        device.thermal.slowdown = Celsius(90).into();
        assert_eq!(device.temperature_margin(), Some(Celsius(19)));
        device.temperature = Celsius(93).into();
        assert_eq!(device.temperature_margin(), Some(Celsius(-3)));
    }

    #[test]
    fn an_idle_time_that_goes_on_is_no_news_and_its_end_is() {
        let idle = |seconds| Device {
            idle_for: Duration::from_secs(seconds).into(),
            ..gpu()
        };
        assert!(idle(3).same_but_for_ages(&idle(4)));
        assert!(!idle(3).same_but_for_ages(&idle(0)));
        let mut other = gpu();
        other.ecc.volatile_corrected = 1.into();
        assert!(!gpu().same_but_for_ages(&other));
    }

    #[test]
    fn what_fails_keeps_what_it_is() {
        let mut device = gpu();
        device.identity.serial = Reading::Value("0324".to_owned());
        device.power = MilliWatts(1).into();
        let failed = device.failed(Failure::GpuLost);
        assert_eq!(failed.power, Reading::Failed(Failure::GpuLost));
        assert_eq!(
            failed.identity.serial.known().map(String::as_str),
            Some("0324")
        );
    }

    #[test]
    fn only_a_gpu_in_mig_mode_is_partitioned() {
        let device = |kind| Device::unmeasured(0, "GPU-1".into(), String::new(), kind);
        assert!(device(DeviceKind::Gpu { mig_enabled: true }).is_partitioned());
        assert!(!device(DeviceKind::Gpu { mig_enabled: false }).is_partitioned());
        let profile = "1g.10gb".to_owned();
        let instance = DeviceKind::MigInstance {
            profile,
            parent: "GPU-1".into(),
        };
        assert!(!device(instance).is_partitioned());
    }
}
