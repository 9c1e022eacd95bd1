//! NVML's bits for what holds the clocks back.

use gputop_model::ThrottleReason;
use nvml_wrapper::bitmasks::device::ThrottleReasons;

/// What holds the clocks back; idling and clocks that someone has set are not throttling.
pub(super) fn throttle_reasons(bits: ThrottleReasons) -> Vec<ThrottleReason> {
    let names = [
        (
            ThrottleReasons::SW_POWER_CAP,
            ThrottleReason::SoftwarePowerCap,
        ),
        (
            ThrottleReasons::HW_SLOWDOWN,
            ThrottleReason::HardwareSlowdown,
        ),
        (ThrottleReasons::SYNC_BOOST, ThrottleReason::SyncBoost),
        (
            ThrottleReasons::SW_THERMAL_SLOWDOWN,
            ThrottleReason::SoftwareThermalSlowdown,
        ),
        (
            ThrottleReasons::HW_THERMAL_SLOWDOWN,
            ThrottleReason::HardwareThermalSlowdown,
        ),
        (
            ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN,
            ThrottleReason::HardwarePowerBrake,
        ),
        (
            ThrottleReasons::DISPLAY_CLOCK_SETTING,
            ThrottleReason::DisplayClocks,
        ),
    ];
    let held = names.into_iter().filter(|(bit, _)| bits.contains(*bit));
    held.map(|(_, reason)| reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idling_is_not_throttling() {
        let bits = ThrottleReasons::GPU_IDLE
            | ThrottleReasons::APPLICATIONS_CLOCKS_SETTING
            | ThrottleReasons::HW_SLOWDOWN
            | ThrottleReasons::SW_POWER_CAP;
        let expected = [
            ThrottleReason::SoftwarePowerCap,
            ThrottleReason::HardwareSlowdown,
        ];
        assert_eq!(throttle_reasons(bits), expected);
        assert_eq!(throttle_reasons(ThrottleReasons::GPU_IDLE), []);
    }
}
