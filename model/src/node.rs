//! A node as the API server describes it, reduced to what the product shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::NodeName;

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// `metadata.name`.
    pub name: NodeName,
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// The `Ready` condition.
    pub readiness: Readiness,
    /// `lastTransitionTime` of the `Ready` condition.
    #[serde(default)]
    pub ready_since: Option<Timestamp>,
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// Roles from `node-role.kubernetes.io/…` labels.
    pub roles: Vec<String>,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// All taints.
    pub taints: Vec<Taint>,
    /// GPU units by resource name ([`is_gpu_resource`](crate::is_gpu_resource)).
    pub resources: BTreeMap<String, ResourceCounts>,
    /// Accelerators of other vendors and fractions by other sharing tools, by resource name:
    /// shown, never computed with.
    pub other_resources: BTreeMap<String, ResourceCounts>,
    /// Conditions other than `Ready` that say that something is wrong.
    pub conditions: Vec<NodeCondition>,
    /// Runtime handlers of `status.runtimeHandlers`; `None` where the kubelet is too old to say.
    pub runtime_handlers: Option<Vec<String>>,
    /// `status.nodeInfo.kubeletVersion`.
    pub kubelet_version: String,
    /// `status.nodeInfo.osImage`.
    pub os_image: String,
    /// `status.nodeInfo.architecture`, such as `amd64`.
    pub architecture: String,
    /// `status.nodeInfo.kernelVersion`.
    pub kernel_version: String,
    /// `status.nodeInfo.containerRuntimeVersion`, such as `containerd://2.1.5-k3s1`.
    pub container_runtime: String,
    /// Addresses of type `InternalIP`; two on a dual-stack node.
    pub addresses: Vec<String>,
    /// Marked with [`EXPECTED_AWAY`]: a machine that comes and goes, such as a notebook. That it
    /// is not ready is no alarm.
    pub expected_away: bool,
}

/// Label or annotation of a node that comes and goes; any value but `false` means yes.
pub const EXPECTED_AWAY: &str = "gputop-k3s.io/expected-away";

impl NodeInfo {
    /// A node of which nothing is known but its name.
    #[must_use]
    pub fn unknown(name: NodeName) -> Self {
        Self {
            name,
            created: None,
            readiness: Readiness::Unknown,
            ready_since: None,
            cordoned: false,
            roles: Vec::new(),
            labels: BTreeMap::new(),
            taints: Vec::new(),
            resources: BTreeMap::new(),
            other_resources: BTreeMap::new(),
            conditions: Vec::new(),
            runtime_handlers: None,
            kubelet_version: String::new(),
            os_image: String::new(),
            architecture: String::new(),
            kernel_version: String::new(),
            container_runtime: String::new(),
            addresses: Vec::new(),
            expected_away: false,
        }
    }

    /// Whether the node is away, as it was said that it would be: not ready, and no alarm.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.expected_away && self.readiness != Readiness::Ready
    }

    /// Since when the node has not been ready; `None`: it is, or nobody says since when.
    #[must_use]
    pub fn not_ready_since(&self) -> Option<Timestamp> {
        self.ready_since
            .filter(|_| matches!(self.readiness, Readiness::NotReady { .. }))
    }
}

/// A condition of a node that says that something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCondition {
    /// Type, such as `DiskPressure` or `KernelDeadlock`.
    pub kind: String,
    /// The reason that came with it; may be empty.
    pub reason: String,
    /// The message that came with it; may be empty.
    pub message: String,
    /// `lastTransitionTime`.
    pub since: Option<Timestamp>,
}

/// GPU units of one resource name on one node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceCounts {
    /// `status.capacity`.
    pub capacity: i64,
    /// `status.allocatable`.
    pub allocatable: i64,
}

/// The `Ready` condition of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Readiness {
    /// `True`.
    Ready,
    /// `False` or `Unknown`, with the condition's reason or message.
    NotReady {
        /// Why, as the kubelet or the node controller says it.
        why: String,
    },
    /// The condition is not there (yet).
    Unknown,
}

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value, often empty.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}
