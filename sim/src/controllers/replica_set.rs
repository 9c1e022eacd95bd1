//! `ReplicaSets`: adopt, create, and scale down in the order of the real controller.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pods::{controlled, create, delete, from_template, is_active, is_ready, set_status};
use crate::selector::LabelSelector;
use crate::store::{Kind, Object, ObjectExt, Store, owner_reference};

const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Brings each to its number of pods.
pub(super) fn sync(store: &mut Store, since: u64, now: Timestamp) {
    let pods = store.touched(Kind::Pod, since);
    let orphans = pods
        .iter()
        .any(|pod| pod.controller().is_none() && is_active(pod));
    let since = if orphans { 0 } else { since };
    for set in store.touched(Kind::ReplicaSet, since) {
        if set.is_terminating() {
            continue;
        }
        adopt(store, &set);
        let pods = controlled(store, Kind::Pod, &set);
        let mut active: Vec<Object> = pods.into_iter().filter(|pod| is_active(pod)).collect();
        let wanted = usize::try_from(set.int("/spec/replicas").unwrap_or(1)).unwrap_or_default();
        for _ in active.len()..wanted {
            create(store, from_template(&set, &format!("{}-", set.name())), now);
        }
        if active.len() > wanted {
            active.sort_by_key(|pod| rank(pod));
            for pod in &active[..active.len() - wanted] {
                delete(store, pod, now);
            }
        }
        report(store, &set);
    }
}

/// Takes over pods without a controller whose labels match.
fn adopt(store: &mut Store, set: &Object) {
    let Some(selector) = set.pointer("/spec/selector") else {
        return;
    };
    let Ok(selector) = LabelSelector::from_object(selector) else {
        return;
    };
    let orphans: Vec<Object> = store
        .list(Kind::Pod)
        .filter(|pod| {
            pod.namespace() == set.namespace()
                && pod.controller().is_none()
                && is_active(pod)
                && selector.matches(&pod.map("/metadata/labels"))
        })
        .cloned()
        .collect();
    for pod in orphans {
        let mut pod = Value::clone(&pod);
        pod["metadata"]["ownerReferences"] = json!([owner_reference(set)]);
        let _ = store.update(Kind::Pod, pod);
    }
}

/// Smallest goes first: unbound, not running, not ready, cheap, young.
fn rank(pod: &Value) -> impl Ord + use<> {
    let cost: i64 = pod
        .annotation(DELETION_COST)
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    (
        !pod.text("/spec/nodeName").is_empty(),
        pod.text("/status/phase") == "Running",
        is_ready(pod),
        cost,
        Reverse(pod.time("/metadata/creationTimestamp")),
        pod.name().to_owned(),
    )
}

fn report(store: &mut Store, set: &Object) {
    let pods = controlled(store, Kind::Pod, set);
    let active: Vec<&Object> = pods.iter().filter(|pod| is_active(pod)).collect();
    let ready = active.iter().filter(|pod| is_ready(pod)).count();
    let status = json!({
        "replicas": active.len(),
        "fullyLabeledReplicas": active.len(),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "observedGeneration": set.int("/metadata/generation").unwrap_or(1),
    });
    set_status(store, Kind::ReplicaSet, set, status);
}
