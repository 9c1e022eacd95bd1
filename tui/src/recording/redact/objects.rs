//! Nodes, pods and snapshots without what may not be recorded.

use std::collections::BTreeMap;

use gputop_model::{
    Allocation, ContainerInfo, ContainerState, Device, DeviceEvent, DeviceKind, Disk, DriverState,
    GpuProcess, Health, Holder, Host, NodeCondition, NodeInfo, NodeSnapshot, PodDevice, PodInfo,
    Readiness, Reading, Taint, Workload,
};

use super::Redactor;
use super::names::Kind;
use super::text::is_public;
use crate::config::secrets::mask;

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
        let readiness = match &node.readiness {
            Readiness::NotReady { why } => Readiness::NotReady {
                why: self.text(why),
            },
            Readiness::Ready | Readiness::Unknown => node.readiness.clone(),
        };
        let labels = node.labels.iter();
        let labels = labels.map(|(key, value)| (key.as_str(), value.as_str()));
        NodeInfo {
            name: self.node_name(&node.name),
            readiness,
            labels: self.labels(labels),
            taints: node.taints.iter().map(|taint| self.taint(taint)).collect(),
            conditions: node
                .conditions
                .iter()
                .map(|condition| self.condition(condition))
                .collect(),
            runtime_handlers: node.runtime_handlers.as_ref().map(|handlers| {
                let handlers = handlers.iter();
                handlers.map(|handler| self.text(handler)).collect()
            }),
            addresses: node
                .addresses
                .iter()
                .map(|address| self.private(Kind::Named("address"), address))
                .collect(),
            ..node.clone()
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
        PodInfo {
            key: self.key(&pod.key),
            uid: self.uid(&pod.uid),
            node: pod.node.as_ref().map(|node| self.node_name(node)),
            reason: pod.reason.as_ref().map(|reason| self.text(reason)),
            message: pod.message.as_ref().map(|message| self.text(message)),
            workload: self.workload(&pod.workload),
            labels: self.labels::<BTreeMap<_, _>>(pod.labels.iter()).into(),
            containers: pod
                .containers
                .iter()
                .map(|container| self.container(container))
                .collect(),
            devices: pod
                .devices
                .iter()
                .map(|device| PodDevice {
                    container: self.container_name(&device.container),
                    device_id: self.device_id(&device.device_id),
                    ..device.clone()
                })
                .collect(),
            ..pod.clone()
        }
    }

    fn workload(&mut self, workload: &Workload) -> Workload {
        let kind = workload.kind.to_lowercase();
        Workload {
            kind: workload.kind.clone(),
            name: self.name(Kind::Named(&kind), &workload.name),
        }
    }

    fn container_name(&mut self, name: &str) -> String {
        self.name(Kind::Named("container"), name)
    }

    fn container(&mut self, container: &ContainerInfo) -> ContainerInfo {
        let state = match &container.state {
            ContainerState::Waiting { reason } => ContainerState::Waiting {
                reason: self.text(reason),
            },
            ContainerState::Terminated { reason, code, at } => ContainerState::Terminated {
                reason: self.text(reason),
                code: *code,
                at: *at,
            },
            ContainerState::Unknown | ContainerState::Running { .. } => container.state.clone(),
        };
        ContainerInfo {
            name: self.container_name(&container.name),
            id: container
                .id
                .as_ref()
                .map(|id| self.name(Kind::ContainerId, id)),
            image: self.name(Kind::Named("image"), &container.image),
            state,
            ..container.clone()
        }
    }

    pub(super) fn snapshot(&mut self, snapshot: NodeSnapshot) -> NodeSnapshot {
        let driver = match snapshot.driver {
            DriverState::NoDriver { why } => DriverState::NoDriver {
                why: self.text(&why),
            },
            DriverState::Mismatch { why } => DriverState::Mismatch {
                why: self.text(&why),
            },
            DriverState::Failed { why } => DriverState::Failed {
                why: self.text(&why),
            },
            DriverState::Ready { .. } | DriverState::NoGpu { .. } => snapshot.driver,
        };
        let (devices, processes) = (snapshot.devices.into_iter(), snapshot.processes.into_iter());
        NodeSnapshot {
            node: self.node_name(&snapshot.node),
            driver,
            devices: devices.map(|device| self.measured(device)).collect(),
            processes: processes.map(|process| self.process(process)).collect(),
            allocations: snapshot.allocations.map(|list| {
                let list = list.into_iter();
                list.map(|allocation| self.allocation(allocation)).collect()
            }),
            host: Host {
                disks: snapshot.host.disks.map(|disks| {
                    let disks = disks.into_iter();
                    disks.map(|disk| self.disk(disk)).collect()
                }),
                ..snapshot.host
            },
            events: snapshot
                .events
                .into_iter()
                .map(|event| DeviceEvent {
                    device: self.device(&event.device),
                    ..event
                })
                .collect(),
            ..snapshot
        }
    }

    fn measured(&mut self, mut device: Device) -> Device {
        device.uuid = self.device(&device.uuid);
        if let DeviceKind::MigInstance { parent, .. } = &mut device.kind {
            *parent = self.device(parent);
        }
        device.health = device.health.map(|health| match health {
            Health::Degraded { why } => Health::Degraded {
                why: self.text(&why),
            },
            Health::Sick { why } => Health::Sick {
                why: self.text(&why),
            },
            Health::Ok => Health::Ok,
        });
        let serial = std::mem::take(&mut device.identity.serial);
        device.identity.serial = serial.map(|serial| self.name(Kind::Named("serial"), &serial));
        device
    }

    fn process(&mut self, process: GpuProcess) -> GpuProcess {
        let holder = match process.holder {
            Holder::Pod {
                uid,
                container_id,
                namespace,
                pod,
                container,
            } => Holder::Pod {
                uid: uid.map(|uid| self.uid(&uid)),
                container_id: container_id.map(|id| self.name(Kind::ContainerId, &id)),
                namespace: namespace.map(|namespace| self.namespace(&namespace)),
                pod: pod.map(|pod| self.name(Kind::Named("pod"), &pod)),
                container: container.map(|container| self.container_name(&container)),
            },
            // A session has the name of its user, and so may a unit have.
            Holder::Outside { kind, name } => Holder::Outside {
                kind,
                name: self.private(Kind::Named(kind.name()), &name),
            },
            Holder::Unknown => Holder::Unknown,
        };
        GpuProcess {
            device: self.device(&process.device),
            name: program(&process.name),
            command: Reading::default(),
            user: process
                .user
                .map(|user| self.private(Kind::Named("user"), &user)),
            holder,
            ..process
        }
    }

    /// A mount point may have the name of a person or a project.
    fn disk(&mut self, disk: Disk) -> Disk {
        let mount = match disk.mount.as_str() {
            "/" => disk.mount,
            mount => self.name(Kind::Named("mount"), mount),
        };
        Disk { mount, ..disk }
    }

    fn allocation(&mut self, allocation: Allocation) -> Allocation {
        Allocation {
            namespace: self.namespace(&allocation.namespace),
            pod: self.name(Kind::Named("pod"), &allocation.pod),
            container: self.container_name(&allocation.container),
            resource: allocation.resource,
            device_id: self.device_id(&allocation.device_id),
        }
    }
}

fn is_telling(key: &str) -> bool {
    TELLING_LABELS
        .iter()
        .any(|beginning| key.starts_with(beginning))
}

/// The name of a program without its path and without what comes after it.
fn program(name: &str) -> String {
    let first = name.split_whitespace().next().unwrap_or_default();
    let base = first.rsplit('/').next().unwrap_or(first);
    mask(base).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_no_arguments() {
        assert_eq!(program("/usr/bin/python3 train.py --token abc"), "python3");
        assert_eq!(program("Xorg"), "Xorg");
        assert_eq!(program(""), "");
    }
}
