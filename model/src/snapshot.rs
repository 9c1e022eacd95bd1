//! All that a node's daemon says at one moment.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Device, DeviceEvent, DeviceId, GpuProcess, Host, Limitation, NodeName, Reading};

/// One whole, numbered picture of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSnapshot {
    /// The node that the daemon was started for.
    pub node: NodeName,
    /// Version of the daemon.
    pub daemon_version: String,
    /// Rises by one with each published picture, from 1; starts anew with the daemon.
    pub sequence: u64,
    /// Whether there is a driver to ask.
    pub driver: DriverState,
    /// Physical GPUs in NVML's order, each followed by its MIG instances.
    pub devices: Vec<Device>,
    /// Processes on these devices.
    pub processes: Vec<GpuProcess>,
    /// Which devices the kubelet has given to which container.
    pub allocations: Reading<Vec<Allocation>>,
    /// How long the daemon has run; zero: it does not say.
    pub uptime: Duration,
    /// What the driver has reported lately, oldest first: one entry for each device and kind.
    pub events: Vec<DeviceEvent>,
    /// The machine around the GPUs.
    #[serde(default)]
    pub host: Host,
    /// What the daemon can not see.
    #[serde(default)]
    pub limitations: Vec<Limitation>,
    /// What the daemon can do.
    #[serde(default)]
    pub protocol: Protocol,
}

/// What a daemon can do, so that a client asks only for that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// Rises when a client must behave otherwise; 0: a daemon from before it was counted.
    pub version: u32,
    /// Names of what came later, such as `history`.
    pub capabilities: Vec<String>,
}

impl Protocol {
    /// The version that this program speaks.
    pub const VERSION: u32 = 1;

    /// The daemon serves what it has measured in the last hour.
    pub const HISTORY: &'static str = "history";

    /// What a daemon of this build says of itself.
    #[must_use]
    pub fn current() -> Self {
        Self {
            version: Self::VERSION,
            capabilities: vec![Self::HISTORY.to_owned()],
        }
    }

    /// Whether the daemon can do that.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|name| name == capability)
    }
}

impl NodeSnapshot {
    /// What is known of a node before anything is sampled: nothing.
    #[must_use]
    pub fn unsampled(node: NodeName) -> Self {
        Self {
            node,
            daemon_version: String::new(),
            sequence: 0,
            driver: DriverState::Failed {
                why: "it has not been asked yet".to_owned(),
            },
            devices: Vec::new(),
            processes: Vec::new(),
            allocations: Reading::default(),
            uptime: Duration::ZERO,
            events: Vec::new(),
            host: Host::default(),
            limitations: Vec::new(),
            protocol: Protocol::default(),
        }
    }

    /// How long `process`, one of its own, has run; `None` when its start or the machine's is not
    /// known. Clock ticks are hundredths of a second for programs on every Linux (`USER_HZ`).
    #[must_use]
    pub fn running_for(&self, process: &GpuProcess) -> Option<Duration> {
        let started = Duration::from_millis(process.start_ticks?.saturating_mul(10));
        Some(self.host.uptime.known()?.saturating_sub(started))
    }

    /// How long before this snapshot `event`, one of its own, was reported last.
    #[must_use]
    pub const fn event_age(&self, event: &DeviceEvent) -> Duration {
        self.uptime.saturating_sub(event.at)
    }
}

/// Whether the driver can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriverState {
    /// It answers.
    Ready {
        /// Driver version such as `580.95.05`.
        version: String,
        /// Newest CUDA version that the driver serves, such as `13.0`.
        cuda: Option<String>,
    },
    /// No driver library or no driver in the kernel.
    NoDriver {
        /// What was tried and what came back.
        why: String,
    },
    /// The driver answers and knows no GPU.
    NoGpu {
        /// Driver version.
        version: String,
    },
    /// The library in the container is not of the kernel driver's version.
    Mismatch {
        /// What came back.
        why: String,
    },
    /// The driver is there and does not work.
    Failed {
        /// What came back.
        why: String,
    },
}

impl DriverState {
    /// Stable name: `ready`, `no_driver`, `no_gpu`, `mismatch` or `failed`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ready { .. } => "ready",
            Self::NoDriver { .. } => "no_driver",
            Self::NoGpu { .. } => "no_gpu",
            Self::Mismatch { .. } => "mismatch",
            Self::Failed { .. } => "failed",
        }
    }

    /// Why there is nothing to measure, in one sentence; `None` when the driver is ready.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Ready { .. } => None,
            Self::NoDriver { why } => Some(format!("no NVIDIA driver: {why}")),
            Self::NoGpu { version } => Some(format!("driver {version} finds no GPU")),
            Self::Mismatch { why } => Some(format!("driver and library differ: {why}")),
            Self::Failed { why } => Some(format!("the driver does not answer: {why}")),
        }
    }
}

/// A device that the kubelet has given to a container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Allocation {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// Name of the container.
    pub container: String,
    /// Resource name, such as `nvidia.com/gpu`.
    pub resource: String,
    /// Device id as the kubelet knows it.
    pub device_id: DeviceId,
}
