//! Lists: one revision over all pages.

use serde_json::{Value, json};

use super::paging::Position;
use super::query::{Filter, Query};
use super::status::Failure;
use crate::store::{Key, Kind, Object, Store};

/// Answers a list request.
pub(crate) fn list(
    store: &Store,
    kind: Kind,
    filter: &Filter,
    query: &Query,
) -> Result<Value, Failure> {
    let current = store.revision();
    let limit = query.number("limit")?.filter(|&limit| limit > 0);
    let wanted = query.revision()?;
    let exact = query.get("resourceVersionMatch") == Some("Exact");
    if let Some(token) = query.get("continue") {
        let position = Position::parse(token)?;
        let revision = position.revision.unwrap_or(current);
        let Ok(objects) = store.list_at(kind, revision) else {
            let fresh = Position {
                revision: None,
                after: position.after,
            };
            return Err(Failure::expired(
                "The provided continue parameter is too old to display a consistent list result. \
                 You can start a new list without the continue parameter, or use the continue \
                 token in this response to retrieve the remainder of the results. Continuing with \
                 the provided token results in an inconsistent list - objects that were created, \
                 modified, or deleted between the time the first chunk was returned and now may \
                 show up in the list.",
            )
            .with_continue(&fresh.token()));
        };
        let rest = matching(objects, filter, Some(&position.after));
        return Ok(page(kind, rest, revision, limit));
    }
    if let Some(wanted) = wanted.filter(|&wanted| wanted > current) {
        return Err(Failure::too_large_revision(wanted, current));
    }
    let revision = match wanted {
        Some(wanted) if exact && wanted > 0 => wanted,
        _ => current,
    };
    let objects = store
        .list_at(kind, revision)
        .map_err(|_| Failure::expired("The resourceVersion for the provided list is too old."))?;
    // Served from the watch cache, which does not page.
    let limit = limit.filter(|_| wanted != Some(0));
    Ok(page(kind, matching(objects, filter, None), revision, limit))
}

fn matching(objects: Vec<Object>, filter: &Filter, after: Option<&Key>) -> Vec<Object> {
    objects
        .into_iter()
        .filter(|object| filter.matches(object))
        .filter(|object| after.is_none_or(|after| Key::of(object) > *after))
        .collect()
}

fn page(kind: Kind, mut objects: Vec<Object>, revision: u64, limit: Option<u64>) -> Value {
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    let limit = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    if objects.len() > limit {
        let remaining = objects.len() - limit;
        objects.truncate(limit);
        if let Some(last) = objects.last() {
            let position = Position {
                revision: Some(revision),
                after: Key::of(last),
            };
            metadata["continue"] = position.token().into();
            metadata["remainingItemCount"] = remaining.into();
        }
    }
    let items: Vec<Value> = objects.iter().map(|object| list_item(object)).collect();
    json!({
        "kind": format!("{}List", kind.info().kind),
        "apiVersion": kind.api_version(),
        "metadata": metadata,
        "items": items,
    })
}

/// Items of a list carry neither kind nor apiVersion.
fn list_item(object: &Value) -> Value {
    let mut item = object.clone();
    if let Some(fields) = item.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    item
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::ObjectExt;

    fn store(count: usize) -> Store {
        let mut store = Store::new(1);
        for index in 0..count {
            let namespace = format!("ns-{}", index % 3);
            let object = json!({"metadata": {"name": format!("c{index}"), "namespace": namespace}});
            store
                .create(Kind::ConfigMap, object, jiff::Timestamp::UNIX_EPOCH)
                .unwrap();
        }
        store
    }

    fn query(pairs: &[(&str, &str)]) -> Query {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Query::new(pairs.iter().map(owned).collect())
    }

    proptest! {
        #[test]
        fn pages_together_are_the_whole_list(count in 0_usize..30, limit in 1_usize..12) {
            let mut store = store(count);
            let limit = limit.to_string();
            let (mut token, mut names, mut revisions) = (String::new(), vec![], vec![]);
            loop {
                let query = query(&[("limit", &limit), ("continue", &token)]);
                let page = list(&store, Kind::ConfigMap, &Filter::default(), &query).unwrap();
                names.extend(page.items("/items").iter().map(Key::of));
                revisions.push(page.text("/metadata/resourceVersion").to_owned());
                page.text("/metadata/continue").clone_into(&mut token);
                if token.is_empty() { break; }
                // A write in between must not be seen by later pages.
                let late = json!({"metadata": {"generateName": "zz-", "namespace": "zz"}});
                store.create(Kind::ConfigMap, late, jiff::Timestamp::UNIX_EPOCH).unwrap();
            }
            prop_assert_eq!(names.len(), count);
            prop_assert!(names.is_sorted());
            revisions.dedup();
            prop_assert_eq!(revisions.len(), 1);
        }
    }

    #[test]
    fn revision_zero_ignores_the_limit_and_the_future_is_refused() {
        let store = store(5);
        let all = Filter::default();
        let ask = |pairs: &[(&str, &str)]| list(&store, Kind::ConfigMap, &all, &query(pairs));
        let page = ask(&[("limit", "2"), ("resourceVersion", "0")]).unwrap();
        assert_eq!(page.items("/items").len(), 5);
        let page = ask(&[("limit", "2")]).unwrap();
        assert_eq!(page.int("/metadata/remainingItemCount"), Some(3));
        let failure = ask(&[("resourceVersion", "99")]).unwrap_err();
        assert_eq!(failure.body()["code"], 504);
    }

    #[test]
    fn what_is_older_than_the_window_is_expired() {
        let mut store = store(5);
        store.forget_history();
        let all = Filter::default();
        let old = Position {
            revision: Some(1),
            after: Key::new("", "c0"),
        };
        let ask = |pairs: &[(&str, &str)]| list(&store, Kind::ConfigMap, &all, &query(pairs));
        let failure = ask(&[("limit", "2"), ("continue", &old.token())]).unwrap_err();
        assert_eq!(failure.body()["code"], 410);
        let fresh = failure.body().text("/metadata/continue").to_owned();
        assert!(ask(&[("continue", &fresh)]).is_ok());
        let exact = [("resourceVersion", "1"), ("resourceVersionMatch", "Exact")];
        assert_eq!(ask(&exact).unwrap_err().body()["reason"], "Expired");
    }
}
