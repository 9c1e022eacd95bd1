//! What the cluster does by itself.

use gputop_sim::{Options, SimCluster, scenario};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::support::{START, cluster, cluster_with, phases, pods, seconds, wait};

async fn picture(cluster: &SimCluster) -> String {
    let pods: Api<Pod> = Api::all(cluster.client());
    let nodes: Api<Node> = Api::all(cluster.client());
    let pods = pods.list(&ListParams::default()).await.unwrap();
    let nodes = nodes.list(&ListParams::default()).await.unwrap();
    serde_json::to_string(&(pods.items, nodes.items)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_picture() {
    let (one, same, other) = (cluster_with(7), cluster_with(7), cluster_with(8));
    assert_eq!(picture(&one).await, picture(&same).await);
    wait(seconds(1000)).await;
    let later = picture(&one).await;
    assert_eq!(later, picture(&same).await);
    assert_ne!(later, picture(&other).await);
}

#[tokio::test(start_paused = true)]
async fn the_past_has_happened() {
    let cluster = cluster();
    let list = pods(&cluster, "lab")
        .list(&ListParams::default())
        .await
        .unwrap();
    let pod = |name: &str| {
        let mut found = list.iter().filter(|pod| {
            pod.metadata
                .name
                .as_deref()
                .is_some_and(|own| own.starts_with(name))
        });
        found.next().unwrap()
    };
    let created = &pod("notebook").metadata.creation_timestamp;
    let created = created.as_ref().unwrap().0.to_string();
    assert_eq!(created, "2026-03-01T03:00:00Z");
    let status = pod("crashing").status.as_ref().unwrap();
    let container = &status.container_statuses.as_ref().unwrap()[0];
    assert!(container.restart_count > 10, "{}", container.restart_count);
}

#[tokio::test(start_paused = true)]
async fn jobs_end_and_the_next_begins() {
    let cluster = cluster();
    let jobs: Api<Job> = Api::namespaced(cluster.client(), "lab");
    wait(seconds(6 * 60 + 10)).await;
    let done = jobs.get("train-7").await.unwrap().status.unwrap();
    assert_eq!(done.succeeded, Some(1));
    assert!(done.completion_time.is_some());
    wait(seconds(60)).await;
    let next = jobs.get("train-8").await.unwrap();
    assert_eq!(next.status.unwrap().active, Some(1));
    let running = phases(&cluster, "lab").await;
    assert!(
        running
            .iter()
            .any(|(name, phase)| name.starts_with("train-8") && phase == "Running")
    );
}

#[tokio::test(start_paused = true)]
async fn a_suspended_job_gives_its_gpu_back() {
    let cluster = cluster();
    let jobs: Api<Job> = Api::namespaced(cluster.client(), "lab");
    let patch = |on: bool| Patch::Merge(json!({"spec": {"suspend": on}}));
    jobs.patch("train-7", &PatchParams::default(), &patch(true))
        .await
        .unwrap();
    wait(seconds(5)).await;
    let job = jobs.get("train-7").await.unwrap();
    let conditions = job.status.unwrap().conditions.unwrap();
    assert!(
        conditions
            .iter()
            .any(|c| c.type_ == "Suspended" && c.status == "True")
    );
    let left = phases(&cluster, "lab").await;
    assert!(
        !left.iter().any(|(name, _)| name.starts_with("train-7")),
        "{left:?}"
    );
    jobs.patch("train-7", &PatchParams::default(), &patch(false))
        .await
        .unwrap();
    wait(seconds(5)).await;
    let back = phases(&cluster, "lab").await;
    assert!(
        back.iter()
            .any(|(name, phase)| name.starts_with("train-7") && phase == "Running")
    );
}

#[tokio::test(start_paused = true)]
async fn an_evicted_pod_of_a_job_counts_as_failed_and_its_place_stays_empty() {
    let cluster = cluster();
    let jobs: Api<Job> = Api::namespaced(cluster.client(), "lab");
    let running = phases(&cluster, "lab").await;
    let is_train = |entry: &&(String, String)| entry.0.starts_with("train-7");
    let name = running.iter().find(is_train).unwrap().0.clone();
    let api = pods(&cluster, "lab");
    api.delete(&name, &DeleteParams::default()).await.unwrap();
    wait(seconds(8)).await;
    assert_eq!(
        phases(&cluster, "lab")
            .await
            .iter()
            .filter(is_train)
            .count(),
        0
    );
    assert_eq!(
        jobs.get("train-7").await.unwrap().status.unwrap().failed,
        Some(1)
    );
    wait(seconds(4)).await;
    assert_eq!(
        phases(&cluster, "lab")
            .await
            .iter()
            .filter(is_train)
            .count(),
        1
    );

    let patch = Patch::Merge(json!({"spec": {"backoffLimit": 1}}));
    jobs.patch("train-7", &PatchParams::default(), &patch)
        .await
        .unwrap();
    let running = phases(&cluster, "lab").await;
    let name = &running.iter().find(is_train).unwrap().0;
    api.delete(name, &DeleteParams::default()).await.unwrap();
    wait(seconds(20)).await;
    let conditions = jobs
        .get("train-7")
        .await
        .unwrap()
        .status
        .unwrap()
        .conditions
        .unwrap();
    assert!(
        conditions
            .iter()
            .any(|c| c.type_ == "Failed" && c.status == "True")
    );
}

#[tokio::test(start_paused = true)]
async fn deleted_pods_come_back_and_owned_objects_go() {
    let cluster = cluster();
    let api = pods(&cluster, "lab");
    let old = api.get("notebook-0").await.unwrap().metadata.uid;
    api.delete("notebook-0", &DeleteParams::default())
        .await
        .unwrap();
    wait(seconds(8)).await;
    let new = api.get("notebook-0").await.unwrap();
    assert_ne!(new.metadata.uid, old);
    assert_eq!(new.status.unwrap().phase.as_deref(), Some("Running"));
    let deployments: Api<k8s_openapi::api::apps::v1::Deployment> =
        Api::namespaced(cluster.client(), "default");
    deployments
        .delete("llm", &DeleteParams::default())
        .await
        .unwrap();
    wait(seconds(5)).await;
    assert_eq!(phases(&cluster, "default").await, []);
}

#[tokio::test(start_paused = true)]
async fn a_new_template_replaces_the_pods() {
    let cluster = cluster();
    let deployments: Api<k8s_openapi::api::apps::v1::Deployment> =
        Api::namespaced(cluster.client(), "default");
    let patch = json!({"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}});
    deployments
        .patch("llm", &PatchParams::default(), &Patch::Merge(patch))
        .await
        .unwrap();
    wait(seconds(10)).await;
    let list = pods(&cluster, "default")
        .list(&ListParams::default())
        .await
        .unwrap();
    let versions: Vec<_> = list
        .iter()
        .map(|pod| pod.metadata.labels.clone().unwrap())
        .collect();
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0]["version"], "2");
}

#[tokio::test(start_paused = true)]
async fn the_homelab_lives() {
    let scenario = scenario::builtin("homelab").unwrap();
    let start = START.parse().unwrap();
    let cluster = SimCluster::start(scenario, Options { seed: 1, start });
    for _ in 0..12 {
        wait(seconds(600)).await;
        let pods: Api<Pod> = Api::all(cluster.client());
        let pods = pods.list(&ListParams::default()).await.unwrap();
        let phase = |pod: &&Pod| pod.status.as_ref().unwrap().phase.as_deref() == Some("Running");
        assert!(
            pods.iter().filter(phase).count() > 20,
            "{}",
            pods.items.len()
        );
    }
}
