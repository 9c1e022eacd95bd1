//! Node objects: what K3s and NVIDIA's feature discovery put on them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Birth;
use crate::kubelet::node_status;
use crate::scenario::NodeScenario;
use crate::store::Kind;

/// Label by which the daemon's two `DaemonSets` share the nodes.
pub(super) const RUNTIME_LABEL: &str = "gputop-k3s.io/nvidia-runtime";

pub(super) fn birth(node: &NodeScenario, index: usize, cordoned: bool, age: Duration) -> Birth {
    let mut spec = json!({
        "podCIDR": format!("10.42.{index}.0/24"),
        "providerID": format!("k3s://{}", node.spec.name),
    });
    if cordoned {
        spec["unschedulable"] = true.into();
    }
    let taints: Vec<Value> = node
        .taints
        .iter()
        .map(|(key, value, effect)| json!({"key": key, "value": value, "effect": effect}))
        .collect();
    if !taints.is_empty() {
        spec["taints"] = taints.into();
    }
    let name = node.spec.name.as_str();
    let mut status = node_status(node, None, None, Timestamp::UNIX_EPOCH);
    // The kubelet reports them with its first heartbeat.
    status["conditions"] = json!([]);
    Birth {
        age,
        kind: Kind::Node,
        object: json!({
            "metadata": {
                "name": name,
                "labels": labels(node),
                "annotations": {
                    "k3s.io/hostname": name,
                    "k3s.io/internal-ip": node.address,
                    "node.alpha.kubernetes.io/ttl": "0",
                },
            },
            "spec": spec,
            "status": status,
        }),
    }
}

fn labels(node: &NodeScenario) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let mut set = |key: &str, value: String| {
        labels.insert(key.to_owned(), value);
    };
    set("beta.kubernetes.io/arch", node.arch.clone());
    set("beta.kubernetes.io/instance-type", "k3s".to_owned());
    set("beta.kubernetes.io/os", "linux".to_owned());
    set("kubernetes.io/arch", node.arch.clone());
    set("kubernetes.io/hostname", node.spec.name.as_str().to_owned());
    set("kubernetes.io/os", "linux".to_owned());
    set("node.kubernetes.io/instance-type", "k3s".to_owned());
    for role in &node.roles {
        set(
            &format!("node-role.kubernetes.io/{role}"),
            "true".to_owned(),
        );
    }
    if node.agent {
        set(RUNTIME_LABEL, node.spec.driver.is_some().to_string());
    }
    for (key, value) in discovered(node) {
        set(&key, value);
    }
    for (key, value) in &node.labels {
        set(key, value.clone());
    }
    labels
}

/// What NVIDIA's feature discovery says of the cards; nothing without a driver.
fn discovered(node: &NodeScenario) -> Vec<(String, String)> {
    let (Some(driver), Some(card)) = (&node.spec.driver, node.spec.gpus.first()) else {
        return Vec::new();
    };
    let cards = &node.spec.gpus;
    let shared = cards.iter().find_map(|card| card.time_slices);
    let partitioned = cards.iter().any(|card| !card.mig.is_empty());
    let product = card.product.replace(' ', "-");
    let suffix = if shared.is_some() { "-SHARED" } else { "" };
    let mut labels: Vec<(String, String)> = [
        ("gpu.present", "true".to_owned()),
        ("gpu.count", cards.len().to_string()),
        ("gpu.product", format!("{product}{suffix}")),
        ("gpu.memory", (card.memory.0 >> 20).to_string()),
        ("gpu.replicas", shared.unwrap_or(1).to_string()),
        (
            "gpu.sharing-strategy",
            if shared.is_some() {
                "time-slicing"
            } else {
                "none"
            }
            .to_owned(),
        ),
        ("mig.capable", partitioned.to_string()),
        ("cuda.driver-version.full", driver.clone()),
        (
            "cuda.driver-version.major",
            driver.split('.').next().unwrap_or("").to_owned(),
        ),
    ]
    .into_iter()
    .map(|(key, value)| (format!("nvidia.com/{key}"), value))
    .collect();
    if let Some(cuda) = &node.spec.cuda {
        labels.push((
            "nvidia.com/cuda.runtime-version.full".to_owned(),
            cuda.clone(),
        ));
    }
    if partitioned {
        labels.push(("nvidia.com/mig.strategy".to_owned(), "mixed".to_owned()));
        for (resource, ids) in node.spec.device_ids() {
            if resource.contains("/mig-") {
                labels.push((format!("{resource}.count"), ids.len().to_string()));
            }
        }
    }
    labels
}
