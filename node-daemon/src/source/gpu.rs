//! One GPU's part of a sample, and all its readings at once: made older, or failed.

use std::time::Duration;

use gputop_model::{Device, Failure, GpuProcess, GpuUuid, Reading};

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
            devices: devices.map(|device| aged_device(device, by)).collect(),
            processes: processes.map(|process| aged_process(process, by)).collect(),
        }
    }
}

fn aged_device(device: Device, by: Duration) -> Device {
    Device {
        memory_total: device.memory_total.aged(by),
        memory_used: device.memory_used.aged(by),
        utilization: device.utilization.aged(by),
        memory_utilization: device.memory_utilization.aged(by),
        temperature: device.temperature.aged(by),
        power: device.power.aged(by),
        power_limit: device.power_limit.aged(by),
        throttle_reasons: device.throttle_reasons.aged(by),
        health: device.health.aged(by),
        process_count: device.process_count.aged(by),
        idle_for: device.idle_for.aged(by),
        ..device
    }
}

/// The user does not change and so does not age.
pub(crate) fn aged_process(process: GpuProcess, by: Duration) -> GpuProcess {
    GpuProcess {
        memory_used: process.memory_used.aged(by),
        sm: process.sm.aged(by),
        idle_for: process.idle_for.aged(by),
        ..process
    }
}

/// `device` with no reading but `failure`.
pub(crate) fn failed_device(device: Device, failure: Failure) -> Device {
    Device {
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
        ..device
    }
}

/// Number of `processes` on the device `uuid`.
pub(crate) fn count(processes: &[GpuProcess], uuid: &GpuUuid) -> Reading<u32> {
    let number = processes.iter().filter(|p| p.device == *uuid).count();
    u32::try_from(number).unwrap_or(u32::MAX).into()
}
