//! A device: a physical GPU or a MIG instance.

use std::collections::BTreeSet;

use gputop_fleet::state::{AllocatedTo, Closed, DeviceRow, DeviceState, Gap, Picture, Shares};
use gputop_model::{DeviceKind, Health, MilliWatts, NodeName};
use serde::Serialize;

use super::column::{Column, Columns, Datum, cell, several};
use super::hardware::{self, HardwareItem, hardware};
use super::item::Item;
use super::process::{self, GpuProcessItem};

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
    /// What is wrong with it.
    pub health_reason: Option<String>,
    /// Age of the telemetry in milliseconds.
    pub age_ms: Option<u64>,
    /// The telemetry is no longer fresh: what it says was so then.
    pub stale: bool,
    /// Why the node takes no pods: `not ready` or `cordoned`; `null`: it does, or nobody can say.
    pub closed: Option<&'static str>,
    /// Shares (time-slicing, MPS) that the device plugin makes of it; `null`: it is given away as a
    /// whole, or nobody can say.
    pub shares_total: Option<usize>,
    /// How many of them a pod may get; `null`: nobody can say, or its node takes no pods.
    pub shares_free: Option<usize>,
    /// How old the kubelet's list of holders is in milliseconds, once it is too old to count on;
    /// `null`: it is not.
    pub allocated_to_age_ms: Option<u64>,
    /// Containers that were given the device.
    pub allocated_to: Option<Vec<HolderItem>>,
    /// Processes on the device.
    pub processes: Option<Vec<GpuProcessItem>>,
    /// The card in detail.
    #[serde(flatten)]
    pub hardware: HardwareItem,
}

/// A MIG instance's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MigItem {
    /// Such as `1g.10gb`.
    pub profile: String,
    /// Which of its card's instances, from 0, as `nvidia-smi -L` counts them.
    pub device: usize,
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

/// Measured devices, then those that are only known to exist; by node. `here`: which nodes count.
pub(super) fn items(picture: &Picture, here: impl Fn(&NodeName) -> bool) -> Vec<GpuItem> {
    let mut items: Vec<GpuItem> = picture
        .devices
        .iter()
        .filter(|row| here(&row.node))
        .map(|row| measured(picture, row))
        .collect();
    let gaps = picture.gaps.iter().filter(|gap| here(&gap.node));
    items.extend(gaps.flat_map(unmeasured));
    items.sort_by(|a, b| a.node.cmp(&b.node));
    items
}

fn measured(picture: &Picture, row: &DeviceRow) -> GpuItem {
    let device = row.device();
    let mig = match &device.kind {
        DeviceKind::Gpu { .. } => None,
        DeviceKind::MigInstance { profile, parent } => Some(MigItem {
            profile: profile.clone(),
            device: row.instance().unwrap_or_default(),
            parent_uuid: parent.to_string(),
        }),
    };
    let reasons = device.throttle_reasons.known();
    let nodes = &picture.nodes;
    let node = nodes.binary_search_by(|node| node.info.name.cmp(&row.node));
    let shares = node.ok().and_then(|at| Shares::of(row, &nodes[at].info));
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
        health: device.health.known().map(Health::name),
        health_reason: device
            .health
            .known()
            .and_then(Health::why)
            .map(str::to_owned),
        age_ms: Some(super::millis(row.age)),
        stale: row.stale,
        closed: row.closed.map(Closed::name),
        shares_total: shares.map(|shares| shares.all),
        shares_free: shares.and_then(|shares| shares.free),
        allocated_to_age_ms: row.holders_age.map(super::millis),
        allocated_to: row.allocated_to.as_deref().map(holders),
        processes: device.process_count.known().map(|_| {
            row.processes
                .iter()
                .map(|at| process::on_device(&picture.processes[*at]))
                .collect()
        }),
        hardware: hardware(device),
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
        health_reason: None,
        age_ms: None,
        stale: false,
        closed: None,
        shares_total: None,
        shares_free: None,
        allocated_to_age_ms: None,
        allocated_to: held,
        processes: None,
        hardware: HardwareItem::default(),
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

impl HolderItem {
    fn key(&self) -> (&str, &str) {
        (&self.namespace, &self.pod)
    }
}

impl GpuItem {
    /// Whether a pod of `namespace` was given it, or has a process on it.
    pub(super) fn is_held_from(&self, namespace: &str) -> bool {
        let given = self.allocated_to.iter().flatten();
        let processes = self.processes.iter().flatten();
        given
            .map(|to| Some(to.namespace.as_str()))
            .chain(processes.map(|process| process.namespace.as_deref()))
            .any(|of| of == Some(namespace))
    }

    /// The index, with the profile of an instance.
    fn label(&self) -> String {
        match (&self.mig, self.index) {
            (Some(mig), Some(index)) => format!("{index}.{}/{}", mig.device, mig.profile),
            (_, index) => cell(index),
        }
    }

    fn held_by(&self) -> String {
        let held = self
            .allocated_to
            .as_ref()
            .map(|held| match held.as_slice() {
                [] if self.state == "partitioned" => "its instances".to_owned(),
                [] if self.state == "occupied" => "outside".to_owned(),
                [] => "nobody".to_owned(),
                [one, rest @ ..] => {
                    // Several shares of one pod are one holder, as on the screen.
                    let others: BTreeSet<_> = rest.iter().map(HolderItem::key).collect();
                    let others = others.iter().filter(|key| **key != one.key()).count();
                    let more = if others > 0 {
                        format!(" +{others}")
                    } else {
                        String::new()
                    };
                    format!("{}/{}{more}", one.namespace, one.pod)
                }
            });
        cell(held)
    }

    /// `1/4 free`.
    fn shares(&self) -> String {
        let shares = self.shares_free.zip(self.shares_total);
        cell(shares.map(|(free, all)| format!("{free}/{all} free")))
    }

    fn holders(&self) -> Datum {
        let holders = self.allocated_to.as_ref().map(|held| {
            several(
                held.iter()
                    .map(|to| format!("{}/{}/{}", to.namespace, to.pod, to.container)),
            )
        });
        holders.into()
    }

    fn pids(&self) -> Datum {
        let pids = self.processes.as_ref();
        pids.map(|list| several(list.iter().map(|process| process.pid.to_string())))
            .into()
    }

    fn throttle(&self) -> Datum {
        let reasons = self.throttle_reasons.as_ref();
        reasons
            .map(|list| several(list.iter().map(|&reason| reason.to_owned())))
            .into()
    }
}

const CARD: &[Column<GpuItem>] = &[
    Column::of("node", |g: &GpuItem| (&g.node).into()).titled("NODE"),
    Column::of("index", |g: &GpuItem| g.index.into())
        .titled("GPU")
        .said(GpuItem::label),
    Column::of("mig_profile", |g: &GpuItem| {
        g.mig.as_ref().map(|mig| &mig.profile).into()
    }),
    Column::of("mig_device", |g: &GpuItem| {
        g.mig.as_ref().map(|mig| mig.device as u64).into()
    }),
    Column::of("mig_parent_uuid", |g: &GpuItem| {
        g.mig.as_ref().map(|mig| &mig.parent_uuid).into()
    }),
    Column::of("uuid", |g: &GpuItem| g.uuid.as_ref().into()).wide("UUID"),
    Column::of("product", |g: &GpuItem| g.product.as_ref().into()).titled("PRODUCT"),
    Column::of("state", |g: &GpuItem| g.state.into()).titled("STATE"),
    Column::of("closed", |g: &GpuItem| g.closed.into()).wide("CLOSED"),
    Column::of("health", |g: &GpuItem| g.health.into()).wide("HEALTH"),
    Column::of("health_reason", |g: &GpuItem| {
        g.health_reason.as_ref().into()
    }),
    Column::of("utilization_percent", |g: &GpuItem| {
        g.utilization_percent.into()
    })
    .titled("UTIL")
    .said(|g| cell(g.utilization_percent.map(|v| format!("{v}%")))),
    Column::of("memory_utilization_percent", |g: &GpuItem| {
        g.memory_utilization_percent.into()
    })
    .wide("MEM BW")
    .said(|g| cell(g.memory_utilization_percent.map(|v| format!("{v}%")))),
    Column::of("memory_used_bytes", |g: &GpuItem| {
        g.memory_used_bytes.into()
    })
    .titled("VRAM")
    .said(|g| super::memory(g.memory_used_bytes, g.memory_total_bytes)),
    Column::of("memory_total_bytes", |g: &GpuItem| {
        g.memory_total_bytes.into()
    }),
    Column::of("temperature_celsius", |g: &GpuItem| {
        g.temperature_celsius.into()
    })
    .titled("TEMP")
    .said(|g| cell(g.temperature_celsius.map(|v| format!("{v}°C")))),
    Column::of("power_mw", |g: &GpuItem| g.power_mw.into())
        .titled("POWER")
        .said(|g| cell(g.power_mw.map(MilliWatts))),
    Column::of("power_limit_mw", |g: &GpuItem| g.power_limit_mw.into())
        .wide("LIMIT")
        .said(|g| cell(g.power_limit_mw.map(MilliWatts))),
];

const USE: &[Column<GpuItem>] = &[
    Column::of("shares_total", |g: &GpuItem| g.shares_total.into()),
    Column::of("shares_free", |g: &GpuItem| g.shares_free.into())
        .wide("SHARES")
        .said(GpuItem::shares),
    Column::of("throttle_reasons", GpuItem::throttle).wide("THROTTLE"),
    Column::of("processes", GpuItem::pids)
        .wide("PROC")
        .said(|g| cell(g.processes.as_ref().map(Vec::len))),
    Column::of("age_ms", |g: &GpuItem| g.age_ms.into())
        .wide("TELEMETRY")
        .said(|g| super::telemetry(g.age_ms, g.stale))
        .ages(),
    Column::of("stale", |g: &GpuItem| g.stale.into()),
    Column::of("allocated_to_age_ms", |g: &GpuItem| {
        g.allocated_to_age_ms.into()
    })
    .ages(),
    Column::of("allocated_to", GpuItem::holders)
        .titled("HELD BY")
        .said(GpuItem::held_by),
];

impl Item for GpuItem {
    const COLUMNS: Columns<Self> = &[CARD, hardware::SHOWN, USE, hardware::HIDDEN];

    fn name(&self) -> Option<String> {
        let uuid = self.uuid.as_ref()?;
        Some(format!("gpu/{}/{uuid}", self.node))
    }

    fn key(&self) -> String {
        format!("{}/{}", self.node, self.uuid.as_deref().unwrap_or_default())
    }

    fn is_called(&self, name: &str) -> bool {
        if self.uuid.as_deref() == Some(name) || self.node == name {
            return true;
        }
        let Some((node, part)) = name.rsplit_once('/') else {
            return false;
        };
        let is_index = self.index.is_some() && part.parse().ok() == self.index;
        let is_instance = match (&self.mig, self.index) {
            (Some(mig), Some(index)) => part == format!("{index}.{}", mig.device),
            _ => false,
        };
        node == self.node && (is_index || is_instance || self.uuid.as_deref() == Some(part))
    }
}
