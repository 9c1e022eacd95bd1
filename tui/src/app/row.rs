//! Rows as positions in the picture, and what they are by name.

use gputop_fleet::state::Picture;
use gputop_model::{GpuUuid, NodeName, PodUid};

/// A row of a table: a position in one list of the [`Picture`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Row {
    /// In [`Picture::nodes`].
    Node(usize),
    /// In [`Picture::devices`].
    Device(usize),
    /// In [`Picture::gaps`].
    Gap(usize),
    /// In [`Picture::pods`].
    Pod(usize),
    /// In [`Picture::processes`].
    Process(usize),
}

/// What a row is, whatever its position.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RowId {
    /// A node.
    Node(NodeName),
    /// A device of a node.
    Device(NodeName, GpuUuid),
    /// The place of a node's devices while they are not known.
    Gap(NodeName),
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
