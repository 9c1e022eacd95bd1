//! Pods: the slim form read from the API, and its reduction to [`PodInfo`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use gputop_model::{
    DeviceHealth, DeviceId, Labels, Phase, PodDevice, PodInfo, PodKey, PodUid, Workload,
    is_gpu_resource, is_other_accelerator,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Deserialize;

use super::container::containers;
use super::daemons::is_daemon;
use super::node::{Condition, quantities};
use super::nullable::or_default;
use super::pod_reason::{pod_message, pod_reason};
use crate::fit::{ContainerRequest, Units, effective_requests};

/// The part of a Pod that is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct SlimPod {
    metadata: ObjectMeta,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    pub(super) status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    node_name: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    pub(super) init_containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    pub(super) ephemeral_containers: Vec<Container>,
    #[serde(deserialize_with = "or_default")]
    overhead: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) image: String,
    pub(super) restart_policy: Option<String>,
    #[serde(deserialize_with = "or_default")]
    resources: Resources,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Resources {
    #[serde(deserialize_with = "or_default")]
    requests: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    limits: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(deserialize_with = "or_default")]
    pub(super) phase: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    pub(super) init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    pub(super) container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    pub(super) ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus {
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
    #[serde(rename = "containerID")]
    #[serde(deserialize_with = "or_default")]
    pub(super) container_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) ready: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) restart_count: i32,
    #[serde(deserialize_with = "or_default")]
    pub(super) state: State,
    #[serde(deserialize_with = "or_default")]
    allocated_resources_status: Vec<AllocatedResource>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) waiting: Option<Stopped>,
    pub(super) running: Option<Running>,
    pub(super) terminated: Option<Stopped>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Running {
    pub(super) started_at: Option<Time>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Stopped {
    #[serde(deserialize_with = "or_default")]
    pub(super) reason: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) message: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) exit_code: i32,
    pub(super) finished_at: Option<Time>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct AllocatedResource {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    resources: Vec<ResourceHealth>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ResourceHealth {
    #[serde(rename = "resourceID")]
    #[serde(deserialize_with = "or_default")]
    resource_id: String,
    #[serde(deserialize_with = "or_default")]
    health: String,
}

impl kube::Resource for SlimPod {
    type DynamicType = ();
    type Scope = k8s_openapi::NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Pod".into()
    }
    fn group((): &()) -> Cow<'_, str> {
        "".into()
    }
    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }
    fn plural((): &()) -> Cow<'_, str> {
        "pods".into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// What the store keeps of a pod.
pub(super) fn pod_info(pod: &SlimPod) -> PodInfo {
    let meta = &pod.metadata;
    let name = meta.name.clone().unwrap_or_default();
    let namespace = meta.namespace.clone().unwrap_or_default();
    PodInfo {
        uid: PodUid::new(meta.uid.clone().unwrap_or_default()),
        node: pod
            .spec
            .node_name
            .clone()
            .filter(|node| !node.is_empty())
            .map(Into::into),
        phase: Phase::from_name(&pod.status.phase),
        deletion: meta.deletion_timestamp.as_ref().map(|time| time.0),
        created: meta.creation_timestamp.as_ref().map(|time| time.0),
        ready: pod
            .status
            .conditions
            .iter()
            .any(|c| c.kind == "Ready" && c.status == "True"),
        reason: pod_reason(&pod.status),
        message: pod_message(&pod.status),
        workload: workload(meta, &name),
        requests: requests(&pod.spec, is_gpu_resource),
        other_requests: requests(&pod.spec, is_other_accelerator),
        labels: meta.labels.as_ref().map(Labels::from).unwrap_or_default(),
        containers: containers(&pod.spec, &pod.status),
        devices: devices(&pod.status),
        is_daemon: is_daemon(&namespace, meta.labels.as_ref()),
        key: PodKey::new(namespace, name),
    }
}

/// What the scheduler counts for the pod, of the resources that `wanted` names.
fn requests(spec: &Spec, wanted: fn(&str) -> bool) -> Units {
    let request = |container: &Container| {
        // The API server copies a limit of an extended resource to the request.
        let mut units: Units = quantities(&container.resources.limits, wanted).collect();
        units.extend(quantities(&container.resources.requests, wanted));
        ContainerRequest {
            units,
            sidecar: is_sidecar(container),
        }
    };
    let init: Vec<_> = spec.init_containers.iter().map(request).collect();
    let main: Vec<_> = spec.containers.iter().map(request).collect();
    effective_requests(&init, &main, &quantities(&spec.overhead, wanted).collect())
}

pub(super) fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

pub(super) fn statuses(status: &Status) -> impl Iterator<Item = &ContainerStatus> {
    status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .chain(&status.ephemeral_container_statuses)
}

fn devices(status: &Status) -> Vec<PodDevice> {
    let mut devices = Vec::new();
    for container in statuses(status) {
        for resource in &container.allocated_resources_status {
            for device in resource
                .resources
                .iter()
                .filter(|_| is_gpu_resource(&resource.name))
            {
                devices.push(PodDevice {
                    container: container.name.clone(),
                    resource: resource.name.clone(),
                    device_id: DeviceId::new(device.resource_id.as_str()),
                    health: match device.health.as_str() {
                        "Healthy" => DeviceHealth::Healthy,
                        "Unhealthy" => DeviceHealth::Unhealthy,
                        _ => DeviceHealth::Unknown,
                    },
                });
            }
        }
    }
    devices
}

/// The owner in the user's words. A ReplicaSet of a Deployment is named
/// `<deployment>-<pod-template-hash>`, and the pod carries the hash as a label.
fn workload(meta: &ObjectMeta, pod: &str) -> Workload {
    let owner = meta
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| (owner.kind.as_str(), owner.name.as_str()));
    let Some((kind, name)) = owner else {
        return Workload {
            kind: "Pod".to_owned(),
            name: pod.to_owned(),
        };
    };
    let hash = meta
        .labels
        .as_ref()
        .and_then(|labels| labels.get("pod-template-hash"));
    if kind == "ReplicaSet"
        && let Some(hash) = hash
        && let Some(deployment) = name
            .strip_suffix(hash.as_str())
            .and_then(|n| n.strip_suffix('-'))
    {
        return Workload {
            kind: "Deployment".to_owned(),
            name: deployment.to_owned(),
        };
    }
    Workload {
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(pod: serde_json::Value) -> PodInfo {
        pod_info(&serde_json::from_value(pod).unwrap())
    }

    #[test]
    fn a_pod_of_a_deployment_names_the_deployment() {
        let info = parse(json!({"metadata": {
            "name": "web-7d9f-abcde", "labels": {"pod-template-hash": "7d9f"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-7d9f", "controller": true,
                "apiVersion": "apps/v1", "uid": "u"}]
        }}));
        assert_eq!(
            info.workload,
            Workload {
                kind: "Deployment".into(),
                name: "web".into()
            }
        );
    }

    #[test]
    fn a_bare_pod_owns_itself() {
        let info = parse(json!({"metadata": {"name": "solo"}}));
        assert_eq!(
            info.workload,
            Workload {
                kind: "Pod".into(),
                name: "solo".into()
            }
        );
        assert!(!info.holds_resources());
    }

    #[test]
    fn init_containers_and_sidecars_count_as_the_scheduler_does() {
        let gpu = |n: &str| json!({"limits": {"nvidia.com/gpu": n}});
        let info = parse(json!({"spec": {"nodeName": "a",
            "initContainers": [
                {"name": "side", "restartPolicy": "Always", "resources": gpu("1")},
                {"name": "fetch", "resources": gpu("2")}],
            "containers": [{"name": "main", "resources": gpu("1")}]},
            "status": {"phase": "Running"}}));
        assert_eq!(info.requests["nvidia.com/gpu"], 3);
        let names: Vec<_> = info.containers.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["side", "fetch", "main"]);
        assert!(info.holds_resources());
    }

    #[test]
    fn devices_and_container_ids_come_from_the_status() {
        let info = parse(json!({
            "spec": {"containers": [{"name": "main"}]},
            "status": {"containerStatuses": [{"name": "main", "containerID": "containerd://ab12",
                "allocatedResourcesStatus": [{"name": "nvidia.com/gpu",
                    "resources": [{"resourceID": "GPU-1::0", "health": "Unhealthy"}]}]}]}}));
        assert_eq!(info.containers[0].id.as_deref(), Some("ab12"));
        assert_eq!(info.devices[0].device_id.as_str(), "GPU-1::0");
        assert_eq!(info.devices[0].health, DeviceHealth::Unhealthy);
    }

    #[test]
    fn finished_pods_hold_nothing_and_terminating_ones_do() {
        let pod = |phase: &str| {
            parse(
                json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
                "spec": {"nodeName": "a"}, "status": {"phase": phase}}),
            )
        };
        assert!(pod("Running").holds_resources());
        assert!(!pod("Failed").holds_resources());
        assert!(!pod("Succeeded").holds_resources());
    }

    #[test]
    fn null_is_as_good_as_absent() {
        let info = parse(json!({
            "metadata": {"name": "a"},
            "spec": {"containers": null, "nodeName": null, "overhead": null},
            "status": {"phase": null, "conditions": null, "containerStatuses": [{"state": null}]}
        }));
        assert_eq!((info.node, info.containers.len()), (None, 0));
    }

    #[test]
    fn other_vendors_and_hamis_fractions_are_no_units() {
        let info = parse(json!({
            "metadata": {"name": "a", "labels": {"app": "web"}},
            "spec": {"containers": [{"resources": {"limits": {
                "nvidia.com/gpu": "1", "nvidia.com/gpumem": "8000", "habana.ai/gaudi": "2"}}}]}}));
        assert_eq!(info.gpu_units(), 1);
        let others: Vec<_> = info.other_requests.into_iter().collect();
        let expected = [("habana.ai/gaudi", 2), ("nvidia.com/gpumem", 8000)];
        assert_eq!(
            others,
            expected.map(|(name, units)| (name.to_owned(), units))
        );
        assert_eq!(info.labels.get("app"), Some("web"));
    }
}
