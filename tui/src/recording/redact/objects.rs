//! Nodes and pods without what may not be recorded.

use std::collections::BTreeMap;

use gputop_model::{
    ContainerInfo, ContainerState, NodeCondition, NodeInfo, PodDevice, PodInfo, Readiness, Taint,
    Workload,
};

use super::Redactor;
use super::names::Kind;
use super::text::is_public;

/// Beginnings of the labels whose values say something about a machine and nothing about its
/// owner.
const TELLING_LABELS: [&str; 7] = [
    "feature.node.kubernetes.io/pci-10de",
    "gputop-k3s.io/",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "node-role.kubernetes.io/",
    "node.kubernetes.io/instance-type",
    "nvidia.com/",
];

impl Redactor {
    pub(super) fn node(&mut self, node: &NodeInfo) -> NodeInfo {
        // A new field must be thought of here.
        let NodeInfo {
            name,
            created,
            readiness,
            ready_since,
            cordoned,
            roles,
            labels,
            taints,
            resources,
            other_resources,
            conditions,
            runtime_handlers,
            kubelet_version,
            os_image,
            architecture,
            kernel_version,
            container_runtime,
            addresses,
            expected_away,
        } = node;
        let labels = labels.iter();
        let labels = labels.map(|(key, value)| (key.as_str(), value.as_str()));
        NodeInfo {
            name: self.node_name(name),
            created: *created,
            readiness: match readiness {
                Readiness::NotReady { why } => Readiness::NotReady {
                    why: self.text(why),
                },
                Readiness::Ready | Readiness::Unknown => readiness.clone(),
            },
            ready_since: *ready_since,
            cordoned: *cordoned,
            // Parts of labels whose keys stay.
            roles: roles.clone(),
            labels: self.labels(labels),
            taints: taints.iter().map(|taint| self.taint(taint)).collect(),
            // Of known makers only.
            resources: resources.clone(),
            other_resources: other_resources.clone(),
            conditions: conditions
                .iter()
                .map(|condition| self.condition(condition))
                .collect(),
            runtime_handlers: runtime_handlers.as_ref().map(|handlers| {
                let handlers = handlers.iter();
                handlers.map(|handler| self.text(handler)).collect()
            }),
            kubelet_version: kubelet_version.clone(),
            os_image: self.text(os_image),
            architecture: architecture.clone(),
            kernel_version: self.release(kernel_version),
            container_runtime: container_runtime.clone(),
            addresses: addresses
                .iter()
                .map(|address| self.private(Kind::Named("address"), address))
                .collect(),
            expected_away: *expected_away,
        }
    }

    fn taint(&mut self, taint: &Taint) -> Taint {
        if is_telling(&taint.key) {
            return taint.clone();
        }
        // Values are ordinary words, which must not be taken for names in a text.
        let value = match taint.value.as_str() {
            "" => String::new(),
            value => self.names.quietly(Kind::Named("value"), value),
        };
        Taint {
            key: self.label_key(&taint.key),
            value,
            effect: taint.effect.clone(),
        }
    }

    fn condition(&mut self, condition: &NodeCondition) -> NodeCondition {
        NodeCondition {
            kind: self.text(&condition.kind),
            reason: self.text(&condition.reason),
            message: self.text(&condition.message),
            since: condition.since,
        }
    }

    /// Labels: values that say something about a machine stay, of the others only the keys.
    fn labels<'a, T: FromIterator<(String, String)>>(
        &mut self,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> T {
        labels
            .map(|(key, value)| {
                if is_telling(key) {
                    (key.to_owned(), value.to_owned())
                } else {
                    (self.label_key(key), String::new())
                }
            })
            .collect()
    }

    /// A key stays if it is the same everywhere.
    fn label_key(&mut self, key: &str) -> String {
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        if is_public(domain) {
            return key.to_owned();
        }
        self.name(Kind::Named("label"), key)
    }

    /// Learns the names of a pod, before any text is read.
    pub(super) fn learn_pod(&mut self, pod: &PodInfo) {
        self.key(&pod.key);
        self.uid(&pod.uid);
        self.workload(&pod.workload);
        if let Some(node) = &pod.node {
            self.node_name(node);
        }
        for container in &pod.containers {
            self.container_name(&container.name);
            self.name(Kind::Named("image"), &container.image);
        }
    }

    pub(super) fn pod(&mut self, pod: &PodInfo) -> PodInfo {
        self.learn_pod(pod);
        // A new field must be thought of here.
        let PodInfo {
            key,
            uid,
            node,
            phase,
            deletion,
            created,
            ready,
            reason,
            message,
            workload,
            requests,
            other_requests,
            labels,
            containers,
            devices,
            is_daemon,
        } = pod;
        PodInfo {
            key: self.key(key),
            uid: self.uid(uid),
            node: node.as_ref().map(|node| self.node_name(node)),
            phase: *phase,
            deletion: *deletion,
            created: *created,
            ready: *ready,
            reason: reason.as_ref().map(|reason| self.text(reason)),
            message: message.as_ref().map(|message| self.text(message)),
            workload: self.workload(workload),
            requests: requests.clone(),
            other_requests: other_requests.clone(),
            labels: self.labels::<BTreeMap<_, _>>(labels.iter()).into(),
            containers: containers
                .iter()
                .map(|container| self.container(container))
                .collect(),
            devices: devices.iter().map(|device| self.given(device)).collect(),
            is_daemon: *is_daemon,
        }
    }

    fn given(&mut self, device: &PodDevice) -> PodDevice {
        let PodDevice {
            container,
            resource,
            device_id,
            health,
        } = device;
        PodDevice {
            container: self.container_name(container),
            resource: resource.clone(),
            device_id: self.device_id(device_id),
            health: *health,
        }
    }

    fn workload(&mut self, workload: &Workload) -> Workload {
        let kind = workload.kind.to_lowercase();
        Workload {
            kind: workload.kind.clone(),
            name: self.name(Kind::Named(&kind), &workload.name),
        }
    }

    pub(super) fn container_name(&mut self, name: &str) -> String {
        self.name(Kind::Named("container"), name)
    }

    fn container(&mut self, container: &ContainerInfo) -> ContainerInfo {
        let ContainerInfo {
            name,
            id,
            role,
            image,
            ready,
            restarts,
            state,
        } = container;
        ContainerInfo {
            name: self.container_name(name),
            id: id.as_ref().map(|id| self.name(Kind::ContainerId, id)),
            role: *role,
            image: self.name(Kind::Named("image"), image),
            ready: *ready,
            restarts: *restarts,
            state: match state {
                ContainerState::Waiting { reason } => ContainerState::Waiting {
                    reason: self.text(reason),
                },
                ContainerState::Terminated { reason, code, at } => ContainerState::Terminated {
                    reason: self.text(reason),
                    code: *code,
                    at: *at,
                },
                ContainerState::Unknown | ContainerState::Running { .. } => state.clone(),
            },
        }
    }
}

fn is_telling(key: &str) -> bool {
    TELLING_LABELS
        .iter()
        .any(|beginning| key.starts_with(beginning))
}
