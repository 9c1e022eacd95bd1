//! Which node a pod gets: filters and arithmetic as in Kubernetes, without preemption.

mod filters;
mod message;
mod quantity;
mod requests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use filters::selects;
pub(crate) use requests::container_requests;

use crate::clock::rfc3339;
use crate::store::{Key, Kind, Object, ObjectExt, Store};
use crate::world::record_event;
use filters::{NodeView, Nominated, Verdict, judge};
use requests::{Requests, pod_requests};

/// Gives every pod that waits a node, or tells it why there is none.
pub(crate) fn schedule(store: &mut Store, now: Timestamp) {
    let waiting: Vec<Object> = store
        .list(Kind::Pod)
        .filter(|pod| waits(pod))
        .cloned()
        .collect();
    if waiting.is_empty() {
        return;
    }
    let mut nodes = views(store);
    let mut waiting = waiting;
    // Oldest first, as the scheduler's queue.
    waiting.sort_by_key(|pod| {
        let priority = -pod.int("/spec/priority").unwrap_or_default();
        (
            priority,
            pod.time("/metadata/creationTimestamp"),
            Key::of(pod),
        )
    });
    for pod in waiting {
        let verdicts: Vec<Verdict> = nodes.iter().map(|node| judge(&pod, node)).collect();
        let best = (0..nodes.len())
            .filter(|&index| verdicts[index] == Verdict::Fits)
            .max_by_key(|&index| (nodes[index].room_after(&pod), std::cmp::Reverse(index)));
        match best {
            Some(index) => {
                nodes[index].take(&pod);
                bind(store, &pod, &nodes[index].name, now);
            }
            None => refuse(store, &pod, &message::unschedulable(&verdicts), now),
        }
    }
}

fn waits(pod: &Value) -> bool {
    pod.text("/spec/nodeName").is_empty()
        && !pod.is_terminating()
        && !pod.is_finished()
        && pod.items("/spec/schedulingGates").is_empty()
        && pod.text("/spec/schedulerName") == "default-scheduler"
}

/// The nodes with what the pods on them have taken.
fn views(store: &Store) -> Vec<NodeView> {
    let mut taken: BTreeMap<String, (Requests, i64)> = BTreeMap::new();
    let mut nominated: BTreeMap<String, Vec<Nominated>> = BTreeMap::new();
    for pod in store.list(Kind::Pod) {
        let node = pod.text("/spec/nodeName");
        if !node.is_empty() && !pod.is_finished() {
            let (requests, pods) = taken.entry(node.to_owned()).or_default();
            requests.add(&pod_requests(pod));
            *pods += 1;
        }
        let wanted = pod.text("/status/nominatedNodeName");
        if node.is_empty() && !wanted.is_empty() && !pod.is_terminating() {
            nominated
                .entry(wanted.to_owned())
                .or_default()
                .push(Nominated {
                    uid: pod.uid().to_owned(),
                    priority: pod.int("/spec/priority").unwrap_or_default(),
                    requests: pod_requests(pod),
                });
        }
    }
    store
        .list(Kind::Node)
        .map(|node| {
            let (requests, pods) = taken.remove(node.name()).unwrap_or_default();
            let nominated = nominated.remove(node.name()).unwrap_or_default();
            NodeView::new(node.clone(), requests, pods, nominated)
        })
        .collect()
}

fn bind(store: &mut Store, pod: &Object, node: &str, now: Timestamp) {
    let mut bound = Value::clone(pod);
    bound["spec"]["nodeName"] = node.into();
    set_scheduled(
        &mut bound,
        json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": rfc3339(now)}),
    );
    if let Some(status) = bound["status"].as_object_mut() {
        status.remove("nominatedNodeName");
    }
    if store.update(Kind::Pod, bound).is_ok() {
        let message = format!(
            "Successfully assigned {}/{} to {node}",
            pod.namespace(),
            pod.name()
        );
        record_event(store, now, pod, "Normal", "Scheduled", &message);
    }
}

fn refuse(store: &mut Store, pod: &Object, message: &str, now: Timestamp) {
    let conditions = pod.items("/status/conditions");
    let old = conditions
        .iter()
        .find(|c| c.text("/type") == "PodScheduled");
    if old.is_some_and(|old| old.text("/message") == message) {
        return;
    }
    let since = old
        .filter(|old| old.text("/status") == "False")
        .map_or_else(
            || rfc3339(now),
            |old| old.text("/lastTransitionTime").to_owned(),
        );
    let mut refused = Value::clone(pod);
    set_scheduled(
        &mut refused,
        json!({
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": message, "lastTransitionTime": since,
        }),
    );
    if store.update(Kind::Pod, refused).is_ok() {
        record_event(store, now, pod, "Warning", "FailedScheduling", message);
    }
}

fn set_scheduled(pod: &mut Value, condition: Value) {
    let mut conditions = pod.items("/status/conditions").to_vec();
    conditions.retain(|old| old.text("/type") != "PodScheduled");
    conditions.push(condition);
    pod["status"]["conditions"] = conditions.into();
}

#[cfg(test)]
mod tests;
