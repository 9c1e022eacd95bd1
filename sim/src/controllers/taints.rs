//! The taint that goes with a cordon.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::store::{Kind, ObjectExt, Store};

const KEY: &str = "node.kubernetes.io/unschedulable";

/// Adds it to cordoned nodes and takes it from the others.
pub(super) fn sync(store: &mut Store, now: Timestamp) {
    for node in store.copy(Kind::Node) {
        let taints = node.items("/spec/taints");
        let tainted = taints.iter().any(|taint| taint.text("/key") == KEY);
        let cordoned = node.flag("/spec/unschedulable");
        if tainted == cordoned {
            continue;
        }
        let mut taints = taints.to_vec();
        if cordoned {
            taints.push(json!({"key": KEY, "effect": "NoSchedule", "timeAdded": rfc3339(now)}));
        } else {
            taints.retain(|taint| taint.text("/key") != KEY);
        }
        let mut node = Value::clone(&node);
        if taints.is_empty() {
            node["spec"]
                .as_object_mut()
                .map(|spec| spec.remove("taints"));
        } else {
            node["spec"]["taints"] = taints.into();
        }
        let _ = store.update(Kind::Node, node);
    }
}
