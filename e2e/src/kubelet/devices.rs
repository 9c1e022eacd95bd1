//! Which container has which device. Pure.

use std::collections::{BTreeMap, BTreeSet};

use gputop_model::DeviceId;

/// A pod that is bound to the node and not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Uid.
    pub uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Containers in their order.
    pub containers: Vec<Container>,
}

/// A container's wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Units by resource name.
    pub wants: BTreeMap<String, usize>,
}

/// Devices of one resource that one container has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Resource name.
    pub resource: String,
    /// Device ids.
    pub ids: Vec<DeviceId>,
}

/// The devices of one node.
#[derive(Debug, Clone, Default)]
pub struct DeviceManager {
    devices: BTreeMap<String, Vec<DeviceId>>,
    /// By (pod uid, container).
    given: BTreeMap<(String, String), Vec<Given>>,
    pods: Vec<Pod>,
}

impl DeviceManager {
    /// A node that offers `devices`, by resource name.
    #[must_use]
    pub fn new(devices: BTreeMap<String, Vec<DeviceId>>) -> Self {
        Self {
            devices,
            ..Self::default()
        }
    }

    /// Takes the pods that are on the node now. Who had devices keeps them; a container for
    /// which not enough are left gets none and is tried again next time.
    pub fn set_pods(&mut self, pods: Vec<Pod>) {
        let present: BTreeSet<(&str, &str)> = pods
            .iter()
            .flat_map(|pod| {
                pod.containers
                    .iter()
                    .map(|c| (pod.uid.as_str(), c.name.as_str()))
            })
            .collect();
        self.given
            .retain(|(pod, container), _| present.contains(&(pod, container)));
        for pod in &pods {
            for container in &pod.containers {
                let key = (pod.uid.clone(), container.name.clone());
                if !self.given.contains_key(&key)
                    && let Some(given) = self.find(container)
                {
                    self.given.insert(key, given);
                }
            }
        }
        self.pods = pods;
    }

    /// The pods with what their containers have.
    pub fn pods(&self) -> impl Iterator<Item = (&Pod, Vec<(&str, &[Given])>)> {
        self.pods.iter().map(|pod| {
            let containers = pod.containers.iter().map(|container| {
                let key = (pod.uid.clone(), container.name.clone());
                (
                    container.name.as_str(),
                    self.given.get(&key).map_or(&[][..], Vec::as_slice),
                )
            });
            (pod, containers.collect())
        })
    }

    /// Every device that the node offers, with its resource name.
    pub fn devices(&self) -> impl Iterator<Item = (&str, &DeviceId)> {
        self.devices
            .iter()
            .flat_map(|(name, ids)| ids.iter().map(move |id| (name.as_str(), id)))
    }

    fn find(&self, container: &Container) -> Option<Vec<Given>> {
        let taken: BTreeSet<&DeviceId> = self
            .given
            .values()
            .flatten()
            .flat_map(|given| &given.ids)
            .collect();
        let mut found = Vec::new();
        for (resource, count) in container.wants.iter().filter(|(_, count)| **count > 0) {
            let free = self
                .devices
                .get(resource)?
                .iter()
                .filter(|id| !taken.contains(id));
            let ids: Vec<DeviceId> = free.take(*count).cloned().collect();
            if ids.len() < *count {
                return None;
            }
            found.push(Given {
                resource: resource.clone(),
                ids,
            });
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: &str, units: usize) -> Pod {
        let wants = BTreeMap::from([("nvidia.com/gpu".to_owned(), units)]);
        let containers = vec![Container {
            name: "main".to_owned(),
            wants,
        }];
        Pod {
            uid: uid.to_owned(),
            namespace: "ml".to_owned(),
            name: uid.to_owned(),
            containers,
        }
    }

    fn held(manager: &DeviceManager, uid: &str) -> Vec<String> {
        manager
            .pods()
            .filter(|(pod, _)| pod.uid == uid)
            .flat_map(|(_, containers)| containers)
            .flat_map(|(_, given)| given.iter().flat_map(|g| g.ids.clone()))
            .map(|id| id.to_string())
            .collect()
    }

    #[test]
    fn devices_stay_with_their_container_and_come_back_after_it() {
        let ids = ["GPU-a::0", "GPU-a::1"].map(DeviceId::new).to_vec();
        let mut manager = DeviceManager::new(BTreeMap::from([("nvidia.com/gpu".to_owned(), ids)]));
        manager.set_pods(vec![pod("one", 1), pod("two", 2)]);
        assert_eq!(held(&manager, "one"), ["GPU-a::0"]);
        assert!(held(&manager, "two").is_empty());
        manager.set_pods(vec![pod("two", 2)]);
        assert_eq!(held(&manager, "two"), ["GPU-a::0", "GPU-a::1"]);
        manager.set_pods(vec![pod("one", 1), pod("two", 2)]);
        assert_eq!(held(&manager, "two").len(), 2);
        assert!(held(&manager, "one").is_empty());
    }
}
