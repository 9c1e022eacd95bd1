//! Nodes: the slim form read from the API, and its reduction to [`NodeInfo`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use gputop_model::{NodeInfo, NodeName, Readiness, ResourceCounts, Taint, is_gpu_resource};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::nullable::or_default;
use super::pod::units;

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
    runtime_handlers: Option<Vec<Handler>>,
}

/// A condition of a node or a pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
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
    let mut resources: BTreeMap<String, ResourceCounts> = BTreeMap::new();
    for (name, quantity) in gpu_units(&node.status.capacity) {
        resources.entry(name).or_default().capacity = quantity;
    }
    for (name, quantity) in gpu_units(&node.status.allocatable) {
        resources.entry(name).or_default().allocatable = quantity;
    }
    NodeInfo {
        name: NodeName::new(node.metadata.name.clone().unwrap_or_default()),
        created: node.metadata.creation_timestamp.as_ref().map(|time| time.0),
        readiness: readiness(&node.status.conditions),
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
        resources,
        runtime_handlers: node.status.runtime_handlers.as_ref().map(|handlers| {
            handlers
                .iter()
                .map(|handler| handler.name.clone())
                .collect()
        }),
        kubelet_version: node.status.node_info.kubelet_version.clone(),
        os_image: node.status.node_info.os_image.clone(),
        architecture: node.status.node_info.architecture.clone(),
    }
}

fn gpu_units(quantities: &BTreeMap<String, String>) -> impl Iterator<Item = (String, i64)> {
    quantities
        .iter()
        .filter(|(name, _)| is_gpu_resource(name))
        .filter_map(|(name, quantity)| Some((name.clone(), units(quantity)?)))
}

fn readiness(conditions: &[Condition]) -> Readiness {
    match conditions
        .iter()
        .find(|condition| condition.kind == "Ready")
    {
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
    }

    #[test]
    fn a_node_that_is_not_ready_says_why() {
        let condition = json!({"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status."});
        let info = parse(json!({"status": {"conditions": [condition]}}));
        let why = "Kubelet stopped posting node status.".to_owned();
        assert_eq!(info.readiness, Readiness::NotReady { why });
    }
}
