//! What a row is called, in titles and on the clipboard.

use gputop_fleet::state::Picture;

use super::row::{self, Row, RowId};

/// The name of a row: what one would type to get it again.
pub(super) fn name_of(picture: &Picture, row: Row) -> String {
    match row {
        Row::Node(at) => picture.nodes[at].info.name.to_string(),
        Row::Gap(at) => picture.gaps[at].node.to_string(),
        Row::Device(at) => {
            let row = &picture.devices[at];
            format!("{}/{}", row.node, row.device().uuid)
        }
        Row::Share(at, holder) => {
            let row = &picture.devices[at];
            let to = row.allocated_to.as_ref().and_then(|all| all.get(holder));
            let id = to.map_or(row.device().uuid.as_str(), |to| to.device_id.as_str());
            format!("{}/{id}", row.node)
        }
        Row::Workload(at) => {
            let row = &picture.workloads[at];
            format!("{}/{}", row.namespace, row.name)
        }
        Row::Pod(at) => picture.pods[at].info.key.to_string(),
        Row::Process(at) => {
            let row = &picture.processes[at];
            format!("{}/{}", row.node, row.process().pid)
        }
    }
}

/// The workload that a row of the tree is or belongs to.
pub(super) fn workload_of(picture: &Picture, row: Row) -> Option<RowId> {
    let at = match row {
        Row::Workload(at) => at,
        Row::Pod(at) => row::workload_of(picture, picture.pods.get(at)?)?,
        _ => return None,
    };
    RowId::of(picture, Row::Workload(at))
}
