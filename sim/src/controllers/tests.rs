//! What the controllers do to a store, without scheduler and kubelets.

use serde_json::{Value, json};

use super::*;
use crate::store::{Delete, Key, Object, ObjectExt};

fn store() -> Store {
    Store::new(1)
}

fn step_all(store: &mut Store) {
    for _ in 0..10 {
        step(store, 0, Timestamp::UNIX_EPOCH);
    }
}

fn owner(kind: Kind, replicas: i64) -> Value {
    json!({
        "kind": kind.info().kind,
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main"}]},
            },
        },
    })
}

fn create(store: &mut Store, kind: Kind, object: Value) -> Object {
    store.create(kind, object, Timestamp::UNIX_EPOCH).unwrap()
}

/// Makes a pod look as if it ran.
fn run(store: &mut Store, pod: &Value, ready: bool) {
    let mut pod = pod.clone();
    pod["spec"]["nodeName"] = "n".into();
    let status = if ready { "True" } else { "False" };
    pod["status"] =
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": status}]});
    store.update(Kind::Pod, pod).unwrap();
}

fn names(store: &Store) -> Vec<String> {
    store
        .list(Kind::Pod)
        .map(|pod| pod.name().to_owned())
        .collect()
}

#[test]
fn a_deployment_has_one_set_and_its_pods() {
    let mut store = store();
    create(&mut store, Kind::Deployment, owner(Kind::Deployment, 3));
    step_all(&mut store);
    assert_eq!(store.list(Kind::ReplicaSet).count(), 1);
    assert_eq!(store.list(Kind::Pod).count(), 3);
    let revision = store.revision();
    step_all(&mut store);
    assert_eq!(store.revision(), revision, "it comes to rest");
}

#[test]
fn an_orphan_is_adopted_and_the_cheapest_pod_goes() {
    let mut store = store();
    let set = create(&mut store, Kind::ReplicaSet, owner(Kind::ReplicaSet, 1));
    step_all(&mut store);
    let first = store.list(Kind::Pod).next().unwrap().clone();
    let mut cheap = Value::clone(&first);
    cheap["metadata"]["annotations"] =
        json!({"controller.kubernetes.io/pod-deletion-cost": "-2147483647"});
    let cheap = store.update(Kind::Pod, cheap).unwrap();
    run(&mut store, &cheap, true);
    let clone = json!({
        "metadata": {"name": "clone", "namespace": "default", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main"}]},
    });
    let clone = create(&mut store, Kind::Pod, clone);
    run(&mut store, &clone, true);
    step_all(&mut store);
    let clone = store.get(Kind::Pod, &Key::new("default", "clone")).unwrap();
    assert_eq!(clone.controller().map(|(_, _, uid)| uid), Some(set.uid()));
    let first = store.get(Kind::Pod, &Key::of(&first)).unwrap();
    assert!(first.is_terminating() && !clone.is_terminating());
}

#[test]
fn a_clone_that_is_not_ready_is_the_one_to_go() {
    let mut store = store();
    create(&mut store, Kind::ReplicaSet, owner(Kind::ReplicaSet, 1));
    step_all(&mut store);
    let first = store.list(Kind::Pod).next().unwrap().clone();
    run(&mut store, &first, true);
    let clone = json!({
        "metadata": {"name": "clone", "namespace": "default", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main"}]},
    });
    create(&mut store, Kind::Pod, clone);
    step_all(&mut store);
    assert_eq!(names(&store), [first.name()]);
}

#[test]
fn a_stateful_set_starts_one_pod_after_the_other() {
    let mut store = store();
    create(&mut store, Kind::StatefulSet, owner(Kind::StatefulSet, 3));
    for expected in 1..=3 {
        step_all(&mut store);
        let pods: Vec<Object> = store.list(Kind::Pod).cloned().collect();
        assert_eq!(pods.len(), expected);
        for pod in pods {
            run(&mut store, &pod, true);
        }
    }
    assert_eq!(names(&store), ["web-0", "web-1", "web-2"]);
}

#[test]
fn a_job_gives_up_after_its_limit() {
    let mut store = store();
    let mut job = owner(Kind::Job, 1);
    job["spec"] = json!({"backoffLimit": 0, "template": job["spec"]["template"]});
    create(&mut store, Kind::Job, job);
    step_all(&mut store);
    let pod = store.list(Kind::Pod).next().unwrap().clone();
    store
        .set_status(Kind::Pod, &Key::of(&pod), json!({"phase": "Failed"}))
        .unwrap();
    step_all(&mut store);
    let job = store.list(Kind::Job).next().unwrap();
    assert!(job.condition("Failed", "True"));
    assert_eq!(store.list(Kind::Pod).count(), 1);
}

#[test]
fn what_is_owned_goes_with_its_owner() {
    let mut store = store();
    let owner = create(&mut store, Kind::Deployment, owner(Kind::Deployment, 2));
    step_all(&mut store);
    let how = Delete::default();
    store
        .delete(
            Kind::Deployment,
            &Key::of(&owner),
            &how,
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
    step_all(&mut store);
    assert_eq!(store.list(Kind::ReplicaSet).count(), 0);
    assert_eq!(names(&store), [""; 0]);
}
