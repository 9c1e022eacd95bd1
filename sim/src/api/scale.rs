//! The `scale` subresource.

use serde_json::{Value, json};

use super::patch::PatchKind;
use super::path::Target;
use super::query::Query;
use super::status::Failure;
use super::write::key_of;
use crate::store::{ObjectExt, Store};

/// Answers GET.
pub(crate) fn get(store: &Store, target: &Target) -> Result<Value, Failure> {
    Ok(view(store.require(target.kind, &key_of(target))?))
}

/// Answers PUT, and PATCH when a patch format is given.
pub(crate) fn set(
    store: &mut Store,
    target: &Target,
    body: &Value,
    patch: Option<PatchKind>,
    query: &Query,
) -> Result<Value, Failure> {
    let stored = store.require(target.kind, &key_of(target))?.clone();
    let wanted = match patch {
        Some(patch) => patch.apply(view(&stored), body)?,
        None => body.clone(),
    };
    let revision = wanted.text("/metadata/resourceVersion");
    if !revision.is_empty() && revision != stored.text("/metadata/resourceVersion") {
        return Err(crate::store::StoreError::modified(target.kind, stored.name()).into());
    }
    let mut object = Value::clone(&stored);
    object["spec"]["replicas"] = wanted.int("/spec/replicas").unwrap_or_default().into();
    if query.is_dry_run() {
        return Ok(view(&object));
    }
    Ok(view(&*store.update(target.kind, object)?))
}

fn view(object: &Value) -> Value {
    let labels = object.map("/spec/selector/matchLabels");
    let selector: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": object.name(),
            "namespace": object.namespace(),
            "uid": object.uid(),
            "resourceVersion": object.text("/metadata/resourceVersion"),
            "creationTimestamp": object.text("/metadata/creationTimestamp"),
        },
        "spec": {"replicas": object.int("/spec/replicas").unwrap_or(1)},
        "status": {
            "replicas": object.int("/status/replicas").unwrap_or_default(),
            "selector": selector.join(","),
        },
    })
}
