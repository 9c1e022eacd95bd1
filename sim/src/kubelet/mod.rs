//! The simulated kubelets: what happens to a pod from bound to gone.

mod devices;
mod life;
mod node_status;
mod pod_status;
mod usage;

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::DeviceId;
use gputop_node::source::simulated::{Fault, NodeSpec};
use jiff::Timestamp;
use serde_json::Value;

pub(crate) use node_status::node_status;

use crate::clock::{after, earlier, rfc3339};
use crate::scenario::NodeScenario;
use crate::store::{Key, Kind, Object, ObjectExt, Store};
use crate::world::record_event;
use devices::DeviceManager;
use life::{Life, Plan, Stage};

/// How often a kubelet renews its conditions when nothing changes.
const HEARTBEAT: Duration = Duration::from_secs(5 * 60);

/// The kubelets of all nodes.
#[derive(Debug)]
pub(crate) struct Kubelets {
    nodes: BTreeMap<String, Kubelet>,
    /// Lives of the pods by uid.
    pods: BTreeMap<String, PodRecord>,
}

#[derive(Debug)]
struct Kubelet {
    scenario: NodeScenario,
    devices: DeviceManager,
    fault: Option<Fault>,
    heartbeat: Option<Timestamp>,
    /// Whether the node was cordoned when it was last looked at.
    cordoned: Option<bool>,
    index: usize,
}

/// What a kubelet remembers of a pod.
#[derive(Debug)]
struct PodRecord {
    node: String,
    life: Life,
    /// When deletion was first seen.
    terminating: Option<Timestamp>,
    /// Revision that was looked at last, and when to look again without a change.
    seen: String,
    wake: Option<Timestamp>,
}

impl Kubelets {
    /// One for each node.
    pub(crate) fn new(nodes: Vec<NodeScenario>) -> Self {
        let nodes = nodes.into_iter().enumerate().map(|(index, scenario)| {
            let name = scenario.spec.name.as_str().to_owned();
            let kubelet = Kubelet {
                devices: DeviceManager::new(scenario.spec.device_ids()),
                scenario,
                fault: None,
                heartbeat: None,
                cordoned: None,
                index,
            };
            (name, kubelet)
        });
        Self {
            nodes: nodes.collect(),
            pods: BTreeMap::new(),
        }
    }

    /// Brings every pod on to where it should be by now. Returns when to look again.
    pub(crate) fn step(&mut self, store: &mut Store, now: Timestamp) -> Option<Timestamp> {
        let pods = store.copy(Kind::Pod);
        self.forget(&pods);
        let mut wake = None;
        for pod in &pods {
            let node = pod.text("/spec/nodeName");
            if self.nodes.contains_key(node) {
                wake = earlier(wake, self.look_at(store, pod, now));
            }
        }
        wake
    }

    /// Renews the nodes' own status: heartbeats, and what a fault takes away.
    pub(crate) fn report_nodes(
        &mut self,
        store: &mut Store,
        faults: impl Fn(&str) -> Option<Fault>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let mut wake = None;
        for (name, kubelet) in &mut self.nodes {
            let fault = faults(name);
            tell_cordoned(store, name, &mut kubelet.cordoned, now);
            let due = kubelet.heartbeat.is_none_or(|at| at <= now);
            if due || fault != kubelet.fault {
                let changed = fault != kubelet.fault;
                kubelet.fault = fault;
                kubelet.heartbeat = Some(after(now, HEARTBEAT));
                let key = Key::new("", name);
                if let Some(node) = store.get(Kind::Node, &key) {
                    let status = node_status(&kubelet.scenario, fault, Some(node), now);
                    // The node was there a moment ago, under the same lock.
                    let _ = store.set_status(Kind::Node, &key, status);
                }
                if changed {
                    // Health of devices is part of the pods' status.
                    for record in self.pods.values_mut().filter(|record| record.node == *name) {
                        record.seen.clear();
                    }
                }
            }
            wake = earlier(wake, kubelet.heartbeat);
        }
        wake
    }

    /// Drops what is known of pods that are gone, and devices of pods that have ended.
    fn forget(&mut self, pods: &[Object]) {
        let alive: BTreeMap<&str, &Object> = pods.iter().map(|pod| (pod.uid(), pod)).collect();
        let devices = |uid: &str| alive.get(uid).is_some_and(|pod| !pod.is_finished());
        for kubelet in self.nodes.values_mut() {
            kubelet.devices.retain(devices);
        }
        self.pods.retain(|uid, _| alive.contains_key(uid.as_str()));
    }

    fn look_at(&mut self, store: &mut Store, pod: &Object, now: Timestamp) -> Option<Timestamp> {
        let uid = pod.uid().to_owned();
        let known = self.pods.get(&uid);
        if pod.is_finished() && !pod.is_terminating() {
            return None;
        }
        if let Some(record) = known
            && record.seen == pod.text("/metadata/resourceVersion")
            && record.wake.is_none_or(|wake| wake > now)
        {
            return record.wake;
        }
        if known.is_none() && !self.admit(store, pod, now) {
            return None;
        }
        let plan = Plan::of(pod);
        let record = self.pods.entry(uid.clone()).or_insert_with(|| PodRecord {
            node: pod.text("/spec/nodeName").to_owned(),
            life: Life::new(now),
            terminating: None,
            seen: String::new(),
            wake: None,
        });
        let before = record.life.stage();
        let mut wake = record.life.advance(&plan, now);
        let stage = record.life.stage();
        if pod.is_terminating() {
            if record.terminating.is_none() && matches!(stage, Stage::Running { .. }) {
                tell_killing(store, pod, now);
            }
            let since = *record.terminating.get_or_insert(now);
            let kill = after(since, plan.termination(pod, stage));
            if kill <= now || pod.is_finished() {
                self.end(store, pod, &plan, now);
                return None;
            }
            wake = earlier(Some(kill), wake);
        }
        record.wake = wake;
        let entered = before != stage;
        self.write_status(store, pod, &plan, now);
        if entered {
            tell(store, pod, stage, now);
        }
        let latest = store.get(Kind::Pod, &Key::of(pod));
        let seen = latest.map_or_else(String::new, |pod| {
            pod.text("/metadata/resourceVersion").to_owned()
        });
        if let Some(record) = self.pods.get_mut(&uid) {
            record.seen = seen;
        }
        wake
    }

    /// Gives the pod its devices; a pod that can not have them fails for good.
    fn admit(&mut self, store: &mut Store, pod: &Object, now: Timestamp) -> bool {
        let Some(kubelet) = self.nodes.get_mut(pod.text("/spec/nodeName")) else {
            return false;
        };
        let Err(why) = kubelet.devices.admit(pod) else {
            return true;
        };
        let mut status = pod["status"].clone();
        status["phase"] = "Failed".into();
        status["reason"] = "UnexpectedAdmissionError".into();
        status["message"] = format!("Pod was rejected: {why}").into();
        status["startTime"] = rfc3339(now).into();
        let _ = store.set_status(Kind::Pod, &Key::of(pod), status);
        record_event(store, now, pod, "Warning", "UnexpectedAdmissionError", &why);
        false
    }

    fn write_status(&mut self, store: &mut Store, pod: &Object, plan: &Plan, now: Timestamp) {
        let (Some(kubelet), Some(record)) = (
            self.nodes.get(pod.text("/spec/nodeName")),
            self.pods.get(pod.uid()),
        ) else {
            return;
        };
        let place = pod_status::Place {
            host_ip: &kubelet.scenario.address,
            node_index: kubelet.index,
            devices: kubelet.devices.of(pod.uid()),
            sick: &|id: &DeviceId| is_sick(&kubelet.scenario.spec, kubelet.fault, id),
        };
        let status = pod_status::render(pod, &record.life, plan, &place, now);
        let _ = store.set_status(Kind::Pod, &Key::of(pod), status);
    }

    /// Containers are dead: last status, then the object goes.
    fn end(&mut self, store: &mut Store, pod: &Object, plan: &Plan, now: Timestamp) {
        if let Some(record) = self.pods.get_mut(pod.uid())
            && !pod.is_finished()
        {
            record.life.kill(plan.kill_code(pod), now);
            self.write_status(store, pod, plan, now);
        }
        let _ = store.remove(Kind::Pod, &Key::of(pod));
    }
}

/// Whether a device does not work any more.
fn is_sick(spec: &NodeSpec, fault: Option<Fault>, id: &DeviceId) -> bool {
    match fault {
        None | Some(Fault::Hung(_) | Fault::Degraded(_)) => false,
        Some(Fault::NoDriver | Fault::Mismatch) => true,
        Some(Fault::Lost(gpu)) => {
            let gpu = usize::try_from(gpu).unwrap_or(usize::MAX);
            let Some(card) = spec.gpus.get(gpu) else {
                return false;
            };
            let device = id.device();
            device == spec.gpu_uuid(gpu)
                || (0..card.mig.len()).any(|slot| device == spec.mig_uuid(gpu, slot))
        }
    }
}

/// The events that go with a step of a pod's life.
fn tell(store: &mut Store, pod: &Object, stage: Stage, now: Timestamp) {
    match stage {
        Stage::Init { index, .. } => {
            let container = pod.items("/spec/initContainers").get(index);
            tell_started(store, pod, container, now);
        }
        Stage::Running { .. } => {
            for container in pod.items("/spec/containers") {
                tell_started(store, pod, Some(container), now);
            }
        }
        Stage::BackOff { .. } => {
            let message = format!(
                "Back-off restarting failed container {} in pod {}_{}({})",
                pod.text("/spec/containers/0/name"),
                pod.name(),
                pod.namespace(),
                pod.uid()
            );
            record_event(store, now, pod, "Warning", "BackOff", &message);
        }
        Stage::Creating { .. } | Stage::Ended { .. } => {}
    }
}

fn tell_started(store: &mut Store, pod: &Object, container: Option<&Value>, now: Timestamp) {
    let Some(container) = container else { return };
    let (name, image) = (container.text("/name"), container.text("/image"));
    for (reason, message) in [
        (
            "Pulled",
            format!("Container image \"{image}\" already present on machine"),
        ),
        ("Created", format!("Container created: {name}")),
        ("Started", format!("Container started: {name}")),
    ] {
        record_event(store, now, pod, "Normal", reason, &message);
    }
}

fn tell_killing(store: &mut Store, pod: &Object, now: Timestamp) {
    for container in pod.items("/spec/containers") {
        let message = format!("Stopping container {}", container.text("/name"));
        record_event(store, now, pod, "Normal", "Killing", &message);
    }
}

/// A kubelet says when its node is cordoned, and when no more.
fn tell_cordoned(store: &mut Store, name: &str, known: &mut Option<bool>, now: Timestamp) {
    let Some(node) = store.get(Kind::Node, &Key::new("", name)).cloned() else {
        return;
    };
    let cordoned = node.flag("/spec/unschedulable");
    if known
        .replace(cordoned)
        .is_none_or(|before| before == cordoned)
    {
        return;
    }
    let reason = if cordoned {
        "NodeNotSchedulable"
    } else {
        "NodeSchedulable"
    };
    let message = format!("Node {name} status is now: {reason}");
    record_event(store, now, &node, "Normal", reason, &message);
}

/// A JSON number or text of a whole number in an annotation.
fn annotation_number(pod: &Value, key: &str) -> Option<f64> {
    pod.annotation(key)?.parse().ok()
}
