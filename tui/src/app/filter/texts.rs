//! What rows say, kept from one key to the next: making it of thousands of rows takes longer than
//! looking for something in it.

use std::collections::HashMap;
use std::ops::Range;

use crate::app::row::Row;
use crate::app::tables::{self, Cx, Extent};
use crate::app::view::View;

/// The texts of the rows of one table, each made when it is first asked for. They are of one
/// picture at one time: other data needs others.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    view: View,
    extent: Extent,
    all: String,
    places: HashMap<Row, Range<usize>>,
}

impl Texts {
    /// The same for the table `view`: what is already known if it was the same.
    pub(super) fn of(self, view: View, extent: Extent) -> Self {
        if self.view == view && self.extent == extent {
            return self;
        }
        Self {
            view,
            extent,
            ..Self::default()
        }
    }

    /// What the row says, a line for each cell.
    pub(super) fn get(&mut self, cx: Cx<'_>, row: Row) -> &str {
        let all = &mut self.all;
        let place = self.places.entry(row).or_insert_with(|| {
            let begin = all.len();
            tables::write_text(cx, self.view, row, self.extent, all);
            begin..all.len()
        });
        self.all.get(place.clone()).unwrap_or_default()
    }
}
