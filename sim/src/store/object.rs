//! Reading and building Kubernetes objects kept as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::scenario::parse_duration;

/// A stored object; never changed in place.
pub(crate) type Object = Arc<Value>;

/// What is often asked of an object. Missing text is the empty text, as in Kubernetes' own API.
/// Pointers are JSON pointers without escapes.
pub(crate) trait ObjectExt {
    /// The value at a JSON pointer. Unlike serde's own it makes no copies on the way.
    fn at(&self, pointer: &str) -> Option<&Value>;
    /// The text at a JSON pointer.
    fn text(&self, pointer: &str) -> &str;
    /// The whole number at a JSON pointer.
    fn int(&self, pointer: &str) -> Option<i64>;
    /// The truth value at a JSON pointer; false when absent.
    fn flag(&self, pointer: &str) -> bool;
    /// The array at a JSON pointer; empty when absent.
    fn items(&self, pointer: &str) -> &[Value];
    /// The time at a JSON pointer.
    fn time(&self, pointer: &str) -> Option<Timestamp>;
    /// `metadata.name`.
    fn name(&self) -> &str {
        self.text("/metadata/name")
    }
    /// `metadata.namespace`.
    fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }
    /// `metadata.uid`.
    fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }
    /// The string map at a JSON pointer.
    fn map(&self, pointer: &str) -> BTreeMap<String, String>;
    /// A label.
    fn label(&self, key: &str) -> Option<&str>;
    /// An annotation.
    fn annotation(&self, key: &str) -> Option<&str>;
    /// An annotation that holds a duration such as `200ms` or `3d4h`.
    fn duration(&self, key: &str) -> Option<Duration>;
    /// Whether deletion has begun.
    fn is_terminating(&self) -> bool {
        self.time("/metadata/deletionTimestamp").is_some()
    }
    /// The controlling owner: kind, name, uid.
    fn controller(&self) -> Option<(&str, &str, &str)>;
    /// Whether a condition of this type has this status.
    fn condition(&self, kind: &str, status: &str) -> bool;
    /// Whether a pod has ended.
    fn is_finished(&self) -> bool {
        matches!(self.text("/status/phase"), "Succeeded" | "Failed")
    }
}

impl ObjectExt for Value {
    fn at(&self, pointer: &str) -> Option<&Value> {
        let mut value = self;
        for part in pointer.strip_prefix('/')?.split('/') {
            value = match value {
                Self::Object(fields) => fields.get(part)?,
                Self::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }

    fn text(&self, pointer: &str) -> &str {
        self.at(pointer).and_then(Self::as_str).unwrap_or("")
    }

    fn int(&self, pointer: &str) -> Option<i64> {
        self.at(pointer).and_then(Self::as_i64)
    }

    fn flag(&self, pointer: &str) -> bool {
        self.at(pointer).and_then(Self::as_bool).unwrap_or_default()
    }

    fn items(&self, pointer: &str) -> &[Value] {
        self.at(pointer)
            .and_then(Self::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn time(&self, pointer: &str) -> Option<Timestamp> {
        self.text(pointer).parse().ok()
    }

    fn map(&self, pointer: &str) -> BTreeMap<String, String> {
        let entries = self.at(pointer).and_then(Self::as_object);
        entries
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.get("metadata")?.get("labels")?.get(key)?.as_str()
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.get("metadata")?.get("annotations")?.get(key)?.as_str()
    }

    fn duration(&self, key: &str) -> Option<Duration> {
        parse_duration(self.annotation(key)?).ok()
    }

    fn controller(&self) -> Option<(&str, &str, &str)> {
        let owners = self.items("/metadata/ownerReferences");
        let owner = owners.iter().find(|owner| owner.flag("/controller"))?;
        Some((owner.text("/kind"), owner.text("/name"), owner.text("/uid")))
    }

    fn condition(&self, kind: &str, status: &str) -> bool {
        self.items("/status/conditions")
            .iter()
            .any(|item| item.text("/type") == kind && item.text("/status") == status)
    }
}

/// The reference by which `owner` controls its dependents.
pub(crate) fn owner_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner.text("/apiVersion"),
        "kind": owner.text("/kind"),
        "name": owner.name(),
        "uid": owner.uid(),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// A JSON object from pairs, without those that have no value.
pub(crate) fn annotation_map(pairs: &[(&str, Option<String>)]) -> Value {
    let known = pairs
        .iter()
        .filter_map(|(key, value)| Some(((*key).to_owned(), Value::from(value.clone()?))));
    Value::Object(known.collect())
}

/// Fills in what the API server fills in for every pod.
pub(crate) fn default_pod(pod: &mut Value) {
    let Some(fields) = pod.as_object_mut() else {
        return;
    };
    if let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) {
        for (key, value) in [
            ("restartPolicy", json!("Always")),
            ("dnsPolicy", json!("ClusterFirst")),
            ("schedulerName", json!("default-scheduler")),
            ("serviceAccountName", json!("default")),
            ("terminationGracePeriodSeconds", json!(30)),
            ("priority", json!(0)),
            ("preemptionPolicy", json!("PreemptLowerPriority")),
            ("enableServiceLinks", json!(true)),
            ("securityContext", json!({})),
        ] {
            spec.entry(key).or_insert(value);
        }
        let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
        if let Some(tolerations) = tolerations.as_array_mut() {
            for key in [
                "node.kubernetes.io/not-ready",
                "node.kubernetes.io/unreachable",
            ] {
                if !tolerations.iter().any(|item| item.text("/key") == key) {
                    tolerations.push(json!({
                        "key": key, "operator": "Exists", "effect": "NoExecute",
                        "tolerationSeconds": 300,
                    }));
                }
            }
        }
        for list in ["initContainers", "containers"] {
            let containers = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                default_requests(container);
            }
        }
    }
    let gated = fields
        .get("spec")
        .is_some_and(|spec| !spec.items("/schedulingGates").is_empty());
    let status = fields.entry("status").or_insert_with(|| json!({}));
    if gated {
        status["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        }]);
    }
    if let Some(status) = status.as_object_mut() {
        status.entry("phase").or_insert_with(|| json!("Pending"));
        status
            .entry("qosClass")
            .or_insert_with(|| json!("BestEffort"));
    }
}

/// Requests that are not given equal the limits.
fn default_requests(container: &mut Value) {
    let Some(limits) = container.pointer("/resources/limits").cloned() else {
        return;
    };
    let Some(resources) = container
        .get_mut("resources")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let requests = resources.entry("requests").or_insert_with(|| json!({}));
    if let (Some(requests), Some(limits)) = (requests.as_object_mut(), limits.as_object()) {
        for (name, amount) in limits {
            requests
                .entry(name.clone())
                .or_insert_with(|| amount.clone());
        }
    }
}
