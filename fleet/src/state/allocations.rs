//! Which devices of a node were given to whom: the kubelet's word through the daemon, else the
//! API's.

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{GpuUuid, Phase, PodInfo, Reading};

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
    /// How many devices and shares each pod of the node was given, by its place there.
    units: Vec<i64>,
    /// Every holder is known: a device that is not in the map was given to nobody.
    complete: bool,
    /// How old the kubelet's list is, unless it is the present one.
    age: Option<Duration>,
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

    /// Whether every holder is known: nobody but those has a device or a share of one.
    pub(super) const fn is_complete(&self) -> bool {
        self.complete
    }

    /// How old the kubelet's list of holders is; `None`: it is the present one, or there is none.
    pub(super) const fn age(&self) -> Option<Duration> {
        self.age
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
        let holders = self.holders.entry(device).or_default();
        // A main container takes over what one that prepared the pod had.
        let again = holders.iter().any(|other| {
            other.device_id == to.device_id
                && other.pod == to.pod
                && other.namespace == to.namespace
        });
        if let Some(units) = place.and_then(|place| self.units.get_mut(place))
            && !again
        {
            *units += 1;
        }
        holders.push(to);
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
        units: vec![0; pods.len()],
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
        let said_now = !telemetry.stale && allocations.is_some_and(|a| a.fresh().is_some());
        result.age = allocations
            .and_then(Reading::age)
            .map(|age| age + telemetry.age);
        result.complete = if said_now {
            !is_behind(pods, &result.units)
        } else {
            // Old words do not tell of pods that came since.
            fleet.knows_all_pods() && has_all(pods, &result.units)
        };
        return result;
    }
    // Without the kubelet's list the pods' status names the devices, on newer kubelets.
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
    }
    result.complete = fleet.knows_all_pods() && has_all(pods, &result.units);
    result
}

/// Whether each of the pods that hold units has all of its own. A sum over the pods would not tell:
/// the list may name pods that are gone in place of those that came.
fn has_all(pods: &[Bound<'_>], units: &[i64]) -> bool {
    let mut holding = pods.iter().zip(units);
    holding.all(|(pod, units)| !pod.info.holds_resources() || *units >= pod.info.gpu_units())
}

/// Whether the list lacks a pod that runs with units of its own: what it was given looks free
/// there. Of one that ends, the kubelet knows first.
fn is_behind(pods: &[Bound<'_>], units: &[i64]) -> bool {
    let mut all = pods.iter().zip(units);
    all.any(|(pod, units)| {
        let info = pod.info;
        let runs = info.phase == Phase::Running && info.deletion.is_none();
        runs && info.gpu_units() > 0 && *units == 0
    })
}
