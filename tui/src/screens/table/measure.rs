//! Which columns there are, where they stand and how wide they are.

use std::ops::Range;

use super::MARGIN;
use crate::app::State;
use crate::app::row::Row;
use crate::app::tables::{self, Branch, Cell, Column, Cx, Want};
use crate::widgets::columns::{Wish, solve};
use crate::widgets::text;

/// Rows whose content decides on the width of a column; more would cost more than it is worth.
const MEASURED_ROWS: usize = 400;

/// Columns from which on a screen has room for whole names.
const ROOMY: u16 = 100;

/// The columns with their places.
pub(super) struct Table {
    pub(super) columns: Vec<(&'static Column, u16, u16)>,
    /// Where measurements begin.
    pub(super) metrics: u16,
    pub(super) width: u16,
    /// Columns scrolled away to the left.
    pub(super) before: usize,
    /// Columns for which there is no room to the right.
    pub(super) after: usize,
}

impl Table {
    /// For the rows of the table, of which `visible` are on the screen, in `width` columns.
    pub(super) fn measure(state: &State, visible: Range<usize>, width: u16) -> Self {
        let sort = state.place().sort;
        let columns = columns(state);
        let content = Contents::of(state, visible);
        let mut shown = Vec::new();
        let mut wishes = Vec::new();
        for column in columns {
            if column.optional && content.is_silent(column) {
                continue;
            }
            let sorted = sort.is_some_and(|sort| sort.column == column.title);
            let title = text::width(column.title) + u16::from(sorted);
            let want = match column.want {
                Want::Fixed(want) => want,
                Want::Content(most) => content.widest(column).max(title).min(most),
            };
            let least = if width >= ROOMY { column.roomy } else { 0 };
            let least = match column.short {
                0 => least,
                most => least.max(content.widest_short(column).min(most)),
            };
            // A column that has less to say than its minimum does not need the minimum. The one
            // that the table is sorted by shows that it is.
            let min = column.min.max(least).min(want);
            let shows_order = if sorted { title } else { 0 };
            shown.push(column);
            wishes.push(Wish {
                min: min.max(shows_order),
                want: want.max(shows_order),
                max: column.max,
                priority: if sorted { 0 } else { column.priority },
                grows: column.grows,
            });
        }
        let room = width.saturating_sub(2 * MARGIN);
        let scrolled = if state.wide {
            scroll(&mut shown, &mut wishes, room, state.place().shift)
        } else {
            None
        };
        let gap = gap(&wishes, room);
        let all = shown.len();
        let mut x = MARGIN;
        let mut placed = Vec::new();
        for (column, width) in shown.into_iter().zip(solve(&wishes, gap, room)) {
            if let Some(width) = width {
                placed.push((column, x, width));
                x += width + gap;
            }
        }
        let metrics = placed
            .iter()
            .find(|(column, ..)| column.yields())
            .map_or(x, |(_, x, _)| *x);
        Self {
            before: scrolled.unwrap_or_default(),
            after: scrolled.map_or(0, |_| all - placed.len()),
            columns: placed,
            metrics,
            width,
        }
    }
}

/// Columns between columns: two where all words fit all the same, air being worth less than words.
fn gap(wishes: &[Wish], room: u16) -> u16 {
    let words = wishes.iter().map(|wish| {
        let bar = wish.max > 0;
        u32::from(if bar { wish.min } else { wish.want }) + 2
    });
    if words.sum::<u32>() <= u32::from(room) + 2 {
        2
    } else {
        1
    }
}

/// The columns that may be shown: those of the configuration in its order, or those of the table.
/// The one that decides on the order is always among them.
fn columns(state: &State) -> Vec<&'static Column> {
    let place = state.place();
    let all = tables::columns(place.view);
    let sorted = |column: &&Column| {
        let sort = place.sort;
        sort.is_some_and(|sort| sort.column == column.title)
    };
    match &state.columns[place.view.position()] {
        Some(titles) if !state.wide => {
            let named = |title: &&str| all.iter().find(|column| column.title == *title);
            let mut chosen: Vec<&Column> = titles.iter().filter_map(named).collect();
            let missing = all
                .iter()
                .filter(sorted)
                .filter(|column| !titles.contains(&column.title));
            chosen.extend(missing);
            chosen
        }
        _ => all
            .iter()
            .filter(|column| state.wide || !column.wide || sorted(column))
            .filter(|column| !(state.pod_tree && column.flat))
            .collect(),
    }
}

/// Where more columns are asked for than there is room for: what a row is and how it is stays, the
/// others are scrolled past it, `shift` of them to the left; those at the right end that do not fit
/// are given up first. Returns how many have gone to the left; `None`: all fit.
fn scroll(
    columns: &mut Vec<&Column>,
    wishes: &mut Vec<Wish>,
    room: u16,
    shift: usize,
) -> Option<usize> {
    if solve(wishes, 1, room).iter().all(Option::is_some) {
        return None;
    }
    let stays = |at: usize, wish: &Wish| at == 0 || wish.priority == 0;
    let movable: Vec<usize> = (0..wishes.len())
        .filter(|at| !stays(*at, &wishes[*at]))
        .collect();
    let gone = shift.min(movable.len().saturating_sub(1));
    let first = movable.get(gone).copied().unwrap_or_default();
    let mut kept = Vec::new();
    for (at, (column, wish)) in columns.drain(..).zip(wishes.drain(..)).enumerate() {
        let stays = stays(at, &wish);
        if stays || at >= first {
            let rank = u8::try_from(at).unwrap_or(u8::MAX).max(1);
            let priority = if stays { 0 } else { rank };
            kept.push((column, Wish { priority, ..wish }));
        }
    }
    (*columns, *wishes) = kept.into_iter().unzip();
    Some(gone)
}

/// The rows whose content decides on the width of columns.
struct Contents<'a> {
    /// With whether a sentence stands in place of measurements.
    rows: Vec<(Cx<'a>, Row, bool)>,
}

impl<'a> Contents<'a> {
    /// The first rows and those on the screen.
    fn of(state: &'a State, visible: Range<usize>) -> Self {
        // Not those on the screen twice.
        let first = (0..MEASURED_ROWS).filter(|at| !visible.contains(at));
        let rows = first.chain(visible.clone()).filter_map(|at| {
            let row = *state.rows().get(at)?;
            let branch = (state.look(at).depth > 0).then_some(Branch::Last);
            let cx = state.cx().hanging(branch).widely(state.wide);
            Some((cx, row, tables::sentence(cx, row).is_some()))
        });
        Self {
            rows: rows.collect(),
        }
    }

    fn cells(&self, column: &Column) -> impl Iterator<Item = Cell> {
        let rows = self.rows.iter();
        rows.filter(|(_, _, spoken)| !column.yields() || !*spoken)
            .map(|(cx, row, _)| tables::cell(*cx, column, *row))
    }

    fn is_silent(&self, column: &Column) -> bool {
        self.cells(column).all(|cell| cell.is_silent())
    }

    fn widest_short(&self, column: &Column) -> u16 {
        self.cells(column)
            .map(|cell| text::pieces_width(cell.short.as_ref().unwrap_or(&cell.pieces)))
            .max()
            .unwrap_or(0)
    }

    fn widest(&self, column: &Column) -> u16 {
        self.cells(column)
            .map(|cell| text::pieces_width(&cell.pieces))
            .max()
            .unwrap_or(0)
    }
}
