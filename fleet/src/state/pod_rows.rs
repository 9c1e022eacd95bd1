//! The rows of pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use gputop_model::{Clock, GpuUuid, PodInfo};

use super::allocations::NodeAllocations;
use super::join::Settings;
use super::pod_row::PodRow;
use super::pod_use::{PodDeviceView, pod_use};
use super::rows::ProcessRow;
use super::telemetry::Telemetry;

/// What the pods of one node are judged by.
pub(super) struct NodePods<'a> {
    pub(super) held: &'a NodeAllocations,
    pub(super) telemetry: &'a Telemetry<'a>,
    /// Positions of the node's devices in its snapshot.
    pub(super) positions: &'a BTreeMap<&'a GpuUuid, usize>,
    /// The processes of all nodes so far.
    pub(super) processes: &'a [ProcessRow],
    /// For each pod of the node, by its place there: where its processes are.
    pub(super) of_pods: &'a [Vec<usize>],
}

impl NodePods<'_> {
    /// Fills in the row of the pod on that place of the node.
    pub(super) fn fill(&self, row: &mut PodRow, place: usize, clock: Clock, settings: &Settings) {
        if row.info.phase.is_finished() {
            return;
        }
        let info = row.info.clone();
        row.devices = self.held.of_pod(place);
        let Some(snapshot) = self.telemetry.snapshot() else {
            if info.gpu_units() == 0 {
                row.devices = Some(Vec::new());
            }
            return;
        };
        row.age = Some(self.telemetry.age);
        row.stale = self.telemetry.stale;
        let own: Vec<&ProcessRow> = self
            .of_pods
            .get(place)
            .into_iter()
            .flatten()
            .filter_map(|at| self.processes.get(*at))
            .collect();
        let given = row.devices.as_deref().unwrap_or_default();
        let mut uuids: Vec<&GpuUuid> = given.iter().collect();
        uuids.extend(own.iter().map(|row| &row.process().device));
        uuids.sort();
        uuids.dedup();
        let views: Vec<PodDeviceView<'_>> = uuids
            .iter()
            .map(|uuid| PodDeviceView {
                device: self
                    .positions
                    .get(uuid)
                    .and_then(|at| snapshot.devices.get(*at)),
                given: row.devices.is_none() || given.contains(uuid),
                alone: self.held.is_alone(uuid, &info),
                processes: own
                    .iter()
                    .map(|row| row.process())
                    .filter(|process| process.device == **uuid)
                    .collect(),
            })
            .collect();
        let use_ = pod_use(&views, settings.idle_after);
        let used = use_.used.iter().map(|at| uuids[*at].clone()).collect();
        let nobody_knows = row.devices.is_none() && views.is_empty() && info.gpu_units() > 0;
        row.used = used;
        // It asked for devices, and nobody can say which it was given.
        row.in_use = use_.in_use.filter(|_| !nobody_knows);
        row.memory_used = use_.memory_used;
        row.unrequested = use_.unrequested;
        row.idle_since = use_
            .idle_for
            .map(|idle| clock.date(idle + self.telemetry.age));
    }
}

/// The row of a pod before anything is known of its node.
pub(super) fn unplaced(info: &Arc<PodInfo>) -> PodRow {
    // Not bound, or over: it holds nothing.
    let holds_nothing = info.node.is_none() || info.phase.is_finished();
    PodRow {
        info: info.clone(),
        devices: holds_nothing.then(Vec::new),
        used: Vec::new(),
        in_use: holds_nothing.then_some(0),
        memory_used: None,
        idle_since: None,
        unrequested: false,
        age: None,
        stale: false,
    }
}

/// Fills in the row of a pod whose node is not in the list: only the pod's own status can tell.
pub(super) fn fill_alone(row: &mut PodRow) {
    if row.info.phase.is_finished() {
        return;
    }
    let devices = row.info.devices.iter();
    let mut named: Vec<_> = devices.map(|d| d.device_id.device()).collect();
    named.sort();
    named.dedup();
    row.devices = (row.info.gpu_units() == 0 || !named.is_empty()).then_some(named);
}
