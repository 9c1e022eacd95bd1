//! What runs in the simulated fleet: pure data, as API objects.

use serde_json::{Value, json};

use super::objects::DAEMON_NAMESPACE;

/// The namespaces that the fleet brings, besides `default`.
pub(super) const NAMESPACES: [&str; 3] = [DAEMON_NAMESPACE, "media", "ml"];

const GPU: &str = "nvidia.com/gpu";

/// One of each kind of workload, placed so that whole GPUs, time slices and MIG
/// instances are partly used.
pub(super) fn varied() -> Vec<Value> {
    vec![
        // gpu-b: 2 of 4 by the replicas, 1 by the notebook
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "vllm", "namespace": "ml"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "vllm"}},
                "template": template("vllm", "gpu-b", &json!([
                    container("server", "vllm/vllm-openai:v0.20.0", GPU, 1),
                ])),
            },
        }),
        bare(
            "default",
            "notebook",
            "gpu-b",
            &json!([container(
                "jupyter",
                "quay.io/jupyter/pytorch-notebook:cuda12",
                GPU,
                1
            ),]),
        ),
        // gpu-a: the sidecar and the trainer hold one each; the init container
        // needs one too, but before the trainer
        with_init(
            bare(
                "ml",
                "finetune",
                "gpu-a",
                &json!([container("trainer", "ghcr.io/example/finetune:1.4", GPU, 1),]),
            ),
            &json!([
                container("warm-cache", "ghcr.io/example/warm-cache:1.4", GPU, 1),
                sidecar("profiler", "ghcr.io/example/profiler:0.9", GPU, 1),
            ]),
        ),
        // rig.lab.home: 2 of 4 time slices
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "embeddings", "namespace": "ml"},
            "spec": {
                "serviceName": "embeddings", "replicas": 1,
                "selector": {"matchLabels": {"app": "embeddings"}},
                "template": template("embeddings", "rig.lab.home", &json!([
                    container("server", "ghcr.io/example/embeddings:2.0", GPU, 1),
                ])),
            },
        }),
        bare(
            "media",
            "jellyfin",
            "rig.lab.home",
            &json!([container("jellyfin", "jellyfin/jellyfin:10.11", GPU, 1),]),
        ),
        // gpu-h100: the largest of its MIG instances
        bare(
            "ml",
            "mig-inference",
            "gpu-h100",
            &json!([container(
                "server",
                "nvcr.io/nvidia/tritonserver:25.08-py3",
                "nvidia.com/mig-3g.40gb",
                1
            ),]),
        ),
        // gpu-c: a Job that was there before the node was cordoned
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "train", "namespace": "ml"},
            "spec": {
                "backoffLimit": 6,
                "template": {
                    "metadata": {"labels": {"app": "train"}},
                    "spec": {
                        "restartPolicy": "Never",
                        "nodeSelector": on("gpu-c"),
                        "containers": [
                            container("trainer", "nvcr.io/nvidia/pytorch:25.08-py3", GPU, 1),
                        ],
                    },
                },
            },
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": {"name": "node-exporter", "namespace": "default"},
            "spec": {
                "selector": {"matchLabels": {"app": "node-exporter"}},
                "template": {
                    "metadata": {"labels": {"app": "node-exporter"}},
                    "spec": {
                        "tolerations": [{"operator": "Exists"}],
                        "containers": [plain("exporter", "quay.io/prometheus/node-exporter:v1.10.2")],
                    },
                },
            },
        }),
    ]
}

/// How many pods [`varied`] makes on that many nodes: the bare ones and the
/// controllers' replicas, and one a node from the `DaemonSet`.
pub(super) fn varied_pods(nodes: usize) -> usize {
    2 + 1 + 1 + 1 + 1 + 1 + 1 + nodes
}

/// A pod that wants more GPUs of one node than are free anywhere.
pub(super) fn hungry() -> Value {
    let mut pod = bare(
        "ml",
        "big-train",
        "",
        &json!([container(
            "trainer",
            "nvcr.io/nvidia/pytorch:25.08-py3",
            GPU,
            3
        )]),
    );
    if let Some(spec) = pod["spec"].as_object_mut() {
        spec.remove("nodeSelector");
    }
    pod
}

/// Deployments of up to ten one-GPU pods, `pods` in all.
pub(super) fn deployments(pods: u32) -> Vec<Value> {
    let worker = container("worker", "ghcr.io/example/worker:1.0", GPU, 1);
    many("ml", "load", 10, pods, &worker)
}

/// Deployments of up to twenty pods without a GPU, `pods` in all.
pub(super) fn plain_deployments(pods: u32) -> Vec<Value> {
    many(
        "default",
        "web",
        20,
        pods,
        &plain("web", "ghcr.io/example/web:1.0"),
    )
}

/// Deployments of up to `size` pods with this container, `pods` in all.
fn many(namespace: &str, name: &str, size: u32, pods: u32, container: &Value) -> Vec<Value> {
    (0..pods.div_ceil(size))
        .map(|at| {
            let name = format!("{name}-{at:03}");
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {
                    "replicas": size.min(pods - at * size),
                    "selector": {"matchLabels": {"app": name}},
                    "template": {
                        "metadata": {"labels": {"app": name}},
                        "spec": {"containers": [container]},
                    },
                },
            })
        })
        .collect()
}

fn template(app: &str, node: &str, containers: &Value) -> Value {
    json!({
        "metadata": {"labels": {"app": app}},
        "spec": {"nodeSelector": on(node), "containers": containers},
    })
}

fn bare(namespace: &str, name: &str, node: &str, containers: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"nodeSelector": on(node), "containers": containers},
    })
}

fn with_init(mut pod: Value, init: &Value) -> Value {
    pod["spec"]["initContainers"] = init.clone();
    pod
}

fn on(node: &str) -> Value {
    json!({"kubernetes.io/hostname": node})
}

fn container(name: &str, image: &str, resource: &str, count: u32) -> Value {
    json!({
        "name": name, "image": image,
        "resources": {
            "limits": {resource: count.to_string()},
            "requests": {"cpu": "500m", "memory": "2Gi"},
        },
    })
}

fn sidecar(name: &str, image: &str, resource: &str, count: u32) -> Value {
    let mut value = container(name, image, resource, count);
    value["restartPolicy"] = json!("Always");
    value
}

fn plain(name: &str, image: &str) -> Value {
    json!({"name": name, "image": image, "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_pods_it_makes() {
        let fixed: u64 = varied()
            .iter()
            .map(|object| match object["kind"].as_str().unwrap() {
                "DaemonSet" => 0,
                "Pod" | "Job" => 1,
                _ => object["spec"]["replicas"].as_u64().unwrap(),
            })
            .sum();
        assert_eq!(varied_pods(6), usize::try_from(fixed).unwrap() + 6);
    }

    #[test]
    fn deployments_add_up() {
        let sizes: Vec<u64> = deployments(23)
            .iter()
            .map(|d| d["spec"]["replicas"].as_u64().unwrap())
            .collect();
        assert_eq!(sizes, [10, 10, 3]);
        assert!(deployments(0).is_empty());
    }

    #[test]
    fn the_hungry_pod_may_go_anywhere() {
        assert!(hungry()["spec"].get("nodeSelector").is_none());
    }
}
