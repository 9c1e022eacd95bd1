//! Watches.

use futures::{StreamExt, TryStreamExt};
use gputop_sim::SimCluster;
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{
    DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{cluster, gpu_pod, pod_with, pods, refusal, seconds, wait};

/// All lines of a watch, with the seconds after which they came.
async fn lines(cluster: &SimCluster, query: &str) -> Vec<(u64, Value)> {
    let request = http::Request::get(format!("/api/v1/pods?watch=1&{query}"))
        .body(kube::client::Body::empty())
        .unwrap();
    let begin = Instant::now();
    let response = cluster.client().send(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let (mut lines, mut rest) = (Vec::new(), String::new());
    while let Some(frame) = body.frame().await {
        rest.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        while let Some((line, tail)) = rest.split_once('\n') {
            lines.push((
                begin.elapsed().as_secs(),
                serde_json::from_str(line).unwrap(),
            ));
            rest = tail.to_owned();
        }
    }
    lines
}

async fn revision(cluster: &SimCluster) -> String {
    let list = pods(cluster, "default")
        .list(&ListParams::default())
        .await
        .unwrap();
    list.metadata.resource_version.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_a_pod_from_birth_to_death() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let events = watcher(api.clone(), watcher::Config::default());
    let mut events = Box::pin(events);
    loop {
        if matches!(
            events.try_next().await.unwrap(),
            Some(watcher::Event::InitDone)
        ) {
            break;
        }
    }
    let pod = pod_with(
        "short",
        1,
        &json!({"sim/ready-delay": "3s", "sim/term-delay": "4s"}),
    );
    api.create(&PostParams::default(), &pod).await.unwrap();
    let mut phases = Vec::new();
    let mut deleted = false;
    while let Some(event) = events.try_next().await.unwrap() {
        match event {
            watcher::Event::Apply(pod) if pod.name_any() == "short" => {
                let status = pod.status.clone().unwrap();
                let conditions = status.conditions.unwrap_or_default();
                let ready = conditions
                    .iter()
                    .any(|c| c.type_ == "Ready" && c.status == "True");
                let leaving = pod.metadata.deletion_timestamp.is_some();
                phases.push((status.phase.unwrap(), ready, leaving));
                if ready && !deleted {
                    deleted = true;
                    api.delete("short", &DeleteParams::default()).await.unwrap();
                }
            }
            watcher::Event::Delete(pod) if pod.name_any() == "short" => break,
            _ => {}
        }
    }
    phases.dedup();
    let phases: Vec<_> = phases
        .iter()
        .map(|(p, r, l)| (p.as_str(), *r, *l))
        .collect();
    let expected = [
        ("Pending", false, false),
        ("Running", false, false),
        ("Running", true, false),
        ("Running", true, true),
        ("Failed", false, true),
    ];
    assert_eq!(phases, expected);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_each_minute_and_before_the_end() {
    let cluster = cluster();
    let from = revision(&cluster).await;
    let query = format!(
        "resourceVersion={from}&allowWatchBookmarks=true&timeoutSeconds=130\
         &labelSelector=none=none"
    );
    let lines = lines(&cluster, &query).await;
    assert!(
        lines.iter().all(|(_, line)| line["type"] == "BOOKMARK"),
        "{lines:?}"
    );
    let times: Vec<_> = lines.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [60, 120, 128]);
    let query = format!("resourceVersion={from}&allowWatchBookmarks=true&timeoutSeconds=3");
    let short = self::lines(&cluster, &query).await;
    assert!(short.iter().all(|(_, line)| line["type"] != "BOOKMARK"));
}

#[tokio::test(start_paused = true)]
async fn a_streaming_list_marks_its_end() {
    let cluster = cluster();
    let count = Api::<Pod>::all(cluster.client())
        .list(&ListParams::default())
        .await
        .unwrap();
    let lines = lines(
        &cluster,
        "sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=2\
         &resourceVersionMatch=NotOlderThan",
    )
    .await;
    let (added, rest) = lines.split_at(count.items.len());
    assert!(added.iter().all(|(_, line)| line["type"] == "ADDED"));
    let mark = &rest[0].1;
    assert_eq!(mark["type"], "BOOKMARK");
    let annotations = &mark["object"]["metadata"]["annotations"];
    assert_eq!(annotations["k8s.io/initial-events-end"], "true");
    let config = watcher::Config::default().streaming_lists();
    let events = watcher(Api::<Pod>::all(cluster.client()), config);
    let events: Vec<_> = events
        .take(count.items.len() + 2)
        .try_collect()
        .await
        .unwrap();
    assert!(matches!(events.last(), Some(watcher::Event::InitDone)));
}

#[tokio::test(start_paused = true)]
async fn too_old_is_an_error_inside_a_good_answer() {
    let cluster = cluster();
    let lines = lines(&cluster, "resourceVersion=1&timeoutSeconds=60").await;
    let [(0, line)] = lines.as_slice() else {
        panic!("one line at once, not {lines:?}");
    };
    assert_eq!(line["type"], "ERROR");
    assert_eq!(line["object"]["code"], 410);
    assert_eq!(line["object"]["reason"], "Expired");
    let message = line["object"]["message"].as_str().unwrap();
    assert!(message.starts_with("too old resource version: 1 ("));
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_where_a_list_ended() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let from = revision(&cluster).await;
    api.create(&PostParams::default(), &gpu_pod("one", 0))
        .await
        .unwrap();
    wait(seconds(5)).await;
    let params = WatchParams::default()
        .timeout(1)
        .fields("metadata.name=one");
    let events: Vec<_> = api
        .watch(&params, &from)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert!(matches!(events.first(), Some(WatchEvent::Added(_))));
    assert!(events.len() > 2, "bound, running, ready");
}

#[tokio::test(start_paused = true)]
async fn objects_enter_and_leave_a_selection() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let from = revision(&cluster).await;
    api.create(&PostParams::default(), &gpu_pod("one", 0))
        .await
        .unwrap();
    for label in [json!("x"), json!(null)] {
        let patch = json!({"metadata": {"labels": {"pick": label}}});
        let patch = kube::api::Patch::Merge(patch);
        api.patch("one", &PatchParams::default(), &patch)
            .await
            .unwrap();
    }
    let params = WatchParams::default().timeout(1).labels("pick=x");
    let events: Vec<_> = api
        .watch(&params, &from)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert!(matches!(events.first(), Some(WatchEvent::Added(_))));
    assert!(matches!(events.last(), Some(WatchEvent::Deleted(_))));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_does_not_read_is_cut() {
    let cluster = cluster();
    let config_maps: Api<ConfigMap> = Api::namespaced(cluster.client(), "default");
    let request = http::Request::get("/api/v1/configmaps?watch=1")
        .body(kube::client::Body::empty())
        .unwrap();
    let slow = cluster.client().send(request).await.unwrap();
    let filler = "x".repeat(2000);
    let object = json!({"metadata": {"name": "c"}, "data": {"key": filler}});
    let object: ConfigMap = serde_json::from_value(object).unwrap();
    config_maps
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
    for number in 0..3000 {
        let patch = Patch::Merge(json!({"data": {"number": number.to_string()}}));
        config_maps
            .patch("c", &PatchParams::default(), &patch)
            .await
            .unwrap();
    }
    let body = slow.into_body().collect().await.unwrap().to_bytes();
    let last: Value =
        serde_json::from_slice(body.trim_ascii().rsplit(|b| *b == b'\n').next().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["object"]["code"]),
        (&"ERROR".into(), &410.into())
    );
}

#[tokio::test(start_paused = true)]
async fn initial_events_need_their_match() {
    let cluster = cluster();
    let client = cluster.client();
    let request = http::Request::get("/api/v1/pods?watch=1&sendInitialEvents=true")
        .body(Vec::new())
        .unwrap();
    assert_eq!(refusal(client.request::<Value>(request).await).0, 422);
}
