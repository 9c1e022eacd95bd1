//! A small cluster, and shorthands.

use std::time::Duration;

use gputop_sim::{Options, SimCluster, scenario};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

/// A day of the tests.
pub(crate) const START: &str = "2026-03-01T10:00:00Z";

const SCENARIO: &str = include_str!("small.toml");

/// Starts the small cluster.
pub(crate) fn cluster() -> SimCluster {
    cluster_with(1)
}

/// Starts the small cluster with this seed.
pub(crate) fn cluster_with(seed: u64) -> SimCluster {
    let scenario = scenario::parse(SCENARIO).unwrap();
    let start = START.parse().unwrap();
    SimCluster::start(scenario, Options { seed, start })
}

/// Lets the cluster live for a while.
pub(crate) async fn wait(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Seconds as a duration.
pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Pods of a namespace.
pub(crate) fn pods(cluster: &SimCluster, namespace: &str) -> Api<Pod> {
    Api::namespaced(cluster.client(), namespace)
}

/// Names of the pods of a namespace, with their phases.
pub(crate) async fn phases(cluster: &SimCluster, namespace: &str) -> Vec<(String, String)> {
    let pods = pods(cluster, namespace)
        .list(&ListParams::default())
        .await
        .unwrap();
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
    pods.iter()
        .map(|pod| {
            (
                pod.metadata.name.clone().unwrap(),
                phase(pod).unwrap_or_default(),
            )
        })
        .collect()
}

/// The name of the daemon's pod on a node.
pub(crate) async fn daemon_pod(cluster: &SimCluster, node: &str) -> String {
    let params = ListParams::default()
        .labels("app.kubernetes.io/name=gputop-node")
        .fields(&format!("spec.nodeName={node}"));
    let pods = pods(cluster, "gputop-k3s").list(&params).await.unwrap();
    assert_eq!(pods.items.len(), 1, "one daemon on {node}");
    pods.items[0].metadata.name.clone().unwrap()
}

/// A pod that asks for GPUs.
pub(crate) fn gpu_pod(name: &str, gpus: u32) -> Pod {
    pod_with(name, gpus, &json!({}))
}

/// A pod that asks for GPUs, with annotations.
pub(crate) fn pod_with(name: &str, gpus: u32, annotations: &Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {"containers": [{
            "name": "main", "image": "test",
            "resources": {"limits": {"nvidia.com/gpu": gpus.to_string()}},
        }]},
    }))
    .unwrap()
}

/// The `Status` of a refused request.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, kube::Error>) -> (u16, String, String) {
    match result.unwrap_err() {
        kube::Error::Api(status) => (status.code, status.reason.clone(), status.message.clone()),
        other => panic!("not a refusal: {other}"),
    }
}

/// Sends a request as it is and returns the answer, whatever its code.
pub(crate) async fn raw(cluster: &SimCluster, method: &str, uri: &str, body: &Value) -> Value {
    let body = if body.is_null() {
        Vec::new()
    } else {
        serde_json::to_vec(body).unwrap()
    };
    let request = http::Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", "application/json")
        .body(kube::client::Body::from(body))
        .unwrap();
    let response = cluster.client().send(request).await.unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap();
    serde_json::from_slice(&body.to_bytes()).unwrap()
}
