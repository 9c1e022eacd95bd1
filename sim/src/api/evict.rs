//! `POST pods/NAME/eviction`, without disruption budgets.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::delete::options;
use super::path::Target;
use super::query::Query;
use super::status::{Failure, success};
use super::write::key_of;
use crate::clock::rfc3339;
use crate::store::{Kind, ObjectExt, Store};

/// Answers an eviction.
pub(crate) fn evict(
    store: &mut Store,
    target: &Target,
    body: &Value,
    query: &Query,
    now: Timestamp,
) -> Result<Value, Failure> {
    let key = key_of(target);
    if query.get("fieldValidation") == Some("Strict") {
        check_fields(body)?;
    }
    if !body.name().is_empty() && body.name() != key.name {
        return Err(Failure::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    let empty = json!({});
    let (how, dry) = options(body.get("deleteOptions").unwrap_or(&empty), query)?;
    let pod = store.check_delete(Kind::Pod, &key, &how)?;
    if dry {
        return Ok(success(201, None));
    }
    if !pod.is_terminating() {
        let mut status = pod.get("status").cloned().unwrap_or_else(|| json!({}));
        let condition = json!({
            "type": "DisruptionTarget", "status": "True", "lastTransitionTime": rfc3339(now),
            "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting",
        });
        match status.get_mut("conditions").and_then(Value::as_array_mut) {
            Some(conditions) => conditions.push(condition),
            None => status["conditions"] = json!([condition]),
        }
        store.set_status(Kind::Pod, &key, status)?;
    }
    // The server's own write above must not break the client's precondition.
    let how = crate::store::Delete {
        revision: None,
        ..how
    };
    store.delete(Kind::Pod, &key, &how, now)?;
    Ok(success(201, None))
}

/// Refuses fields that an `Eviction` does not have.
fn check_fields(body: &Value) -> Result<(), Failure> {
    let known = ["apiVersion", "kind", "metadata", "deleteOptions"];
    let fields = body.as_object().into_iter().flatten();
    let unknown = fields
        .map(|(key, _)| key)
        .find(|key| !known.contains(&key.as_str()));
    match unknown {
        None => Ok(()),
        Some(field) => Err(Failure::bad_request(format!(
            "Eviction in version \"v1\" cannot be handled as a Eviction: strict decoding error: \
             unknown field \"{field}\""
        ))),
    }
}
