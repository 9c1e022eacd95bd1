//! A process on a device.

use gputop_fleet::state::{Picture, ProcessOwner, ProcessRow};
use gputop_model::Bytes;
use serde::Serialize;

use super::table::{Cells, cell};

/// One process on one device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessItem {
    /// Node.
    pub node: String,
    /// NVML's index of the physical GPU.
    pub gpu_index: Option<u32>,
    /// UUID of the device.
    pub gpu_uuid: String,
    /// `C` (compute), `G` (graphics) or `C+G`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The same fields as in a GPU item.
    #[serde(flatten)]
    pub process: GpuProcessItem,
    /// What holds a process outside the cluster, such as `desktop: gnome-shell`.
    pub outside: Option<String>,
    /// Age of the telemetry in milliseconds.
    pub age_ms: u64,
}

/// A process as a GPU item lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GpuProcessItem {
    /// In the host's PID namespace.
    pub pid: u32,
    /// Name of the executable.
    pub name: String,
    /// Login name or numeric id.
    pub user: Option<String>,
    /// Bytes.
    pub memory_used_bytes: Option<u64>,
    /// 0..=100.
    pub sm_percent: Option<u8>,
    /// Namespace of its pod.
    pub namespace: Option<String>,
    /// Its pod.
    pub pod: Option<String>,
    /// Its container.
    pub container: Option<String>,
}

/// The processes of `namespace`, or all.
pub(super) fn items(picture: &Picture, namespace: Option<&str>) -> Vec<ProcessItem> {
    picture
        .processes
        .iter()
        .map(|row| item(picture, row))
        .filter(|item| {
            namespace.is_none_or(|wanted| item.process.namespace.as_deref() == Some(wanted))
        })
        .collect()
}

fn item(picture: &Picture, row: &ProcessRow) -> ProcessItem {
    let process = row.process();
    let outside = match &row.owner {
        ProcessOwner::Outside(what) => Some(what.clone()),
        _ => None,
    };
    ProcessItem {
        node: row.node.to_string(),
        gpu_index: picture
            .devices
            .iter()
            .find(|device| device.node == row.node && device.device().uuid == process.device)
            .map(|device| device.device().index),
        gpu_uuid: process.device.to_string(),
        kind: process.kind.letters(),
        process: on_device(row),
        outside,
        age_ms: super::millis(row.age),
    }
}

/// The part that a GPU item lists.
pub(super) fn on_device(row: &ProcessRow) -> GpuProcessItem {
    let process = row.process();
    let (namespace, pod, container) = match &row.owner {
        ProcessOwner::Pod {
            namespace,
            pod,
            container,
            ..
        } => (
            Some(namespace.clone()),
            Some(pod.clone()),
            container.clone(),
        ),
        _ => (None, None, None),
    };
    GpuProcessItem {
        pid: process.pid,
        name: process.name.clone(),
        user: process.user.known().cloned(),
        memory_used_bytes: process.memory_used.get().map(|bytes| bytes.0),
        sm_percent: process.sm.get().map(|percent| percent.0),
        namespace,
        pod,
        container,
    }
}

impl Cells for ProcessItem {
    const HEADINGS: &'static [&'static str] = &[
        "NODE", "GPU", "PID", "USER", "NAME", "TYPE", "SM", "VRAM", "HELD BY",
    ];

    fn cells(&self) -> Vec<String> {
        let process = &self.process;
        let pod = process.namespace.as_ref().zip(process.pod.as_ref());
        let held = pod
            .map(|(ns, pod)| format!("{ns}/{pod}"))
            .or_else(|| self.outside.clone());
        vec![
            self.node.clone(),
            cell(self.gpu_index),
            process.pid.to_string(),
            cell(process.user.as_ref()),
            process.name.clone(),
            self.kind.to_owned(),
            cell(process.sm_percent.map(|v| format!("{v}%"))),
            cell(process.memory_used_bytes.map(Bytes)),
            cell(held),
        ]
    }
}
