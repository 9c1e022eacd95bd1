//! What is owned goes with its owner.

use jiff::Timestamp;

use crate::store::{Delete, Kind, ObjectExt, Store};

/// Deletes objects whose controlling owner is gone.
pub(super) fn collect(store: &mut Store, now: Timestamp) {
    for (kind, key) in store.orphaned() {
        let object = store.get(kind, &key);
        // Owners of kinds that are not served here can not be looked up.
        let owner = object.and_then(|object| object.controller());
        let known = owner.is_some_and(|(kind, _, _)| Kind::by_name(kind).is_some());
        if known && !object.is_some_and(|object| object.is_terminating()) {
            let _ = store.delete(kind, &key, &Delete::default(), now);
        }
    }
}
