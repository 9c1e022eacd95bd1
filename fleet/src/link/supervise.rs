//! Keeps one link to each daemon that there is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gputop_model::NodeName;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use super::dial::Dial;
use super::mailbox::Mailboxes;
use super::session::{Session, SessionError};
use crate::engine::moment;
use crate::state::{LinkState, Received};
use crate::watch::{DaemonPod, Daemons};

/// Tunnels that are opened at the same time; each costs the API server a WebSocket handshake.
const DIALS_AT_ONCE: usize = 16;

/// What all links share.
#[derive(Clone)]
pub(super) struct Links {
    pub(super) dial: Arc<dyn Dial>,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) epoch: Instant,
}

/// A link that is being kept.
struct Link {
    pod: DaemonPod,
    stop: CancellationToken,
    task: JoinHandle<Option<()>>,
}

impl Link {
    /// Ends it, and waits until it says nothing more.
    async fn end(self) {
        self.stop.cancel();
        let _ended = self.task.await;
    }
}

impl Links {
    /// Follows `daemons` until cancelled: a link for each, none for those that are gone.
    pub(super) async fn run(
        self,
        mut daemons: watch::Receiver<Daemons>,
        cancel: &CancellationToken,
    ) {
        let dials = Arc::new(Semaphore::new(DIALS_AT_ONCE));
        let mut running: HashMap<NodeName, Link> = HashMap::new();
        loop {
            let wanted = daemons.borrow_and_update().clone();
            let gone: Vec<NodeName> = running
                .iter()
                .filter(|(node, link)| wanted.get(*node) != Some(&link.pod))
                .map(|(node, _)| node.clone())
                .collect();
            for node in gone {
                if let Some(link) = running.remove(&node) {
                    link.end().await;
                }
                if !wanted.contains_key(&node) {
                    self.lost(&node, "its pod does not run any more");
                }
            }
            for (node, pod) in wanted {
                if running.contains_key(&node) {
                    continue;
                }
                let stop = cancel.child_token();
                let task = self.clone().keep(node.clone(), pod.clone(), dials.clone());
                let task = tokio::spawn(stop.clone().run_until_cancelled_owned(task));
                running.insert(node, Link { pod, stop, task });
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                changed = daemons.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Keeps the link to one pod open, for ever.
    async fn keep(self, node: NodeName, pod: DaemonPod, dials: Arc<Semaphore>) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        if self.mailboxes.link(&node).is_none() {
            self.mailboxes.put(&node, LinkState::Connecting, None);
        }
        loop {
            // The permit is given back once the tunnel is open: a daemon that is silent then keeps
            // nobody waiting.
            let dialled = match dials.acquire().await {
                Ok(_permit) => Session::dial(&*self.dial, &pod).await,
                Err(_closed) => return,
            };
            let opened = match dialled {
                Ok(io) => Session::open(io).await,
                Err(error) => Err(error),
            };
            let ended = match opened {
                Ok(session) => self.follow(&node, session, &mut backoff).await,
                Err(error) => error,
            };
            tracing::debug!(%node, error = ?ended, "link to daemon ended");
            self.lost(&node, &ended.to_string());
            tokio::time::sleep(backoff.next()).await;
        }
    }

    /// Delivers snapshots until the session ends.
    async fn follow(
        &self,
        node: &NodeName,
        mut session: Session,
        backoff: &mut Backoff,
    ) -> SessionError {
        loop {
            match session.next().await {
                Ok(snapshot) => {
                    backoff.reset();
                    let received = Received {
                        snapshot,
                        at: moment(self.epoch),
                    };
                    self.mailboxes.put(node, LinkState::Live, Some(received));
                }
                Err(error) => return error,
            }
        }
    }

    /// Says that the link is lost; a loss that is known already keeps its beginning.
    fn lost(&self, node: &NodeName, why: &str) {
        let since = match self.mailboxes.link(node) {
            Some(LinkState::Lost { since, .. }) => since,
            _ => moment(self.epoch),
        };
        self.mailboxes.put(
            node,
            LinkState::Lost {
                since,
                why: why.to_owned(),
            },
            None,
        );
    }
}
