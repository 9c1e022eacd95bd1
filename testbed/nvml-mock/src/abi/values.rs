//! What a card answers with one number or two.

use super::put;
use crate::Code;
use crate::call::{Handle, Target, on, on_card};
use crate::world::session;

/// Functions that hand out one number of a whole card.
macro_rules! values {
    ($($name:ident: $type:ty = |$target:ident| $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(device: Handle, out: *mut $type) -> u32 {
            on_card(stringify!($name), device, |$target| {
                let value: $type = $value;
                // SAFETY: the caller's variable.
                unsafe { put(out, value) }
            })
        }
    )*};
}

/// Functions that hand out one number of a whole card, by an argument.
macro_rules! chosen {
    ($($name:ident($which:ident): $type:ty = |$target:ident| $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(device: Handle, $which: u32, out: *mut $type) -> u32 {
            on_card(stringify!($name), device, |$target| {
                let value: $type = $value;
                // SAFETY: the caller's variable.
                unsafe { put(out, value) }
            })
        }
    )*};
}

/// Functions that hand out two numbers of a whole card.
macro_rules! pairs {
    ($($name:ident: $type:ty = |$target:ident| $value:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(device: Handle, one: *mut $type, two: *mut $type) -> u32 {
            on_card(stringify!($name), device, |$target| {
                let (first, second): ($type, $type) = $value;
                // SAFETY: the caller's variables.
                unsafe { put(one, first).and_then(|()| put(two, second)) }
            })
        }
    )*};
}

values! {
    nvmlDeviceGetMinorNumber: u32 = |t| u32::try_from(t.card).unwrap_or(u32::MAX);
    nvmlDeviceGetBoardId: u32 = |t| t.gpu().bus_at(t.card) << 8;
    nvmlDeviceGetMultiGpuBoard: u32 = |_t| 0;
    // NVML_BRAND_NVIDIA
    nvmlDeviceGetBrand: u32 = |_t| 14;
    nvmlDeviceGetArchitecture: u32 = |t| t.gpu().architecture;
    nvmlDeviceGetDisplayMode: u32 = |_t| 0;
    nvmlDeviceGetDisplayActive: u32 = |_t| 0;
    nvmlDeviceGetPersistenceMode: u32 = |t| u32::from(t.gpu().persistence);
    nvmlDeviceGetComputeMode: u32 = |t| t.gpu().compute_mode;
    nvmlDeviceGetPowerManagementMode: u32 = |_t| 1;
    nvmlDeviceGetPowerUsage: u32 = |t| t.gpu().power_mw;
    nvmlDeviceGetEnforcedPowerLimit: u32 = |t| t.gpu().power_limit_mw;
    nvmlDeviceGetPowerManagementLimit: u32 = |t| t.gpu().power_limit_mw;
    nvmlDeviceGetPowerManagementDefaultLimit: u32 = |t| t.gpu().power_default_mw;
    nvmlDeviceGetTotalEnergyConsumption: u64 = |t| t.gpu().energy_mj;
    nvmlDeviceGetPerformanceState: u32 = |t| t.gpu().p_state;
    nvmlDeviceGetPowerState: u32 = |t| t.gpu().p_state;
    nvmlDeviceGetCurrentClocksThrottleReasons: u64 = |t| t.gpu().throttle;
    nvmlDeviceGetCurrentClocksEventReasons: u64 = |t| t.gpu().throttle;
    nvmlDeviceGetSupportedClocksThrottleReasons: u64 = |_t| 0x1ff;
    nvmlDeviceGetCurrPcieLinkGeneration: u32 = |t| t.gpu().pcie_generation;
    nvmlDeviceGetCurrPcieLinkWidth: u32 = |t| t.gpu().pcie_width;
    nvmlDeviceGetMaxPcieLinkGeneration: u32 = |t| t.gpu().pcie_generation_max;
    nvmlDeviceGetMaxPcieLinkWidth: u32 = |t| t.gpu().pcie_width_max;
    nvmlDeviceGetPcieReplayCounter: u32 = |t| t.gpu().pcie_replays;
    nvmlDeviceGetNumFans: u32 = |t| u32::try_from(t.gpu().fans.len()).unwrap_or(u32::MAX);
    nvmlDeviceGetFanSpeed: u32 = |t| fan(t, 0)?;
    nvmlDeviceGetRetiredPagesPendingStatus: u32 = |t| u32::from(t.gpu().retirement_pending);
    nvmlDeviceGetSupportedEventTypes: u64 = |_t| crate::scenario::EventType::ALL;
}

chosen! {
    nvmlDeviceGetTemperature(_sensor): u32 = |t| t.gpu().temperature;
    nvmlDeviceGetTemperatureThreshold(which): u32 = |t| match which {
        0 => t.gpu().shutdown_c,
        1 => t.gpu().slowdown_c,
        2 => t.gpu().memory_max_c,
        3 => t.gpu().gpu_max_c,
        _ => return Err(Code::NotSupported),
    };
    nvmlDeviceGetClockInfo(which): u32 = |t| match which {
        0 | 1 => t.gpu().sm_mhz,
        2 => t.gpu().memory_mhz,
        3 => t.gpu().video_mhz,
        _ => return Err(Code::InvalidArgument),
    };
    nvmlDeviceGetMaxClockInfo(which): u32 = |t| match which {
        0 | 1 => t.gpu().sm_max_mhz,
        2 => t.gpu().memory_max_mhz,
        3 => t.gpu().video_mhz,
        _ => return Err(Code::InvalidArgument),
    };
    nvmlDeviceGetApplicationsClock(which): u32 = |t| match which {
        0 | 1 => t.gpu().sm_max_mhz,
        2 => t.gpu().memory_max_mhz,
        _ => return Err(Code::NotSupported),
    };
    nvmlDeviceGetFanSpeed_v2(which): u32 = |t| fan(t, which)?;
    nvmlDeviceGetPcieThroughput(which): u32 = |t| match which {
        0 => t.gpu().pcie_kb_s.0,
        1 => t.gpu().pcie_kb_s.1,
        _ => return Err(Code::InvalidArgument),
    };
    nvmlDeviceGetNvLinkState(link): u32 = |t| u32::from(one_link(t, link)?.active);
    nvmlDeviceGetNvLinkVersion(link): u32 = |t| one_link(t, link).map(|_| 4)?;
}

pairs! {
    nvmlDeviceGetEncoderUtilization: u32 = |t| (t.gpu().encoder, 167_000);
    nvmlDeviceGetDecoderUtilization: u32 = |t| (t.gpu().decoder, 167_000);
    nvmlDeviceGetEccMode: u32 = |t| {
        let enabled = u32::from(t.gpu().ecc_enabled);
        (enabled, enabled)
    };
    nvmlDeviceGetPowerManagementLimitConstraints: u32 = |t| t.gpu().power_bounds_mw;
}

fn fan(target: &Target, fan: u32) -> Result<u32, Code> {
    let fans = &target.gpu().fans;
    if fans.is_empty() {
        return Err(Code::NotSupported);
    }
    let fan = usize::try_from(fan).map_err(|_| Code::InvalidArgument)?;
    fans.get(fan).copied().ok_or(Code::InvalidArgument)
}

fn one_link(target: &Target, link: u32) -> Result<&crate::scenario::Link, Code> {
    let links = &target.gpu().links;
    if links.is_empty() {
        return Err(Code::NotSupported);
    }
    let link = usize::try_from(link).map_err(|_| Code::InvalidArgument)?;
    links.get(link).ok_or(Code::InvalidArgument)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetNvLinkErrorCounter(
    device: Handle,
    link: u32,
    counter: u32,
    out: *mut u64,
) -> u32 {
    on_card("nvmlDeviceGetNvLinkErrorCounter", device, |target| {
        let link = one_link(target, link)?;
        let count = match counter {
            0 => link.replay,
            1 => link.recovery,
            2 | 3 => link.crc,
            _ => return Err(Code::InvalidArgument),
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, count) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetNvLinkRemotePciInfo_v2(
    device: Handle,
    _link: u32,
    _out: *mut u8,
) -> u32 {
    on_card("nvmlDeviceGetNvLinkRemotePciInfo_v2", device, |_| {
        Err(Code::NotSupported)
    })
}

/// `nvmlUtilization_t`.
#[repr(C)]
struct Utilization {
    gpu: u32,
    memory: u32,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetUtilizationRates(device: Handle, out: *mut Utilization) -> u32 {
    on_card("nvmlDeviceGetUtilizationRates", device, |target| {
        // What a card in instances as a whole does is not known.
        if target.gpu().mig_mode == Some(true) {
            return Err(Code::NotSupported);
        }
        let utilization = Utilization {
            gpu: target.gpu().utilization,
            memory: target.gpu().memory_utilization,
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, utilization) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetIndex(device: Handle, out: *mut u32) -> u32 {
    on("nvmlDeviceGetIndex", device, |target| {
        let place = match target.mig_place() {
            Some(mig) => Some(mig),
            None => session().cards.iter().position(|card| *card == target.card),
        };
        let index = place.and_then(|place| u32::try_from(place).ok());
        // SAFETY: the caller's variable.
        unsafe { put(out, index.ok_or(Code::NotFound)?) }
    })
}
