//! A pod.

use gputop_fleet::state::{Picture, PodRow};
use gputop_model::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use super::table::{Cells, cell};

/// One pod. `gpus_requested` are units, `gpus_allocated` and `gpus_in_use` are devices.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PodItem {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// The node it is bound to.
    pub node: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: &'static str,
    /// Why it does not run or is not ready.
    pub reason: Option<String>,
    /// What owns it.
    pub workload: WorkloadItem,
    /// Units that the scheduler counts.
    pub gpus_requested: i64,
    /// Devices that it was given.
    pub gpus_allocated: Option<usize>,
    /// Devices that it has used lately.
    pub gpus_in_use: Option<usize>,
    /// Device memory of its processes.
    pub memory_used_bytes: Option<u64>,
    /// Since when it has had devices and done nothing with them.
    pub idle_since: Option<Timestamp>,
    /// It uses a device that it was not given.
    pub unrequested: bool,
    /// Age of the telemetry in milliseconds.
    pub age_ms: Option<u64>,
    #[serde(skip)]
    status: String,
}

/// The owner of a pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkloadItem {
    /// `Deployment`, `StatefulSet`, `Job`, `DaemonSet`, `Pod`, …
    pub kind: String,
    /// Name.
    pub name: String,
}

/// The pods of `namespace`, or all.
pub(super) fn items(picture: &Picture, namespace: Option<&str>) -> Vec<PodItem> {
    picture
        .pods
        .iter()
        .filter(|row| namespace.is_none_or(|wanted| wanted == &*row.info.key.namespace))
        .map(item)
        .collect()
}

fn item(row: &PodRow) -> PodItem {
    let info = &row.info;
    PodItem {
        namespace: info.key.namespace.to_string(),
        name: info.key.name.to_string(),
        uid: info.uid.to_string(),
        node: info.node.as_ref().map(ToString::to_string),
        phase: info.phase.name(),
        reason: info.reason.clone(),
        workload: WorkloadItem {
            kind: info.workload.kind.clone(),
            name: info.workload.name.clone(),
        },
        gpus_requested: info.gpu_units(),
        gpus_allocated: row.devices.as_ref().map(Vec::len),
        gpus_in_use: row.in_use,
        memory_used_bytes: row.memory_used.map(|bytes| bytes.0),
        idle_since: row.idle_since,
        unrequested: row.unrequested,
        age_ms: row.age.map(super::millis),
        status: row.status().to_owned(),
    }
}

impl Cells for PodItem {
    const HEADINGS: &'static [&'static str] = &[
        "NAMESPACE",
        "NAME",
        "STATUS",
        "NODE",
        "REQUESTED",
        "ALLOCATED",
        "IN USE",
        "VRAM",
        "IDLE SINCE",
        "WORKLOAD",
    ];

    fn cells(&self) -> Vec<String> {
        vec![
            self.namespace.clone(),
            self.name.clone(),
            self.status.clone(),
            cell(self.node.as_ref()),
            self.gpus_requested.to_string(),
            cell(self.gpus_allocated),
            cell(self.gpus_in_use),
            cell(self.memory_used_bytes.map(Bytes)),
            cell(self.idle_since.map(|since| format!("{since:.0}"))),
            format!("{}/{}", self.workload.kind, self.workload.name),
        ]
    }
}
