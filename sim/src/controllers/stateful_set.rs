//! `StatefulSets`: numbered pods, one after the other.

use jiff::Timestamp;
use serde_json::json;

use super::pods::{controlled, create, delete, from_template, is_active, is_ready, set_status};
use crate::store::{Key, Kind, Object, ObjectExt, Store};

/// Brings each to its pods.
pub(super) fn sync(store: &mut Store, since: u64, now: Timestamp) {
    for set in store.touched(Kind::StatefulSet, since) {
        if set.is_terminating() {
            continue;
        }
        let wanted = set.int("/spec/replicas").unwrap_or(1).max(0);
        let parallel = set.text("/spec/podManagementPolicy") == "Parallel";
        for ordinal in 0..wanted {
            let name = format!("{}-{ordinal}", set.name());
            let key = Key::new(set.namespace(), &name);
            match store.get(Kind::Pod, &key).cloned() {
                // The old pod must be gone, objects and all, before it has a successor.
                Some(pod) if pod.is_finished() => delete(store, &pod, now),
                Some(pod) if is_ready(&pod) || parallel => continue,
                Some(_) => {}
                None => {
                    let mut pod = from_template(&set, &name);
                    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = name.into();
                    pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] =
                        ordinal.to_string().into();
                    create(store, pod, now);
                }
            }
            if !parallel {
                break;
            }
        }
        let pods = controlled(store, Kind::Pod, &set);
        for pod in pods
            .iter()
            .filter(|pod| ordinal(pod).is_some_and(|n| n >= wanted))
        {
            delete(store, pod, now);
        }
        report(store, &set);
    }
}

fn ordinal(pod: &Object) -> Option<i64> {
    pod.name().rsplit_once('-')?.1.parse().ok()
}

fn report(store: &mut Store, set: &Object) {
    let pods = controlled(store, Kind::Pod, set);
    let active: Vec<&Object> = pods.iter().filter(|pod| is_active(pod)).collect();
    let ready = active.iter().filter(|pod| is_ready(pod)).count();
    let revision = format!("{}-{}", set.name(), crate::identity::letters(1, 10));
    let status = json!({
        "observedGeneration": set.int("/metadata/generation").unwrap_or(1),
        "replicas": active.len(),
        "currentReplicas": active.len(),
        "updatedReplicas": active.len(),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentRevision": revision,
        "updateRevision": revision,
        "collisionCount": 0,
    });
    set_status(store, Kind::StatefulSet, set, status);
}
