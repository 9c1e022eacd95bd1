//! Differences between JSON values (pure): most of what a daemon reports is what it reported last.
//!
//! A difference is what to put in the place of the old value, unless it is an object. Then it
//! names what differs inside: by key in an object, by index below `#` in a list of the same
//! length, and below `=` what takes the place of the whole. Objects with other keys than before,
//! and such as use these two signs themselves, are replaced as a whole.

use serde_json::{Map, Value};

/// Marks a value that takes the place of the whole.
const WHOLE: &str = "=";

/// Marks a list whose elements differ.
const LIST: &str = "#";

/// What has to change in `old` to make it `new`; `None`: nothing.
pub(super) fn diff(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    Some(match (old, new) {
        (Value::Object(before), Value::Object(after)) if are_alike(before, after) => {
            let changes = after.iter().filter_map(|(key, value)| {
                let change = diff(before.get(key)?, value)?;
                Some((key.clone(), change))
            });
            Value::Object(changes.collect())
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            let pairs = before.iter().zip(after).enumerate();
            let changes: Map<String, Value> = pairs
                .filter_map(|(index, (old, new))| Some((index.to_string(), diff(old, new)?)))
                .collect();
            Value::Object(Map::from_iter([(LIST.to_owned(), Value::Object(changes))]))
        }
        (_, Value::Object(_)) => Value::Object(Map::from_iter([(WHOLE.to_owned(), new.clone())])),
        _ => new.clone(),
    })
}

/// Whether both have the same keys, and none that means something here.
fn are_alike(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    before.len() == after.len()
        && after
            .keys()
            .all(|key| key != WHOLE && key != LIST && before.contains_key(key))
}

/// Makes the change that [`diff`] has found. A change that does not fit (the file is damaged)
/// leaves what it can not change.
pub(super) fn apply(value: &mut Value, change: Value) {
    let Value::Object(mut changes) = change else {
        *value = change;
        return;
    };
    if let Some(whole) = changes.remove(WHOLE) {
        *value = whole;
        return;
    }
    match (value, changes.remove(LIST)) {
        (Value::Array(list), Some(Value::Object(changes))) => {
            for (index, change) in changes {
                let element = index.parse().ok().and_then(|at: usize| list.get_mut(at));
                if let Some(element) = element {
                    apply(element, change);
                }
            }
        }
        (Value::Object(object), None) => {
            for (key, change) in changes {
                if let Some(field) = object.get_mut(&key) {
                    apply(field, change);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..4_u64).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab=#]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_change_makes_the_old_the_new(old in any_value(), new in any_value()) {
            let mut value = old.clone();
            if let Some(change) = diff(&old, &new) {
                apply(&mut value, change);
            }
            prop_assert_eq!(value, new);
        }

        #[test]
        fn a_foreign_change_does_not_panic(mut value in any_value(), change in any_value()) {
            apply(&mut value, change);
        }
    }

    #[test]
    fn what_stays_is_not_told_again() {
        let old = json!({"gpus": [{"util": 1, "name": "A"}, {"util": 2, "name": "B"}], "n": null});
        let new = json!({"gpus": [{"util": 1, "name": "A"}, {"util": 9, "name": "B"}], "n": null});
        let change = diff(&old, &new).unwrap();
        assert_eq!(change, json!({"gpus": {"#": {"1": {"util": 9}}}}));
        assert_eq!(diff(&old, &old), None);
    }
}
