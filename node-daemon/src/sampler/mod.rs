//! Asks source, kubelet and operating system in turn and publishes numbered snapshots.

mod ages;
mod feed;
mod stats;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gputop_model::{
    Allocation, Device, Failure, Limitation, Moment, NodeName, NodeSnapshot, Protocol, Reading,
};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::history::History;
use crate::machine::Machine;
use crate::pods::Allocations;
use crate::procs::{Attribution, no_mig_rights};
use crate::source::{Round, Source, whole_millis};
use ages::{aged, same_but_for_ages};

pub use feed::Feed;
#[cfg(feature = "host")]
pub(crate) use stats::RANGES;
pub use stats::SamplerStats;

/// How often a node is sampled that nobody looks at.
const UNWATCHED: Duration = Duration::from_secs(5);

/// Oldest that published ages may get when nothing else changes.
const REFRESH_AGES: Duration = Duration::from_secs(5);

/// How long the kubelet may take; what it has not said by then fails alone.
const KUBELET_LIMIT: Duration = Duration::from_secs(2);

/// How late a sample may be before the sampling counts as dead. Opening the driver takes seconds.
const SILENT: Duration = Duration::from_secs(30);

/// How to sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Time between samples while someone looks.
    pub interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
        }
    }
}

/// Whom a node's sampler asks.
pub struct Inputs {
    /// Cards and processes.
    pub source: Arc<dyn Source>,
    /// The kubelet.
    pub allocations: Arc<dyn Allocations>,
    /// Who knows what a process belongs to.
    pub attribution: Arc<dyn Attribution>,
    /// The machine around the GPUs.
    pub machine: Arc<dyn Machine>,
}

/// The loop that samples a node.
pub struct Sampler {
    node: NodeName,
    inputs: Inputs,
    interval: Duration,
    start: Instant,
    published: Option<Instant>,
    snapshots: watch::Sender<Arc<NodeSnapshot>>,
    subscribed: Arc<Notify>,
    history: Arc<History>,
    stats: Arc<Mutex<SamplerStats>>,
}

/// A running sampler.
#[derive(Debug, Clone)]
pub struct SamplerHandle {
    snapshots: watch::Sender<Arc<NodeSnapshot>>,
    subscribed: Arc<Notify>,
    start: Instant,
    interval: Duration,
    history: Arc<History>,
    stats: Arc<Mutex<SamplerStats>>,
}

impl SamplerHandle {
    /// The snapshots from now on. The first is numbered 1; number 0 stands for "nothing sampled
    /// yet". While there is a receiver the node is sampled at full pace; the first receiver after a
    /// while is told at once how old the last values are, and the new ones as soon as they are there.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<NodeSnapshot>> {
        if self.snapshots.receiver_count() == 0 {
            let now = whole_millis(self.start.elapsed());
            self.snapshots.send_if_modified(|last| {
                let old = last.sequence > 0 && now.saturating_sub(last.uptime) > self.interval;
                if old {
                    *last = Arc::new(aged(last, now));
                }
                old
            });
        }
        let receiver = self.snapshots.subscribe();
        self.subscribed.notify_one();
        receiver
    }

    /// What a connection is served from; it becomes a subscriber when its client looks.
    #[must_use]
    pub fn feed(&self) -> Feed {
        self.clone().into()
    }

    /// Whether samples are still taken: the last one is no older than it may become, be it because
    /// the loop has ended or because somebody whom it asks does not answer.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let last = self.stats().last.unwrap_or_default();
        let pace = UNWATCHED.max(self.interval);
        self.uptime().saturating_sub(last) <= pace + SILENT
    }

    /// Subscriptions at the moment.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.snapshots.receiver_count()
    }

    /// What sampling has cost so far.
    #[must_use]
    pub fn stats(&self) -> SamplerStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the sampler has run.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.start.elapsed()
    }

    /// The newest snapshot, without becoming a subscriber.
    #[must_use]
    pub fn latest(&self) -> Arc<NodeSnapshot> {
        Arc::clone(&self.snapshots.borrow())
    }
}

impl Sampler {
    /// Starts to sample until `cancel`. Must be called within a tokio runtime; the first sample
    /// is taken at once.
    #[must_use]
    pub fn start(
        node: NodeName,
        inputs: Inputs,
        options: Options,
        cancel: CancellationToken,
    ) -> SamplerHandle {
        let (snapshots, _) = watch::channel(Arc::new(NodeSnapshot {
            daemon_version: crate::VERSION.to_owned(),
            protocol: Protocol::current(),
            ..NodeSnapshot::unsampled(node.clone())
        }));
        let subscribed = Arc::new(Notify::new());
        // An interval of zero would spin.
        let interval = options.interval.max(Duration::from_millis(10));
        let start = Instant::now();
        let handle = SamplerHandle {
            snapshots: snapshots.clone(),
            subscribed: Arc::clone(&subscribed),
            start,
            interval,
            history: Arc::new(History::new(start)),
            stats: Arc::default(),
        };
        let sampler = Self {
            node,
            inputs,
            interval,
            start,
            published: None,
            snapshots,
            subscribed,
            history: Arc::clone(&handle.history),
            stats: Arc::clone(&handle.stats),
        };
        tokio::spawn(async move {
            // Cancelled between or within samples: nothing is half-published.
            cancel.run_until_cancelled_owned(sampler.run()).await;
        });
        handle
    }

    async fn run(mut self) {
        loop {
            let began = Instant::now();
            self.step(began).await;
            self.stats
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .note(began.duration_since(self.start), began.elapsed());
            self.wait_for_next(began).await;
        }
    }

    /// Waits for the next sample's time; a new subscriber brings it forward.
    async fn wait_for_next(&self, began: Instant) {
        loop {
            let pace = if self.snapshots.receiver_count() == 0 {
                UNWATCHED.max(self.interval)
            } else {
                self.interval
            };
            tokio::select! {
                () = sleep_until(began + pace) => return,
                () = self.subscribed.notified() => {}
            }
        }
    }

    async fn step(&mut self, now: Instant) {
        let uptime = now.duration_since(self.start);
        let round = Round {
            now: uptime,
            watched: self.snapshots.receiver_count() > 0,
        };
        let source = &self.inputs.source;
        let (sample, allocations) = tokio::join!(source.sample(round), self.kubelet());
        self.history.record(&sample, Moment(uptime));
        let mut processes = sample.processes;
        for process in &mut processes {
            self.inputs
                .attribution
                .describe(process.pid)
                .complete(process);
        }
        let pids = processes.iter().map(|process| process.pid).collect();
        self.inputs.attribution.retain(&pids);
        let limitations = self.limitations(&sample.devices);
        let next = NodeSnapshot {
            daemon_version: crate::VERSION.to_owned(),
            driver: sample.driver,
            devices: sample.devices,
            processes,
            allocations,
            uptime: whole_millis(uptime),
            events: sample.events,
            host: self.inputs.machine.read(uptime),
            limitations,
            protocol: Protocol::current(),
            ..NodeSnapshot::unsampled(self.node.clone())
        };
        let fresh = self
            .published
            .is_some_and(|at| now.duration_since(at) < REFRESH_AGES);
        // Compared and numbered in one step: who comes at this moment may have made the last
        // snapshot older.
        let published = self.snapshots.send_if_modified(|last| {
            let news = !(fresh && same_but_for_ages(last, &next));
            if news {
                *last = Arc::new(NodeSnapshot {
                    sequence: last.sequence + 1,
                    ..next
                });
            }
            news
        });
        if published {
            self.published = Some(now);
        }
    }

    /// What can not be seen, and why.
    fn limitations(&self, devices: &[Device]) -> Vec<Limitation> {
        let mut all = self.inputs.attribution.limitations();
        all.extend(no_mig_rights(devices));
        all.extend(self.inputs.machine.limitations());
        all
    }

    async fn kubelet(&self) -> Reading<Vec<Allocation>> {
        let answer = timeout(KUBELET_LIMIT, self.inputs.allocations.list()).await;
        answer.unwrap_or(Reading::Failed(Failure::Timeout))
    }
}

#[cfg(test)]
mod tests;
