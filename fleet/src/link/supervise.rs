//! Keeps the links that [`Pacing`] asks for: a stream to each daemon that is looked at, a visit now
//! and then to the others.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use gputop_model::{Moment, NodeName};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::dial::Dial;
use super::interest::{Interest, Pace};
use super::line::{Line, Wanted, lost};
use super::mailbox::Mailboxes;
use super::pacing::{MAX_OPEN, Order, Pacing, ROUND};
use crate::engine::moment;
use crate::state::LinkState;
use crate::watch::{DaemonPod, Daemons};

/// Tunnels that are opened at the same time; each costs the API server a WebSocket handshake.
const DIALS_AT_ONCE: usize = 16;

/// How long a node without a daemon is still remembered: an update of the `DaemonSet` replaces the
/// pod within that time, and what is known of the node is not to blink.
const REMEMBERED: Duration = Duration::from_secs(60);

/// What all links share.
pub(super) struct Links {
    pub(super) dial: Arc<dyn Dial>,
    pub(super) mailboxes: Arc<Mailboxes>,
    pub(super) epoch: Instant,
}

/// A stream that is being kept.
struct Stream {
    stop: CancellationToken,
    task: JoinHandle<Option<()>>,
    wanted: watch::Sender<Wanted>,
}

impl Stream {
    /// Ends it, and waits until it says nothing more.
    async fn end(self) {
        self.stop.cancel();
        let _ended = self.task.await;
    }
}

/// The end of a visit.
struct Visited {
    node: NodeName,
    pod: DaemonPod,
    answered: bool,
}

/// Everything that is open, and the plan for it.
struct Supervisor {
    links: Links,
    dials: Arc<Semaphore>,
    places: Arc<Semaphore>,
    cancel: CancellationToken,
    pods: Daemons,
    pacing: Pacing,
    /// `None`: nobody has said yet what matters.
    interest: Option<Interest>,
    streams: BTreeMap<NodeName, Stream>,
    visits: JoinSet<Option<Visited>>,
    visit_stops: BTreeMap<NodeName, CancellationToken>,
    /// Nodes without a daemon, and when they are forgotten.
    leaving: BTreeMap<NodeName, Instant>,
}

impl Links {
    /// Follows `daemons` and `interest` until cancelled.
    pub(super) async fn run(
        self,
        mut daemons: watch::Receiver<Daemons>,
        mut interest: watch::Receiver<Option<Interest>>,
        cancel: &CancellationToken,
    ) {
        let mut supervisor = Supervisor {
            links: self,
            dials: Arc::new(Semaphore::new(DIALS_AT_ONCE)),
            places: Arc::new(Semaphore::new(MAX_OPEN)),
            cancel: cancel.clone(),
            pods: Daemons::new(),
            pacing: Pacing::default(),
            interest: None,
            streams: BTreeMap::new(),
            visits: JoinSet::new(),
            visit_stops: BTreeMap::new(),
            leaving: BTreeMap::new(),
        };
        loop {
            let wanted = daemons.borrow_and_update().clone();
            supervisor.follow_pods(wanted).await;
            supervisor.forget();
            let wake = supervisor.step().await;
            tokio::select! {
                () = cancel.cancelled() => return,
                changed = daemons.changed() => if changed.is_err() { return },
                Ok(()) = interest.changed() => {
                    let wanted = interest.borrow_and_update().clone();
                    supervisor.look_at(wanted);
                }
                Some(visited) = supervisor.visits.join_next() => {
                    supervisor.note(visited.ok().flatten());
                }
                () = sleep_until(wake) => {}
            }
        }
    }
}

impl Supervisor {
    fn now(&self) -> Moment {
        moment(self.links.epoch)
    }

    /// Ends what belongs to pods that are gone or were replaced, and plans for new ones.
    async fn follow_pods(&mut self, wanted: Daemons) {
        let before = std::mem::replace(&mut self.pods, wanted);
        for (node, pod) in &before {
            if self.pods.get(node) == Some(pod) {
                continue;
            }
            if let Some(stream) = self.streams.remove(node) {
                stream.end().await;
            }
            if let Some(stop) = self.visit_stops.remove(node) {
                stop.cancel();
            }
            if !self.pods.contains_key(node) {
                self.pacing.remove(node);
                lost(
                    &self.links.mailboxes,
                    node,
                    self.now(),
                    "its pod does not run any more",
                );
                self.leaving
                    .insert(node.clone(), Instant::now() + REMEMBERED);
            }
        }
        let mut added = false;
        for (node, pod) in &self.pods {
            if before.get(node) == Some(pod) {
                continue;
            }
            added |= !before.contains_key(node);
            self.pacing.add(node.clone());
            self.leaving.remove(node);
            if self.links.mailboxes.link(node).is_none() {
                self.links.mailboxes.put(node, LinkState::Connecting, None);
            }
        }
        if added {
            // The screen may have shown them before they had a daemon.
            self.refocus();
        }
    }

    /// Takes a new interest.
    fn look_at(&mut self, interest: Option<Interest>) {
        let before = self.interest.replace(interest.unwrap_or_default());
        if before.map(|before| before.focus) != self.interest.as_ref().map(|now| now.focus.clone())
        {
            self.refocus();
        }
    }

    fn refocus(&mut self) {
        if let Some(interest) = &self.interest {
            self.pacing.focus(&interest.focus);
        }
    }

    /// Forgets nodes that have had no daemon for a while.
    fn forget(&mut self) {
        let now = Instant::now();
        let over = self.leaving.extract_if(.., |_, until| *until <= now);
        for (node, _) in over.collect::<Vec<_>>() {
            self.links.mailboxes.forget(&node);
        }
    }

    /// A visit has ended; `None`: it was stopped.
    fn note(&mut self, visited: Option<Visited>) {
        let Some(Visited {
            node,
            pod,
            answered,
        }) = visited
        else {
            return;
        };
        // One of a pod that has been replaced in the meantime does not count.
        if self.pods.get(&node) != Some(&pod) {
            return;
        }
        self.visit_stops.remove(&node);
        let now = self.now();
        let next = self.pacing.visited(&node, answered, now);
        if answered {
            self.links
                .mailboxes
                .put(&node, LinkState::Visited { next }, None);
        }
    }

    /// Does what is due; returns when there is something to do again.
    async fn step(&mut self) -> Instant {
        let now = self.now();
        let mailboxes = self.links.mailboxes.clone();
        for order in self.pacing.step(now, |node| mailboxes.is_known(node)) {
            match order {
                Order::Close(node) => self.close(&node).await,
                Order::Stream(node) => self.stream(node),
                Order::Visit(node) => self.visit(node),
            }
        }
        for (node, stream) in &self.streams {
            let wanted = self.wanted(node);
            stream
                .wanted
                .send_if_modified(|known| std::mem::replace(known, wanted) != wanted);
        }
        let pacing = self.pacing.wake(now).map(|wake| self.links.epoch + wake.0);
        let leaving = self.leaving.values().min().copied();
        let wake = pacing.into_iter().chain(leaving).min();
        wake.unwrap_or_else(|| Instant::now() + ROUND)
    }

    /// What is wanted of the stream to a node's daemon.
    fn wanted(&self, node: &NodeName) -> Wanted {
        let pace = match &self.interest {
            None => Pace::Live,
            Some(interest) if self.pacing.is_focused(node) => interest.pace,
            Some(_) => Pace::Calm,
        };
        Wanted {
            interval: pace.interval(),
            past: self.interest.is_some(),
        }
    }

    async fn close(&mut self, node: &NodeName) {
        let Some(stream) = self.streams.remove(node) else {
            return;
        };
        stream.end().await;
        if self.links.mailboxes.link(node) == Some(LinkState::Live) {
            let next = Moment(self.now().0 + ROUND);
            self.links
                .mailboxes
                .put(node, LinkState::Visited { next }, None);
        }
    }

    fn line(&self, node: &NodeName) -> Option<Line> {
        Some(Line {
            node: node.clone(),
            pod: self.pods.get(node)?.clone(),
            dial: self.links.dial.clone(),
            dials: self.dials.clone(),
            places: self.places.clone(),
            mailboxes: self.links.mailboxes.clone(),
            epoch: self.links.epoch,
        })
    }

    fn stream(&mut self, node: NodeName) {
        let Some(line) = self.line(&node) else { return };
        let stop = self.cancel.child_token();
        let (wanted, followed) = watch::channel(self.wanted(&node));
        let task = stop.clone().run_until_cancelled_owned(line.keep(followed));
        let stream = Stream {
            task: tokio::spawn(task),
            stop,
            wanted,
        };
        self.streams.insert(node, stream);
    }

    fn visit(&mut self, node: NodeName) {
        let Some(line) = self.line(&node) else { return };
        let stop = self.cancel.child_token();
        self.visit_stops.insert(node.clone(), stop.clone());
        let pod = line.pod.clone();
        let past = self.interest.is_some();
        self.visits
            .spawn(stop.run_until_cancelled_owned(async move {
                // One that comes to grief has not answered; its turn is over all the same.
                let visit = AssertUnwindSafe(line.visit(past)).catch_unwind();
                let answered = visit.await.unwrap_or_else(|_panic| {
                    line.gave_up();
                    false
                });
                Visited {
                    node,
                    pod,
                    answered,
                }
            }));
    }
}
