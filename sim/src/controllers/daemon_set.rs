//! `DaemonSets`: a pod on each node that its template lets in.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pods::{controlled, create, delete, from_template, is_ready, set_status};
use crate::scheduler::selects;
use crate::store::{Kind, Object, ObjectExt, Store};

/// Taints that every DaemonSet's pod tolerates.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// Brings each to its pods.
pub(super) fn sync(store: &mut Store, since: u64, now: Timestamp) {
    // A node that comes, goes or has new labels concerns all of them.
    let since = if store.written(Kind::Node, since) {
        0
    } else {
        since
    };
    for set in store.touched(Kind::DaemonSet, since) {
        if set.is_terminating() {
            continue;
        }
        let nodes: Vec<Object> = store
            .list(Kind::Node)
            .filter(|node| {
                set.pointer("/spec/template")
                    .is_some_and(|pod| selects(pod, node))
            })
            .cloned()
            .collect();
        let pods = controlled(store, Kind::Pod, &set);
        for node in &nodes {
            if !pods.iter().any(|pod| target(pod) == node.name()) {
                create(store, pod_for(&set, node.name()), now);
            }
        }
        for pod in &pods {
            let unwanted = !nodes.iter().any(|node| node.name() == target(pod));
            if unwanted || pod.is_finished() {
                delete(store, pod, now);
            }
        }
        report(store, &set, nodes.len());
    }
}

/// The node that a pod was made for.
fn target(pod: &Value) -> &str {
    pod.text(
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution\
         /nodeSelectorTerms/0/matchFields/0/values/0",
    )
}

fn pod_for(set: &Value, node: &str) -> Value {
    let mut pod = from_template(set, &format!("{}-", set.name()));
    pod["spec"]["affinity"] = json!({"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}],
        }]},
    }});
    let mut tolerations = pod.items("/spec/tolerations").to_vec();
    let own = TOLERATED
        .iter()
        .map(|(key, effect)| json!({"key": key, "operator": "Exists", "effect": effect}));
    tolerations.extend(own);
    pod["spec"]["tolerations"] = tolerations.into();
    pod
}

fn report(store: &mut Store, set: &Object, wanted: usize) {
    let pods = controlled(store, Kind::Pod, set);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let status = json!({
        "observedGeneration": set.int("/metadata/generation").unwrap_or(1),
        "desiredNumberScheduled": wanted,
        "currentNumberScheduled": pods.len(),
        "updatedNumberScheduled": pods.len(),
        "numberReady": ready,
        "numberAvailable": ready,
        "numberUnavailable": wanted.saturating_sub(ready),
        "numberMisscheduled": 0,
    });
    set_status(store, Kind::DaemonSet, set, status);
}
