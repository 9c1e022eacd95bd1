//! Patches, as pure functions on JSON.

use serde_json::{Map, Value};

use super::status::Failure;

/// The formats of a patch, by content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchKind {
    /// `application/merge-patch+json`, and strategic merge, which is treated alike: lists are
    /// replaced as a whole.
    Merge,
    /// `application/json-patch+json`.
    Json,
    /// `application/apply-patch+yaml`, with a JSON body: creates what is not there, else merges.
    Apply,
}

impl PatchKind {
    /// From the `Content-Type` header.
    pub(crate) fn from_content_type(text: &str) -> Option<Self> {
        match text.split(';').next()?.trim() {
            "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                Some(Self::Merge)
            }
            "application/json-patch+json" => Some(Self::Json),
            "application/apply-patch+yaml" => Some(Self::Apply),
            _ => None,
        }
    }

    /// Applies the patch.
    pub(crate) fn apply(self, target: Value, patch: &Value) -> Result<Value, Failure> {
        match self {
            Self::Merge | Self::Apply => Ok(merge(target, patch)),
            Self::Json => json_patch(target, patch),
        }
    }
}

/// RFC 7386.
fn merge(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch.clone();
    };
    let mut fields = match target {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for (key, value) in patch {
        if value.is_null() {
            fields.remove(key);
        } else {
            let old = fields.remove(key).unwrap_or(Value::Null);
            fields.insert(key.clone(), merge(old, value));
        }
    }
    Value::Object(fields)
}

/// RFC 6902. What does not apply, a failed `test` included, is 422 without saying why.
fn json_patch(mut target: Value, patch: &Value) -> Result<Value, Failure> {
    let operations = patch
        .as_array()
        .ok_or_else(|| Failure::bad_request("error decoding patch: not a list of operations"))?;
    for operation in operations {
        target = step(target, operation).ok_or_else(Failure::unprocessable)?;
    }
    Ok(target)
}

fn step(mut target: Value, operation: &Value) -> Option<Value> {
    let path = operation.get("path")?.as_str()?;
    let value = operation.get("value");
    match operation.get("op")?.as_str()? {
        "add" => add(&mut target, path, value?.clone())?,
        "remove" => drop(remove(&mut target, path)?),
        "replace" => *target.pointer_mut(path)? = value?.clone(),
        "test" => (target.pointer(path)? == value?).then_some(())?,
        "move" => {
            let moved = remove(&mut target, operation.get("from")?.as_str()?)?;
            add(&mut target, path, moved)?;
        }
        "copy" => {
            let copied = target.pointer(operation.get("from")?.as_str()?)?.clone();
            add(&mut target, path, copied)?;
        }
        _ => return None,
    }
    Some(target)
}

/// Splits a JSON pointer into the pointer of the parent and the last, unescaped, token.
fn split(path: &str) -> Option<(&str, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *target = value;
        return Some(());
    }
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent)? {
        Value::Object(fields) => {
            fields.insert(last, value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let index: usize = last.parse().ok()?;
            (index <= items.len()).then(|| items.insert(index, value))?;
        }
        _ => return None,
    }
    Some(())
}

fn remove(target: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = split(path)?;
    match target.pointer_mut(parent)? {
        Value::Object(fields) => fields.remove(&last),
        Value::Array(items) => {
            let index: usize = last.parse().ok()?;
            (index < items.len()).then(|| items.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn merge_replaces_adds_and_removes() {
        let target = json!({"spec": {"a": 1, "b": {"c": 2}, "list": [1, 2]}});
        let patch = json!({"spec": {"a": null, "b": {"d": 3}, "list": [9]}});
        assert_eq!(
            PatchKind::Merge.apply(target, &patch).unwrap(),
            json!({"spec": {"b": {"c": 2, "d": 3}, "list": [9]}})
        );
    }

    #[test]
    fn json_patch_does_all_six_operations() {
        let patched = PatchKind::Json
            .apply(
                json!({"a": [1, 3], "b": {"x/y": 1}, "c": 5}),
                &json!([
                    {"op": "test", "path": "/a/1", "value": 3},
                    {"op": "add", "path": "/a/1", "value": 2},
                    {"op": "add", "path": "/a/-", "value": 4},
                    {"op": "replace", "path": "/b/x~1y", "value": 7},
                    {"op": "copy", "from": "/c", "path": "/d"},
                    {"op": "move", "from": "/c", "path": "/e"},
                    {"op": "remove", "path": "/d"},
                ]),
            )
            .unwrap();
        assert_eq!(patched, json!({"a": [1, 2, 3, 4], "b": {"x/y": 7}, "e": 5}));
    }

    #[test]
    fn a_patch_that_does_not_apply_is_422() {
        for operation in [
            json!({"op": "test", "path": "/a", "value": 2}),
            json!({"op": "remove", "path": "/none"}),
            json!({"op": "add", "path": "/none/x", "value": 1}),
            json!({"op": "nonsense", "path": "/a"}),
        ] {
            let failure = PatchKind::Json.apply(json!({"a": 1}), &json!([operation]));
            assert_eq!(failure.unwrap_err().body()["code"], 422);
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            proptest::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect()))
        })
    }

    proptest! {
        #[test]
        fn merging_twice_is_merging_once(target in values(), patch in values()) {
            let once = merge(target, &patch);
            prop_assert_eq!(merge(once.clone(), &patch), once);
        }

        #[test]
        fn merging_an_object_into_itself_changes_nothing(target in values()) {
            prop_assert_eq!(merge(target.clone(), &target), target);
        }
    }
}
