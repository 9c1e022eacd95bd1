//! A process on a device.

use std::collections::HashMap;

use gputop_fleet::state::{Picture, ProcessOwner, ProcessRow};
use gputop_model::{Bytes, GpuUuid, NodeName};
use serde::Serialize;

use super::column::{Column, Columns, cell};
use super::item::Item;

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
    /// The telemetry is no longer fresh: what it says was so then.
    pub stale: bool,
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

/// The processes that `wanted` takes, by node, device and pid.
pub(super) fn items(picture: &Picture, wanted: impl Fn(&ProcessRow) -> bool) -> Vec<ProcessItem> {
    let devices: HashMap<(&NodeName, &GpuUuid), u32> = picture
        .devices
        .iter()
        .map(|row| ((&row.node, &row.device().uuid), row.device().index))
        .collect();
    let rows = picture.processes.iter().filter(|row| wanted(row));
    rows.map(|row| {
        let index = devices.get(&(&row.node, &row.process().device));
        item(row, index.copied())
    })
    .collect()
}

fn item(row: &ProcessRow, gpu_index: Option<u32>) -> ProcessItem {
    let process = row.process();
    let outside = match &row.owner {
        ProcessOwner::Outside(what) => Some(what.clone()),
        _ => None,
    };
    ProcessItem {
        node: row.node.to_string(),
        gpu_index,
        gpu_uuid: process.device.to_string(),
        kind: process.kind.letters(),
        process: on_device(row),
        outside,
        age_ms: super::millis(row.age),
        stale: row.stale,
    }
}

/// The namespace of the pod that the process belongs to.
pub(super) fn namespace_of(row: &ProcessRow) -> Option<&str> {
    match &row.owner {
        ProcessOwner::Pod { namespace, .. } => Some(namespace),
        _ => None,
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

impl ProcessItem {
    fn held_by(&self) -> Option<String> {
        let process = &self.process;
        let pod = process.namespace.as_ref().zip(process.pod.as_ref());
        pod.map(|(namespace, pod)| format!("{namespace}/{pod}"))
            .or_else(|| self.outside.clone())
    }
}

impl Item for ProcessItem {
    const COLUMNS: Columns<Self> = &[&[
        Column::of("node", |p: &Self| (&p.node).into()).titled("NODE"),
        Column::of("gpu_index", |p: &Self| p.gpu_index.into()).titled("GPU"),
        Column::of("gpu_uuid", |p: &Self| (&p.gpu_uuid).into()).wide("UUID"),
        Column::of("pid", |p: &Self| p.process.pid.into()).titled("PID"),
        Column::of("user", |p: &Self| p.process.user.as_ref().into()).titled("USER"),
        Column::of("name", |p: &Self| (&p.process.name).into()).titled("NAME"),
        Column::of("type", |p: &Self| p.kind.into()).titled("TYPE"),
        Column::of("sm_percent", |p: &Self| p.process.sm_percent.into())
            .titled("SM")
            .said(|p| cell(p.process.sm_percent.map(|v| format!("{v}%")))),
        Column::of("memory_used_bytes", |p: &Self| {
            p.process.memory_used_bytes.into()
        })
        .titled("VRAM")
        .said(|p| cell(p.process.memory_used_bytes.map(Bytes))),
        Column::of("namespace", |p: &Self| p.process.namespace.as_ref().into()),
        Column::of("pod", |p: &Self| p.process.pod.as_ref().into()),
        Column::of("container", |p: &Self| p.process.container.as_ref().into()).wide("CONTAINER"),
        Column::of("outside", |p: &Self| p.outside.as_ref().into()),
        Column::of("age_ms", |p: &Self| p.age_ms.into())
            .wide("TELEMETRY")
            .said(|p| super::telemetry(Some(p.age_ms), p.stale))
            .ages(),
        Column::of("stale", |p: &Self| p.stale.into()),
        Column::of("held_by", |p: &Self| p.held_by().into()).titled("HELD BY"),
    ]];

    fn name(&self) -> Option<String> {
        Some(format!("process/{}", self.key()))
    }

    fn key(&self) -> String {
        format!("{}/{}/{}", self.node, self.process.pid, self.gpu_uuid)
    }

    fn is_called(&self, name: &str) -> bool {
        let pid = self.process.pid.to_string();
        match name.split_once('/') {
            None => name == pid,
            Some((node, rest)) => {
                let (number, device) = match rest.split_once('/') {
                    Some((number, device)) => (number, Some(device)),
                    None => (rest, None),
                };
                node == self.node
                    && number == pid
                    && device.is_none_or(|device| device == self.gpu_uuid)
            }
        }
    }
}
