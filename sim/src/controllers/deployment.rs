//! Deployments: one ReplicaSet per template; a new one takes over pod by pod.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pods::controlled;
use crate::clock::rfc3339;
use crate::identity::{hash, letters};
use crate::store::{Kind, Object, ObjectExt, Store, owner_reference};

const HASH_LABEL: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Brings each to its current template.
pub(super) fn sync(store: &mut Store, since: u64, now: Timestamp) {
    for deployment in store.touched(Kind::Deployment, since) {
        if deployment.is_terminating() {
            continue;
        }
        let template = deployment
            .pointer("/spec/template")
            .cloned()
            .unwrap_or_default();
        let hash = letters(hash(&[&template.to_string()]), 10);
        let sets = controlled(store, Kind::ReplicaSet, &deployment);
        let current = sets.iter().find(|set| set.label(HASH_LABEL) == Some(&hash));
        let Some(current) = current.cloned() else {
            let revision = sets
                .iter()
                .filter_map(|set| revision(set))
                .max()
                .unwrap_or(0)
                + 1;
            let set = new_set(&deployment, &hash, template, revision);
            if let Err(error) = store.create(Kind::ReplicaSet, set, now) {
                tracing::debug!(%error, "ReplicaSet not created");
            }
            continue;
        };
        roll(store, &deployment, &current, &sets);
        let revision = revision(&current).unwrap_or(1).to_string();
        report(store, &deployment, &current, &revision, now);
    }
}

fn revision(set: &Value) -> Option<u64> {
    set.annotation(REVISION)?.parse().ok()
}

fn new_set(deployment: &Value, hash: &str, mut template: Value, revision: u64) -> Value {
    let mut labels = template.map("/metadata/labels");
    labels.insert(HASH_LABEL.to_owned(), hash.to_owned());
    if !template["metadata"].is_object() {
        template["metadata"] = json!({});
    }
    template["metadata"]["labels"] = json!(labels);
    let mut selector = deployment
        .pointer("/spec/selector")
        .cloned()
        .unwrap_or_default();
    selector["matchLabels"][HASH_LABEL] = hash.into();
    json!({
        "metadata": {
            "name": format!("{}-{hash}", deployment.name()),
            "namespace": deployment.namespace(),
            "labels": labels,
            "annotations": {REVISION: revision.to_string()},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {"replicas": 0, "selector": selector, "template": template},
    })
}

/// `Recreate`: first all old pods go. Else one pod more than wanted, and an old one goes for each
/// new one that is ready.
fn roll(store: &mut Store, deployment: &Value, current: &Object, sets: &[Object]) {
    let wanted = deployment.int("/spec/replicas").unwrap_or(1).max(0);
    let olds: Vec<&Object> = sets
        .iter()
        .filter(|set| set.uid() != current.uid())
        .collect();
    let old_total: i64 = olds.iter().map(|set| spec_replicas(set)).sum();
    let ready = current.int("/status/readyReplicas").unwrap_or_default();
    if deployment.text("/spec/strategy/type") == "Recreate" {
        for old in &olds {
            scale(store, old, 0);
        }
        let left = olds
            .iter()
            .any(|old| !controlled(store, Kind::Pod, old).is_empty());
        if !left {
            scale(store, current, wanted);
        }
        return;
    }
    let room = (wanted + 1 - old_total).max(0);
    scale(
        store,
        current,
        if old_total == 0 {
            wanted
        } else {
            wanted.min(room)
        },
    );
    let mut keep = (wanted - ready).max(0);
    for old in &olds {
        let replicas = spec_replicas(old).min(keep);
        scale(store, old, replicas);
        keep -= replicas;
    }
}

fn spec_replicas(set: &Value) -> i64 {
    set.int("/spec/replicas").unwrap_or_default()
}

fn scale(store: &mut Store, set: &Object, replicas: i64) {
    if spec_replicas(set) == replicas {
        return;
    }
    let mut set = Value::clone(set);
    set["spec"]["replicas"] = replicas.into();
    let _ = store.update(Kind::ReplicaSet, set);
}

fn report(
    store: &mut Store,
    deployment: &Object,
    current: &Object,
    revision: &str,
    now: Timestamp,
) {
    let sets = controlled(store, Kind::ReplicaSet, deployment);
    let sum = |field: &str| -> i64 { sets.iter().filter_map(|set| set.int(field)).sum() };
    let wanted = deployment.int("/spec/replicas").unwrap_or(1);
    let ready = sum("/status/readyReplicas");
    let updated = current.int("/status/replicas").unwrap_or_default();
    let available = ready >= wanted;
    let done = available && updated >= wanted && sum("/status/replicas") == wanted;
    let condition = |kind: &str, holds: bool, reason: &str, message: &str| {
        let status = if holds { "True" } else { "False" };
        let conditions = deployment.items("/status/conditions").iter();
        let mut same =
            conditions.filter(|old| old.text("/type") == kind && old.text("/status") == status);
        let since = same.next().map_or_else(
            || rfc3339(now),
            |old| old.text("/lastTransitionTime").to_owned(),
        );
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": since, "lastUpdateTime": since,
        })
    };
    let (reason, message) = if available {
        (
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        (
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    let progress = if done {
        "NewReplicaSetAvailable"
    } else {
        "ReplicaSetUpdated"
    };
    let status = json!({
        "observedGeneration": deployment.int("/metadata/generation").unwrap_or(1),
        "replicas": sum("/status/replicas"),
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": (wanted - ready).max(0),
        "conditions": [
            condition("Available", available, reason, message),
            condition("Progressing", true, progress, "ReplicaSet is progressing."),
        ],
    });
    let mut object = Value::clone(deployment);
    object["status"] = status;
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = json!({});
    }
    object["metadata"]["annotations"][REVISION] = revision.into();
    let _ = store.update(Kind::Deployment, object);
}
