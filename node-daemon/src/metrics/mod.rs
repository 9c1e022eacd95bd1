//! What the daemon knows, as metrics for Prometheus.
//!
//! A scrape reads the newest snapshot and asks nobody: it costs the sampler nothing, and the node
//! is sampled no faster for it. While no client is connected that is every five seconds. What is
//! not known has no sample. Names are those of `gputop-k3s get -o prometheus` where they mean the
//! same.
//!
//! Text is made by [`render`] (pure), served by [`serve`].

mod devices;
mod holders;
mod http;
mod node;
mod own;
mod text;

use std::sync::Arc;
use std::time::Duration;

use gputop_model::{NodeSnapshot, Percent, Reading};

use crate::sampler::{SamplerHandle, SamplerStats};

pub use http::serve;
pub use own::OwnProcess;
pub use text::Format;

/// All that metrics are made of.
#[derive(Debug, Clone)]
pub struct Scrape {
    /// The newest snapshot.
    pub snapshot: Arc<NodeSnapshot>,
    /// What sampling has cost.
    pub stats: SamplerStats,
    /// How long the daemon has run.
    pub uptime: Duration,
    /// Connections that are served.
    pub subscribers: usize,
    /// The daemon's process.
    pub own: OwnProcess,
}

impl Scrape {
    /// What is known now.
    #[must_use]
    pub fn of(sampler: &SamplerHandle) -> Self {
        Self {
            snapshot: sampler.latest(),
            stats: sampler.stats(),
            uptime: sampler.uptime(),
            subscribers: sampler.subscribers(),
            own: OwnProcess::read(),
        }
    }
}

/// The metrics as text. Before the first sample there are those of the daemon itself only.
#[must_use]
pub fn render(scrape: &Scrape, format: Format) -> String {
    let mut text = text::Exposition::new(format);
    let snapshot = &*scrape.snapshot;
    if snapshot.sequence > 0 {
        devices::write(&mut text, snapshot);
        holders::write(&mut text, snapshot);
        node::write(&mut text, snapshot);
    }
    own::write(&mut text, snapshot, scrape);
    text.end()
}

/// Older than this is no longer told: while nobody looks a node is sampled every five seconds, and
/// what is repeated for longer would be taken for the present.
const OLDEST: Duration = Duration::from_secs(10);

/// The value, if it is one of now.
fn told<T: Clone>(reading: &Reading<T>) -> Option<T> {
    let age = reading.age().unwrap_or_default();
    reading.known().filter(|_| age <= OLDEST).cloned()
}

fn ratio(percent: Percent) -> f64 {
    f64::from(percent.0) / 100.0
}

fn whole(number: u64) -> f64 {
    number as f64
}

fn flag(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}

#[cfg(test)]
mod tests;
