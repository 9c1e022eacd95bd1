//! What a client's connection is served from.

use std::sync::Arc;

use gputop_model::NodeSnapshot;
use tokio::sync::watch;

use super::SamplerHandle;
use crate::history::History;

/// Where the snapshots come from, and what was measured before.
///
/// Nobody looks yet: a connection may only ask whether the daemon is well.
#[derive(Debug)]
pub struct Feed {
    snapshots: Snapshots,
    pub(crate) history: Arc<History>,
}

#[derive(Debug)]
enum Snapshots {
    Sampled(SamplerHandle),
    Published(watch::Receiver<Arc<NodeSnapshot>>),
}

impl Feed {
    /// The snapshots from now on; whoever holds them counts as one who looks.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<NodeSnapshot>> {
        match &self.snapshots {
            Snapshots::Sampled(sampler) => sampler.subscribe(),
            Snapshots::Published(snapshots) => snapshots.clone(),
        }
    }

    /// Whether the node is still being sampled.
    pub(crate) fn is_alive(&self) -> bool {
        match &self.snapshots {
            Snapshots::Sampled(sampler) => sampler.is_alive(),
            Snapshots::Published(_) => true,
        }
    }
}

impl From<SamplerHandle> for Feed {
    fn from(sampler: SamplerHandle) -> Self {
        Self {
            history: Arc::clone(&sampler.history),
            snapshots: Snapshots::Sampled(sampler),
        }
    }
}

impl From<watch::Receiver<Arc<NodeSnapshot>>> for Feed {
    /// Snapshots of which nobody has kept the past.
    fn from(snapshots: watch::Receiver<Arc<NodeSnapshot>>) -> Self {
        Self {
            snapshots: Snapshots::Published(snapshots),
            history: Arc::default(),
        }
    }
}
