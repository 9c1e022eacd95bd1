//! Why the driver holds a card's clocks back.

use std::fmt;

use serde::{Deserialize, Serialize};

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

impl ThrottleReason {
    /// Whether the cause is heat or the power supply: something that should be seen to, while
    /// reaching one's own power limit is everyday life.
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        match self {
            Self::HardwareSlowdown
            | Self::SoftwareThermalSlowdown
            | Self::HardwareThermalSlowdown
            | Self::HardwarePowerBrake => true,
            Self::SoftwarePowerCap | Self::SyncBoost | Self::DisplayClocks => false,
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
    fn heat_needs_attention_and_a_power_limit_does_not() {
        assert!(ThrottleReason::SoftwareThermalSlowdown.needs_attention());
        assert!(!ThrottleReason::SoftwarePowerCap.needs_attention());
    }
}
