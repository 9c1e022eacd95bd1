//! Rows as positions in the picture, and what they are by name.

use std::sync::Arc;

use gputop_fleet::state::{Picture, PodRow};
use gputop_model::{DeviceId, GpuUuid, NodeName, PodUid};

/// A row of a table: a position in one list of the [`Picture`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Row {
    /// In [`Picture::nodes`].
    Node(usize),
    /// In [`Picture::devices`].
    Device(usize),
    /// In [`Picture::devices`], and in what it is allocated to: a share of the device.
    Share(usize, usize),
    /// In [`Picture::gaps`].
    Gap(usize),
    /// In [`Picture::workloads`]: the head of its pods.
    Workload(usize),
    /// In [`Picture::pods`].
    Pod(usize),
    /// In [`Picture::processes`].
    Process(usize),
}

/// How a row is shown among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Below how many rows it hangs: 0 for what is no part of anything above.
    pub depth: u8,
    /// It does not match the filter itself; a part of it does.
    pub is_context: bool,
}

impl Look {
    /// No part hangs deeper.
    pub(super) const DEEPEST: u8 = 3;
}

/// What a row is, whatever its position.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowId {
    /// A node.
    Node(NodeName),
    /// A device of a node.
    Device(NodeName, GpuUuid),
    /// A share of a device of a node.
    Share(NodeName, DeviceId),
    /// The place of a node's devices while they are not known.
    Gap(NodeName),
    /// What owns pods.
    Workload {
        /// Namespace.
        namespace: Arc<str>,
        /// Name in the namespace.
        name: String,
        /// `Deployment`, `Job`, …
        kind: String,
    },
    /// A pod.
    Pod(PodUid),
    /// A process on a device: pids are used again, and one process may use several devices.
    Process {
        /// Where it runs.
        node: NodeName,
        /// Process id.
        pid: u32,
        /// Start time in clock ticks since boot, where known.
        start_ticks: Option<u64>,
        /// The device.
        device: GpuUuid,
    },
}

/// The workload that a pod belongs to, by its position. Workloads are sorted by namespace, name
/// and kind.
#[must_use]
pub fn workload_of(picture: &Picture, pod: &PodRow) -> Option<usize> {
    let owner = &pod.info.workload;
    let key = (&*pod.info.key.namespace, &*owner.name, &*owner.kind);
    picture
        .workloads
        .binary_search_by(|row| (&*row.namespace, &*row.name, &*row.kind).cmp(&key))
        .ok()
}

impl RowId {
    /// What `row` is.
    #[must_use]
    pub fn of(picture: &Picture, row: Row) -> Option<Self> {
        Some(match row {
            Row::Node(at) => Self::Node(picture.nodes.get(at)?.info.name.clone()),
            Row::Device(at) => {
                let row = picture.devices.get(at)?;
                Self::Device(row.node.clone(), row.device().uuid.clone())
            }
            Row::Share(at, holder) => {
                let row = picture.devices.get(at)?;
                let to = row.allocated_to.as_ref()?.get(holder)?;
                Self::Share(row.node.clone(), to.device_id.clone())
            }
            Row::Workload(at) => {
                let row = picture.workloads.get(at)?;
                Self::Workload {
                    namespace: row.namespace.clone(),
                    name: row.name.clone(),
                    kind: row.kind.clone(),
                }
            }
            Row::Gap(at) => Self::Gap(picture.gaps.get(at)?.node.clone()),
            Row::Pod(at) => Self::Pod(picture.pods.get(at)?.info.uid.clone()),
            Row::Process(at) => {
                let row = picture.processes.get(at)?;
                let process = row.process();
                Self::Process {
                    node: row.node.clone(),
                    pid: process.pid,
                    start_ticks: process.start_ticks,
                    device: process.device.clone(),
                }
            }
        })
    }

    /// Whether `row` is this. Allocates nothing.
    #[must_use]
    pub fn is(&self, picture: &Picture, row: Row) -> bool {
        match (self, row) {
            (Self::Node(name), Row::Node(at)) => picture
                .nodes
                .get(at)
                .is_some_and(|row| row.info.name == *name),
            (Self::Device(node, uuid), Row::Device(at)) => picture
                .devices
                .get(at)
                .is_some_and(|row| row.node == *node && row.device().uuid == *uuid),
            (Self::Share(node, id), Row::Share(at, holder)) => {
                picture.devices.get(at).is_some_and(|row| {
                    let mut holders = row.allocated_to.iter().flatten().skip(holder);
                    row.node == *node && holders.next().is_some_and(|to| to.device_id == *id)
                })
            }
            (
                Self::Workload {
                    namespace,
                    name,
                    kind,
                },
                Row::Workload(at),
            ) => picture.workloads.get(at).is_some_and(|row| {
                row.namespace == *namespace && row.name == *name && row.kind == *kind
            }),
            (Self::Gap(node), Row::Gap(at)) => {
                picture.gaps.get(at).is_some_and(|gap| gap.node == *node)
            }
            (Self::Pod(uid), Row::Pod(at)) => {
                picture.pods.get(at).is_some_and(|row| row.info.uid == *uid)
            }
            (
                Self::Process {
                    node,
                    pid,
                    start_ticks,
                    device,
                },
                Row::Process(at),
            ) => picture.processes.get(at).is_some_and(|row| {
                let process = row.process();
                row.node == *node
                    && process.pid == *pid
                    && process.start_ticks == *start_ticks
                    && process.device == *device
            }),
            _ => false,
        }
    }
}
