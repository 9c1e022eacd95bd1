//! Pods by what owns them.

use std::collections::HashMap;
use std::sync::Arc;

use gputop_model::{Bytes, GpuUuid, Phase};
use jiff::Timestamp;

use super::pod_row::PodRow;

/// One workload: a Deployment, a Job, a pod that nobody owns, with sums over its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadRow {
    /// Namespace.
    pub namespace: Arc<str>,
    /// `Deployment`, `StatefulSet`, `Job`, `DaemonSet`, `Pod`, …
    pub kind: String,
    /// Name in the namespace.
    pub name: String,
    /// Positions in [`Picture::pods`](super::Picture::pods), by name.
    pub pods: Vec<usize>,
    /// GPU units that its unfinished pods ask for.
    pub requested: i64,
    /// Devices that its pods were given, each once; `None`: not known of all pods.
    pub devices: Option<usize>,
    /// Devices that its pods have used lately, each once, those that they were not given
    /// included; `None`: can not be told of all pods.
    pub in_use: Option<usize>,
    /// Device memory that its processes hold; `None`: not known of all pods that have devices.
    pub memory_used: Option<Bytes>,
    /// Since when the pod that has been idle longest has had devices and done nothing with them.
    pub idle_since: Option<Timestamp>,
    /// Number of its pods that wait to run.
    pub pending: usize,
    /// One of its pods has to do with GPUs.
    pub concerns_gpus: bool,
    /// One of its pods uses a device that it was not given.
    pub unrequested: bool,
    /// The telemetry of one of its pods is no longer fresh.
    pub stale: bool,
}

/// The workloads of `pods`, by namespace, name and kind.
pub(super) fn workloads(pods: &[PodRow]) -> Vec<WorkloadRow> {
    let mut places: HashMap<(&str, &str, &str), usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut last = None;
    for (at, row) in pods.iter().enumerate() {
        let owner = &row.info.workload;
        let key = (
            &*row.info.key.namespace,
            owner.name.as_str(),
            owner.kind.as_str(),
        );
        // Pods of one workload mostly follow each other: their names begin with its name.
        let place = match last {
            Some((known, place)) if known == key => place,
            _ => *places.entry(key).or_insert(groups.len()),
        };
        last = Some((key, place));
        match groups.get_mut(place) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    let mut order: Vec<_> = places.into_iter().collect();
    order.sort_unstable();
    order
        .into_iter()
        .filter_map(|(_, place)| sum(groups.get_mut(place).map(std::mem::take)?, pods))
        .collect()
}

fn sum(group: Vec<usize>, pods: &[PodRow]) -> Option<WorkloadRow> {
    let info = &pods.get(*group.first()?)?.info;
    let mut row = WorkloadRow {
        namespace: info.key.namespace.clone(),
        kind: info.workload.kind.clone(),
        name: info.workload.name.clone(),
        pods: Vec::new(),
        requested: 0,
        devices: None,
        in_use: None,
        memory_used: None,
        idle_since: None,
        pending: 0,
        concerns_gpus: false,
        unrequested: false,
        stale: false,
    };
    let mut held = Some(Vec::new());
    let mut used = Some(Vec::new());
    // Of the pods that hold or use devices; empty: there are none.
    let mut memory: Option<Option<Bytes>> = None;
    for pod in group.iter().filter_map(|at| pods.get(*at)) {
        let info = &pod.info;
        if !info.phase.is_finished() {
            row.requested += info.gpu_units();
        }
        if info.phase == Phase::Pending && info.deletion.is_none() {
            row.pending += 1;
        }
        add(&mut held, pod.devices.as_deref());
        add(&mut used, pod.in_use.map(|_| pod.used.as_slice()));
        let concerns_gpus = pod.concerns_gpus();
        let without = pod.devices.as_ref().is_some_and(Vec::is_empty) && pod.used.is_empty();
        if concerns_gpus && !without {
            let sum = memory.unwrap_or(Some(Bytes(0)));
            memory = Some(sum.zip(pod.memory_used).map(|(sum, own)| sum + own));
        }
        row.idle_since = [row.idle_since, pod.idle_since].into_iter().flatten().min();
        row.concerns_gpus |= concerns_gpus;
        row.unrequested |= pod.unrequested;
        row.stale |= pod.stale;
    }
    row.devices = held.map(distinct);
    row.in_use = used.map(distinct);
    row.memory_used = memory.flatten();
    row.pods = group;
    Some(row)
}

/// Adds a list that may not be known.
fn add<'a>(all: &mut Option<Vec<&'a GpuUuid>>, list: Option<&'a [GpuUuid]>) {
    match (all.as_mut(), list) {
        (Some(all), Some(list)) => all.extend(list),
        _ => *all = None,
    }
}

/// Number of different devices.
fn distinct(mut devices: Vec<&GpuUuid>) -> usize {
    devices.sort_unstable();
    devices.dedup();
    devices.len()
}
