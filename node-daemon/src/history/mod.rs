//! What was measured in the last hour, in memory, so that a client's graphs are full when it comes.
//!
//! A device, be it a GPU or a MIG instance, has two rings: a sample a second for ten minutes and
//! one in five seconds for an hour. They take 13.2 kB when they are full; sixteen GPUs with seven
//! instances each take 1.7 MB. While nobody looks the node is sampled every five seconds, and both
//! rings then get the same samples: nothing is made up in between. What was not supported or not
//! fresh is a hole.

mod rings;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gputop_model::{DevicePast, Moment, PastQuery};
use tokio::time::Instant;

use crate::source::Sample;
use rings::Rings;

/// What is kept of a node's devices.
#[derive(Debug)]
pub struct History {
    /// The beginning of the samples' clock.
    start: Instant,
    rings: Mutex<Rings>,
}

impl History {
    /// Nothing yet, on a clock that began at `start`.
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            rings: Mutex::default(),
        }
    }

    /// Now on the samples' clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment(Instant::now().saturating_duration_since(self.start))
    }

    /// Keeps what was measured at `at`.
    pub(crate) fn record(&self, sample: &Sample, at: Moment) {
        self.lock().record(&sample.driver, &sample.devices, at);
    }

    /// What was measured, on the clock of [`Self::now`]; devices of which nothing is kept are left
    /// out. Takes the lock for one device at a time, some microseconds each: the sampler hardly
    /// ever waits for it, and never for long.
    #[must_use]
    pub fn read(&self, query: &PastQuery) -> Vec<DevicePast> {
        let now = self.now();
        let ago = |time| Moment(now.0.saturating_sub(time));
        let mut devices = self.lock().devices();
        if !query.devices.is_empty() {
            let wanted: BTreeSet<_> = query.devices.iter().collect();
            devices.retain(|device| wanted.contains(device));
        }
        let mut past = Vec::with_capacity(devices.len());
        for device in devices {
            let samples =
                self.lock()
                    .between(&device, query.step, ago(query.from_ago), ago(query.to_ago));
            if !samples.is_empty() {
                past.push(DevicePast { device, samples });
            }
        }
        past
    }

    fn lock(&self) -> MutexGuard<'_, Rings> {
        // Nothing in here panics while the lock is held; a poisoned one is still whole.
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for History {
    /// Nothing yet, on a clock that begins now.
    fn default() -> Self {
        Self::new(Instant::now())
    }
}
