//! A pod.

use gputop_fleet::state::PodRow;
use gputop_model::Bytes;
use jiff::Timestamp;
use serde::Serialize;

use super::column::{Column, Columns, cell};
use super::item::Item;

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
    /// Why it does not run or is not ready, as the API says it.
    pub reason: Option<String>,
    /// The same in plain words.
    pub why: Option<String>,
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
    /// The telemetry is no longer fresh: what it says was so then.
    pub stale: bool,
    /// The `Ready` condition.
    pub ready: bool,
    /// One word on how the pod is, as kubectl's STATUS column has it.
    pub status: String,
    /// How often its containers were started anew.
    pub restarts: u32,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// The owner of a pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkloadItem {
    /// `Deployment`, `StatefulSet`, `Job`, `DaemonSet`, `Pod`, …
    pub kind: String,
    /// Name.
    pub name: String,
}

/// What `row` says.
pub(super) fn item(row: &PodRow) -> PodItem {
    let info = &row.info;
    PodItem {
        namespace: info.key.namespace.to_string(),
        name: info.key.name.to_string(),
        uid: info.uid.to_string(),
        node: info.node.as_ref().map(ToString::to_string),
        phase: info.phase.name(),
        reason: info.reason.clone(),
        why: row.why(),
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
        stale: row.stale,
        ready: info.ready,
        status: row.status().to_owned(),
        restarts: info.restarts(),
        created: info.created,
    }
}

impl Item for PodItem {
    const COLUMNS: Columns<Self> = &[&[
        Column::of("namespace", |p: &Self| (&p.namespace).into()).titled("NAMESPACE"),
        Column::of("name", |p: &Self| (&p.name).into()).titled("NAME"),
        Column::of("uid", |p: &Self| (&p.uid).into()),
        Column::of("status", |p: &Self| (&p.status).into()).titled("STATUS"),
        Column::of("phase", |p: &Self| p.phase.into()),
        Column::of("ready", |p: &Self| p.ready.into()).wide("READY"),
        Column::of("restarts", |p: &Self| p.restarts.into()).wide("RESTARTS"),
        Column::of("node", |p: &Self| p.node.as_ref().into()).titled("NODE"),
        Column::of("gpus_requested", |p: &Self| p.gpus_requested.into()).titled("REQUESTED"),
        Column::of("gpus_allocated", |p: &Self| p.gpus_allocated.into()).titled("ALLOCATED"),
        Column::of("gpus_in_use", |p: &Self| p.gpus_in_use.into()).titled("IN USE"),
        Column::of("memory_used_bytes", |p: &Self| p.memory_used_bytes.into())
            .titled("VRAM")
            .said(|p| cell(p.memory_used_bytes.map(Bytes))),
        Column::of("idle_since", |p: &Self| {
            p.idle_since.map(|since| since.to_string()).into()
        })
        .titled("IDLE SINCE")
        .said(|p| cell(p.idle_since.map(|since| format!("{since:.0}")))),
        Column::of("unrequested", |p: &Self| p.unrequested.into()).wide("UNREQUESTED"),
        Column::of("created", |p: &Self| {
            p.created.map(|at| at.to_string()).into()
        })
        .wide("CREATED"),
        Column::of("age_ms", |p: &Self| p.age_ms.into())
            .wide("TELEMETRY")
            .said(|p| super::telemetry(p.age_ms, p.stale))
            .ages(),
        Column::of("stale", |p: &Self| p.stale.into()),
        Column::of("workload_kind", |p: &Self| (&p.workload.kind).into()),
        Column::of("workload_name", |p: &Self| (&p.workload.name).into())
            .titled("WORKLOAD")
            .said(|p| format!("{}/{}", p.workload.kind, p.workload.name)),
        Column::of("reason", |p: &Self| p.reason.as_ref().into()),
        Column::of("why", |p: &Self| p.why.as_ref().into())
            .wide("WHY")
            .said(|p| p.why.clone().unwrap_or_default()),
    ]];

    fn name(&self) -> Option<String> {
        Some(format!("pod/{}/{}", self.namespace, self.name))
    }

    fn key(&self) -> String {
        self.uid.clone()
    }

    fn is_called(&self, name: &str) -> bool {
        match name.split_once('/') {
            Some((namespace, name)) => self.namespace == namespace && self.name == name,
            None => self.name == name,
        }
    }
}
