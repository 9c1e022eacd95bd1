//! A device: a physical GPU or a MIG instance, as the node's daemon measures it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Bytes, Celsius, GpuUuid, MilliWatts, Percent, Reading};

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
        }
    }

    /// Whether this is a physical GPU that is split into MIG instances and so is not itself
    /// something that a pod can hold.
    #[must_use]
    pub const fn is_partitioned(&self) -> bool {
        matches!(self.kind, DeviceKind::Gpu { mig_enabled: true })
    }
}

/// Why the driver holds the clocks back (`nvmlClocksEventReason*`, without "idle" and
/// "application clocks", which are not throttling).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ThrottleReason {
    /// The power limit set in software is reached.
    SoftwarePowerCap,
    /// Temperature, power or an external brake, decided by the hardware.
    HardwareSlowdown,
    /// Another GPU of the same sync-boost group is slower.
    SyncBoost,
    /// Too hot, decided by the driver.
    SoftwareThermalSlowdown,
    /// Too hot, decided by the hardware.
    HardwareThermalSlowdown,
    /// The power supply asked for a brake.
    HardwarePowerBrake,
    /// Display clocks.
    DisplayClocks,
}

impl ThrottleReason {
    /// Every reason, in the order of NVML's bits.
    pub const ALL: [Self; 7] = [
        Self::SoftwarePowerCap,
        Self::HardwareSlowdown,
        Self::SyncBoost,
        Self::SoftwareThermalSlowdown,
        Self::HardwareThermalSlowdown,
        Self::HardwarePowerBrake,
        Self::DisplayClocks,
    ];

    /// Stable name for JSON and the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SoftwarePowerCap => "sw_power_cap",
            Self::HardwareSlowdown => "hw_slowdown",
            Self::SyncBoost => "sync_boost",
            Self::SoftwareThermalSlowdown => "sw_thermal_slowdown",
            Self::HardwareThermalSlowdown => "hw_thermal_slowdown",
            Self::HardwarePowerBrake => "hw_power_brake",
            Self::DisplayClocks => "display_clocks",
        }
    }

    /// The reason with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for ThrottleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SoftwarePowerCap => "power limit",
            Self::HardwareSlowdown => "hardware slowdown",
            Self::SyncBoost => "sync boost",
            Self::SoftwareThermalSlowdown | Self::HardwareThermalSlowdown => "too hot",
            Self::HardwarePowerBrake => "power brake",
            Self::DisplayClocks => "display clocks",
        })
    }
}

/// Health of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// Nothing wrong is known.
    Ok,
    /// Works, but something needs attention.
    Degraded {
        /// What, in the operator's words.
        why: String,
    },
    /// Must not be given work.
    Sick {
        /// What, in the operator's words.
        why: String,
    },
}

impl Health {
    /// Stable name for JSON: `ok`, `degraded` or `sick`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded { .. } => "degraded",
            Self::Sick { .. } => "sick",
        }
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Ok => None,
            Self::Degraded { why } | Self::Sick { why } => Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttle_names_are_unique_and_read_back() {
        for reason in ThrottleReason::ALL {
            assert_eq!(ThrottleReason::from_name(reason.name()), Some(reason));
        }
        assert_eq!(ThrottleReason::from_name("gpu_idle"), None);
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
