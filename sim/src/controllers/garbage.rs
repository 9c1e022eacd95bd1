//! What is owned goes with its owner.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::store::{Delete, Key, Kind, ObjectExt, Store};

/// Deletes objects whose controlling owner is gone.
pub(super) fn collect(store: &mut Store, now: Timestamp) {
    let owners: BTreeSet<String> = Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::Pod && *kind != Kind::Event)
        .flat_map(|kind| store.list(kind))
        .map(|object| object.uid().to_owned())
        .collect();
    for kind in Kind::ALL {
        for object in store.copy(kind) {
            let Some((owner_kind, _, uid)) = object.controller() else {
                continue;
            };
            let known_kind = Kind::by_name(owner_kind).is_some_and(|kind| kind != Kind::Pod);
            if known_kind && !owners.contains(uid) && !object.is_terminating() {
                let _ = store.delete(kind, &Key::of(&object), &Delete::default(), now);
            }
        }
    }
}
