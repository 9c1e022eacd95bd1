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
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// Roles from `node-role.kubernetes.io/…` labels.
    pub roles: Vec<String>,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// All taints.
    pub taints: Vec<Taint>,
    /// GPU units by resource name (`nvidia.com/*` only).
    pub resources: BTreeMap<String, ResourceCounts>,
    /// Runtime handlers of `status.runtimeHandlers`; `None` where the kubelet is too old to say.
    pub runtime_handlers: Option<Vec<String>>,
    /// `status.nodeInfo.kubeletVersion`.
    pub kubelet_version: String,
    /// `status.nodeInfo.osImage`.
    pub os_image: String,
    /// `status.nodeInfo.architecture`, such as `amd64`.
    pub architecture: String,
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
