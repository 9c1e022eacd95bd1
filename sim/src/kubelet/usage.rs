//! What a node's daemon is told: who uses the cards, who was given them, and its own pod.

use std::collections::BTreeSet;
use std::time::Duration;

use gputop_model::{Allocation, Bytes, GpuUuid};
use gputop_node::source::simulated::{Behaviour, NodeSpec};
use jiff::Timestamp;
use serde_json::Value;

use super::life::Stage;
use super::pod_status::container_id;
use super::{Kubelet, Kubelets, annotation_number};
use crate::annotations as a;
use crate::daemon::{Occupant, behaviour_by_name};
use crate::store::{Kind, ObjectExt, Store};

/// What a node's daemon needs to know.
#[derive(Debug, Default)]
pub(crate) struct NodeUsage {
    /// Uid and container id of the daemon's own pod, while it runs.
    pub(crate) daemon: Option<(String, String)>,
    /// Processes of pods.
    pub(crate) occupants: Vec<Occupant>,
    /// Devices in the hands of containers.
    pub(crate) allocations: Vec<Allocation>,
}

impl Kubelets {
    /// What the daemon of `node` is to know now.
    pub(crate) fn usage(&self, store: &Store, node: &str) -> NodeUsage {
        let mut usage = NodeUsage::default();
        let Some(kubelet) = self.nodes.get(node) else {
            return usage;
        };
        for pod in store.list(Kind::Pod) {
            if pod.text("/spec/nodeName") != node || pod.is_finished() {
                continue;
            }
            for held in kubelet.devices.of(pod.uid()) {
                usage.allocations.push(Allocation {
                    namespace: pod.namespace().to_owned(),
                    pod: pod.name().to_owned(),
                    container: held.container.clone(),
                    resource: held.resource.clone(),
                    device_id: held.id.clone(),
                });
            }
            let record = self.pods.get(pod.uid());
            let Some((Stage::Running { since }, restarts)) =
                record.map(|record| (record.life.stage(), record.life.restarts))
            else {
                continue;
            };
            if pod.label("app.kubernetes.io/name") == Some("gputop-node") {
                let id = container_id(pod, pod.text("/spec/containers/0/name"), restarts);
                usage.daemon = Some((pod.uid().to_owned(), id));
            }
            usage
                .occupants
                .extend(occupants(kubelet, pod, since, restarts));
        }
        usage
    }
}

/// One process for each container and device, several shares of a card being one device.
fn occupants(kubelet: &Kubelet, pod: &Value, since: Timestamp, restarts: u32) -> Vec<Occupant> {
    let behaviour = pod.annotation(a::BEHAVIOUR).unwrap_or("inference");
    let Some(behaviour) = behaviour_by_name(behaviour) else {
        // `none`: holds its devices without a process.
        return Vec::new();
    };
    let spec = &kubelet.scenario.spec;
    let first = pod.text("/spec/containers/0/name").to_owned();
    let mut places: BTreeSet<(String, GpuUuid)> = kubelet
        .devices
        .of(pod.uid())
        .iter()
        .map(|held| (held.container.clone(), held.id.device()))
        .collect();
    let unrequested = pod.annotation(a::UNREQUESTED);
    if let Some(gpu) = unrequested.and_then(|text| text.parse::<usize>().ok())
        && gpu < spec.gpus.len()
        && spec.driver.is_some()
    {
        places.insert((first, spec.gpu_uuid(gpu)));
    }
    places
        .into_iter()
        .map(|(container, device)| Occupant {
            container_id: container_id(pod, &container, restarts),
            pod_uid: pod.uid().to_owned(),
            memory: memory(pod, spec, &device),
            device,
            started: since,
            behaviour,
            name: pod
                .annotation(a::PROCESS)
                .map_or_else(|| process(behaviour), str::to_owned),
            user: pod.annotation(a::USER).unwrap_or("root").to_owned(),
            idle_before: pod.duration(a::IDLE_BEFORE).unwrap_or(Duration::ZERO),
        })
        .collect()
}

/// The annotation's, or most of a share of the device.
fn memory(pod: &Value, spec: &NodeSpec, device: &GpuUuid) -> Bytes {
    if let Some(gib) = annotation_number(pod, a::MEMORY_GIB) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to what a card can have"
        )]
        return Bytes::from_mib((gib.clamp(0.0, 10_000.0) * 1024.0) as u64);
    }
    let card = (0..spec.gpus.len()).find(|&gpu| {
        *device == spec.gpu_uuid(gpu)
            || (0..spec.gpus[gpu].mig.len()).any(|slot| *device == spec.mig_uuid(gpu, slot))
    });
    let Some(card) = card.and_then(|gpu| spec.gpus.get(gpu)) else {
        return Bytes::from_mib(500);
    };
    let parts = u64::from(card.time_slices.unwrap_or(1)).max(card.mig.len() as u64);
    Bytes(card.memory.0 / parts.max(1) / 10 * 7)
}

fn process(behaviour: Behaviour) -> String {
    match behaviour {
        Behaviour::Media => "ffmpeg",
        Behaviour::Desktop => "Xorg",
        _ => "python3",
    }
    .to_owned()
}
