//! GET on objects and collections.

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::{ListParams, PostParams};
use serde_json::Value;

use crate::support::{cluster, gpu_pod, pods, raw, refusal};

#[tokio::test(start_paused = true)]
async fn nodes_carry_what_the_scenario_says() {
    let cluster = cluster();
    let nodes: Api<Node> = Api::all(cluster.client());
    let list = nodes.list(&ListParams::default()).await.unwrap();
    let names: Vec<_> = list
        .iter()
        .map(|node| node.metadata.name.clone().unwrap())
        .collect();
    assert_eq!(names, ["bare", "gpu-a", "gpu-b.lab"]);
    let status = list.items[2].status.clone().unwrap();
    assert_eq!(status.allocatable.unwrap()["nvidia.com/gpu"].0, "4");
    let ready = status
        .conditions
        .unwrap()
        .into_iter()
        .find(|c| c.type_ == "Ready");
    assert_eq!(ready.unwrap().status, "True");
    let handlers: Vec<_> = status.runtime_handlers.unwrap();
    let handlers: Vec<_> = handlers
        .into_iter()
        .filter_map(|handler| handler.name)
        .collect();
    assert_eq!(handlers, ["", "nvidia", "runc"]);
    let labels = list.items[1].metadata.labels.clone().unwrap();
    assert_eq!(labels["nvidia.com/gpu.product"], "NVIDIA-GeForce-RTX-3090");
    assert_eq!(labels["node-role.kubernetes.io/control-plane"], "true");
}

#[tokio::test(start_paused = true)]
async fn selectors_reach_over_all_namespaces() {
    let cluster = cluster();
    let all: Api<Pod> = Api::all(cluster.client());
    let on_b = ListParams::default().fields("spec.nodeName=gpu-b.lab");
    let names = |list: kube::core::ObjectList<Pod>| -> Vec<String> {
        list.items
            .into_iter()
            .map(|pod| pod.metadata.name.unwrap())
            .collect()
    };
    let found = names(all.list(&on_b).await.unwrap());
    assert!(found.contains(&"notebook-0".to_owned()), "{found:?}");
    let daemons = ListParams::default().labels("app.kubernetes.io/name in (gputop-node)");
    assert_eq!(names(all.list(&daemons).await.unwrap()).len(), 2);
    let bad = ListParams::default().labels("a in b");
    assert_eq!(refusal(all.list(&bad).await).0, 400);
}

#[tokio::test(start_paused = true)]
async fn pages_keep_one_revision_while_others_write() {
    let cluster = cluster();
    let all: Api<Pod> = Api::all(cluster.client());
    let whole = all.list(&ListParams::default()).await.unwrap();
    let mut params = ListParams::default().limit(2);
    let (mut seen, mut revision) = (Vec::new(), None);
    loop {
        let page = all.list(&params).await.unwrap();
        assert!(page.items.len() <= 2);
        let left = page.metadata.remaining_item_count;
        seen.extend(page.items.iter().map(|pod| pod.metadata.uid.clone()));
        assert_eq!(
            left.unwrap_or(0),
            i64::try_from(whole.items.len() - seen.len()).unwrap()
        );
        let own = page.metadata.resource_version;
        assert!(revision.is_none() || revision == own);
        revision = own;
        let name = format!("late-{}", seen.len());
        let late = gpu_pod(&name, 0);
        pods(&cluster, "default")
            .create(&PostParams::default(), &late)
            .await
            .unwrap();
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    let expected: Vec<_> = whole
        .items
        .into_iter()
        .map(|pod| pod.metadata.uid)
        .collect();
    assert_eq!(seen, expected);
}

#[tokio::test(start_paused = true)]
async fn a_forged_old_token_is_expired_and_offers_a_fresh_one() {
    let cluster = cluster();
    // {"v":"meta.k8s.io/v1","rv":1,"start":"default/a\u0000"}
    let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJkZWZhdWx0L2FcdTAwMDAifQ";
    let uri = format!("/api/v1/pods?limit=2&continue={token}");
    let status = raw(&cluster, "GET", &uri, &Value::Null).await;
    assert_eq!(
        (&status["code"], &status["reason"]),
        (&410.into(), &"Expired".into())
    );
    let fresh = status["metadata"]["continue"].as_str().unwrap();
    let uri = format!("/api/v1/pods?limit=2&continue={fresh}");
    let page = raw(&cluster, "GET", &uri, &Value::Null).await;
    assert_eq!(page["kind"], "PodList");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_has_a_status() {
    let cluster = cluster();
    let nodes: Api<Node> = Api::all(cluster.client());
    let (code, reason, message) = refusal(nodes.get("none").await);
    assert_eq!((code, reason.as_str()), (404, "NotFound"));
    assert_eq!(message, "nodes \"none\" not found");
    let status = raw(
        &cluster,
        "GET",
        "/apis/lifecycle.k8s.io/v1/things",
        &Value::Null,
    )
    .await;
    assert_eq!(status["code"], 404);
    let status = raw(
        &cluster,
        "GET",
        "/api/v1/pods?resourceVersion=99999999",
        &Value::Null,
    )
    .await;
    assert_eq!(status["code"], 504);
}

#[tokio::test(start_paused = true)]
async fn owners_lead_from_pod_to_deployment() {
    let cluster = cluster();
    let list = pods(&cluster, "default")
        .list(&ListParams::default())
        .await
        .unwrap();
    let owner = list.items[0]
        .metadata
        .owner_references
        .clone()
        .unwrap()
        .remove(0);
    assert_eq!(owner.kind, "ReplicaSet");
    let sets: Api<ReplicaSet> = Api::namespaced(cluster.client(), "default");
    let set = sets.get(&owner.name).await.unwrap();
    assert_eq!(set.metadata.uid.as_ref(), Some(&owner.uid));
    let owner = set.metadata.owner_references.unwrap().remove(0);
    assert_eq!(
        (owner.kind.as_str(), owner.name.as_str()),
        ("Deployment", "llm")
    );
}

#[tokio::test(start_paused = true)]
async fn discovery_is_served() {
    let cluster = cluster();
    let client = cluster.client();
    assert_eq!(
        client.apiserver_version().await.unwrap().git_version,
        "v1.36.3+k3s1"
    );
    let groups = client.list_api_groups().await.unwrap();
    assert!(groups.groups.iter().any(|group| group.name == "apps"));
    let resources = client.list_core_api_resources("v1").await.unwrap();
    assert!(
        resources
            .resources
            .iter()
            .any(|item| item.name == "pods/portforward")
    );
}
