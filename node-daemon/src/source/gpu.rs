//! One GPU's part of a sample.

use std::time::Duration;

use gputop_model::{
    Activity, Clocks, Device, DeviceKind, Ecc, GpuProcess, GpuUuid, Identity, MemoryDetail,
    MemoryKind, NvLink, Pcie, PowerLimits, Reading, Settings, Thermal, Traffic, Video,
};

/// One GPU's part of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GpuSample {
    /// The GPU, then its MIG instances.
    pub(crate) devices: Vec<Device>,
    /// Processes on these.
    pub(crate) processes: Vec<GpuProcess>,
}

impl GpuSample {
    /// The same, read `by` ago.
    pub(crate) fn aged(self, by: Duration) -> Self {
        let devices = self.devices.into_iter();
        let processes = self.processes.into_iter();
        Self {
            devices: devices.map(|device| device.aged(by)).collect(),
            processes: processes.map(|process| aged_process(process, by)).collect(),
        }
    }
}

/// The user does not change and so does not age.
pub(crate) fn aged_process(process: GpuProcess, by: Duration) -> GpuProcess {
    GpuProcess {
        memory_used: process.memory_used.aged(by),
        sm: process.sm.aged(by),
        memory_busy: process.memory_busy.aged(by),
        encoder: process.encoder.aged(by),
        decoder: process.decoder.aged(by),
        idle_for: process.idle_for.aged(by),
        ..process
    }
}

/// A MIG instance: what the driver has for whole cards only is not supported.
pub(crate) fn instance(index: u32, uuid: GpuUuid, product: String, kind: DeviceKind) -> Device {
    Device {
        utilization: Reading::Unsupported,
        memory_utilization: Reading::Unsupported,
        temperature: Reading::Unsupported,
        power: Reading::Unsupported,
        power_limit: Reading::Unsupported,
        throttle_reasons: Reading::Unsupported,
        idle_for: Reading::Unsupported,
        memory_kind: MemoryKind::Dedicated.into(),
        p_state: Reading::Unsupported,
        energy: Reading::Unsupported,
        clocks: Clocks::unsupported(),
        video: Video::unsupported(),
        thermal: Thermal::unsupported(),
        memory: MemoryDetail::unsupported(),
        pcie: Pcie::unsupported(),
        ecc: Ecc::unsupported(),
        nvlink: NvLink::unsupported(),
        power_limits: PowerLimits::unsupported(),
        identity: Identity::unsupported(),
        settings: Settings::unsupported(),
        activity: Activity::unsupported(),
        traffic: Traffic::unsupported(),
        ..Device::unmeasured(index, uuid, product, kind)
    }
}

/// Number of `processes` on the device `uuid`.
pub(crate) fn count(processes: &[GpuProcess], uuid: &GpuUuid) -> Reading<u32> {
    let number = processes.iter().filter(|p| p.device == *uuid).count();
    u32::try_from(number).unwrap_or(u32::MAX).into()
}
