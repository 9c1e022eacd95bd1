//! Nodes with much to tell.

use std::time::Duration;

use gputop_model::{
    Bytes, Device, DeviceKind, DriverState, GpuProcess, Holder, MilliWatts, NodeSnapshot, Percent,
    ProcessKind, Protocol, Reading,
};

/// How much a node has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) gpus: u32,
    /// MIG instances of each.
    pub(crate) instances: u32,
    pub(crate) processes: u32,
}

/// The `number`th snapshot of a node of which every reading changes from one to the next.
pub(crate) fn snapshot(size: Size, number: u64) -> NodeSnapshot {
    let share = Percent((number % 101) as u8);
    let mut devices = Vec::new();
    for index in 0..size.gpus {
        let uuid = format!("GPU-86054f06-0036-d39b-ece0-ff05001998{index:02x}");
        let product = "NVIDIA H100 80GB HBM3".to_owned();
        let kind = DeviceKind::Gpu {
            mig_enabled: size.instances > 0,
        };
        let mut gpu = Device::unmeasured(index, uuid.as_str().into(), product.clone(), kind);
        gpu.power = MilliWatts(600_000 + (number % 1000) as u32).into();
        devices.push(gpu);
        for slot in 0..size.instances {
            let kind = DeviceKind::MigInstance {
                profile: "1g.10gb".to_owned(),
                parent: uuid.as_str().into(),
            };
            let uuid = format!("MIG-6a2d0f3c-1b4e-5c6d-9f00-{index:06}{slot:06}");
            devices.push(Device::unmeasured(
                index,
                uuid.into(),
                product.clone(),
                kind,
            ));
        }
    }
    for device in &mut devices {
        device.utilization = share.into();
        device.memory_used = Bytes(60_000_000_000 + number).into();
        // The longest way to say nothing: each reading has an entry of its own.
        device.ecc = gputop_model::Ecc::unsupported();
        device.nvlink = gputop_model::NvLink::unsupported();
        device.thermal = gputop_model::Thermal::unsupported();
    }
    let count = devices.len();
    let process = |place: u32| {
        let device = devices[place as usize % count].uuid.clone();
        GpuProcess {
            start_ticks: Some(812_345_678),
            name: "n".repeat(15),
            command: Reading::Value("a".repeat(256)),
            user: Reading::Value("somebody".to_owned()),
            memory_used: Bytes(7_000_000_000 + number).into(),
            sm: share.into(),
            holder: Holder::Pod {
                uid: Some("0b4d8f8e-1c0a-4b86-9d4e-3ba1b1c4f6f2".into()),
                container_id: Some("c".repeat(64)),
                namespace: Some("n".repeat(63)),
                pod: Some("p".repeat(253)),
                container: Some("c".repeat(63)),
            },
            ..GpuProcess::unmeasured(4_000_000 + place, device, ProcessKind::Compute)
        }
    };
    let processes = (0..size.processes).map(process).collect();
    NodeSnapshot {
        daemon_version: "0".to_owned(),
        sequence: number,
        driver: DriverState::Ready {
            version: "580.95.05".to_owned(),
            cuda: None,
        },
        devices,
        processes,
        uptime: Duration::from_secs(number),
        protocol: Protocol::current(),
        ..NodeSnapshot::unsampled("n".into())
    }
}
