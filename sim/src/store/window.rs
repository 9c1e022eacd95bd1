//! The last changes of one kind: what watches start from and old lists are rebuilt from.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::{Key, Kind, Object};

/// Changes kept per kind. A watch or list that needs older ones gets "410 Expired".
const CAPACITY: usize = 1000;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One write.
#[derive(Debug)]
pub(crate) struct Change {
    /// Revision of the write.
    pub(crate) revision: u64,
    /// Kind of the object.
    pub(crate) kind: Kind,
    /// What happened.
    pub(crate) what: ChangeKind,
    /// The object after the write; a deleted one as it was last, with the write's revision.
    pub(crate) object: Object,
    /// The object before the write.
    pub(crate) previous: Option<Object>,
}

/// The revision is older than the window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expired {
    /// Oldest revision that would still do.
    pub(crate) oldest: u64,
}

/// The window of one kind.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Changes after this revision are all here.
    complete_after: u64,
    changes: VecDeque<Arc<Change>>,
}

impl Window {
    /// Adds the newest change and forgets the oldest beyond the capacity.
    pub(crate) fn push(&mut self, change: Arc<Change>) {
        self.changes.push_back(change);
        while self.changes.len() > CAPACITY {
            if let Some(oldest) = self.changes.pop_front() {
                self.complete_after = oldest.revision;
            }
        }
    }

    /// Forgets everything up to `revision`, as after a restart of the API server.
    pub(crate) fn forget(&mut self, revision: u64) {
        self.changes.clear();
        self.complete_after = revision;
    }

    /// The changes after `revision`, oldest first.
    pub(crate) fn after(&self, revision: u64) -> Result<Vec<Arc<Change>>, Expired> {
        if revision < self.complete_after {
            return Err(Expired {
                oldest: self.complete_after,
            });
        }
        let start = self
            .changes
            .partition_point(|change| change.revision <= revision);
        Ok(self.changes.iter().skip(start).cloned().collect())
    }

    /// Turns the objects of now into those of `revision` by undoing what came after.
    pub(crate) fn rewind(
        &self,
        mut objects: BTreeMap<Key, Object>,
        revision: u64,
    ) -> Result<BTreeMap<Key, Object>, Expired> {
        for change in self.after(revision)?.iter().rev() {
            let key = Key::of(&change.object);
            match &change.previous {
                Some(previous) => objects.insert(key, previous.clone()),
                None => objects.remove(&key),
            };
        }
        Ok(objects)
    }
}
