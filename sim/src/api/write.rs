//! Create, replace and patch.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::patch::PatchKind;
use super::path::Target;
use super::query::Query;
use super::status::Failure;
use crate::store::{Key, Kind, Object, ObjectExt, Store, StoreError};

/// Answers POST on a collection.
pub(crate) fn create(
    store: &mut Store,
    target: &Target,
    mut object: Value,
    query: &Query,
    now: Timestamp,
) -> Result<Object, Failure> {
    let kind = target.kind;
    place(kind, target.namespace.as_deref(), &mut object)?;
    let namespace = Key::new("", object.namespace());
    if kind.info().namespaced && store.get(Kind::Namespace, &namespace).is_none() {
        return Err(StoreError::NotFound {
            kind: Kind::Namespace,
            name: namespace.name,
        }
        .into());
    }
    if kind == Kind::Pod {
        // The server decides about the status of new pods.
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        check_pod(&object)?;
    }
    if query.is_dry_run() {
        return Ok(store.admit(kind, object, now)?.into());
    }
    Ok(store.create(kind, object, now)?)
}

/// Answers PUT on an object.
pub(crate) fn replace(
    store: &mut Store,
    target: &Target,
    mut object: Value,
    query: &Query,
) -> Result<Object, Failure> {
    let key = key_of(target);
    place(target.kind, target.namespace.as_deref(), &mut object)?;
    if object.name() != key.name {
        return Err(Failure::bad_request(
            "the name of the object does not match the name on the URL",
        ));
    }
    let stored = store.require(target.kind, &key)?.clone();
    let object = restrict(target, &stored, object);
    commit(store, target.kind, object, query)
}

/// Answers PATCH on an object.
pub(crate) fn patch(
    store: &mut Store,
    target: &Target,
    how: PatchKind,
    patch: &Value,
    query: &Query,
    now: Timestamp,
) -> Result<(StatusCode, Object), Failure> {
    let key = key_of(target);
    let stored = match store.get(target.kind, &key) {
        Some(stored) => stored.clone(),
        None if how == PatchKind::Apply => {
            let created = create(store, target, patch.clone(), query, now)?;
            return Ok((StatusCode::CREATED, created));
        }
        None => {
            return Err(store
                .require(target.kind, &key)
                .map(drop)
                .err()
                .map_or_else(Failure::no_such_path, Failure::from));
        }
    };
    let mut base = Value::clone(&stored);
    if how != PatchKind::Json
        && patch.pointer("/metadata/resourceVersion").is_none()
        && let Some(metadata) = base.pointer_mut("/metadata").and_then(Value::as_object_mut)
    {
        // Only a patch that names a revision insists on it.
        metadata.remove("resourceVersion");
    }
    let patched = how.apply(base, patch)?;
    let immutable = [
        ("/metadata/name", "metadata.name"),
        ("/metadata/namespace", "metadata.namespace"),
    ];
    for (pointer, field) in immutable {
        if patched.text(pointer) != stored.text(pointer) {
            return Err(Failure::from(StoreError::Invalid {
                kind: target.kind,
                name: key.name,
                field: field.to_owned(),
                why: "field is immutable".to_owned(),
            }));
        }
    }
    let object = restrict(target, &stored, patched);
    Ok((StatusCode::OK, commit(store, target.kind, object, query)?))
}

fn commit(store: &mut Store, kind: Kind, object: Value, query: &Query) -> Result<Object, Failure> {
    if query.is_dry_run() {
        return Ok(store.prepare_update(kind, object)?.into());
    }
    Ok(store.update(kind, object)?)
}

/// A write to `/status` changes the status alone, any other write everything else.
fn restrict(target: &Target, stored: &Value, wanted: Value) -> Value {
    if !target.kind.info().subresources.contains(&"status") {
        return wanted;
    }
    let (mut base, other) = if target.subresource.is_some() {
        (stored.clone(), wanted)
    } else {
        (wanted, stored.clone())
    };
    let revision = if target.subresource.is_some() {
        other.pointer("/metadata/resourceVersion").cloned()
    } else {
        None
    };
    if let Some(fields) = base.as_object_mut() {
        match other.get("status") {
            Some(status) => fields.insert("status".to_owned(), status.clone()),
            None => fields.remove("status"),
        };
    }
    if let (Some(revision), Some(metadata)) = (
        revision,
        base.pointer_mut("/metadata").and_then(Value::as_object_mut),
    ) {
        metadata.insert("resourceVersion".to_owned(), revision);
    }
    base
}

/// Checks that the object belongs where it is sent.
fn place(kind: Kind, namespace: Option<&str>, object: &mut Value) -> Result<(), Failure> {
    let (found, wanted) = (object.text("/kind"), kind.info().kind);
    if !found.is_empty() && found != wanted {
        return Err(Failure::bad_request(format!(
            "{found} in version \"{}\" cannot be handled as a {wanted}",
            object.text("/apiVersion")
        )));
    }
    let Some(namespace) = namespace else {
        if kind.info().namespaced {
            return Err(Failure::method_not_allowed());
        }
        return Ok(());
    };
    let own = object.namespace();
    if !own.is_empty() && own != namespace {
        return Err(Failure::bad_request(format!(
            "the namespace of the provided object does not match the namespace sent on the \
             request ({own} and {namespace})"
        )));
    }
    if let Some(fields) = object.as_object_mut() {
        let metadata = fields
            .entry("metadata")
            .or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
    }
    Ok(())
}

fn check_pod(pod: &Value) -> Result<(), Failure> {
    if pod.items("/spec/containers").is_empty() {
        return Err(Failure::from(StoreError::Invalid {
            kind: Kind::Pod,
            name: pod.name().to_owned(),
            field: "spec.containers".to_owned(),
            why: "Required value".to_owned(),
        }));
    }
    Ok(())
}

/// The key of the object that a target names.
pub(crate) fn key_of(target: &Target) -> Key {
    Key::new(
        target.namespace.as_deref().unwrap_or(""),
        target.name.as_deref().unwrap_or(""),
    )
}
