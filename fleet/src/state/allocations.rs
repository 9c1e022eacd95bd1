//! Which devices of a node were given to whom: the kubelet's word through the daemon, else the
//! API's.

use std::collections::BTreeMap;

use gputop_model::{GpuUuid, PodInfo, Reading};

use super::bound::{Bound, place_of};
use super::rows::AllocatedTo;
use super::store::Fleet;
use super::telemetry::Telemetry;

/// The holders of each device of one node.
#[derive(Debug, Default)]
pub(super) struct NodeAllocations {
    holders: BTreeMap<GpuUuid, Vec<AllocatedTo>>,
    /// The devices of each pod of the node, by its place there, each once.
    of_pods: Vec<Vec<GpuUuid>>,
    /// Every holder is known: a device that is not in the map was given to nobody.
    complete: bool,
}

impl NodeAllocations {
    /// Who was given the device; `None`: not known.
    pub(super) fn of(&self, device: &GpuUuid) -> Option<&[AllocatedTo]> {
        match self.holders.get(device) {
            Some(holders) => Some(holders),
            None => self.complete.then_some(&[]),
        }
    }

    /// [`Self::of`], and nothing is kept.
    pub(super) fn take(&mut self, device: &GpuUuid) -> Option<Vec<AllocatedTo>> {
        let holders = self.holders.remove(device);
        holders.or_else(|| self.complete.then(Vec::new))
    }

    /// The devices that the pod on that place was given, each once, by name; `None`: not known.
    pub(super) fn of_pod(&self, place: usize) -> Option<Vec<GpuUuid>> {
        match self.of_pods.get(place) {
            Some(devices) if !devices.is_empty() => Some(devices.clone()),
            _ => self.complete.then(Vec::new),
        }
    }

    /// Every device that somebody was given, by name.
    pub(super) fn into_all(self) -> Vec<(GpuUuid, Vec<AllocatedTo>)> {
        self.holders.into_iter().collect()
    }

    /// Whether nobody but this pod was given the device.
    pub(super) fn is_alone(&self, device: &GpuUuid, pod: &PodInfo) -> bool {
        self.holders.get(device).is_some_and(|holders| {
            holders
                .iter()
                .all(|to| to.pod == *pod.key.name && to.namespace == *pod.key.namespace)
        })
    }

    fn add(&mut self, to: AllocatedTo, place: Option<usize>) {
        let device = to.device_id.device();
        if let Some(devices) = place.and_then(|place| self.of_pods.get_mut(place))
            && let Err(position) = devices.binary_search(&device)
        {
            devices.insert(position, device.clone());
        }
        self.holders.entry(device).or_default().push(to);
    }
}

/// Collects the holders on one node. `pods` are those bound to it.
pub(super) fn node_allocations(
    telemetry: &Telemetry<'_>,
    pods: &[Bound<'_>],
    fleet: &Fleet,
) -> NodeAllocations {
    let mut result = NodeAllocations {
        of_pods: vec![Vec::new(); pods.len()],
        ..NodeAllocations::default()
    };
    let allocations = telemetry.snapshot().map(|snapshot| &snapshot.allocations);
    if let Some(list) = allocations.and_then(Reading::known) {
        for item in list {
            let place = place_of(pods, &item.namespace, &item.pod);
            let pod = place.and_then(|place| pods.get(place));
            let to = AllocatedTo {
                namespace: item.namespace.clone(),
                pod: item.pod.clone(),
                container: item.container.clone(),
                pod_uid: pod.map(|pod| pod.info.uid.clone()),
                device_id: item.device_id.clone(),
            };
            result.add(to, place);
        }
        // Old words do not tell of pods that came since: the API's count decides then.
        let fresh = !telemetry.stale && allocations.is_some_and(|a| a.fresh().is_some());
        let holding = pods.iter().filter(|pod| pod.info.holds_resources());
        let requested: i64 = holding.map(|pod| pod.info.gpu_units()).sum();
        let given = i64::try_from(list.len()).unwrap_or(i64::MAX);
        result.complete = fresh || (fleet.knows_all_pods() && requested <= given);
        return result;
    }
    // Without the kubelet's list the pods' status names the devices, on newer kubelets.
    let mut all_named = fleet.knows_all_pods();
    for (place, pod) in pods.iter().enumerate() {
        let info = pod.info;
        if !info.holds_resources() {
            continue;
        }
        for device in &info.devices {
            let to = AllocatedTo {
                namespace: info.key.namespace.to_string(),
                pod: info.key.name.to_string(),
                container: device.container.clone(),
                pod_uid: Some(info.uid.clone()),
                device_id: device.device_id.clone(),
            };
            result.add(to, Some(place));
        }
        all_named &= info.gpu_units() == 0 || !info.devices.is_empty();
    }
    result.complete = all_named;
    result
}
