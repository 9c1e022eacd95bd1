//! The controllers: thin, but they keep what is asked for.

mod daemon_set;
mod deployment;
mod follow_up;
mod garbage;
mod job;
mod losses;
mod pods;
mod replica_set;
mod stateful_set;
mod taints;

use jiff::Timestamp;

use crate::clock::earlier;
use crate::store::{Kind, Store};

/// Lets each controller do what is due after the writes since `since`. Returns when to look again
/// without a change.
pub(crate) fn step(store: &mut Store, since: u64, now: Timestamp) -> Option<Timestamp> {
    if store.written(Kind::Node, since) {
        taints::sync(store, now);
    }
    garbage::collect(store, now);
    deployment::sync(store, since, now);
    replica_set::sync(store, since, now);
    stateful_set::sync(store, since, now);
    daemon_set::sync(store, since, now);
    let jobs = job::sync(store, now);
    earlier(jobs, follow_up::sync(store, now))
}

#[cfg(test)]
mod tests;
