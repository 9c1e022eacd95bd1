//! Pods of an owner: finding them, and making one from a template.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::store::{Delete, Key, Kind, Object, ObjectExt, Store, owner_reference};

/// The objects of a kind that `owner` controls.
pub(super) fn controlled(store: &Store, kind: Kind, owner: &Value) -> Vec<Object> {
    store.owned(kind, owner.uid())
}

/// Neither ended nor on its way out.
pub(super) fn is_active(pod: &Value) -> bool {
    !pod.is_finished() && !pod.is_terminating()
}

/// Whether the `Ready` condition holds.
pub(super) fn is_ready(pod: &Value) -> bool {
    pod.condition("Ready", "True")
}

/// A pod from the owner's template; `name` ends in a hyphen when the server is to complete it.
pub(super) fn from_template(owner: &Value, name: &str) -> Value {
    let template = owner.pointer("/spec/template").cloned();
    let mut pod = template.unwrap_or_else(|| json!({}));
    if !pod["metadata"].is_object() {
        pod["metadata"] = json!({});
    }
    let key = if name.ends_with('-') {
        "generateName"
    } else {
        "name"
    };
    pod["metadata"][key] = name.into();
    pod["metadata"]["namespace"] = owner.namespace().into();
    pod["metadata"]["ownerReferences"] = json!([owner_reference(owner)]);
    pod
}

/// Creates a pod. What the server refuses is tried again with the next change.
pub(super) fn create(store: &mut Store, pod: Value, now: Timestamp) {
    if let Err(error) = store.create(Kind::Pod, pod, now) {
        tracing::debug!(%error, "pod not created");
    }
}

/// Deletes a pod with its own grace period.
pub(super) fn delete(store: &mut Store, pod: &Value, now: Timestamp) {
    if pod.is_terminating() {
        return;
    }
    let _ = store.delete(Kind::Pod, &Key::of(pod), &Delete::default(), now);
}

/// Writes a status, if it differs.
pub(super) fn set_status(store: &mut Store, kind: Kind, object: &Value, status: Value) {
    let _ = store.set_status(kind, &Key::of(object), status);
}
