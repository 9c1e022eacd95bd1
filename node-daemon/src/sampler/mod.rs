//! Asks source, kubelet and operating system in turn and publishes numbered snapshots.

mod ages;

use std::sync::Arc;
use std::time::Duration;

use gputop_model::{Allocation, DriverState, Failure, NodeName, NodeSnapshot, Reading};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::pods::Allocations;
use crate::procs::Attribution;
use crate::source::{Source, whole_millis};
use ages::same_but_for_ages;

/// How often a node is sampled that nobody looks at.
const UNWATCHED: Duration = Duration::from_secs(5);

/// Oldest that published ages may get when nothing else changes.
const REFRESH_AGES: Duration = Duration::from_secs(5);

/// How long the kubelet may take; what it has not said by then fails alone.
const KUBELET_LIMIT: Duration = Duration::from_secs(2);

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

/// The loop that samples a node.
pub struct Sampler {
    node: NodeName,
    source: Arc<dyn Source>,
    allocations: Arc<dyn Allocations>,
    attribution: Arc<dyn Attribution>,
    interval: Duration,
    start: Instant,
    published: Option<Instant>,
    snapshots: watch::Sender<Arc<NodeSnapshot>>,
    subscribed: Arc<Notify>,
}

/// A running sampler.
#[derive(Debug, Clone)]
pub struct SamplerHandle {
    snapshots: watch::Sender<Arc<NodeSnapshot>>,
    subscribed: Arc<Notify>,
}

impl SamplerHandle {
    /// The snapshots from now on. The first is numbered 1; number 0 stands for "nothing sampled
    /// yet". While there is a receiver the node is sampled at full pace.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<NodeSnapshot>> {
        let receiver = self.snapshots.subscribe();
        self.subscribed.notify_one();
        receiver
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
    pub fn start(
        node: NodeName,
        source: Arc<dyn Source>,
        allocations: Arc<dyn Allocations>,
        attribution: Arc<dyn Attribution>,
        options: Options,
        cancel: CancellationToken,
    ) -> SamplerHandle {
        let (snapshots, _) = watch::channel(Arc::new(NodeSnapshot {
            node: node.clone(),
            daemon_version: crate::VERSION.to_owned(),
            sequence: 0,
            driver: DriverState::Failed {
                why: "it has not been asked yet".to_owned(),
            },
            devices: Vec::new(),
            processes: Vec::new(),
            allocations: Reading::default(),
            uptime: Duration::ZERO,
            events: Vec::new(),
        }));
        let subscribed = Arc::new(Notify::new());
        let handle = SamplerHandle {
            snapshots: snapshots.clone(),
            subscribed: Arc::clone(&subscribed),
        };
        let sampler = Self {
            node,
            source,
            allocations,
            attribution,
            // An interval of zero would spin.
            interval: options.interval.max(Duration::from_millis(10)),
            start: Instant::now(),
            published: None,
            snapshots,
            subscribed,
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
        let (sample, allocations) = tokio::join!(self.source.sample(uptime), self.kubelet());
        let mut processes = sample.processes;
        for process in &mut processes {
            self.attribution.describe(process.pid).complete(process);
        }
        let before = Arc::clone(&self.snapshots.borrow());
        let next = NodeSnapshot {
            node: self.node.clone(),
            daemon_version: before.daemon_version.clone(),
            sequence: before.sequence + 1,
            driver: sample.driver,
            devices: sample.devices,
            processes,
            allocations,
            uptime: whole_millis(uptime),
            events: sample.events,
        };
        let fresh = self
            .published
            .is_some_and(|at| now.duration_since(at) < REFRESH_AGES);
        if fresh && same_but_for_ages(&before, &next) {
            return;
        }
        self.published = Some(now);
        self.snapshots.send_replace(Arc::new(next));
    }

    async fn kubelet(&self) -> Reading<Vec<Allocation>> {
        let answer = timeout(KUBELET_LIMIT, self.allocations.list()).await;
        answer.unwrap_or(Reading::Failed(Failure::Timeout))
    }
}

#[cfg(test)]
mod tests;
