//! The link to one daemon: a stream that is kept, or a visit.

use std::sync::Arc;
use std::time::Duration;

use gputop_model::{Moment, NodeName, NodeSnapshot};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::backoff::Backoff;
use super::catch_up::CatchUp;
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

/// How long the answer about the past may take, beside a stream…
const PAST: Duration = Duration::from_secs(10);

/// …and in a visit.
const VISITED_PAST: Duration = Duration::from_secs(2);

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

/// What is wanted of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// How often the daemon is to report.
    pub(super) interval: Duration,
    /// Somebody looks at graphs: what was measured before is of use.
    pub(super) past: bool,
}

impl Line {
    /// Keeps a stream open, for ever.
    pub(super) async fn keep(self, mut wanted: watch::Receiver<Wanted>) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
        loop {
            let asked = wanted.borrow_and_update().interval;
            let ended = match self.open(asked).await {
                Ok(session) => self.follow(session, &mut backoff, &mut wanted).await,
                Err(error) => error,
            };
            self.lost(&ended);
            sleep(backoff.next_jittered()).await;
        }
    }

    /// Asks once, also for what was measured since the last time if the `past` is of use; `true`:
    /// it has answered.
    pub(super) async fn visit(&self, past: bool) -> bool {
        let gap = CatchUp::new(self);
        let visit = async {
            let mut session = self.open(Pace::Calm.interval()).await?;
            let snapshot = session.next().await?;
            Ok((session, snapshot))
        };
        let visited = timeout(VISIT, visit).await;
        match visited.unwrap_or(Err(SessionError::Visit(VISIT))) {
            Ok((session, snapshot)) => {
                // When the next visit is due is for the supervisor to say.
                let at = moment(self.epoch);
                self.put(LinkState::Visited { next: at }, snapshot.clone(), at);
                self.tell_past(gap, past, &session, &snapshot, at).await;
                true
            }
            Err(error) => {
                self.lost(&error);
                false
            }
        }
    }

    /// The end of a visit: what was measured before, if it is missing.
    async fn tell_past(
        &self,
        mut gap: CatchUp,
        wanted: bool,
        session: &Session,
        snapshot: &NodeSnapshot,
        at: Moment,
    ) {
        gap.ask(wanted, session, snapshot, self, VISITED_PAST);
        let answered = gap.answered().await;
        gap.take(answered, snapshot, self);
        gap.heard(self, at);
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
        wanted: &mut watch::Receiver<Wanted>,
    ) -> SessionError {
        // When a calmer pace is asked for.
        let mut calm_from = None;
        let mut gap = CatchUp::new(self);
        let mut last: Option<Arc<NodeSnapshot>> = None;
        loop {
            let Wanted { interval, past } = *wanted.borrow_and_update();
            if interval <= session.interval() {
                session.set_interval(interval);
                calm_from = None;
            } else if calm_from.is_none() {
                calm_from = Some(Instant::now() + LINGER);
            }
            if let Some(last) = &last {
                gap.ask(past, &session, last, self, PAST);
            }
            tokio::select! {
                next = session.next() => match next {
                    Ok(snapshot) => {
                        backoff.reset();
                        let at = moment(self.epoch);
                        self.put(LinkState::Live, snapshot.clone(), at);
                        gap.heard(self, at);
                        last = Some(snapshot);
                    }
                    Err(error) => return error,
                },
                answered = gap.answered(), if gap.is_asking() => {
                    if let Some(last) = &last {
                        gap.take(answered, last, self);
                    }
                }
                Ok(()) = wanted.changed() => {}
                () = at(calm_from) => {
                    session.set_interval(interval);
                    calm_from = None;
                }
            }
        }
    }

    fn put(&self, link: LinkState, snapshot: Arc<NodeSnapshot>, at: Moment) {
        let received = Received { snapshot, at };
        self.mailboxes.put(&self.node, link, Some(received));
    }

    /// Says that a visit has broken off inside this program.
    pub(super) fn gave_up(&self) {
        let why = "asking it has failed in this program; it is tried again";
        lost(&self.mailboxes, &self.node, moment(self.epoch), why);
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
