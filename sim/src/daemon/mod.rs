//! The daemons of the simulated nodes: the real gRPC service of `gputop-node` over made-up cards.

mod allocations;
mod node;
mod tenants;

use std::collections::BTreeMap;

use gputop_node::source::simulated::{Fault, NodeSpec};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use node::{DaemonNode, Wire};
pub(crate) use tenants::{Occupant, Outside, behaviour_by_name};

/// The daemons by node.
#[derive(Debug, Default)]
pub(crate) struct Daemons {
    nodes: BTreeMap<String, DaemonNode>,
    /// Rung when a fault begins or ends.
    faults: Notify,
}

/// Why a connection to a port of a pod fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The pod's network is there, the port is not.
    NothingListens,
    /// The kubelet knows no such sandbox.
    NotRunning,
}

impl Daemons {
    /// A daemon for each of the nodes; it runs once its pod does.
    pub(crate) fn new(
        nodes: impl IntoIterator<Item = (NodeSpec, Vec<Outside>)>,
        seed: u64,
        start: Timestamp,
        stop: &CancellationToken,
    ) -> Self {
        let nodes = nodes.into_iter().map(|(spec, outside)| {
            let name = spec.name.as_str().to_owned();
            (
                name,
                DaemonNode::new(spec, outside, seed, start, stop.clone()),
            )
        });
        Self {
            nodes: nodes.collect(),
            faults: Notify::new(),
        }
    }

    /// The daemon of a node.
    pub(crate) fn node(&self, name: &str) -> Option<&DaemonNode> {
        self.nodes.get(name)
    }

    /// All nodes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &DaemonNode)> {
        self.nodes.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// Connects to a port of a pod on a node.
    pub(crate) fn connect(&self, node: &str, pod_uid: &str, port: u16) -> Result<Wire, Refused> {
        let node = self.node(node).ok_or(Refused::NotRunning)?;
        node.connect(pod_uid, port)
    }

    /// Stops or starts the daemon's process on a node; its pod stays.
    pub(crate) fn set_stopped(&self, node: &str, stopped: bool, now: Timestamp) {
        if let Some(node) = self.node(node) {
            node.set_stopped(stopped, now);
        }
    }

    /// Begins or ends a fault of a node's cards.
    pub(crate) fn set_fault(&self, node: &str, fault: Option<Fault>) {
        if let Some(node) = self.node(node) {
            node.set_fault(fault);
            self.faults.notify_one();
        }
    }

    /// Waits until a fault begins or ends.
    pub(crate) async fn faults_changed(&self) {
        self.faults.notified().await;
    }
}
