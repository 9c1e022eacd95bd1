//! The rows of the four tables. Units are what the scheduler counts, devices are physical GPUs
//! or MIG instances; the two never meet in one number. `None` means "not known".

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gputop_model::{
    Bytes, Device, DeviceId, DeviceKind, GpuProcess, GpuUuid, Host, Limitation, MilliWatts,
    NodeInfo, NodeName, NodeSnapshot, PodUid, Readiness, short_product,
};

use super::agent::AgentStatus;
use super::alerts::{Alert, AlertCounts};
use super::device_state::DeviceState;
use super::no_gpu::NoGpu;
use super::pod_row::PodRow;
use super::sum::Sum;
use super::workloads::WorkloadRow;

/// The cluster at one moment, as tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// By name.
    pub nodes: Vec<NodeRow>,
    /// By node, then NVML's order, each GPU before its MIG instances.
    pub devices: Vec<DeviceRow>,
    /// Nodes that have or may have GPUs of which nothing is measured, and why.
    pub gaps: Vec<Gap>,
    /// By namespace and name.
    pub pods: Vec<PodRow>,
    /// By node, device and pid.
    pub processes: Vec<ProcessRow>,
    /// The pods by what owns them; by namespace and name.
    pub workloads: Vec<WorkloadRow>,
    /// What needs attention, the gravest first.
    pub alerts: Vec<Alert>,
    /// Sums over the whole cluster.
    pub totals: Totals,
}

impl Picture {
    /// The row of a node.
    #[must_use]
    pub fn node(&self, name: &NodeName) -> Option<&NodeRow> {
        let at = self.nodes.binary_search_by(|row| row.info.name.cmp(name));
        self.nodes.get(at.ok()?)
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// As the API describes it.
    pub info: Arc<NodeInfo>,
    /// GPU units by resource name.
    pub resources: Vec<ResourceRow>,
    /// The node's daemon.
    pub agent: AgentStatus,
    /// Version of the daemon, once it has spoken.
    pub agent_version: Option<String>,
    /// Driver version, once the daemon has said it.
    pub driver_version: Option<String>,
    /// Newest CUDA version that the driver serves, once the daemon has said it.
    pub cuda_version: Option<String>,
    /// Why there is no data, or no GPU to use; `None`: nothing is amiss.
    pub reason: Option<String>,
    /// Why there is no GPU that a pod could use; `None`: there is, or nobody can tell.
    pub no_gpu: Option<NoGpu>,
    /// Devices by state; `None`: nobody has counted them.
    pub devices: Option<DeviceCounts>,
    /// Product names with their number, in NVML's order, physical GPUs only.
    pub products: Vec<(String, usize)>,
    /// Whole GPUs that may be taken, by product, in NVML's order.
    pub free_products: Vec<(String, usize)>,
    /// Device memory in use and in all.
    pub memory: Sum<(Bytes, Bytes)>,
    /// Mean utilisation of the physical GPUs in percent.
    pub utilization: Sum<u8>,
    /// Power of the physical GPUs.
    pub power: Sum<MilliWatts>,
    /// Highest core temperature in °C.
    pub temperature: Sum<i32>,
    /// What its daemon said last.
    pub(super) snapshot: Option<Arc<NodeSnapshot>>,
    /// As [`DeviceRow::holders_age`].
    pub holders_age: Option<Duration>,
    /// Age of the telemetry, counted from its receipt.
    pub age: Option<Duration>,
    /// The telemetry is no longer fresh.
    pub stale: bool,
}

impl NodeRow {
    /// Units over all resource names that the node has; 0 when it has none.
    #[must_use]
    pub fn capacity(&self) -> i64 {
        self.resources.iter().map(|r| r.capacity).sum()
    }

    /// Units over all resource names that pods may use.
    #[must_use]
    pub fn allocatable(&self) -> i64 {
        self.resources.iter().map(|r| r.allocatable).sum()
    }

    /// Units that pods on this node have asked for.
    #[must_use]
    pub fn requested(&self) -> Option<i64> {
        self.resources.iter().map(|r| r.requested).sum()
    }

    /// Allocatable less requested; negative when the node shrank under its pods.
    #[must_use]
    pub fn free(&self) -> Option<i64> {
        self.resources.iter().map(ResourceRow::free).sum()
    }

    /// What its daemon said last of the machine around the GPUs; `None`: it has not spoken.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        self.snapshot.as_ref().map(|snapshot| &snapshot.host)
    }

    /// What its daemon can not see.
    #[must_use]
    pub fn limitations(&self) -> &[Limitation] {
        let snapshot = self.snapshot.as_ref();
        snapshot.map_or(&[], |snapshot| &snapshot.limitations)
    }

    /// How many of its GPUs lack a figure that they have at other times, at least.
    #[must_use]
    pub fn silent_gpus(&self) -> usize {
        let missing = [
            self.memory.missing,
            self.utilization.missing,
            self.power.missing,
            self.temperature.missing,
        ];
        missing.into_iter().max().unwrap_or_default()
    }

    /// How the node is.
    #[must_use]
    pub fn state(&self) -> NodeState {
        match Closed::of(&self.info) {
            None => NodeState::Ready,
            Some(Closed::Cordoned) => NodeState::Cordoned,
            Some(Closed::Away) => NodeState::Away,
            Some(Closed::NotReady) if self.info.readiness == Readiness::Unknown => {
                NodeState::Unknown
            }
            Some(Closed::NotReady) => NodeState::NotReady,
        }
    }

    /// Says that free GPUs of different products are there, of which a pod gets one or the other:
    /// `2 free: RTX 3090, P40; the kubelet picks`. `None`: they are all alike.
    #[must_use]
    pub fn mixed_free(&self) -> Option<String> {
        if self.free_products.len() < 2 {
            return None;
        }
        let total: usize = self.free_products.iter().map(|(_, count)| count).sum();
        let names: Vec<String> = self
            .free_products
            .iter()
            .map(|(product, count)| match count {
                1 => short_product(product).to_owned(),
                count => format!("{count}× {}", short_product(product)),
            })
            .collect();
        Some(format!(
            "{total} free: {}; the kubelet picks",
            names.join(", ")
        ))
    }
}

/// Units of one resource name on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRow {
    /// Resource name, such as `nvidia.com/gpu`.
    pub name: String,
    /// `status.capacity`.
    pub capacity: i64,
    /// `status.allocatable`.
    pub allocatable: i64,
    /// What pods on the node ask for; `None` when not all pods can be seen.
    pub requested: Option<i64>,
}

impl ResourceRow {
    /// Allocatable less requested; may be negative.
    #[must_use]
    pub fn free(&self) -> Option<i64> {
        self.requested.map(|requested| self.allocatable - requested)
    }
}

/// Number of devices by state.
pub type DeviceCounts = BTreeMap<DeviceState, usize>;

/// One device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// The node it is in.
    pub node: NodeName,
    /// Where [`Self::device`] lies.
    pub(super) snapshot: Arc<NodeSnapshot>,
    pub(super) position: usize,
    /// Free, used, idle…
    pub state: DeviceState,
    /// Why the node takes no pods; `None`: it does.
    pub closed: Option<Closed>,
    /// Who was given it; `None`: not known.
    pub allocated_to: Option<Vec<AllocatedTo>>,
    /// Nobody else can have been given it or a share of it.
    pub holders_complete: bool,
    /// How old the kubelet's list is that names them, once it is older than figures may be; `None`:
    /// it is not, or it is not from there.
    pub holders_age: Option<Duration>,
    /// Positions in [`Picture::processes`].
    pub processes: Vec<usize>,
    /// Age of the telemetry.
    pub age: Duration,
    /// The telemetry is no longer fresh.
    pub stale: bool,
}

impl DeviceRow {
    /// What was measured.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.snapshot.devices[self.position]
    }

    /// Which of its card's MIG instances this is, in NVML's order from 0, as `nvidia-smi -L` counts
    /// them; `None`: it is a whole GPU.
    #[must_use]
    pub fn instance(&self) -> Option<usize> {
        let DeviceKind::MigInstance { parent, .. } = &self.device().kind else {
            return None;
        };
        let before = self.snapshot.devices[..self.position].iter();
        Some(
            before
                .filter(|device| {
                    matches!(&device.kind, DeviceKind::MigInstance { parent: of, .. } if of == parent)
                })
                .count(),
        )
    }

    /// What the device is called on its node: `0`, or `0.2` for an instance.
    #[must_use]
    pub fn label(&self) -> String {
        let index = self.device().index;
        self.instance()
            .map_or_else(|| index.to_string(), |of| format!("{index}.{of}"))
    }
}

/// How a node is, as the table says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeState {
    /// Takes pods.
    Ready,
    /// Ready, and somebody has cordoned it.
    Cordoned,
    /// Not ready.
    NotReady,
    /// Not ready, as it was said that it would be: no alarm.
    Away,
    /// It has not said yet.
    Unknown,
}

impl NodeState {
    /// Stable name for JSON and the word on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Cordoned => "cordoned",
            Self::NotReady => "not ready",
            Self::Away => "away",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a node takes no pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It is not ready.
    NotReady,
    /// It is not ready, as it was said that it would be.
    Away,
    /// Somebody has cordoned it.
    Cordoned,
}

impl Closed {
    /// Why `node` takes no pods; `None`: it does.
    #[must_use]
    pub fn of(node: &NodeInfo) -> Option<Self> {
        if node.is_away() {
            Some(Self::Away)
        } else if node.readiness != Readiness::Ready {
            Some(Self::NotReady)
        } else {
            node.cordoned.then_some(Self::Cordoned)
        }
    }

    /// For the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotReady => "not ready",
            Self::Away => "away",
            Self::Cordoned => "cordoned",
        }
    }
}

/// A container that was given a device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllocatedTo {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// Name of the container.
    pub container: String,
    /// Uid of the pod; `None` when the API does not show it.
    pub pod_uid: Option<PodUid>,
    /// Device id as the kubelet knows it (a share, a MIG instance, a GPU).
    pub device_id: DeviceId,
}

/// Devices of a node that can not be shown: all of its GPUs, or those that containers were given
/// and its daemon does not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The node.
    pub node: NodeName,
    /// Other devices of the node are shown: these are the ones that its daemon does not see.
    pub is_part: bool,
    /// GPU units that it offers; of such a part those that were given away.
    pub units: i64,
    /// How many they are: physical GPUs by the label of GPU feature discovery, or those that are
    /// named; `None`: nobody knows.
    pub devices: Option<usize>,
    /// Product by the same labels; the label names one product even where the node has several.
    pub product: Option<String>,
    /// Devices that the API names, because containers were given them.
    pub named: Vec<(GpuUuid, Vec<AllocatedTo>)>,
    /// Why nothing is measured.
    pub reason: String,
}

/// One process on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessRow {
    /// The node it runs on.
    pub node: NodeName,
    pub(super) snapshot: Arc<NodeSnapshot>,
    pub(super) position: usize,
    /// The pod or what else holds it.
    pub owner: ProcessOwner,
    /// The pod was given the device that the process uses; `None`: not known or no pod.
    pub allocated: Option<bool>,
    /// Age of the telemetry.
    pub age: Duration,
    /// The telemetry is no longer fresh.
    pub stale: bool,
}

impl ProcessRow {
    /// What was measured.
    #[must_use]
    pub fn process(&self) -> &GpuProcess {
        &self.snapshot.processes[self.position]
    }
}

/// What a process belongs to, after the join with the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessOwner {
    /// A container of a pod.
    Pod {
        /// Namespace.
        namespace: String,
        /// Name.
        pod: String,
        /// Container, where known.
        container: Option<String>,
        /// Uid, where known.
        uid: Option<PodUid>,
    },
    /// A pod of which only the uid is known (it is not, or no longer, in the API).
    UnknownPod(PodUid),
    /// Something outside the cluster, such as `desktop: gnome-shell`.
    Outside(String),
    /// Not found out.
    Unknown,
}

/// Sums over the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Nodes in all.
    pub nodes: usize,
    /// Nodes that are ready.
    pub nodes_ready: usize,
    /// Nodes that are not, as it was said that they would be.
    pub nodes_away: usize,
    /// Devices by state.
    pub devices: DeviceCounts,
    /// Free devices on nodes that take pods.
    pub devices_free: usize,
    /// Units that pods may use.
    pub units_allocatable: i64,
    /// Units that bound pods ask for.
    pub units_requested: Option<i64>,
    /// Pods that wait for a GPU.
    pub pods_pending: usize,
    /// Device memory in use and in all.
    pub memory: Sum<(Bytes, Bytes)>,
    /// Power of all GPUs.
    pub power: Sum<MilliWatts>,
    /// Daemons that deliver.
    pub agents_live: usize,
    /// Daemons that should; those of nodes that may be away are left out while they are.
    pub agents_expected: usize,
    /// Alerts by severity.
    pub alerts: AlertCounts,
}
