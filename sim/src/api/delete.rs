//! Deletion of objects and collections.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::path::Target;
use super::query::{Filter, Query};
use super::status::{Failure, success};
use super::write::key_of;
use crate::store::{Delete, Key, Kind, Object, ObjectExt, Store};

/// Reads `DeleteOptions` from the body, the query winning. An empty body has no options.
pub(crate) fn options(body: &Value, query: &Query) -> Result<(Delete, bool), Failure> {
    let grace = query.number("gracePeriodSeconds")?;
    let grace = grace.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
    let owned = |pointer| Some(body.text(pointer).to_owned()).filter(|text| !text.is_empty());
    let delete = Delete {
        grace_seconds: grace.or_else(|| body.int("/gracePeriodSeconds")),
        uid: owned("/preconditions/uid"),
        revision: owned("/preconditions/resourceVersion"),
    };
    let dry = body.items("/dryRun").iter().any(|item| item == "All");
    Ok((delete, dry || query.is_dry_run()))
}

/// Answers DELETE on an object.
pub(crate) fn delete(
    store: &mut Store,
    target: &Target,
    body: &Value,
    query: &Query,
    now: Timestamp,
) -> Result<Value, Failure> {
    let (how, dry) = options(body, query)?;
    let key = key_of(target);
    if dry {
        let object = store.check_delete(target.kind, &key, &how)?;
        return Ok(answer(target.kind, &object));
    }
    let orphan = query.get("propagationPolicy") == Some("Orphan")
        || body.text("/propagationPolicy") == "Orphan";
    let (object, gone) = store.delete(target.kind, &key, &how, now)?;
    if gone && orphan {
        release_dependents(store, &object);
    }
    if target.kind == Kind::Namespace {
        empty_namespace(store, &key.name);
    }
    Ok(answer(target.kind, &object))
}

/// Answers DELETE on a collection.
pub(crate) fn delete_collection(
    store: &mut Store,
    kind: Kind,
    filter: &Filter,
    body: &Value,
    query: &Query,
    now: Timestamp,
) -> Result<Value, Failure> {
    let (how, dry) = options(body, query)?;
    let objects = store.copy(kind);
    let objects: Vec<Object> = objects.into_iter().filter(|o| filter.matches(o)).collect();
    for object in objects.iter().filter(|_| !dry) {
        store.delete(kind, &Key::of(object), &how, now)?;
    }
    Ok(json!({
        "kind": format!("{}List", kind.info().kind),
        "apiVersion": kind.api_version(),
        "metadata": {"resourceVersion": store.revision().to_string()},
        "items": objects,
    }))
}

/// Pods are answered with themselves, everything else with a `Status`.
fn answer(kind: Kind, object: &Value) -> Value {
    if kind == Kind::Pod {
        return object.clone();
    }
    let mut details = json!({
        "name": object.name(), "kind": kind.info().plural, "uid": object.uid(),
    });
    if !kind.info().group.is_empty() {
        details["group"] = kind.info().group.into();
    }
    success(200, Some(details))
}

/// Takes the owner's reference out of everything it owned.
fn release_dependents(store: &mut Store, owner: &Value) {
    for kind in Kind::ALL {
        for object in store.copy(kind) {
            let owners = object.items("/metadata/ownerReferences");
            let kept: Vec<Value> = owners
                .iter()
                .filter(|reference| reference.text("/uid") != owner.uid())
                .cloned()
                .collect();
            if kept.len() < owners.len() {
                let mut object = Value::clone(&object);
                object["metadata"]["ownerReferences"] = kept.into();
                // The object was read under the same lock.
                let _ = store.update(kind, object);
            }
        }
    }
}

/// Removes all that lives in a namespace, at once.
fn empty_namespace(store: &mut Store, namespace: &str) {
    for kind in Kind::ALL {
        for object in store.copy(kind) {
            if object.namespace() == namespace {
                let _ = store.remove(kind, &Key::of(&object));
            }
        }
    }
}
