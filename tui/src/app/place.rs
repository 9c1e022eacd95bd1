//! Where the user is: a table, what it is narrowed to, the filter and the cursor.

use gputop_fleet::state::{DeviceRow, Picture, PodRow, ProcessOwner, ProcessRow};
use gputop_model::{Device, DeviceKind, GpuUuid, NodeName, PodKey, PodUid};

use super::row::RowId;
use super::sort::Sort;
use super::view::View;

/// One table as the user left it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Which table.
    pub view: View,
    /// What it is narrowed to.
    pub within: Within,
    /// Only rows that this text lets through are shown ([`Filter`](super::filter::Filter)); empty:
    /// all.
    pub filter: String,
    /// Order of the rows; `None`: the table's own.
    pub sort: Option<Sort>,
    /// The selected row.
    pub cursor: Cursor,
    /// Columns that are scrolled away to the left, where not all fit beside each other.
    pub shift: usize,
}

/// The selected row, remembered by what it is, not by where it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// What is selected; `None`: nothing has been chosen yet, the first row stands in.
    pub selected: Option<RowId>,
    /// Where it was last.
    pub index: usize,
}

/// What a table is narrowed to by going down from another table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Within {
    /// Not at all.
    #[default]
    Everything,
    /// One node.
    Node(NodeName),
    /// One device; a GPU in MIG mode stands for its instances too.
    Device {
        /// Where it is.
        node: NodeName,
        /// Its UUID.
        device: GpuUuid,
        /// How the breadcrumb calls it.
        label: String,
    },
    /// One pod.
    Pod {
        /// Its uid.
        uid: PodUid,
        /// Its name.
        key: PodKey,
    },
}

impl Within {
    /// The tables that can show what is in here, the natural one first.
    #[must_use]
    pub const fn views(&self) -> &'static [View] {
        match self {
            Self::Everything => &View::ALL,
            Self::Node(_) => &[View::Gpus, View::Pods, View::Processes],
            Self::Device { .. } => &[View::Pods, View::Processes],
            Self::Pod { .. } => &[View::Processes, View::Gpus],
        }
    }

    /// How the breadcrumb calls it.
    #[must_use]
    pub fn crumb(&self) -> Option<String> {
        match self {
            Self::Everything => None,
            Self::Node(name) => Some(name.to_string()),
            Self::Device { label, .. } => Some(label.clone()),
            Self::Pod { key, .. } => Some(key.to_string()),
        }
    }

    /// Whether something on this node can be in here.
    #[must_use]
    pub fn has_node(&self, name: &NodeName) -> bool {
        match self {
            Self::Everything | Self::Pod { .. } => true,
            Self::Node(node) | Self::Device { node, .. } => node == name,
        }
    }

    /// Whether a device row is in here.
    #[must_use]
    pub fn has_device(&self, picture: &Picture, row: &DeviceRow) -> bool {
        match self {
            Self::Everything => true,
            Self::Node(node) => row.node == *node,
            Self::Device { node, device, .. } => row.node == *node && is_part(row.device(), device),
            Self::Pod { uid, key } => {
                row.allocated_to
                    .iter()
                    .flatten()
                    .any(|to| *to.namespace == *key.namespace && *to.pod == *key.name)
                    || row
                        .processes
                        .iter()
                        .any(|at| owned_by(&picture.processes[*at], uid, key))
            }
        }
    }

    /// Whether a pod row is in here.
    #[must_use]
    pub fn has_pod(&self, picture: &Picture, row: &PodRow) -> bool {
        match self {
            Self::Everything => true,
            Self::Node(node) => row.info.node.as_ref() == Some(node),
            Self::Pod { uid, .. } => row.info.uid == *uid,
            Self::Device { node, .. } => {
                let pod = Self::Pod {
                    uid: row.info.uid.clone(),
                    key: row.info.key.clone(),
                };
                row.info.node.as_ref() == Some(node)
                    && on_node(picture, node).iter().any(|device| {
                        self.has_device(picture, device) && pod.has_device(picture, device)
                    })
            }
        }
    }

    /// Whether a process row is in here.
    #[must_use]
    pub fn has_process(&self, picture: &Picture, row: &ProcessRow) -> bool {
        match self {
            Self::Everything => true,
            Self::Node(node) => row.node == *node,
            Self::Pod { uid, key } => owned_by(row, uid, key),
            Self::Device { node, device, .. } => {
                let uuid = &row.process().device;
                row.node == *node
                    && (uuid == device
                        || on_node(picture, node).iter().any(|other| {
                            other.device().uuid == *uuid && is_part(other.device(), device)
                        }))
            }
        }
    }
}

/// The devices of a node; they are sorted by it.
fn on_node<'a>(picture: &'a Picture, node: &NodeName) -> &'a [DeviceRow] {
    let devices = &picture.devices;
    let first = devices.partition_point(|row| row.node < *node);
    let count = devices[first..].partition_point(|row| row.node == *node);
    &devices[first..first + count]
}

/// Whether `device` is the device `of` or one of its instances.
fn is_part(device: &Device, of: &GpuUuid) -> bool {
    device.uuid == *of
        || matches!(&device.kind, DeviceKind::MigInstance { parent, .. } if parent == of)
}

fn owned_by(row: &ProcessRow, pod_uid: &PodUid, key: &PodKey) -> bool {
    match &row.owner {
        ProcessOwner::Pod { uid: Some(uid), .. } | ProcessOwner::UnknownPod(uid) => uid == pod_uid,
        ProcessOwner::Pod { namespace, pod, .. } => {
            **namespace == *key.namespace && **pod == *key.name
        }
        ProcessOwner::Outside(_) | ProcessOwner::Unknown => false,
    }
}
