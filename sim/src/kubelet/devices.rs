//! The device manager: which device ids a container is given.

use std::collections::BTreeMap;

use gputop_model::{DeviceId, is_gpu_resource};
use serde_json::Value;

use crate::scheduler::container_requests;
use crate::store::ObjectExt;

/// A device in the hands of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) container: String,
    pub(crate) resource: String,
    pub(crate) id: DeviceId,
}

/// The devices of a node.
#[derive(Debug)]
pub(crate) struct DeviceManager {
    ids: BTreeMap<String, Vec<DeviceId>>,
    held: BTreeMap<String, Vec<Held>>,
}

impl DeviceManager {
    /// With what the device plugin advertises.
    pub(crate) const fn new(ids: BTreeMap<String, Vec<DeviceId>>) -> Self {
        Self {
            ids,
            held: BTreeMap::new(),
        }
    }

    /// Gives a pod all that its containers ask for, or nothing.
    pub(crate) fn admit(&mut self, pod: &Value) -> Result<(), String> {
        let mut given: Vec<Held> = Vec::new();
        let sidecars = pod.items("/spec/initContainers").iter();
        let sidecars = sidecars.filter(|container| container.text("/restartPolicy") == "Always");
        for container in sidecars.chain(pod.items("/spec/containers")) {
            for (resource, amount) in container_requests(container).0 {
                if !is_gpu_resource(&resource) {
                    continue;
                }
                let wanted = usize::try_from(amount / 1000).unwrap_or_default();
                let free = self.free(&resource, &given);
                if free.len() < wanted {
                    return Err(format!(
                        "Allocate failed due to requested number of devices unavailable for \
                         {resource}. Requested: {wanted}, Available: {}, which is unexpected",
                        free.len()
                    ));
                }
                given.extend(free.into_iter().take(wanted).map(|id| Held {
                    container: container.text("/name").to_owned(),
                    resource: resource.clone(),
                    id,
                }));
            }
        }
        if !given.is_empty() {
            self.held.insert(pod.uid().to_owned(), given);
        }
        Ok(())
    }

    /// The free ids of a resource; shares of the least used card first, as NVIDIA's plugin does.
    fn free(&self, resource: &str, given: &[Held]) -> Vec<DeviceId> {
        let taken: Vec<&DeviceId> = self
            .held
            .values()
            .flatten()
            .chain(given)
            .map(|held| &held.id)
            .collect();
        let users = |id: &DeviceId| {
            let device = id.device();
            taken
                .iter()
                .filter(|other| other.device() == device)
                .count()
        };
        let ids = self.ids.get(resource).into_iter().flatten();
        let mut free: Vec<DeviceId> = ids.filter(|id| !taken.contains(id)).cloned().collect();
        free.sort_by_key(users);
        free
    }

    /// What a pod holds.
    pub(crate) fn of(&self, uid: &str) -> &[Held] {
        self.held.get(uid).map_or(&[], Vec::as_slice)
    }

    /// Takes back what pods hold that are not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.held.retain(|uid, _| keep(uid));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const GPU: &str = "nvidia.com/gpu";

    fn manager(ids: &[&str]) -> DeviceManager {
        let ids = ids.iter().map(|id| DeviceId::new(*id)).collect();
        DeviceManager::new(BTreeMap::from([(GPU.to_owned(), ids)]))
    }

    fn pod(uid: &str, count: usize) -> Value {
        json!({"metadata": {"uid": uid}, "spec": {"containers": [
            {"name": "main", "resources": {"limits": {GPU: count.to_string()}}},
        ]}})
    }

    #[test]
    fn shares_are_spread_over_the_cards() {
        let mut manager = manager(&["GPU-a::0", "GPU-a::1", "GPU-b::0", "GPU-b::1"]);
        for (uid, expected) in [("1", "GPU-a::0"), ("2", "GPU-b::0"), ("3", "GPU-a::1")] {
            manager.admit(&pod(uid, 1)).unwrap();
            assert_eq!(manager.of(uid)[0].id.as_str(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_id_is_ever_held_twice(wishes in proptest::collection::vec((0_usize..4, any::<bool>()), 1..20)) {
            let mut manager = manager(&["GPU-a::0", "GPU-a::1", "GPU-a::2", "GPU-b", "GPU-c"]);
            for (index, (count, release)) in wishes.into_iter().enumerate() {
                let uid = index.to_string();
                let free = manager.free(GPU, &[]).len();
                prop_assert_eq!(manager.admit(&pod(&uid, count)).is_ok(), count <= free);
                let mut ids: Vec<_> = manager.held.values().flatten().map(|h| h.id.clone()).collect();
                let total = ids.len();
                ids.sort();
                ids.dedup();
                prop_assert_eq!(ids.len(), total);
                if release {
                    manager.retain(|other| other != uid);
                }
            }
        }
    }
}
