//! Who controls what, and what was last written below each object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{ChangeKind, Key, Kind, ObjectExt};

/// Owners above one another: pod, `ReplicaSet`, Deployment.
const LEVELS: usize = 4;

/// An index of controlling owners by uid.
#[derive(Debug, Default)]
pub(super) struct Ownership {
    /// What is controlled.
    owned: BTreeMap<String, BTreeSet<(Kind, Key)>>,
    /// Who controls it.
    controllers: BTreeMap<String, String>,
    /// Last write to each living object or to anything below it.
    touched: BTreeMap<String, u64>,
}

impl Ownership {
    /// Takes a write into account.
    pub(super) fn note(
        &mut self,
        kind: Kind,
        what: ChangeKind,
        before: Option<&Value>,
        object: &Value,
        revision: u64,
    ) {
        let uid = object.uid();
        if let Some(before) = before {
            self.touch_controllers(before.uid(), revision);
            self.disown(kind, before);
        }
        if what == ChangeKind::Deleted {
            self.touched.remove(uid);
            return;
        }
        self.touched.insert(uid.to_owned(), revision);
        if let Some((_, _, controller)) = object.controller() {
            self.controllers
                .insert(uid.to_owned(), controller.to_owned());
            let owned = self.owned.entry(controller.to_owned()).or_default();
            owned.insert((kind, Key::of(object)));
            self.touch_controllers(uid, revision);
        }
    }

    /// Whether the object or anything below it was written after `since`.
    pub(super) fn touched(&self, uid: &str, since: u64) -> bool {
        self.touched.get(uid).is_some_and(|at| *at > since)
    }

    /// What the object with this uid controls.
    pub(super) fn owned(&self, uid: &str) -> impl Iterator<Item = &(Kind, Key)> + use<'_> {
        self.owned.get(uid).into_iter().flatten()
    }

    /// What is controlled by an object that is not there.
    pub(super) fn orphaned(&self) -> Vec<(Kind, Key)> {
        self.owned
            .iter()
            .filter(|(uid, _)| !self.touched.contains_key(*uid))
            .flat_map(|(_, keys)| keys.iter().cloned())
            .collect()
    }

    fn touch_controllers(&mut self, uid: &str, revision: u64) {
        let mut uid = uid;
        for _ in 0..LEVELS {
            let Some(controller) = self.controllers.get(uid) else {
                return;
            };
            if let Some(at) = self.touched.get_mut(controller) {
                *at = revision;
            }
            uid = controller;
        }
    }

    fn disown(&mut self, kind: Kind, object: &Value) {
        let Some(controller) = self.controllers.remove(object.uid()) else {
            return;
        };
        if let Some(keys) = self.owned.get_mut(&controller) {
            keys.remove(&(kind, Key::of(object)));
            if keys.is_empty() {
                self.owned.remove(&controller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(uid: &str, controller: Option<&str>) -> Value {
        let owners = controller.map(|uid| json!([{"uid": uid, "controller": true}]));
        json!({"metadata": {"name": uid, "uid": uid, "ownerReferences": owners}})
    }

    #[test]
    fn a_write_is_felt_all_the_way_up() {
        let mut index = Ownership::default();
        let (top, middle, leaf) = (
            object("top", None),
            object("middle", Some("top")),
            object("leaf", Some("middle")),
        );
        let added = ChangeKind::Added;
        index.note(Kind::Deployment, added, None, &top, 1);
        index.note(Kind::ReplicaSet, added, None, &middle, 2);
        index.note(Kind::Pod, added, None, &leaf, 3);
        index.note(Kind::Pod, ChangeKind::Deleted, Some(&leaf), &leaf, 4);
        assert!(index.touched("top", 3) && index.touched("middle", 3));
        assert!(!index.touched("top", 4) && !index.touched("leaf", 0));
        assert_eq!(index.owned("middle").count(), 0);
    }

    #[test]
    fn what_loses_its_owner_is_known() {
        let mut index = Ownership::default();
        let (owner, pod) = (object("owner", None), object("pod", Some("owner")));
        index.note(Kind::ReplicaSet, ChangeKind::Added, None, &owner, 1);
        index.note(Kind::Pod, ChangeKind::Added, None, &pod, 2);
        assert_eq!(index.orphaned(), []);
        index.note(
            Kind::ReplicaSet,
            ChangeKind::Deleted,
            Some(&owner),
            &owner,
            3,
        );
        assert_eq!(index.orphaned(), [(Kind::Pod, Key::new("", "pod"))]);
        let free = object("pod", None);
        index.note(Kind::Pod, ChangeKind::Modified, Some(&pod), &free, 4);
        assert_eq!(index.orphaned(), []);
    }
}
