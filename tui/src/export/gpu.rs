//! A device: a physical GPU or a MIG instance.

use gputop_fleet::state::{AllocatedTo, DeviceRow, DeviceState, Gap, Picture};
use gputop_model::{Bytes, DeviceKind, MilliWatts};
use serde::Serialize;

use super::process::{self, GpuProcessItem};
use super::table::{Cells, cell};

/// One device. Where nobody could look (`state` is `unknown` or `allocated`) the figures are
/// `null`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GpuItem {
    /// Node.
    pub node: String,
    /// NVML's index.
    pub index: Option<u32>,
    /// NVML's UUID.
    pub uuid: Option<String>,
    /// Product name.
    pub product: Option<String>,
    /// `free`, `occupied`, `working`, `ready`, `idle`, `allocated`, `sick`, `partitioned` or
    /// `unknown`.
    pub state: &'static str,
    /// Bytes.
    pub memory_total_bytes: Option<u64>,
    /// Bytes.
    pub memory_used_bytes: Option<u64>,
    /// 0..=100.
    pub utilization_percent: Option<u8>,
    /// 0..=100.
    pub memory_utilization_percent: Option<u8>,
    /// Degrees Celsius.
    pub temperature_celsius: Option<i32>,
    /// Milliwatts.
    pub power_mw: Option<u32>,
    /// Milliwatts.
    pub power_limit_mw: Option<u32>,
    /// Why the clocks are held back; empty: they are not.
    pub throttle_reasons: Option<Vec<&'static str>>,
    /// `null` for a physical GPU.
    pub mig: Option<MigItem>,
    /// `ok`, `degraded` or `sick`.
    pub health: Option<&'static str>,
    /// Age of the telemetry in milliseconds.
    pub age_ms: Option<u64>,
    /// Containers that were given the device.
    pub allocated_to: Option<Vec<HolderItem>>,
    /// Processes on the device.
    pub processes: Option<Vec<GpuProcessItem>>,
}

/// A MIG instance's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MigItem {
    /// Such as `1g.10gb`.
    pub profile: String,
    /// UUID of the physical GPU.
    pub parent_uuid: String,
}

/// A container that was given a device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HolderItem {
    /// Namespace.
    pub namespace: String,
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Uid of the pod.
    pub pod_uid: Option<String>,
    /// The kubelet's id of the device or share.
    pub device_id: String,
}

/// Measured devices, then those that are only known to exist; by node.
pub(super) fn items(picture: &Picture) -> Vec<GpuItem> {
    let mut items: Vec<GpuItem> = picture
        .devices
        .iter()
        .map(|row| measured(picture, row))
        .collect();
    items.extend(picture.gaps.iter().flat_map(unmeasured));
    items.sort_by(|a, b| a.node.cmp(&b.node));
    items
}

fn measured(picture: &Picture, row: &DeviceRow) -> GpuItem {
    let device = row.device();
    let mig = match &device.kind {
        DeviceKind::Gpu { .. } => None,
        DeviceKind::MigInstance { profile, parent } => Some(MigItem {
            profile: profile.clone(),
            parent_uuid: parent.to_string(),
        }),
    };
    let reasons = device.throttle_reasons.known();
    GpuItem {
        node: row.node.to_string(),
        index: Some(device.index),
        uuid: Some(device.uuid.to_string()),
        product: Some(device.product.clone()),
        state: row.state.name(),
        memory_total_bytes: device.memory_total.get().map(|v| v.0),
        memory_used_bytes: device.memory_used.get().map(|v| v.0),
        utilization_percent: device.utilization.get().map(|v| v.0),
        memory_utilization_percent: device.memory_utilization.get().map(|v| v.0),
        temperature_celsius: device.temperature.get().map(|v| v.0),
        power_mw: device.power.get().map(|v| v.0),
        power_limit_mw: device.power_limit.get().map(|v| v.0),
        throttle_reasons: reasons.map(|list| list.iter().map(|reason| reason.name()).collect()),
        mig,
        health: device.health.known().map(gputop_model::Health::name),
        age_ms: Some(super::millis(row.age)),
        allocated_to: row.allocated_to.as_deref().map(holders),
        processes: device.process_count.known().map(|_| {
            row.processes
                .iter()
                .map(|at| process::on_device(&picture.processes[*at]))
                .collect()
        }),
    }
}

fn unmeasured(gap: &Gap) -> Vec<GpuItem> {
    let nothing = |uuid: Option<String>, held: Option<Vec<HolderItem>>| GpuItem {
        node: gap.node.to_string(),
        index: None,
        uuid,
        // The node's label names one product, its cards may be of several.
        product: None,
        state: if held.is_some() {
            DeviceState::Allocated
        } else {
            DeviceState::Unknown
        }
        .name(),
        memory_total_bytes: None,
        memory_used_bytes: None,
        utilization_percent: None,
        memory_utilization_percent: None,
        temperature_celsius: None,
        power_mw: None,
        power_limit_mw: None,
        throttle_reasons: None,
        mig: None,
        health: None,
        age_ms: None,
        allocated_to: held,
        processes: None,
    };
    let named = gap
        .named
        .iter()
        .map(|(uuid, held)| nothing(Some(uuid.to_string()), Some(holders(held))));
    // At least one, so that a node with GPUs is never missing.
    let devices = gap.devices.unwrap_or(1);
    let unnamed = devices.saturating_sub(gap.named.len());
    named
        .chain((0..unnamed).map(|_| nothing(None, None)))
        .collect()
}

fn holders(held: &[AllocatedTo]) -> Vec<HolderItem> {
    held.iter()
        .map(|to| HolderItem {
            namespace: to.namespace.clone(),
            pod: to.pod.clone(),
            container: to.container.clone(),
            pod_uid: to.pod_uid.as_ref().map(ToString::to_string),
            device_id: to.device_id.to_string(),
        })
        .collect()
}

impl Cells for GpuItem {
    const HEADINGS: &'static [&'static str] = &[
        "NODE", "GPU", "PRODUCT", "STATE", "UTIL", "VRAM", "TEMP", "POWER", "HELD BY",
    ];

    fn cells(&self) -> Vec<String> {
        let bytes = |value: Option<u64>| cell(value.map(Bytes));
        let held = self
            .allocated_to
            .as_ref()
            .map(|held| match held.as_slice() {
                [] if self.state == "partitioned" => "its instances".to_owned(),
                [] => "nobody".to_owned(),
                [one] => format!("{}/{}", one.namespace, one.pod),
                [one, rest @ ..] => format!("{}/{} +{}", one.namespace, one.pod, rest.len()),
            });
        let index = match (&self.mig, self.index) {
            (Some(mig), Some(index)) => format!("{index}/{}", mig.profile),
            (_, index) => cell(index),
        };
        vec![
            self.node.clone(),
            index,
            cell(self.product.as_ref()),
            self.state.to_owned(),
            cell(self.utilization_percent.map(|v| format!("{v}%"))),
            match (self.memory_used_bytes, self.memory_total_bytes) {
                (None, None) => cell(None::<Bytes>),
                (used, total) => format!("{}/{}", bytes(used), bytes(total)),
            },
            cell(self.temperature_celsius.map(|v| format!("{v}°C"))),
            cell(self.power_mw.map(MilliWatts)),
            cell(held),
        ]
    }
}
