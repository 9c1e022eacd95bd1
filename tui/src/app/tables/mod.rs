//! What the four tables say: columns and cells as data, without colours and sizes.

mod cell;
mod column;
mod gpus;
mod nodes;
mod pods;
mod processes;
mod state_sign;

pub use cell::{Cell, Gauge, Piece, Tone};
pub use column::{Align, Column, Want};
pub use gpus::{device_line, held_by, product_of};
pub use pods::status_tone;
pub use processes::{gpu_label, owner_pieces, process_line};
pub use state_sign::{counts_pieces, sign, state_tone};

use std::time::Duration;

use gputop_fleet::state::{DeviceRow, Picture};
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
    /// Position of the row in its list of the picture.
    position: usize,
}

impl<'a> Cx<'a> {
    /// For a row that stands alone.
    #[must_use]
    pub const fn new(picture: &'a Picture, clock: Clock) -> Self {
        Self {
            picture,
            clock,
            repeated: false,
            position: 0,
        }
    }

    /// The same, for a row below one of the same node.
    #[must_use]
    pub const fn repeating(mut self, repeated: bool) -> Self {
        self.repeated = repeated;
        self
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
    let at = |position| Cx { position, ..cx };
    match (column.content, row) {
        (Content::Node(make), Row::Node(i)) => make(&at(i), &picture.nodes[i]),
        (Content::Device(make), Row::Device(i)) => make(&at(i), &picture.devices[i]),
        (Content::Device(_), Row::Gap(i)) if column.title == "NODE" => {
            gpus::node_name(&at(i), &picture.gaps[i].node)
        }
        (Content::Pod(make), Row::Pod(i)) => make(&at(i), &picture.pods[i]),
        (Content::Process(make), Row::Process(i)) => make(&at(i), &picture.processes[i]),
        _ => Cell::default(),
    }
}

/// A sentence that stands in place of all metric columns, where there is nothing measured.
#[must_use]
pub fn sentence(cx: Cx<'_>, row: Row) -> Option<Cell> {
    match row {
        Row::Node(at) => nodes::sentence(&cx.picture.nodes[at]),
        Row::Gap(at) => Some(gpus::gap_sentence(&cx.picture.gaps[at])),
        Row::Device(_) | Row::Pod(_) | Row::Process(_) => None,
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
        Row::Device(at) => {
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
        Row::Gap(_) => None,
    }
}

/// The node that a row belongs to.
#[must_use]
pub fn node_of(picture: &Picture, row: Row) -> Option<&NodeName> {
    match row {
        Row::Node(at) => Some(&picture.nodes[at].info.name),
        Row::Device(at) => Some(&picture.devices[at].node),
        Row::Gap(at) => Some(&picture.gaps[at].node),
        Row::Pod(at) => picture.pods[at].info.node.as_ref(),
        Row::Process(at) => Some(&picture.processes[at].node),
    }
}

/// Whether any cell of the row contains `needle`, which is in lower case.
#[must_use]
pub fn contains(cx: Cx<'_>, view: View, row: Row, needle: &str) -> bool {
    let found = |cell: &Cell| cell.text().to_lowercase().contains(needle);
    let spoken = sentence(cx, row);
    spoken.as_ref().is_some_and(found)
        || columns(view)
            .iter()
            .filter(|column| spoken.is_none() || !column.metric)
            .any(|column| found(&cell(cx, column, row)))
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
