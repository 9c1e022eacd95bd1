//! Events: what is told about pods and nodes.

use gputop_sim::{Access, SimCluster};
use k8s_openapi::api::authorization::v1::SelfSubjectRulesReview;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::support::{cluster, gpu_pod, pods, refusal, seconds, wait};

async fn events(cluster: &SimCluster, namespace: &str, fields: &str) -> Vec<Event> {
    let api: Api<Event> = Api::namespaced(cluster.client(), namespace);
    let mut list = api
        .list(&ListParams::default().fields(fields))
        .await
        .unwrap()
        .items;
    list.sort_by_key(|event| event.last_timestamp.clone());
    list
}

fn reasons(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event.reason.as_deref().unwrap())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_told_of_from_its_node_to_its_end() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let made = api
        .create(&PostParams::default(), &gpu_pod("one", 1))
        .await
        .unwrap();
    wait(seconds(5)).await;
    let fields = format!("involvedObject.uid={}", made.uid().unwrap());
    let told = events(&cluster, "default", &fields).await;
    let mut found = reasons(&told);
    found.sort_unstable();
    assert_eq!(found, ["Created", "Pulled", "Scheduled", "Started"]);
    let started = told
        .iter()
        .find(|event| event.reason.as_deref() == Some("Started"))
        .unwrap();
    let source = started.source.as_ref().unwrap();
    assert_eq!(source.component.as_deref(), Some("kubelet"));
    assert!(source.host.is_some());
    api.delete("one", &DeleteParams::default()).await.unwrap();
    wait(seconds(1)).await;
    let told = events(&cluster, "default", &fields).await;
    assert!(reasons(&told).contains(&"Killing"), "told when it begins");
    wait(seconds(2 * 3600)).await;
    assert!(
        events(&cluster, "default", &fields).await.is_empty(),
        "kept for an hour"
    );
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_is_told_again_and_counted() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    api.create(&PostParams::default(), &gpu_pod("big", 9))
        .await
        .unwrap();
    let fields = "involvedObject.kind=Pod,involvedObject.name=big";
    wait(seconds(1)).await;
    let first = events(&cluster, "default", fields).await;
    assert_eq!(
        (reasons(&first), first[0].count),
        (vec!["FailedScheduling"], Some(1))
    );
    assert!(
        first[0]
            .message
            .as_ref()
            .unwrap()
            .starts_with("0/3 nodes are available")
    );
    wait(seconds(3 * 3600)).await;
    let later = events(&cluster, "default", fields).await;
    assert_eq!(later.len(), 1, "still the same event");
    assert!(later[0].count.unwrap() > 10, "{:?}", later[0].count);
    assert_eq!(later[0].first_timestamp, first[0].first_timestamp);
    let age = cluster
        .now()
        .duration_since(later[0].last_timestamp.as_ref().unwrap().0);
    assert!(age.as_secs() < 3600);
}

#[tokio::test(start_paused = true)]
async fn a_cordon_is_told_by_the_kubelet() {
    let cluster = cluster();
    let nodes: Api<Node> = Api::all(cluster.client());
    nodes.cordon("gpu-a").await.unwrap();
    wait(seconds(1)).await;
    let fields = "involvedObject.kind=Node,involvedObject.name=gpu-a";
    let told = events(&cluster, "default", fields).await;
    assert_eq!(reasons(&told), ["NodeNotSchedulable"]);
    assert_eq!(
        told[0].involved_object.uid.as_deref(),
        Some("gpu-a"),
        "as kubelets write it"
    );
}

#[tokio::test(start_paused = true)]
async fn someone_of_one_namespace_sees_that_one() {
    let cluster = cluster();
    let client = cluster.client_as(Access::Namespace("lab"));
    let own: Api<Pod> = Api::namespaced(client.clone(), "lab");
    assert!(
        !own.list(&ListParams::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let all: Api<Pod> = Api::all(client.clone());
    let (code, _, message) = refusal(all.list(&ListParams::default()).await);
    assert_eq!(code, 403);
    assert!(
        message.contains("cannot list resource \"pods\""),
        "{message}"
    );
    assert!(message.ends_with("at the cluster scope"), "{message}");
    let reviews: Api<SelfSubjectRulesReview> = Api::all(client);
    for (namespace, rules) in [("lab", 1), ("default", 0)] {
        let review = serde_json::from_value(json!({"spec": {"namespace": namespace}})).unwrap();
        let answer = reviews
            .create(&PostParams::default(), &review)
            .await
            .unwrap();
        assert_eq!(
            answer.status.unwrap().resource_rules.len(),
            rules,
            "{namespace}"
        );
    }
}
