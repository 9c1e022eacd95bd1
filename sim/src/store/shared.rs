//! The store as the tasks share it: one lock, never held over an await, and one bounded
//! broadcast of the changes.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::{broadcast, watch};

use super::{Change, Store};
use crate::clock::Clock;

/// Changes that a slow watcher may be behind before it is cut.
const BACKLOG: usize = 1024;

/// The store, its clock and its news.
#[derive(Debug)]
pub(crate) struct Shared {
    store: Mutex<Store>,
    changes: broadcast::Sender<Arc<Change>>,
    revision: watch::Sender<u64>,
    clock: Clock,
}

impl Shared {
    /// Shares a store.
    pub(crate) fn new(store: Store, clock: Clock) -> Self {
        Self {
            revision: watch::Sender::new(store.revision()),
            store: Mutex::new(store),
            changes: broadcast::Sender::new(BACKLOG),
            clock,
        }
    }

    /// The cluster's clock.
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Reads or writes; what was written is published before anyone else can write.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Store, Timestamp) -> T) -> T {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut store, self.clock.now());
        for change in store.take_unpublished() {
            // Nobody watching is no error.
            let _ = self.changes.send(change);
        }
        let revision = store.revision();
        self.revision.send_if_modified(|known| {
            let newer = *known != revision;
            *known = revision;
            newer
        });
        result
    }

    /// Reads, and subscribes to all that is written after that.
    pub(crate) fn subscribe<T>(
        &self,
        read: impl FnOnce(&Store) -> T,
    ) -> (T, broadcast::Receiver<Arc<Change>>) {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = self.changes.subscribe();
        (read(&store), receiver)
    }

    /// Follows the revision of the last write.
    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}
