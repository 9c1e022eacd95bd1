//! Which devices of a node were given to whom: the kubelet's word through the daemon, else the
//! API's.

use std::collections::BTreeMap;

use gputop_model::{GpuUuid, NodeName, PodInfo, Reading};

use super::join::{Telemetry, uid_of};
use super::process_owner::Names;
use super::rows::AllocatedTo;
use super::store::Fleet;

/// The holders of each device of one node.
#[derive(Debug, Default)]
pub(super) struct NodeAllocations {
    holders: BTreeMap<GpuUuid, Vec<AllocatedTo>>,
    /// Every holder is known: a device that is not in the map was given to nobody.
    complete: bool,
}

impl NodeAllocations {
    /// Who was given the device; `None`: not known.
    pub(super) fn of(&self, device: &GpuUuid) -> Option<Vec<AllocatedTo>> {
        match self.holders.get(device) {
            Some(holders) => Some(holders.clone()),
            None => self.complete.then(Vec::new),
        }
    }

    /// The devices that the pod was given, each once; `None`: not known.
    pub(super) fn of_pod(&self, pod: &PodInfo) -> Option<Vec<GpuUuid>> {
        let devices: Vec<GpuUuid> = self
            .holders
            .iter()
            .filter(|(_, holders)| holders.iter().any(|to| is_pod(to, pod)))
            .map(|(uuid, _)| uuid.clone())
            .collect();
        (self.complete || !devices.is_empty()).then_some(devices)
    }

    /// Every device that somebody was given.
    pub(super) fn all(&self) -> Vec<(GpuUuid, Vec<AllocatedTo>)> {
        self.holders
            .iter()
            .map(|(uuid, holders)| (uuid.clone(), holders.clone()))
            .collect()
    }

    /// Whether nobody but this pod was given the device.
    pub(super) fn is_alone(&self, device: &GpuUuid, pod: &PodInfo) -> bool {
        self.holders
            .get(device)
            .is_some_and(|holders| holders.iter().all(|to| is_pod(to, pod)))
    }
}

fn is_pod(to: &AllocatedTo, pod: &PodInfo) -> bool {
    to.namespace == *pod.key.namespace && to.pod == *pod.key.name
}

/// Collects the holders on one node. `pods` are those bound to it.
pub(super) fn node_allocations(
    node: &NodeName,
    telemetry: &Telemetry<'_>,
    pods: &[&PodInfo],
    names: &Names<'_>,
    fleet: &Fleet,
) -> NodeAllocations {
    let mut result = NodeAllocations::default();
    let allocations = telemetry.snapshot().map(|snapshot| &snapshot.allocations);
    if let Some(list) = allocations.and_then(Reading::known) {
        for item in list {
            let to = AllocatedTo {
                namespace: item.namespace.clone(),
                pod: item.pod.clone(),
                container: item.container.clone(),
                pod_uid: uid_of(names, node, &item.namespace, &item.pod),
                device_id: item.device_id.clone(),
            };
            result
                .holders
                .entry(item.device_id.device())
                .or_default()
                .push(to);
        }
        // Old words do not tell of pods that came since: the API's count decides then.
        let fresh = !telemetry.stale && allocations.is_some_and(|a| a.fresh().is_some());
        let holding = pods.iter().filter(|pod| pod.holds_resources());
        let requested: i64 = holding.map(|pod| pod.gpu_units()).sum();
        let given = i64::try_from(list.len()).unwrap_or(i64::MAX);
        result.complete = fresh || (fleet.knows_all_pods() && requested <= given);
        return result;
    }
    // Without the kubelet's list the pods' status names the devices, on newer kubelets.
    let mut all_named = fleet.knows_all_pods();
    for pod in pods.iter().filter(|pod| pod.holds_resources()) {
        for device in &pod.devices {
            let to = AllocatedTo {
                namespace: pod.key.namespace.to_string(),
                pod: pod.key.name.to_string(),
                container: device.container.clone(),
                pod_uid: Some(pod.uid.clone()),
                device_id: device.device_id.clone(),
            };
            result
                .holders
                .entry(device.device_id.device())
                .or_default()
                .push(to);
        }
        all_named &= pod.gpu_units() == 0 || !pod.devices.is_empty();
    }
    result.complete = all_named;
    result
}
