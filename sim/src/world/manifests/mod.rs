//! The objects that a scenario stands for.

mod daemon;
mod node;
mod workload;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::scenario::Scenario;
use crate::store::Kind;

/// How long before the start the cordoned nodes were cordoned, at most.
const CORDON_AGE: Duration = Duration::from_secs(26 * 3600);

/// An object to create, and how long before the start. A node that is there already is changed.
#[derive(Debug)]
pub(crate) struct Birth {
    pub(in crate::world) age: Duration,
    pub(in crate::world) kind: Kind,
    pub(in crate::world) object: Value,
}

/// Everything that the scenario names, and what each K3s has.
pub(crate) fn all(scenario: &Scenario) -> Vec<Birth> {
    let oldest = scenario.nodes.iter().map(|node| node.age).max();
    let oldest = oldest.unwrap_or_default() + Duration::from_secs(60);
    let mut births = cluster_wide(scenario, oldest);
    for (index, node) in scenario.nodes.iter().enumerate() {
        births.push(node::birth(node, index, false, node.age));
        if node.cordoned {
            // What runs on it had come before.
            let age = node.age.min(CORDON_AGE);
            births.push(node::birth(node, index, true, age));
        }
    }
    if scenario.nodes.iter().any(|node| node.agent) {
        births.extend(daemon::births(oldest));
    }
    births.extend(scenario.workloads.iter().map(workload::birth));
    births
}

fn cluster_wide(scenario: &Scenario, oldest: Duration) -> Vec<Birth> {
    let mut namespaces = BTreeSet::from([
        "default",
        "gputop-k3s",
        "kube-node-lease",
        "kube-public",
        "kube-system",
    ]);
    namespaces.extend(
        scenario
            .workloads
            .iter()
            .map(|workload| workload.namespace.as_str()),
    );
    let namespaces = namespaces.into_iter().map(|name| {
        let object = json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        (Kind::Namespace, object)
    });
    let runtime = json!({"metadata": {"name": "nvidia"}, "handler": "nvidia"});
    let storage = json!({
        "metadata": {
            "name": "local-path",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "rancher.io/local-path",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    });
    namespaces
        .chain([(Kind::RuntimeClass, runtime), (Kind::StorageClass, storage)])
        .map(|(kind, object)| Birth {
            age: oldest,
            kind,
            object,
        })
        .collect()
}
