//! A pod as the API server describes it, reduced to what the product shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{DeviceId, Labels, NodeName, PodKey, PodUid};

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
    /// What the API says beside the reason of a pod that the kubelet refused or of a container
    /// that can not start.
    pub message: Option<String>,
    /// What owns it.
    pub workload: Workload,
    /// GPU units by resource name that the scheduler counts for this pod while it is not finished.
    pub requests: BTreeMap<String, i64>,
    /// Accelerators of other vendors and fractions by other sharing tools that it asks for, by
    /// resource name: shown, never computed with.
    pub other_requests: BTreeMap<String, i64>,
    /// All labels.
    pub labels: Labels,
    /// All containers: those that prepare the pod, sidecars, main containers, and those that
    /// somebody added to look inside.
    pub containers: Vec<ContainerInfo>,
    /// Devices named by `status.containerStatuses[].allocatedResourcesStatus`.
    pub devices: Vec<PodDevice>,
    /// This is the daemon of gputop-k3s on its node.
    pub is_daemon: bool,
}

impl PodInfo {
    /// A pod of which nothing is known but what it is called; nobody owns it.
    #[must_use]
    pub fn unknown(key: PodKey, uid: PodUid) -> Self {
        Self {
            workload: Workload {
                kind: "Pod".to_owned(),
                name: key.name.to_string(),
            },
            key,
            uid,
            node: None,
            phase: Phase::Unknown,
            deletion: None,
            created: None,
            ready: false,
            reason: None,
            message: None,
            requests: BTreeMap::new(),
            other_requests: BTreeMap::new(),
            labels: Labels::default(),
            containers: Vec::new(),
            devices: Vec::new(),
            is_daemon: false,
        }
    }

    /// How often its containers were started anew.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.containers
            .iter()
            .fold(0, |sum, container| sum.saturating_add(container.restarts))
    }

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
    /// What it is in the pod.
    pub role: ContainerRole,
    /// Image as the pod's specification names it.
    pub image: String,
    /// Its probes are content, or it has none and runs.
    pub ready: bool,
    /// How often it was started anew.
    pub restarts: u32,
    /// What it does.
    pub state: ContainerState,
}

impl ContainerInfo {
    /// A main container of which nothing is known but its name.
    #[must_use]
    pub fn unknown(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            role: ContainerRole::Main,
            image: String::new(),
            ready: false,
            restarts: 0,
            state: ContainerState::Unknown,
        }
    }
}

/// What a container is in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ContainerRole {
    /// Runs and ends before the main containers start.
    Init,
    /// An init container with `restartPolicy: Always`, which stays beside the main containers.
    Sidecar,
    /// What the pod is for.
    Main,
    /// Added to the running pod by somebody who looks inside (`kubectl debug`).
    Ephemeral,
}

impl ContainerRole {
    /// One word for the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Sidecar => "sidecar",
            Self::Main => "main",
            Self::Ephemeral => "debug",
        }
    }
}

/// What a container does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerState {
    /// The kubelet has not said anything of it (yet).
    Unknown,
    /// Not started.
    Waiting {
        /// Why, such as `ContainerCreating` or `CrashLoopBackOff`.
        reason: String,
    },
    /// At work.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// Ended.
    Terminated {
        /// Why, such as `Completed`, `Error` or `OOMKilled`.
        reason: String,
        /// Exit code.
        code: i32,
        /// When.
        at: Option<Timestamp>,
    },
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
