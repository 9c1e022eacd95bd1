//! Create, replace, patch, delete, evict.

use gputop_sim::{Access, SimCluster};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{cluster, gpu_pod, phases, pods, raw, refusal, seconds, wait};

fn config_map(value: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": "c"}, "data": {"key": value}})).unwrap()
}

fn config_maps(cluster: &SimCluster) -> Api<ConfigMap> {
    Api::namespaced(cluster.client(), "default")
}

#[tokio::test(start_paused = true)]
async fn a_stale_write_is_a_conflict() {
    let cluster = cluster();
    let api = config_maps(&cluster);
    let first = api
        .create(&PostParams::default(), &config_map("1"))
        .await
        .unwrap();
    let (code, reason, _) = refusal(api.create(&PostParams::default(), &config_map("1")).await);
    assert_eq!((code, reason.as_str()), (409, "AlreadyExists"));
    let mut second = first.clone();
    second
        .data
        .as_mut()
        .unwrap()
        .insert("key".to_owned(), "2".to_owned());
    api.replace("c", &PostParams::default(), &second)
        .await
        .unwrap();
    let (code, reason, message) = refusal(api.replace("c", &PostParams::default(), &second).await);
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert!(
        message.contains("the object has been modified"),
        "{message}"
    );
    let stale = json!({"metadata": {"resourceVersion": first.metadata.resource_version}});
    let patched = api
        .patch("c", &PatchParams::default(), &Patch::Merge(stale))
        .await;
    assert_eq!(refusal(patched).0, 409);
    let other = json!({"metadata": {"uid": "someone-else"}});
    let patched = api
        .patch("c", &PatchParams::default(), &Patch::Merge(other))
        .await;
    assert_eq!(refusal(patched).0, 422);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_changes_nothing() {
    let cluster = cluster();
    let api = config_maps(&cluster);
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let shown = api.create(&dry, &config_map("1")).await.unwrap();
    assert!(shown.metadata.uid.is_some());
    assert_eq!(refusal(api.get("c").await).0, 404);
    let pods = pods(&cluster, "default");
    let name = phases(&cluster, "default").await.remove(0).0;
    pods.delete(&name, &DeleteParams::default().dry_run())
        .await
        .unwrap();
    assert!(
        pods.get(&name)
            .await
            .unwrap()
            .metadata
            .deletion_timestamp
            .is_none()
    );
}

#[rstest]
#[case(Patch::Merge(json!({"spec": {"unschedulable": true}})))]
#[case(Patch::Strategic(json!({"spec": {"unschedulable": true}})))]
#[tokio::test(start_paused = true)]
async fn a_cordon_brings_its_taint(#[case] patch: Patch<Value>) {
    let cluster = cluster();
    let nodes: Api<Node> = Api::all(cluster.client());
    nodes
        .patch("gpu-a", &PatchParams::default(), &patch)
        .await
        .unwrap();
    wait(seconds(1)).await;
    let taints = nodes
        .get("gpu-a")
        .await
        .unwrap()
        .spec
        .unwrap()
        .taints
        .unwrap();
    assert_eq!(taints[0].key, "node.kubernetes.io/unschedulable");
    nodes.uncordon("gpu-a").await.unwrap();
    wait(seconds(1)).await;
    let spec = nodes.get("gpu-a").await.unwrap().spec.unwrap();
    assert_eq!(
        (spec.unschedulable.unwrap_or_default(), spec.taints),
        (false, None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_json_test_is_unprocessable() {
    let cluster = cluster();
    let api = config_maps(&cluster);
    api.create(&PostParams::default(), &config_map("1"))
        .await
        .unwrap();
    let patch = |old: &str| {
        let operations = json!([
            {"op": "test", "path": "/data/key", "value": old},
            {"op": "replace", "path": "/data/key", "value": "2"},
        ]);
        Patch::Json::<()>(serde_json::from_value(operations).unwrap())
    };
    let params = PatchParams::default();
    assert_eq!(refusal(api.patch("c", &params, &patch("9")).await).0, 422);
    let patched = api.patch("c", &params, &patch("1")).await.unwrap();
    assert_eq!(patched.data.unwrap()["key"], "2");
}

#[tokio::test(start_paused = true)]
async fn a_terminating_pod_holds_its_gpu() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let name = phases(&cluster, "default").await.remove(0).0;
    // Its Deployment's next pod has to wait: the other GPU is taken too.
    let blocker = json!({"kubernetes.io/hostname": "gpu-a"});
    let mut blocker_pod = gpu_pod("blocker", 1);
    blocker_pod.spec.as_mut().unwrap().node_selector = serde_json::from_value(blocker).unwrap();
    api.create(&PostParams::default(), &blocker_pod)
        .await
        .unwrap();
    wait(seconds(3)).await;
    api.delete(&name, &DeleteParams::default()).await.unwrap();
    wait(seconds(1)).await;
    let old = api.get(&name).await.unwrap();
    assert!(old.metadata.deletion_timestamp.is_some());
    assert_eq!(old.status.unwrap().phase.as_deref(), Some("Running"));
    let waiting = |phases: Vec<(String, String)>| {
        let new = phases
            .into_iter()
            .find(|(pod, _)| pod.starts_with("llm") && *pod != name);
        new.unwrap().1
    };
    assert_eq!(waiting(phases(&cluster, "default").await), "Pending");
    wait(seconds(4)).await;
    assert_eq!(refusal(api.get(&name).await).0, 404);
    assert_eq!(waiting(phases(&cluster, "default").await), "Running");
}

#[tokio::test(start_paused = true)]
async fn a_gated_pod_waits_and_goes_at_once() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let mut pod = gpu_pod("gated", 0);
    let gates = json!([{"name": "example.com/wait"}]);
    pod.spec.as_mut().unwrap().scheduling_gates = serde_json::from_value(gates).unwrap();
    api.create(&PostParams::default(), &pod).await.unwrap();
    wait(seconds(5)).await;
    let gated = api.get("gated").await.unwrap();
    let condition = gated.status.unwrap().conditions.unwrap().remove(0);
    assert_eq!(condition.reason.as_deref(), Some("SchedulingGated"));
    api.delete("gated", &DeleteParams::default()).await.unwrap();
    assert_eq!(refusal(api.get("gated").await).0, 404);
}

#[tokio::test(start_paused = true)]
async fn preconditions_are_kept() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let name = phases(&cluster, "default").await.remove(0).0;
    let params = DeleteParams::default().preconditions(Preconditions {
        uid: Some("someone-else".to_owned()),
        resource_version: None,
    });
    let (code, _, message) = refusal(api.delete(&name, &params).await.map(drop));
    assert_eq!(code, 409);
    assert!(message.contains("the UID in the precondition (someone-else) does not match"));
}

#[tokio::test(start_paused = true)]
async fn evictions() {
    let cluster = cluster();
    let name = phases(&cluster, "default").await.remove(0).0;
    let uri = format!("/api/v1/namespaces/default/pods/{name}/eviction");
    let body = |options: Value| {
        json!({
            "apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": name}, "deleteOptions": options,
        })
    };
    let wrong = body(json!({"preconditions": {"uid": "someone-else"}}));
    assert_eq!(raw(&cluster, "POST", &uri, &wrong).await["code"], 409);
    let dry = body(json!({"dryRun": ["All"]}));
    assert_eq!(raw(&cluster, "POST", &uri, &dry).await["code"], 201);
    let api = pods(&cluster, "default");
    assert!(
        api.get(&name)
            .await
            .unwrap()
            .metadata
            .deletion_timestamp
            .is_none()
    );
    let misspelt = json!({"metadata": {"name": name}, "delete_options": {}});
    let strict = format!("{uri}?fieldValidation=Strict");
    assert_eq!(raw(&cluster, "POST", &strict, &misspelt).await["code"], 400);
    let status = raw(
        &cluster,
        "POST",
        &strict,
        &body(json!({"gracePeriodSeconds": 90})),
    )
    .await;
    assert_eq!(
        (&status["status"], &status["code"]),
        (&"Success".into(), &201.into())
    );
    let pod: Pod = api.get(&name).await.unwrap();
    assert_eq!(pod.metadata.deletion_grace_period_seconds, Some(90));
    let conditions = pod.status.unwrap().conditions.unwrap();
    assert!(
        conditions
            .iter()
            .any(|condition| condition.type_ == "DisruptionTarget")
    );
}

#[tokio::test(start_paused = true)]
async fn a_viewer_can_only_look() {
    let cluster = cluster();
    let client = cluster.client_as(Access::ReadOnly);
    let api: Api<Node> = Api::all(client.clone());
    api.list(&ListParams::default()).await.unwrap();
    let (code, reason, message) = refusal(api.cordon("gpu-a").await);
    assert_eq!((code, reason.as_str()), (403, "Forbidden"));
    assert!(
        message.contains("cannot patch resource \"nodes\""),
        "{message}"
    );
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client);
    for (verb, allowed) in [("list", true), ("create", false)] {
        let review = json!({"metadata": {}, "spec": {"resourceAttributes": {
            "verb": verb, "resource": "pods", "subresource": "portforward",
        }}});
        let review = serde_json::from_value(review).unwrap();
        let answer = reviews
            .create(&PostParams::default(), &review)
            .await
            .unwrap();
        assert_eq!(answer.status.unwrap().allowed, allowed);
    }
}
