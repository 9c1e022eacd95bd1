//! The link to one daemon: a stream that is kept, or a visit.

use std::sync::Arc;
use std::time::Duration;

use gputop_model::{Moment, NodeName};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::backoff::Backoff;
use super::dial::{Dial, Place};
use super::failure::SessionError;
use super::interest::Pace;
use super::mailbox::Mailboxes;
use super::session::Session;
use crate::engine::moment;
use crate::state::{LinkState, Received};
use crate::watch::DaemonPod;

/// How long a whole visit may take: its place is needed for others.
const VISIT: Duration = Duration::from_secs(10);

/// How long a daemon goes on at full pace after nobody looks at it any more: who scrolls back finds
/// it so.
const LINGER: Duration = Duration::from_secs(10);

/// What is needed to reach one daemon.
pub(super) struct Line {
    pub(super) node: NodeName,
    pub(super) pod: DaemonPod,
    pub(super) dial: Arc<dyn Dial>,
    /// Dials at the same time, of all links together.
    pub(super) dials: Arc<Semaphore>,
    /// Tunnels at the same time.
    pub(super) places: Arc<Semaphore>,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) epoch: Instant,
}

impl Line {
    /// Keeps a stream open, for ever; `interval`: how often it is to report.
    pub(super) async fn keep(self, mut interval: watch::Receiver<Duration>) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        loop {
            let asked = *interval.borrow_and_update();
            let ended = match self.open(asked).await {
                Ok(session) => self.follow(session, &mut backoff, &mut interval).await,
                Err(error) => error,
            };
            self.lost(&ended);
            sleep(backoff.next_jittered()).await;
        }
    }

    /// Asks once; `true`: it has answered.
    pub(super) async fn visit(&self) -> bool {
        let visit = async {
            let mut session = self.open(Pace::Calm.interval()).await?;
            let snapshot = session.next().await?;
            // The tunnel is given back before anything else is done.
            drop(session);
            Ok(snapshot)
        };
        let visited = timeout(VISIT, visit).await;
        match visited.unwrap_or(Err(SessionError::Visit(VISIT))) {
            Ok(snapshot) => {
                // When the next visit is due is for the supervisor to say.
                let at = moment(self.epoch);
                let link = LinkState::Visited { next: at };
                let received = Received { snapshot, at };
                self.mailboxes.put(&self.node, link, Some(received));
                true
            }
            Err(error) => {
                self.lost(&error);
                false
            }
        }
    }

    async fn open(&self, interval: Duration) -> Result<Session, SessionError> {
        // One that is just closing may still have it.
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| SessionError::Ended)?;
        // The permit is given back once the tunnel is open: a daemon that is silent then keeps
        // nobody waiting.
        let dialled = {
            let _permit = self.dials.acquire().await;
            Session::dial(&*self.dial, &self.pod, Place::new(place)).await
        };
        Session::open(dialled?, interval).await
    }

    /// Delivers snapshots until the session ends.
    async fn follow(
        &self,
        mut session: Session,
        backoff: &mut Backoff,
        interval: &mut watch::Receiver<Duration>,
    ) -> SessionError {
        // When a calmer pace is asked for.
        let mut calm_from = None;
        loop {
            let wanted = *interval.borrow_and_update();
            if wanted <= session.interval() {
                session.set_interval(wanted);
                calm_from = None;
            } else if calm_from.is_none() {
                calm_from = Some(Instant::now() + LINGER);
            }
            tokio::select! {
                next = session.next() => match next {
                    Ok(snapshot) => {
                        backoff.reset();
                        let at = moment(self.epoch);
                        let received = Received { snapshot, at };
                        self.mailboxes.put(&self.node, LinkState::Live, Some(received));
                    }
                    Err(error) => return error,
                },
                Ok(()) = interval.changed() => {}
                () = at(calm_from) => {
                    session.set_interval(wanted);
                    calm_from = None;
                }
            }
        }
    }

    fn lost(&self, why: &SessionError) {
        tracing::debug!(node = %self.node, error = ?why, "link to daemon ended");
        let now = moment(self.epoch);
        lost(&self.mailboxes, &self.node, now, &why.to_string());
    }
}

/// Waits until then; for ever without a time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Says that a link is lost; a loss that is known already keeps its beginning.
pub(super) fn lost(mailboxes: &Mailboxes, node: &NodeName, now: Moment, why: &str) {
    let since = match mailboxes.link(node) {
        Some(LinkState::Lost { since, .. }) => since,
        _ => now,
    };
    let link = LinkState::Lost {
        since,
        why: why.to_owned(),
    };
    mailboxes.put(node, link, None);
}
