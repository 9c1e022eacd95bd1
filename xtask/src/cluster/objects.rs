//! The API objects of the fleet's nodes and daemons: pure data.

use serde_json::{Map, Value, json};

use super::fleet::{CUDA, DRIVER, NodeSpec, Sharing};
use super::workloads::NAMESPACES;

/// The namespace of the daemons' pods.
pub const DAEMON_NAMESPACE: &str = "gputop-k3s";
/// The port that the daemons' pods say they listen on.
pub const DAEMON_PORT: u16 = 7475;
/// The annotation that marks a node as ours: kwok plays only these.
pub(super) const SIMULATED: (&str, &str) = ("gputop-k3s.io/testbed", "simulated");

/// The name of a node's daemon pod.
#[must_use]
pub fn daemon_pod(node: &str) -> String {
    format!("gputop-node-{node}")
}

/// Puts objects into one list, as kubectl takes them.
#[must_use]
pub(super) fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// Namespaces with their service accounts, and the nvidia runtime class: what
/// must be there before the first pod.
///
/// The service accounts are made here since the controller that makes them
/// comes too late for a pod created right after its namespace.
#[must_use]
pub(super) fn groundwork(own_control_plane: bool) -> Vec<Value> {
    let mut items = Vec::new();
    for name in NAMESPACES {
        items.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        items.push(service_account(name));
    }
    if own_control_plane {
        items.push(service_account("default"));
        items.push(json!({
            "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
            "metadata": {"name": "nvidia"}, "handler": "nvidia",
        }));
    }
    items
}

fn service_account(namespace: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "default", "namespace": namespace},
    })
}

/// The Node object, status included.
#[must_use]
pub(super) fn node(spec: &NodeSpec, version: &str) -> Value {
    let mut amounts = Map::new();
    for (name, amount) in [
        ("cpu", "32"),
        ("memory", "128Gi"),
        ("ephemeral-storage", "500Gi"),
        ("pods", "110"),
    ] {
        amounts.insert(name.to_owned(), json!(amount));
    }
    for (resource, count) in spec.resources() {
        amounts.insert(resource, json!(count.to_string()));
    }
    let mut handlers = vec!["", "runc"];
    if spec.gpus.is_some() {
        handlers.insert(1, "nvidia");
    }
    let handlers: Vec<Value> = handlers
        .iter()
        .map(|name| {
            let features = json!({"recursiveReadOnlyMounts": true, "userNamespaces": true});
            json!({"name": name, "features": features})
        })
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": spec.name,
            "labels": labels(spec),
            "annotations": {SIMULATED.0: SIMULATED.1, "node.alpha.kubernetes.io/ttl": "0"},
        },
        "status": {
            "capacity": amounts, "allocatable": amounts,
            "runtimeHandlers": handlers,
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux",
                "kubeletVersion": version, "kubeProxyVersion": version,
                "containerRuntimeVersion": "containerd://2.3.2-k3s2",
                "kernelVersion": "6.8.0-90-generic", "osImage": "Ubuntu 24.04.3 LTS",
                "bootID": "", "machineID": "", "systemUUID": "",
            },
        },
    })
}

/// The labels that K3s sets, and those of GPU feature discovery.
fn labels(spec: &NodeSpec) -> Map<String, Value> {
    let mut labels = Map::new();
    let mut set = |name: &str, value: String| labels.insert(name.to_owned(), Value::String(value));
    for prefix in ["kubernetes.io", "beta.kubernetes.io"] {
        set(&format!("{prefix}/arch"), "amd64".to_owned());
        set(&format!("{prefix}/os"), "linux".to_owned());
    }
    set("kubernetes.io/hostname", spec.name.clone());
    set("node.kubernetes.io/instance-type", "k3s".to_owned());
    set("beta.kubernetes.io/instance-type", "k3s".to_owned());
    if spec.server {
        set("node-role.kubernetes.io/control-plane", "true".to_owned());
    }
    let Some((kind, count)) = &spec.gpus else {
        return labels;
    };

    let (replicas, strategy, suffix) = match &spec.sharing {
        Sharing::TimeSliced(slices) => (*slices, "time-slicing", "-SHARED"),
        Sharing::Whole | Sharing::Mig(_) => (1, "none", ""),
    };
    let partitioned = matches!(spec.sharing, Sharing::Mig(_));
    let (cuda_major, cuda_minor) = CUDA.split_once('.').unwrap_or((CUDA, "0"));
    let gpu = [
        ("gpu.present", "true".to_owned()),
        ("gpu.count", count.to_string()),
        (
            "gpu.product",
            format!("{}{suffix}", kind.product.replace(' ', "-")),
        ),
        ("gpu.memory", kind.memory_mib.to_string()),
        ("gpu.family", kind.family.to_owned()),
        ("gpu.compute.major", kind.compute.0.to_string()),
        ("gpu.compute.minor", kind.compute.1.to_string()),
        ("gpu.replicas", replicas.to_string()),
        ("gpu.sharing-strategy", strategy.to_owned()),
        ("mig.capable", partitioned.to_string()),
        (
            "mig.strategy",
            if partitioned { "mixed" } else { "none" }.to_owned(),
        ),
        ("cuda.driver-version.full", DRIVER.to_owned()),
        ("cuda.runtime-version.full", CUDA.to_owned()),
        ("cuda.runtime-version.major", cuda_major.to_owned()),
        ("cuda.runtime-version.minor", cuda_minor.to_owned()),
    ];
    for (name, value) in gpu {
        set(&format!("nvidia.com/{name}"), value);
    }
    if partitioned {
        for (resource, number) in spec.resources() {
            set(&format!("{resource}.count"), number.to_string());
        }
    }
    labels
}

/// The daemon's pod on a node: bound to it as a `DaemonSet`'s pod would be.
#[must_use]
pub(super) fn daemon(node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": daemon_pod(node), "namespace": DAEMON_NAMESPACE,
            "labels": {"app.kubernetes.io/name": "gputop-node"},
        },
        "spec": {
            "nodeName": node,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{
                "name": "gputop-node", "image": "ghcr.io/gputop-k3s/gputop-node:testbed",
                "ports": [{"name": "grpc", "containerPort": DAEMON_PORT}],
                "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
            }],
        },
    })
}

/// kwok's rule that leads a port-forward to a daemon's pod to a local process.
#[must_use]
pub(super) fn port_forward(node: &str, port: u16) -> Value {
    json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "PortForward",
        "metadata": {"name": daemon_pod(node), "namespace": DAEMON_NAMESPACE},
        "spec": {"forwards": [{
            "ports": [DAEMON_PORT],
            "target": {"address": "127.0.0.1", "port": port},
        }]},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fleet::Fleet;

    fn object(name: &str) -> Value {
        let fleet = Fleet::varied();
        node(
            fleet.nodes.iter().find(|n| n.name == name).unwrap(),
            "v1.36.3+k3s1",
        )
    }

    #[test]
    fn a_shared_gpu_is_labelled_so() {
        let rig = object("rig.lab.home");
        let labels = &rig["metadata"]["labels"];
        assert_eq!(
            labels["nvidia.com/gpu.product"],
            "NVIDIA-GeForce-RTX-4090-SHARED"
        );
        assert_eq!(labels["nvidia.com/gpu.replicas"], "4");
        assert_eq!(labels["nvidia.com/gpu.sharing-strategy"], "time-slicing");
        assert_eq!(labels["nvidia.com/gpu.count"], "1");
        assert_eq!(rig["status"]["allocatable"]["nvidia.com/gpu"], "4");
        assert_eq!(rig["status"]["nodeInfo"]["kubeletVersion"], "v1.36.3+k3s1");
    }

    #[test]
    fn a_partitioned_gpu_is_no_whole_one() {
        let h100 = object("gpu-h100");
        let allocatable = &h100["status"]["allocatable"];
        assert_eq!(allocatable["nvidia.com/mig-1g.10gb"], "2");
        assert!(allocatable.get("nvidia.com/gpu").is_none());
        assert_eq!(
            h100["metadata"]["labels"]["nvidia.com/mig.strategy"],
            "mixed"
        );
        assert_eq!(
            h100["metadata"]["labels"]["nvidia.com/mig-1g.10gb.count"],
            "2"
        );
    }

    #[test]
    fn a_node_without_gpu_shows_no_trace_of_one() {
        let text = object("cpu-only").to_string();
        assert!(!text.contains("nvidia"), "{text}");
    }

    #[test]
    fn the_forward_has_the_pods_name() {
        let (pod, forward) = (daemon("rig.lab.home"), port_forward("rig.lab.home", 41_000));
        assert_eq!(pod["metadata"]["name"], forward["metadata"]["name"]);
        assert_eq!(
            pod["metadata"]["namespace"],
            forward["metadata"]["namespace"]
        );
        assert_eq!(forward["spec"]["forwards"][0]["target"]["port"], 41_000);
    }
}
