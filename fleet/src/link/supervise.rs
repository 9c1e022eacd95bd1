//! Keeps one link to each daemon that there is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use gputop_model::NodeName;
use tokio::sync::{Semaphore, watch};
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

impl Links {
    /// Follows `daemons` until cancelled: a link for each, none for those that are gone.
    pub(super) async fn run(
        self,
        mut daemons: watch::Receiver<Daemons>,
        cancel: &CancellationToken,
    ) {
        let dials = Arc::new(Semaphore::new(DIALS_AT_ONCE));
        let mut running: HashMap<NodeName, (DaemonPod, CancellationToken)> = HashMap::new();
        loop {
            let wanted = daemons.borrow_and_update().clone();
            running.retain(|node, (pod, link)| {
                if wanted.get(node) == Some(pod) {
                    return true;
                }
                link.cancel();
                if !wanted.contains_key(node) {
                    self.lost(node, "its pod does not run any more");
                }
                false
            });
            for (node, pod) in wanted {
                if running.contains_key(&node) {
                    continue;
                }
                let link = cancel.child_token();
                let task = self.clone().keep(node.clone(), pod.clone(), dials.clone());
                tokio::spawn(link.clone().run_until_cancelled_owned(task));
                running.insert(node, (pod, link));
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
            let opened = match dials.acquire().await {
                Ok(_permit) => Session::open(&*self.dial, &pod).await,
                Err(_closed) => return,
            };
            let ended = match opened {
                Ok(session) => self.follow(&node, session, &mut backoff).await,
                Err(error) => error,
            };
            tracing::debug!(%node, error = %ended, "link to daemon ended");
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
