//! The loop that lets controllers, scheduler and kubelets work until nothing is left to do.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::events;
use crate::clock::earlier;
use crate::daemon::Daemons;
use crate::kubelet::Kubelets;
use crate::scenario::NodeScenario;
use crate::store::{Shared, Store};
use crate::{controllers, scheduler};

/// Rounds after which the world is looked at again later: a change that undoes itself must not
/// stop the clock.
const ROUNDS: usize = 64;

/// Everything that acts on the store.
#[derive(Debug)]
pub(crate) struct World {
    kubelets: Kubelets,
    /// Up to which write controllers and scheduler have acted, and when something else is due.
    acted: u64,
    due: Option<Timestamp>,
}

impl World {
    /// For these nodes.
    pub(crate) fn new(nodes: Vec<NodeScenario>) -> Self {
        Self {
            kubelets: Kubelets::new(nodes),
            acted: 0,
            due: None,
        }
    }

    /// Lets everyone act until nothing changes any more. Returns when to do so again.
    pub(super) fn settle(&mut self, store: &mut Store, now: Timestamp) -> Option<Timestamp> {
        let mut wake = None;
        for _ in 0..ROUNDS {
            if store.acted() != self.acted || self.due.is_some_and(|due| due <= now) {
                let since = std::mem::replace(&mut self.acted, store.acted());
                self.due = controllers::step(store, since, now);
                scheduler::schedule(store, now);
            }
            wake = earlier(self.due, self.kubelets.step(store, now));
            if store.acted() == self.acted {
                return wake;
            }
        }
        tracing::warn!("the simulated cluster does not come to rest");
        earlier(
            wake,
            Some(crate::clock::after(now, std::time::Duration::from_secs(1))),
        )
    }

    /// One turn of the running cluster.
    fn turn(&mut self, store: &mut Store, daemons: &Daemons, now: Timestamp) -> Option<Timestamp> {
        let fault = |name: &str| {
            daemons
                .node(name)
                .and_then(crate::daemon::DaemonNode::fault)
        };
        let heartbeat = self.kubelets.report_nodes(store, fault, now);
        events::expire(store, now);
        let wake = self.settle(store, now);
        events::repeat(store, now);
        for (name, node) in daemons.iter() {
            let usage = self.kubelets.usage(store, name);
            node.follow(usage.daemon, usage.occupants, usage.allocations, now);
        }
        earlier(heartbeat, wake)
    }

    /// The first turn, before anyone looks.
    pub(crate) fn begin(&mut self, store: &mut Store, daemons: &Daemons, now: Timestamp) {
        self.turn(store, daemons, now);
    }
}

/// Drives the world until `stop`: after each write of anyone else, and when something is due.
pub(crate) async fn drive(
    mut world: World,
    shared: Arc<Shared>,
    daemons: Arc<Daemons>,
    stop: CancellationToken,
) {
    let mut revisions = shared.revisions();
    loop {
        let wake = shared.with(|store, now| world.turn(store, &daemons, now));
        // Its own writes are no news.
        revisions.mark_unchanged();
        let alarm = async {
            match wake {
                Some(at) => sleep_until(shared.clock().instant(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            changed = revisions.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = daemons.faults_changed() => {}
            () = alarm => {}
        }
    }
}
