//! A pod's status as its kubelet reports it.

use std::collections::BTreeMap;

use gputop_model::DeviceId;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::devices::Held;
use super::life::{Life, Plan, Stage};
use crate::clock::rfc3339;
use crate::identity::{hash, hex64};
use crate::store::ObjectExt;

/// Where a pod runs.
pub(super) struct Place<'a> {
    pub(super) host_ip: &'a str,
    pub(super) node_index: usize,
    pub(super) devices: &'a [Held],
    /// Whether a device does not work any more.
    pub(super) sick: &'a dyn Fn(&DeviceId) -> bool,
}

/// The whole status; conditions that are not the kubelet's are kept.
pub(super) fn render(
    pod: &Value,
    life: &Life,
    plan: &Plan,
    place: &Place<'_>,
    now: Timestamp,
) -> Value {
    let stage = life.stage();
    let ready = life.is_ready(plan, now);
    let mut status = Map::new();
    status.insert("phase".to_owned(), phase(stage).into());
    status.insert("conditions".to_owned(), conditions(pod, stage, ready, now));
    status.insert("hostIP".to_owned(), place.host_ip.into());
    status.insert("hostIPs".to_owned(), json!([{"ip": place.host_ip}]));
    status.insert("startTime".to_owned(), rfc3339(life.began()).into());
    let qos = pod.pointer("/status/qosClass").cloned();
    status.insert(
        "qosClass".to_owned(),
        qos.unwrap_or_else(|| "BestEffort".into()),
    );
    if !matches!(stage, Stage::Creating { .. }) {
        let number = hash(&[pod.uid()]) % 250 + 2;
        let ip = format!("10.42.{}.{number}", place.node_index);
        status.insert("podIP".to_owned(), ip.clone().into());
        status.insert("podIPs".to_owned(), json!([{"ip": ip}]));
    }
    let inits: Vec<Value> = pod
        .items("/spec/initContainers")
        .iter()
        .enumerate()
        .map(|(index, container)| init_status(pod, container, index, stage, life))
        .collect();
    if !inits.is_empty() {
        status.insert("initContainerStatuses".to_owned(), inits.into());
    }
    let containers: Vec<Value> = pod
        .items("/spec/containers")
        .iter()
        .map(|container| container_status(pod, container, life, ready, place))
        .collect();
    status.insert("containerStatuses".to_owned(), containers.into());
    Value::Object(status)
}

const fn phase(stage: Stage) -> &'static str {
    match stage {
        Stage::Creating { .. } | Stage::Init { .. } => "Pending",
        Stage::Running { .. } | Stage::BackOff { .. } => "Running",
        Stage::Ended { exit_code: 0, .. } => "Succeeded",
        Stage::Ended { .. } => "Failed",
    }
}

fn conditions(pod: &Value, stage: Stage, ready: bool, now: Timestamp) -> Value {
    let done = matches!(stage, Stage::Ended { exit_code: 0, .. });
    let initialized = !matches!(stage, Stage::Creating { .. } | Stage::Init { .. })
        || pod.items("/spec/initContainers").is_empty();
    let unready = if done {
        ("PodCompleted", String::new())
    } else {
        let names: Vec<&str> = pod
            .items("/spec/containers")
            .iter()
            .map(|container| container.text("/name"))
            .collect();
        let message = format!("containers with unready status: [{}]", names.join(" "));
        ("ContainersNotReady", message)
    };
    let not_initialized = (
        "ContainersNotInitialized",
        "containers with incomplete status".to_owned(),
    );
    let sandbox = !matches!(stage, Stage::Creating { .. });
    let own = [
        (
            "PodReadyToStartContainers",
            sandbox,
            (String::new(), String::new()),
        ),
        (
            "Initialized",
            initialized,
            (not_initialized.0.to_owned(), not_initialized.1),
        ),
        ("Ready", ready, (unready.0.to_owned(), unready.1.clone())),
        ("ContainersReady", ready, (unready.0.to_owned(), unready.1)),
    ];
    let old = pod.items("/status/conditions");
    let mut conditions: Vec<Value> = own
        .into_iter()
        .map(|(kind, holds, why)| condition(old, kind, holds, why, now))
        .collect();
    let kept = old.iter().filter(|item| {
        !conditions
            .iter()
            .any(|own| own.text("/type") == item.text("/type"))
    });
    let kept: Vec<Value> = kept.cloned().collect();
    conditions.extend(kept);
    conditions.into()
}

fn condition(
    old: &[Value],
    kind: &str,
    holds: bool,
    (reason, message): (String, String),
    now: Timestamp,
) -> Value {
    let status = if holds { "True" } else { "False" };
    let same = old
        .iter()
        .find(|item| item.text("/type") == kind && item.text("/status") == status);
    let since = same.map_or_else(
        || rfc3339(now),
        |item| item.text("/lastTransitionTime").to_owned(),
    );
    let mut condition = json!({"type": kind, "status": status, "lastTransitionTime": since});
    if !holds && !reason.is_empty() {
        condition["reason"] = reason.into();
        if !message.is_empty() {
            condition["message"] = message.into();
        }
    }
    condition
}

/// The id of a container's current run.
pub(super) fn container_id(pod: &Value, container: &str, restarts: u32) -> String {
    hex64(&[pod.uid(), container, &restarts.to_string()])
}

fn container_status(
    pod: &Value,
    container: &Value,
    life: &Life,
    ready: bool,
    place: &Place<'_>,
) -> Value {
    let name = container.text("/name");
    let id = format!("containerd://{}", container_id(pod, name, life.restarts));
    let mut status = base(container, life.restarts);
    status["ready"] = ready.into();
    let crash = |from: Timestamp, to: Timestamp| {
        json!({"terminated": {
            "exitCode": 1, "reason": "Error", "containerID": id,
            "startedAt": rfc3339(from), "finishedAt": rfc3339(to),
        }})
    };
    status["lastState"] = life
        .last_crash
        .map_or_else(|| json!({}), |(from, to)| crash(from, to));
    let stage = life.stage();
    status["started"] = matches!(stage, Stage::Running { .. }).into();
    status["state"] = match stage {
        Stage::Creating { .. } => json!({"waiting": {"reason": "ContainerCreating"}}),
        Stage::Init { .. } => json!({"waiting": {"reason": "PodInitializing"}}),
        Stage::Running { since } => json!({"running": {"startedAt": rfc3339(since)}}),
        Stage::BackOff { .. } => json!({"waiting": {
            "reason": "CrashLoopBackOff",
            "message": format!(
                "back-off restarting failed container={name} pod={}_{}({})",
                pod.name(), pod.namespace(), pod.uid()
            ),
        }}),
        Stage::Ended {
            ran_from,
            at,
            exit_code,
        } => json!({"terminated": {
            "exitCode": exit_code,
            "reason": if exit_code == 0 { "Completed" } else { "Error" },
            "startedAt": rfc3339(ran_from.unwrap_or(at)), "finishedAt": rfc3339(at),
            "containerID": id,
        }}),
    };
    if !matches!(stage, Stage::Creating { .. } | Stage::Init { .. }) {
        status["containerID"] = id.into();
    }
    let devices = allocated(name, place);
    if !devices.is_empty() {
        status["allocatedResourcesStatus"] = devices.into();
    }
    status
}

fn allocated(container: &str, place: &Place<'_>) -> Vec<Value> {
    let mut by_resource: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for held in place
        .devices
        .iter()
        .filter(|held| held.container == container)
    {
        let health = if (place.sick)(&held.id) {
            "Unhealthy"
        } else {
            "Healthy"
        };
        let entry = json!({"resourceID": held.id.as_str(), "health": health});
        by_resource.entry(&held.resource).or_default().push(entry);
    }
    by_resource
        .into_iter()
        .map(|(name, resources)| json!({"name": name, "resources": resources}))
        .collect()
}

fn init_status(pod: &Value, container: &Value, index: usize, stage: Stage, life: &Life) -> Value {
    let name = container.text("/name");
    let mut status = base(container, 0);
    let sidecar = container.text("/restartPolicy") == "Always";
    let (done, running) = match stage {
        Stage::Creating { .. } => (false, None),
        Stage::Init { index: at, since } => (index < at, (index == at).then_some(since)),
        _ => (true, None),
    };
    let id = format!("containerd://{}", container_id(pod, name, 0));
    let began = rfc3339(life.began());
    status["ready"] = done.into();
    status["started"] = (running.is_some() || (sidecar && done)).into();
    status["state"] = match (done, running) {
        (true, _) if sidecar => json!({"running": {"startedAt": began}}),
        (true, _) => json!({"terminated": {
            "exitCode": 0, "reason": "Completed", "startedAt": began, "finishedAt": began,
            "containerID": id,
        }}),
        (false, Some(since)) => json!({"running": {"startedAt": rfc3339(since)}}),
        (false, None) => json!({"waiting": {"reason": "PodInitializing"}}),
    };
    if done || running.is_some() {
        status["containerID"] = id.into();
    }
    status
}

fn base(container: &Value, restarts: u32) -> Value {
    let image = container.text("/image");
    json!({
        "name": container.text("/name"),
        "image": image,
        "imageID": format!("{image}@sha256:{}", hex64(&[image])),
        "lastState": {},
        "restartCount": restarts,
    })
}
