//! Nodes: the slim form read from the API, and its reduction to [`NodeInfo`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use gputop_model::{
    EXPECTED_AWAY, NodeCondition, NodeInfo, NodeName, Readiness, ResourceCounts, Taint,
    is_gpu_resource, is_other_accelerator, printable, whole_quantity,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Deserialize;

use super::nullable::or_default;

/// The part of a Node that is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct SlimNode {
    metadata: ObjectMeta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "or_default")]
    unschedulable: bool,
    #[serde(deserialize_with = "or_default")]
    taints: Vec<SlimTaint>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct SlimTaint {
    #[serde(deserialize_with = "or_default")]
    key: String,
    #[serde(deserialize_with = "or_default")]
    value: String,
    #[serde(deserialize_with = "or_default")]
    effect: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "or_default")]
    capacity: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    allocatable: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    node_info: Info,
    #[serde(deserialize_with = "or_default")]
    addresses: Vec<Address>,
    runtime_handlers: Option<Vec<Handler>>,
}

/// A condition of a node or a pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    #[serde(deserialize_with = "or_default")]
    pub(super) kind: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    last_transition_time: Option<Time>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Address {
    #[serde(rename = "type")]
    #[serde(deserialize_with = "or_default")]
    kind: String,
    #[serde(deserialize_with = "or_default")]
    address: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Info {
    #[serde(deserialize_with = "or_default")]
    kubelet_version: String,
    #[serde(deserialize_with = "or_default")]
    os_image: String,
    #[serde(deserialize_with = "or_default")]
    architecture: String,
    #[serde(deserialize_with = "or_default")]
    kernel_version: String,
    #[serde(deserialize_with = "or_default")]
    container_runtime_version: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Handler {
    #[serde(deserialize_with = "or_default")]
    name: String,
}

impl kube::Resource for SlimNode {
    type DynamicType = ();
    type Scope = k8s_openapi::ClusterResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Node".into()
    }
    fn group((): &()) -> Cow<'_, str> {
        "".into()
    }
    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }
    fn plural((): &()) -> Cow<'_, str> {
        "nodes".into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// What the store keeps of a node.
pub(super) fn node_info(node: &SlimNode) -> NodeInfo {
    let labels = node.metadata.labels.clone().unwrap_or_default();
    let roles = labels
        .keys()
        .filter_map(|label| label.strip_prefix("node-role.kubernetes.io/"))
        .map(str::to_owned)
        .collect();
    let info = &node.status.node_info;
    NodeInfo {
        name: NodeName::new(node.metadata.name.clone().unwrap_or_default()),
        created: node.metadata.creation_timestamp.as_ref().map(|time| time.0),
        readiness: readiness(&node.status.conditions),
        ready_since: ready(&node.status.conditions)
            .and_then(|ready| ready.last_transition_time.as_ref())
            .map(|time| time.0),
        cordoned: node.spec.unschedulable,
        roles,
        labels,
        taints: node
            .spec
            .taints
            .iter()
            .map(|taint| Taint {
                key: taint.key.clone(),
                value: taint.value.clone(),
                effect: taint.effect.clone(),
            })
            .collect(),
        resources: resources(&node.status, is_gpu_resource),
        other_resources: resources(&node.status, is_other_accelerator),
        conditions: amiss(&node.status.conditions),
        runtime_handlers: node.status.runtime_handlers.as_ref().map(|handlers| {
            handlers
                .iter()
                .map(|handler| handler.name.clone())
                .collect()
        }),
        kubelet_version: info.kubelet_version.clone(),
        os_image: info.os_image.clone(),
        architecture: info.architecture.clone(),
        kernel_version: info.kernel_version.clone(),
        container_runtime: info.container_runtime_version.clone(),
        addresses: node
            .status
            .addresses
            .iter()
            .filter(|address| address.kind == "InternalIP")
            .map(|address| address.address.clone())
            .collect(),
        expected_away: expected_away(&node.metadata),
    }
}

/// Capacity and allocatable of the resources that `wanted` names.
fn resources(status: &Status, wanted: fn(&str) -> bool) -> BTreeMap<String, ResourceCounts> {
    let mut resources: BTreeMap<String, ResourceCounts> = BTreeMap::new();
    for (name, quantity) in quantities(&status.capacity, wanted) {
        resources.entry(name).or_default().capacity = quantity;
    }
    for (name, quantity) in quantities(&status.allocatable, wanted) {
        resources.entry(name).or_default().allocatable = quantity;
    }
    resources
}

/// The whole quantities of the resources that `wanted` names.
pub(super) fn quantities(
    quantities: &BTreeMap<String, String>,
    wanted: fn(&str) -> bool,
) -> impl Iterator<Item = (String, i64)> {
    quantities
        .iter()
        .filter(move |(name, _)| wanted(name))
        .filter_map(|(name, quantity)| Some((name.clone(), whole_quantity(quantity)?)))
}

/// The conditions that say that something is wrong: the kubelet's own, and those that
/// node-problem-detector and the like add.
fn amiss(conditions: &[Condition]) -> Vec<NodeCondition> {
    const KUBELETS: [&str; 4] = [
        "MemoryPressure",
        "DiskPressure",
        "PIDPressure",
        "NetworkUnavailable",
    ];
    // Of node-problem-detector's default rules, those whose name does not say it.
    const DETECTED: [&str; 4] = [
        "KernelDeadlock",
        "ReadonlyFilesystem",
        "CorruptDockerOverlay2",
        "FrequentKubeletRestart",
    ];
    let tells = |kind: &str| {
        KUBELETS.contains(&kind)
            || DETECTED.contains(&kind)
            || kind.ends_with("Problem")
            || kind.ends_with("Unhealthy")
    };
    conditions
        .iter()
        .filter(|condition| condition.status == "True" && tells(&condition.kind))
        .map(|condition| NodeCondition {
            kind: printable(condition.kind.clone()),
            reason: printable(condition.reason.clone()),
            message: printable(condition.message.clone()),
            since: condition.last_transition_time.as_ref().map(|time| time.0),
        })
        .collect()
}

fn expected_away(meta: &ObjectMeta) -> bool {
    let said = |marks: &Option<BTreeMap<String, String>>| {
        marks
            .as_ref()
            .and_then(|marks| marks.get(EXPECTED_AWAY))
            .is_some_and(|value| value != "false")
    };
    said(&meta.labels) || said(&meta.annotations)
}

fn ready(conditions: &[Condition]) -> Option<&Condition> {
    conditions
        .iter()
        .find(|condition| condition.kind == "Ready")
}

fn readiness(conditions: &[Condition]) -> Readiness {
    match ready(conditions) {
        None => Readiness::Unknown,
        Some(ready) if ready.status == "True" => Readiness::Ready,
        Some(ready) => {
            let why = [&ready.message, &ready.reason]
                .into_iter()
                .find(|text| !text.is_empty());
            Readiness::NotReady {
                why: why.map_or("no reason given", |text| text).to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(node: serde_json::Value) -> NodeInfo {
        node_info(&serde_json::from_value(node).unwrap())
    }

    #[test]
    fn only_gpu_resources_are_kept_with_both_counts() {
        let info = parse(json!({
            "metadata": {"name": "rig.lab.home",
                "labels": {"node-role.kubernetes.io/control-plane": "true"}},
            "spec": {"unschedulable": true},
            "status": {
                "capacity": {"cpu": "32", "nvidia.com/gpu": "4", "nvidia.com/mig-1g.10gb": "2"},
                "allocatable": {"nvidia.com/gpu": "3"},
                "conditions": [{"type": "Ready", "status": "True"}],
                "runtimeHandlers": [{"name": ""}, {"name": "nvidia"}]
            }
        }));
        assert_eq!(info.name.as_str(), "rig.lab.home");
        assert_eq!(info.roles, ["control-plane"]);
        assert!(info.cordoned);
        let counts = |capacity, allocatable| ResourceCounts {
            capacity,
            allocatable,
        };
        assert_eq!(info.resources["nvidia.com/gpu"], counts(4, 3));
        assert_eq!(info.resources["nvidia.com/mig-1g.10gb"], counts(2, 0));
        assert_eq!(info.resources.len(), 2);
        assert_eq!(info.runtime_handlers.unwrap(), ["", "nvidia"]);
    }

    #[test]
    fn an_absent_field_of_an_older_server_is_not_a_no() {
        let info = parse(json!({"metadata": {"name": "old"}}));
        assert_eq!(info.runtime_handlers, None);
        assert_eq!(info.readiness, Readiness::Unknown);
        assert_eq!(info.not_ready_since(), None);
    }

    #[test]
    fn a_node_that_is_not_ready_says_why() {
        let condition = json!({"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
            "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let info = parse(json!({"status": {"conditions": [condition]}}));
        let why = "Kubelet stopped posting node status.".to_owned();
        assert_eq!(info.readiness, Readiness::NotReady { why });
        assert_eq!(info.not_ready_since(), "2026-01-01T00:00:00Z".parse().ok());
    }

    #[test]
    fn other_vendors_and_hamis_fractions_are_kept_apart_from_units() {
        let info = parse(json!({"status": {
            "capacity": {"nvidia.com/gpu": "20", "nvidia.com/gpumem": "48k", "amd.com/gpu": "1",
                "gpu.intel.com/i915": "2", "memory": "64Gi"},
            "allocatable": {"nvidia.com/gpu": "20", "nvidia.com/gpumem": "48k", "amd.com/gpu": "1"}
        }}));
        let names: Vec<_> = info.resources.keys().map(String::as_str).collect();
        assert_eq!(names, ["nvidia.com/gpu"]);
        let others: Vec<_> = info.other_resources.keys().map(String::as_str).collect();
        assert_eq!(
            others,
            ["amd.com/gpu", "gpu.intel.com/i915", "nvidia.com/gpumem"]
        );
        assert_eq!(
            info.other_resources["nvidia.com/gpumem"].allocatable,
            48_000
        );
    }

    #[test]
    fn conditions_that_say_that_something_is_wrong_are_kept() {
        let condition = |kind: &str, status: &str| {
            json!({"type": kind, "status": status, "reason": "Because", "message": "of\u{1b} this",
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let info = parse(json!({"status": {"conditions": [
            condition("Ready", "True"), condition("DiskPressure", "True"),
            condition("MemoryPressure", "False"), condition("GpuXidProblem", "True"),
            condition("KernelDeadlock", "True"), condition("KubeletUnhealthy", "Unknown"),
            condition("EtcdIsVoter", "True"),
        ]}}));
        let kinds: Vec<_> = info.conditions.iter().map(|c| c.kind.as_str()).collect();
        assert_eq!(kinds, ["DiskPressure", "GpuXidProblem", "KernelDeadlock"]);
        assert_eq!(info.conditions[0].reason, "Because");
        assert_eq!(info.conditions[0].message, "of\u{fffd} this");
        assert!(info.conditions[0].since.is_some());
    }

    #[test]
    fn versions_and_addresses_are_kept() {
        let info = parse(json!({"status": {
            "nodeInfo": {"kernelVersion": "6.17.0", "containerRuntimeVersion": "containerd://2.1.5"},
            "addresses": [{"type": "Hostname", "address": "rig"},
                {"type": "InternalIP", "address": "10.0.0.7"},
                {"type": "InternalIP", "address": "fd00::7"}]}}));
        assert_eq!(info.kernel_version, "6.17.0");
        assert_eq!(info.container_runtime, "containerd://2.1.5");
        assert_eq!(info.addresses, ["10.0.0.7", "fd00::7"]);
    }

    #[test]
    fn a_node_may_be_marked_as_one_that_comes_and_goes() {
        let marked = |marks: serde_json::Value| parse(json!({"metadata": marks})).expected_away;
        assert!(marked(json!({"labels": {EXPECTED_AWAY: ""}})));
        assert!(marked(json!({"annotations": {EXPECTED_AWAY: "wifi"}})));
        assert!(!marked(json!({"labels": {EXPECTED_AWAY: "false"}})));
        assert!(!marked(json!({"labels": {"other": "true"}})));
        let away = parse(json!({"metadata": {"labels": {EXPECTED_AWAY: "true"}}}));
        assert!(away.is_away());
    }
}
