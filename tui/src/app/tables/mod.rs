//! What the four tables say: columns and cells as data, without colours and sizes.

mod cell;
mod column;
mod fields;
mod gpus;
mod hardware;
mod nodes;
mod pods;
mod processes;
mod shares;
mod state_sign;
mod workloads;

pub use cell::{Cell, Gauge, Piece, Tone};
pub use column::{Align, Column, Shows, Want};
pub use fields::{Field, Kind, Unit, Value, field, fields};
pub use gpus::{device_line, held_by, product_of};
pub use nodes::{AT_LEAST, FULL, HOT};
pub use pods::status_tone;
pub use processes::{gpu_label, owner_pieces, process_line};
pub use shares::name as share_name;
pub use state_sign::{counts_pieces, sign, state_tone};

use std::time::Duration;

use gputop_fleet::state::{AllocatedTo, DeviceRow, NodeRow, Picture};
use gputop_model::{Clock, GpuUuid, NodeName};

use super::row::Row;
use super::view::View;
use column::Content;

/// What cells are made from.
#[derive(Debug, Clone, Copy)]
pub struct Cx<'a> {
    /// The cluster.
    pub picture: &'a Picture,
    /// Now.
    pub clock: Clock,
    /// The row above is of the same node.
    pub repeated: bool,
    /// How the row hangs on the one above; `None`: it stands alone.
    pub branch: Option<Branch>,
    /// Its parts are folded away.
    pub folded: bool,
    /// Columns of second rank are shown too.
    pub wide: bool,
}

/// How a row hangs on the row of which it is a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// Others follow.
    Middle,
    /// It is the last one.
    Last,
}

impl Branch {
    /// The sign before the name.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Middle => "├ ",
            Self::Last => "└ ",
        }
    }
}

impl<'a> Cx<'a> {
    /// For a row that stands alone.
    #[must_use]
    pub const fn new(picture: &'a Picture, clock: Clock) -> Self {
        Self {
            picture,
            clock,
            repeated: false,
            branch: None,
            folded: false,
            wide: false,
        }
    }

    /// The same, for a row below one of the same node.
    #[must_use]
    pub const fn repeating(mut self, repeated: bool) -> Self {
        self.repeated = repeated;
        self
    }

    /// The same, for a row that is a part of one above.
    #[must_use]
    pub const fn hanging(mut self, branch: Option<Branch>) -> Self {
        self.branch = branch;
        self
    }

    /// The same, for a row of which the parts are folded away.
    #[must_use]
    pub const fn folding(mut self, folded: bool) -> Self {
        self.folded = folded;
        self
    }

    /// The same, in a table that shows columns of second rank too.
    #[must_use]
    pub const fn widely(mut self, wide: bool) -> Self {
        self.wide = wide;
        self
    }

    /// The row of a node. Nodes are sorted by name.
    #[must_use]
    pub fn node(&self, name: &NodeName) -> Option<&'a NodeRow> {
        let nodes = &self.picture.nodes;
        let at = nodes.binary_search_by(|row| row.info.name.cmp(name)).ok()?;
        nodes.get(at)
    }

    /// The row of a device. Devices are sorted by node.
    #[must_use]
    pub fn device(&self, node: &NodeName, uuid: &GpuUuid) -> Option<&'a DeviceRow> {
        let devices = &self.picture.devices;
        let first = devices.partition_point(|row| row.node < *node);
        devices[first..]
            .iter()
            .take_while(|row| row.node == *node)
            .find(|row| row.device().uuid == *uuid)
    }
}

/// The columns of a table, from the left.
#[must_use]
pub const fn columns(view: View) -> &'static [Column] {
    match view {
        View::Nodes => nodes::COLUMNS,
        View::Gpus => gpus::COLUMNS,
        View::Pods => pods::COLUMNS,
        View::Processes => processes::COLUMNS,
    }
}

/// One cell.
#[must_use]
pub fn cell(cx: Cx<'_>, column: &Column, row: Row) -> Cell {
    let picture = cx.picture;
    match (column.content, row) {
        (Content::Node(make), Row::Node(i)) => make(&cx, &picture.nodes[i]),
        (Content::Device(make), Row::Device(i)) => make(&cx, &picture.devices[i]),
        (Content::Device(_), Row::Gap(i)) if column.title == "NODE" => {
            gpus::node_name(&cx, &picture.gaps[i].node)
        }
        (Content::Device(_), Row::Share(i, holder)) => share(picture, i, holder)
            .map(|(row, to)| shares::cell(&cx, column, row, to))
            .unwrap_or_default(),
        (Content::Pod(_), Row::Workload(i)) => workloads::cell(&cx, column, &picture.workloads[i]),
        (Content::Pod(make), Row::Pod(i)) => make(&cx, &picture.pods[i]),
        (Content::Process(make), Row::Process(i)) => make(&cx, &picture.processes[i]),
        _ => Cell::default(),
    }
}

/// A device and the one of its holders that has a share of it.
fn share(picture: &Picture, device: usize, holder: usize) -> Option<(&DeviceRow, &AllocatedTo)> {
    let row = picture.devices.get(device)?;
    Some((row, row.allocated_to.as_ref()?.get(holder)?))
}

/// A sentence that stands in place of all metric columns, where there is nothing measured.
#[must_use]
pub fn sentence(cx: Cx<'_>, row: Row) -> Option<Cell> {
    match row {
        Row::Node(at) => nodes::sentence(&cx.picture.nodes[at]),
        Row::Gap(at) => Some(gpus::gap_sentence(&cx, &cx.picture.gaps[at])),
        Row::Pod(at) => pods::sentence(&cx.picture.pods[at]),
        Row::Device(_) | Row::Share(..) | Row::Workload(_) | Row::Process(_) => None,
    }
}

/// Age of what the row's measurements rest on, when that is no longer fresh.
#[must_use]
pub fn stale_for(picture: &Picture, row: Row) -> Option<Duration> {
    match row {
        Row::Node(at) => {
            let row = &picture.nodes[at];
            row.age.filter(|_| row.stale)
        }
        Row::Device(at) | Row::Share(at, _) => {
            let row = &picture.devices[at];
            row.stale.then_some(row.age)
        }
        Row::Pod(at) => {
            let row = &picture.pods[at];
            row.age.filter(|_| row.stale && row.concerns_gpus())
        }
        Row::Process(at) => {
            let row = &picture.processes[at];
            row.stale.then_some(row.age)
        }
        Row::Gap(_) | Row::Workload(_) => None,
    }
}

/// The node that a row belongs to.
#[must_use]
pub fn node_of(picture: &Picture, row: Row) -> Option<&NodeName> {
    match row {
        Row::Node(at) => Some(&picture.nodes[at].info.name),
        Row::Device(at) | Row::Share(at, _) => Some(&picture.devices[at].node),
        Row::Gap(at) => Some(&picture.gaps[at].node),
        Row::Pod(at) => picture.pods[at].info.node.as_ref(),
        Row::Process(at) => Some(&picture.processes[at].node),
        // Its pods may be anywhere.
        Row::Workload(_) => None,
    }
}

/// How much of a row is looked at as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Columns of second rank too.
    pub wide: bool,
    /// Remarks and sentences too.
    pub remarks: bool,
}

/// Adds what the row says to `text`, a line for each cell.
pub fn write_text(cx: Cx<'_>, view: View, row: Row, extent: Extent, text: &mut String) {
    let cx = cx.widely(extent.wide);
    let spoken = sentence(cx, row);
    let said = spoken.is_some();
    let shown = columns(view).iter().filter(|column| {
        (extent.wide || !column.wide)
            && (extent.remarks || column.shows != Shows::Remarks)
            && !(said && column.yields())
    });
    let cells = shown.map(|column| cell(cx, column, row));
    for cell in cells.chain(spoken.filter(|_| extent.remarks)) {
        for piece in &cell.pieces {
            text.push_str(&piece.text);
        }
        text.push('\n');
    }
}

/// A label of what the row is about: of the pod or of the node.
#[must_use]
pub fn label<'a>(picture: &'a Picture, row: Row, key: &str) -> Option<&'a str> {
    if let Row::Pod(at) = row {
        return picture.pods[at].info.labels.get(key);
    }
    let name = node_of(picture, row)?;
    let nodes = &picture.nodes;
    let at = nodes.binary_search_by(|row| row.info.name.cmp(name)).ok()?;
    nodes[at].info.labels.get(key).map(String::as_str)
}

/// The age alone, for a column of its own.
fn age_cell(age: Option<Duration>) -> Cell {
    age.map_or_else(Cell::default, |age| {
        Cell::new(super::format::age(age), Tone::Warn)
    })
}

/// The cell of how old the measurements are: empty while they are fresh.
fn stale_cell(age: Option<Duration>) -> Option<Piece> {
    age.map(|age| Piece::new(format!("stale {}", super::format::age(age)), Tone::Warn))
}
