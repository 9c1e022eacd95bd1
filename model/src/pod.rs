//! A pod as the API server describes it, reduced to what the product shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{DeviceId, NodeName, PodKey, PodUid};

/// A pod of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodInfo {
    /// Namespace and name.
    pub key: PodKey,
    /// `metadata.uid`.
    pub uid: PodUid,
    /// The node it is bound to.
    pub node: Option<NodeName>,
    /// `status.phase`.
    pub phase: Phase,
    /// `metadata.deletionTimestamp`: when the grace period of a Terminating pod ends.
    pub deletion: Option<Timestamp>,
    /// `metadata.creationTimestamp`.
    pub created: Option<Timestamp>,
    /// The `Ready` condition is `True`.
    pub ready: bool,
    /// Why the pod is not running or not ready, as the API says it (scheduler's message,
    /// waiting or terminated reason of a container).
    pub reason: Option<String>,
    /// What owns it.
    pub workload: Workload,
    /// GPU units by resource name that the scheduler counts for this pod while it is not finished.
    pub requests: BTreeMap<String, i64>,
    /// Containers that can run side by side: sidecars and main containers.
    pub containers: Vec<ContainerInfo>,
    /// Devices named by `status.containerStatuses[].allocatedResourcesStatus`.
    pub devices: Vec<PodDevice>,
    /// This is the daemon of gputop-k3s on its node.
    pub is_daemon: bool,
}

impl PodInfo {
    /// GPU units over all resource names.
    #[must_use]
    pub fn gpu_units(&self) -> i64 {
        self.requests.values().sum()
    }

    /// Whether this is a daemon that can be asked: its pod runs and is not on its way out.
    #[must_use]
    pub fn is_running_daemon(&self) -> bool {
        self.is_daemon && self.phase == Phase::Running && self.deletion.is_none()
    }

    /// Whether the scheduler still counts the pod's requests: bound to a node and not finished.
    /// A Terminating pod is counted until its containers are dead.
    #[must_use]
    pub fn holds_resources(&self) -> bool {
        self.node.is_some() && !self.phase.is_finished()
    }
}

/// `status.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Not yet running.
    Pending,
    /// At least one container runs or ran.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them badly.
    Failed,
    /// The node does not report.
    Unknown,
}

impl Phase {
    /// As the API spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// From the API's spelling; anything else is `Unknown`.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        [Self::Pending, Self::Running, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|phase| phase.name() == name)
            .unwrap_or(Self::Unknown)
    }

    /// `Succeeded` or `Failed`: nothing of the pod runs any more.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// What owns a pod, in the words of its user: the Deployment, not the ReplicaSet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// `Deployment`, `StatefulSet`, `Job`, `DaemonSet`, `Pod` (nobody owns it), …
    pub kind: String,
    /// Name in the pod's namespace.
    pub name: String,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerInfo {
    /// Name in the pod.
    pub name: String,
    /// Container id without the runtime's prefix, once it has one.
    pub id: Option<String>,
}

/// A device that the kubelet reports in the pod's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodDevice {
    /// Container that has it.
    pub container: String,
    /// Resource name.
    pub resource: String,
    /// Device id as the kubelet knows it.
    pub device_id: DeviceId,
    /// Health as the device plugin says it.
    pub health: DeviceHealth,
}

/// Health of a device in `allocatedResourcesStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceHealth {
    /// Usable.
    Healthy,
    /// The plugin says it is not.
    Unhealthy,
    /// The plugin does not say.
    Unknown,
}
