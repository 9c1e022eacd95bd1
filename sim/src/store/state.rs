//! The objects by kind and name, and the rules of writing them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::ownership::Ownership;
use super::window::Window;
use super::{Change, ChangeKind, Expired, Kind, Object, ObjectExt, StoreError};
use crate::clock::{after, rfc3339};
use crate::identity::{Ids, hash};

/// Namespace (empty for cluster-wide objects) and name. Ordered as the API lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    /// A key from its parts.
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The key of an object.
    pub(crate) fn of(object: &Value) -> Self {
        Self::new(object.namespace(), object.name())
    }
}

/// How an object is to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Delete {
    /// Seconds until a pod is killed; the pod's own when absent.
    pub(crate) grace_seconds: Option<i64>,
    /// Only the object with this uid.
    pub(crate) uid: Option<String>,
    /// Only the object at this revision.
    pub(crate) revision: Option<String>,
}

/// All objects.
#[derive(Debug)]
pub(crate) struct Store {
    revision: u64,
    /// Revision of the last write to anything but events, on which nobody acts.
    acted: u64,
    objects: BTreeMap<Kind, BTreeMap<Key, Object>>,
    ownership: Ownership,
    windows: BTreeMap<Kind, Window>,
    ids: Ids,
    event_ids: Ids,
    unpublished: Vec<Arc<Change>>,
    /// Last write to each kind.
    written: BTreeMap<Kind, u64>,
}

impl Store {
    /// An empty store whose uids follow from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            revision: 1,
            acted: 1,
            objects: BTreeMap::new(),
            ownership: Ownership::default(),
            windows: BTreeMap::new(),
            ids: Ids::new(seed),
            event_ids: Ids::new(hash(&["events", &seed.to_string()])),
            unpublished: Vec::new(),
            written: BTreeMap::new(),
        }
    }

    /// The revision of the last write.
    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    /// The revision of the last write that controllers, scheduler or kubelets could act on.
    pub(crate) const fn acted(&self) -> u64 {
        self.acted
    }

    /// The objects of a kind that were written after `since`, or something that they control.
    pub(crate) fn touched(&self, kind: Kind, since: u64) -> Vec<Object> {
        let recent = |object: &&Object| self.ownership.touched(object.uid(), since);
        self.list(kind).filter(recent).cloned().collect()
    }

    /// Whether any object of a kind was written after `since`.
    pub(crate) fn written(&self, kind: Kind, since: u64) -> bool {
        self.written.get(&kind).is_some_and(|at| *at > since)
    }

    /// The objects of a kind whose controller has this uid.
    pub(crate) fn owned(&self, kind: Kind, owner: &str) -> Vec<Object> {
        let keys = self.ownership.owned(owner);
        keys.filter(|(own, _)| *own == kind)
            .filter_map(|(_, key)| self.get(kind, key).cloned())
            .collect()
    }

    /// What is controlled by an object that is not there.
    pub(crate) fn orphaned(&self) -> Vec<(Kind, Key)> {
        self.ownership.orphaned()
    }

    /// One object.
    pub(crate) fn get(&self, kind: Kind, key: &Key) -> Option<&Object> {
        self.objects.get(&kind)?.get(key)
    }

    /// One object, or the error that says it is not there.
    pub(crate) fn require(&self, kind: Kind, key: &Key) -> Result<&Object, StoreError> {
        self.get(kind, key).ok_or_else(|| StoreError::NotFound {
            kind,
            name: key.name.clone(),
        })
    }

    /// All objects of a kind, by namespace and name.
    pub(crate) fn list(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        self.objects
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// All objects of a kind, for use while writing.
    pub(crate) fn copy(&self, kind: Kind) -> Vec<Object> {
        self.list(kind).cloned().collect()
    }

    /// All objects of a kind as they were at `revision`.
    pub(crate) fn list_at(&self, kind: Kind, revision: u64) -> Result<Vec<Object>, Expired> {
        let now = self.objects.get(&kind).cloned().unwrap_or_default();
        match self.windows.get(&kind) {
            Some(window) => Ok(window.rewind(now, revision)?.into_values().collect()),
            None => Ok(now.into_values().collect()),
        }
    }

    /// The changes of a kind after `revision`.
    pub(crate) fn changes_after(
        &self,
        kind: Kind,
        revision: u64,
    ) -> Result<Vec<Arc<Change>>, Expired> {
        self.windows
            .get(&kind)
            .map_or_else(|| Ok(Vec::new()), |window| window.after(revision))
    }

    /// Takes the changes that have not been published yet, oldest first.
    pub(crate) fn take_unpublished(&mut self) -> Vec<Arc<Change>> {
        std::mem::take(&mut self.unpublished)
    }

    /// Makes everything up to now unknown to watches, as after a restart of the API server.
    pub(crate) fn forget_history(&mut self) {
        for kind in Kind::ALL {
            self.windows.entry(kind).or_default().forget(self.revision);
        }
        self.unpublished.clear();
    }

    /// Fills in what the server decides about a new object and checks that the name is free.
    pub(crate) fn admit(
        &mut self,
        kind: Kind,
        mut object: Value,
        now: Timestamp,
    ) -> Result<Value, StoreError> {
        let name = match (object.name(), object.text("/metadata/generateName")) {
            ("", "") => {
                return Err(StoreError::Invalid {
                    kind,
                    name: String::new(),
                    field: "metadata.name".to_owned(),
                    why: "Required value: name or generateName is required".to_owned(),
                });
            }
            ("", prefix) => format!("{prefix}{}", self.ids.suffix()),
            (name, _) => name.to_owned(),
        };
        let Some(fields) = object.as_object_mut() else {
            return Err(StoreError::BadRequest {
                why: "the object provided is unrecognized (must be an object)".to_owned(),
            });
        };
        fields.insert("apiVersion".to_owned(), kind.api_version().into());
        fields.insert("kind".to_owned(), kind.info().kind.into());
        if let Some(metadata) = metadata(fields) {
            metadata.insert("name".to_owned(), name.clone().into());
            // How much is told about the others must not decide what they are called.
            let ids = match kind {
                Kind::Event => &mut self.event_ids,
                _ => &mut self.ids,
            };
            metadata.insert("uid".to_owned(), ids.uuid().into());
            metadata.insert("creationTimestamp".to_owned(), rfc3339(now).into());
            for decided in ["deletionTimestamp", "resourceVersion", "generation"] {
                metadata.remove(decided);
            }
            if fields.contains_key("spec") && kind != Kind::Node {
                set_metadata(fields, "generation", 1.into());
            }
        }
        if kind == Kind::Pod {
            super::object::default_pod(&mut object);
        }
        if self.get(kind, &Key::of(&object)).is_some() {
            return Err(StoreError::AlreadyExists { kind, name });
        }
        Ok(object)
    }

    /// Creates an object.
    pub(crate) fn create(
        &mut self,
        kind: Kind,
        object: Value,
        now: Timestamp,
    ) -> Result<Object, StoreError> {
        let object = self.admit(kind, object, now)?;
        Ok(self.put(kind, ChangeKind::Added, object))
    }

    /// Replaces an object. A `resourceVersion` in it must be the stored one. What does not change
    /// anything makes no new revision.
    pub(crate) fn update(&mut self, kind: Kind, object: Value) -> Result<Object, StoreError> {
        let object = self.prepare_update(kind, object)?;
        let stored = self.require(kind, &Key::of(&object))?;
        if **stored == object {
            return Ok(stored.clone());
        }
        Ok(self.put(kind, ChangeKind::Modified, object))
    }

    /// Checks an update and fills in what the server decides.
    pub(crate) fn prepare_update(
        &self,
        kind: Kind,
        mut object: Value,
    ) -> Result<Value, StoreError> {
        let stored = self.require(kind, &Key::of(&object))?;
        let name = stored.name();
        let revision = object.text("/metadata/resourceVersion");
        if !revision.is_empty() && revision != stored.text("/metadata/resourceVersion") {
            return Err(StoreError::modified(kind, name));
        }
        let uid = object.uid();
        if !uid.is_empty() && uid != stored.uid() {
            return Err(StoreError::Invalid {
                kind,
                name: name.to_owned(),
                field: "metadata.uid".to_owned(),
                why: format!("Invalid value: \"{uid}\": field is immutable"),
            });
        }
        let changed_spec = object.get("spec") != stored.get("spec");
        if let Some(fields) = object.as_object_mut() {
            fields.insert("apiVersion".to_owned(), kind.api_version().into());
            fields.insert("kind".to_owned(), kind.info().kind.into());
            for decided in [
                "uid",
                "creationTimestamp",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
                "resourceVersion",
                "generation",
            ] {
                let value = stored.pointer(&format!("/metadata/{decided}")).cloned();
                match value {
                    Some(value) => set_metadata(fields, decided, value),
                    None => {
                        metadata(fields).map(|metadata| metadata.remove(decided));
                    }
                }
            }
            if let Some(generation) = stored.int("/metadata/generation")
                && changed_spec
            {
                set_metadata(fields, "generation", (generation + 1).into());
            }
        }
        Ok(object)
    }

    /// Replaces only the status.
    pub(crate) fn set_status(
        &mut self,
        kind: Kind,
        key: &Key,
        status: Value,
    ) -> Result<Object, StoreError> {
        let stored = self.require(kind, key)?;
        if stored.get("status") == Some(&status) {
            return Ok(stored.clone());
        }
        let mut object = Value::clone(stored);
        if let Some(fields) = object.as_object_mut() {
            fields.insert("status".to_owned(), status);
        }
        self.update(kind, object)
    }

    /// Deletes as the API does: pods that run are given their grace period first. Returns the
    /// object, and whether it is gone.
    pub(crate) fn delete(
        &mut self,
        kind: Kind,
        key: &Key,
        how: &Delete,
        now: Timestamp,
    ) -> Result<(Object, bool), StoreError> {
        let stored = self.check_delete(kind, key, how)?;
        if kind == Kind::Pod && !stored.text("/spec/nodeName").is_empty() && !stored.is_finished() {
            let own = stored
                .int("/spec/terminationGracePeriodSeconds")
                .unwrap_or(30);
            let wanted = how.grace_seconds.unwrap_or(own).max(0);
            let current = stored.int("/metadata/deletionGracePeriodSeconds");
            if wanted > 0 {
                if current.is_some_and(|current| current <= wanted) {
                    return Ok((stored, false));
                }
                let object = terminating(&stored, wanted, now);
                return Ok((self.put(kind, ChangeKind::Modified, object), false));
            }
        }
        Ok((self.remove(kind, key)?, true))
    }

    /// Checks the preconditions of a deletion.
    pub(crate) fn check_delete(
        &self,
        kind: Kind,
        key: &Key,
        how: &Delete,
    ) -> Result<Object, StoreError> {
        let stored = self.require(kind, key)?;
        let conflict = |what: &str, wanted: &str, found: &str| StoreError::Conflict {
            kind,
            name: key.name.clone(),
            why: format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record \
                 ({found}). The object might have been deleted and then recreated"
            ),
        };
        if let Some(uid) = how.uid.as_deref().filter(|uid| *uid != stored.uid()) {
            return Err(conflict("UID", uid, stored.uid()));
        }
        let found = stored.text("/metadata/resourceVersion");
        if let Some(wanted) = how.revision.as_deref().filter(|wanted| *wanted != found) {
            return Err(conflict("ResourceVersion", wanted, found));
        }
        Ok(stored.clone())
    }

    /// Removes an object at once.
    pub(crate) fn remove(&mut self, kind: Kind, key: &Key) -> Result<Object, StoreError> {
        let object = Value::clone(self.require(kind, key)?);
        Ok(self.put(kind, ChangeKind::Deleted, object))
    }

    fn put(&mut self, kind: Kind, what: ChangeKind, mut object: Value) -> Object {
        self.revision += 1;
        if let Some(fields) = object.as_object_mut() {
            set_metadata(fields, "resourceVersion", self.revision.to_string().into());
        }
        let key = Key::of(&object);
        let object = Arc::new(object);
        let objects = self.objects.entry(kind).or_default();
        let previous = match what {
            ChangeKind::Deleted => objects.remove(&key),
            _ => objects.insert(key, object.clone()),
        };
        if kind != Kind::Event {
            self.acted = self.revision;
            let before = previous.as_deref();
            self.ownership
                .note(kind, what, before, &object, self.revision);
        }
        self.written.insert(kind, self.revision);
        let change = Arc::new(Change {
            revision: self.revision,
            kind,
            what,
            object: object.clone(),
            previous,
        });
        self.windows.entry(kind).or_default().push(change.clone());
        self.unpublished.push(change);
        object
    }
}

fn metadata(fields: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    fields
        .entry("metadata")
        .or_insert_with(|| json!({}))
        .as_object_mut()
}

fn set_metadata(fields: &mut Map<String, Value>, key: &str, value: Value) {
    if let Some(metadata) = metadata(fields) {
        metadata.insert(key.to_owned(), value);
    }
}

fn terminating(stored: &Value, grace: i64, now: Timestamp) -> Value {
    let mut object = stored.clone();
    let seconds = u64::try_from(grace).unwrap_or_default();
    let began = match (
        stored.time("/metadata/deletionTimestamp"),
        stored.int("/metadata/deletionGracePeriodSeconds"),
    ) {
        (Some(end), Some(old)) => crate::clock::before(
            end,
            Duration::from_secs(u64::try_from(old).unwrap_or_default()),
        ),
        _ => now,
    };
    if let Some(fields) = object.as_object_mut() {
        let end = rfc3339(after(began, Duration::from_secs(seconds)));
        set_metadata(fields, "deletionTimestamp", end.into());
        set_metadata(fields, "deletionGracePeriodSeconds", grace.into());
    }
    object
}
