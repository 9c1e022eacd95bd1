//! The table in the middle. Only the rows that are on screen are built.

mod empty;
mod measure;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::areas::Areas;
use super::header::MARGIN;
use crate::app::filter::Sieve;
use crate::app::layout;
use crate::app::row::{Row, RowId};
use crate::app::tables::{self, Align, Branch, Cell, Column, Cx, Shows};
use crate::app::{Layout, State};
use crate::widgets::{gauge, text};
use measure::Table;

pub(super) fn draw(state: &State, areas: &Areas, buf: &mut Buffer, layout: &mut Layout) {
    let area = areas.table;
    let heading = u16::from(area.height >= 3);
    let rows = Rect {
        y: area.y + heading,
        height: area.height.saturating_sub(heading),
        ..area
    };
    let cursor = state.place().cursor.index;
    let shown = state.rows();
    layout.rows = rows;
    layout.offset = layout::scroll(
        state.layout.offset,
        cursor,
        shown.len(),
        usize::from(rows.height),
    );
    if shown.is_empty() {
        empty::draw(state, rows, buf);
        return;
    }
    let visible = &shown[layout.offset.min(shown.len())..];
    let visible = &visible[..visible.len().min(usize::from(rows.height))];
    let on_screen = layout.offset..layout.offset + visible.len();
    let table = Table::measure(state, on_screen, area.width);
    (layout.columns_before, layout.columns_after) = (table.before, table.after);
    if heading > 0 {
        table.heading(state, text::line(area, 0), buf, layout);
    }
    let mut sieve = state.filter().map(|filter| Sieve::new(filter, state.wide));
    let mut above = layout
        .offset
        .checked_sub(1)
        .and_then(|at| shown.get(at))
        .copied();
    for (index, row) in (0..).zip(visible) {
        let line = text::line(rows, index);
        let position = layout.offset + usize::from(index);
        let first = index == 0;
        let same_node = above.is_some_and(|above| {
            tables::node_of(&state.picture, above) == tables::node_of(&state.picture, *row)
        });
        let cx = state
            .cx()
            .repeating(same_node && !first)
            .hanging(branch(state, position))
            .folding(is_folded(state, position))
            .widely(state.wide);
        let selected = position == cursor;
        if selected {
            buf.set_style(line.intersection(buf.area), state.theme.selected);
        }
        table.row(state, cx, *row, line, buf);
        if state.look(position).is_context {
            buf.set_style(line.intersection(buf.area), state.theme.stale);
        } else if let Some(sieve) = &mut sieve {
            table.hits(state, sieve, cx, *row, line, buf);
        }
        margin(state, *row, selected, line, buf);
        above = Some(*row);
    }
    more(state, layout.offset, shown.len(), rows, buf);
}

/// How a row hangs on those above: whether another part of the same follows.
fn branch(state: &State, position: usize) -> Option<Branch> {
    let depth = state.look(position).depth;
    let following = (position + 1..state.rows().len()).map(|at| state.look(at).depth);
    let next = following.into_iter().find(|other| *other <= depth);
    match (depth, next) {
        (0, _) => None,
        (depth, Some(next)) if next == depth => Some(Branch::Middle),
        _ => Some(Branch::Last),
    }
}

/// Whether the parts of a row that always has some are not there.
fn is_folded(state: &State, position: usize) -> bool {
    state.look(position + 1).depth <= state.look(position).depth
}

/// The signs before a row: a mark, or else where the cursor is.
fn margin(state: &State, row: Row, selected: bool, line: Rect, buf: &mut Buffer) {
    let marked = !state.marks.is_empty()
        && RowId::of(&state.picture, row).is_some_and(|id| state.marks.contains(&id));
    if marked {
        text::put(buf, line, "◆", state.theme.mark);
    } else if selected {
        text::put(buf, line, "▌", state.theme.accent);
    }
}

impl Table {
    fn heading(&self, state: &State, line: Rect, buf: &mut Buffer, layout: &mut Layout) {
        if self.before > 0 {
            text::put(buf, line, "‹", state.theme.accent);
        }
        if self.after > 0 {
            let end = line.width.saturating_sub(1);
            text::put(buf, text::skip(line, end), "›", state.theme.accent);
        }
        let sort = state.place().sort;
        for (column, x, width) in &self.columns {
            let area = within(line, *x, *width);
            let sorted = sort.filter(|sort| sort.column == column.title);
            let title = match sorted {
                Some(sort) => format!("{}{}", column.title, sort.sign()),
                None => column.title.to_owned(),
            };
            let style = match sorted {
                Some(_) => state.theme.accent,
                None => state.theme.heading,
            };
            match column.align {
                // Above a bar the title stands where the numbers do.
                Align::Right => {
                    let area = Rect {
                        width: number_width(column, *width)
                            .max(text::width(&title))
                            .min(area.width),
                        ..area
                    };
                    text::put_right(buf, area, &title, style);
                }
                Align::Left => {
                    text::put(buf, area, &text::fit(&title, area.width), style);
                }
            }
            if column.field.is_some() {
                layout.columns.push((area, column.title));
            }
        }
    }

    fn row(&self, state: &State, cx: Cx<'_>, row: Row, line: Rect, buf: &mut Buffer) {
        let sentence = tables::sentence(cx, row);
        let stale = tables::stale_for(&state.picture, row).is_some();
        for (column, x, width) in &self.columns {
            if column.yields() && sentence.is_some() {
                continue;
            }
            let cell = tables::cell(cx, column, row);
            let area = within(line, *x, *width);
            draw_cell(state, column, &cell, area, buf);
            if column.shows == Shows::Measurements && (stale || cell.stale) {
                buf.set_style(area.intersection(buf.area), state.theme.stale);
            }
        }
        if let Some(cell) = sentence {
            let area = self.sentence_area(cx, row, line);
            text::put_pieces(buf, area, &cell.pieces, &state.theme);
        }
    }

    /// Where a sentence stands in place of measurements: up to what else there is to say.
    fn sentence_area(&self, cx: Cx<'_>, row: Row, line: Rect) -> Rect {
        let end = self.width.saturating_sub(MARGIN);
        let behind = self.columns.iter().filter(|(column, x, _)| {
            !column.yields()
                && *x > self.metrics
                && !tables::cell(cx, column, row).pieces.is_empty()
        });
        let end = behind.map(|(_, x, _)| x - 1).min().unwrap_or(end);
        within(line, self.metrics, end.saturating_sub(self.metrics))
    }

    /// Lays the look of hits over what the filter has found.
    fn hits(
        &self,
        state: &State,
        sieve: &mut Sieve<'_>,
        cx: Cx<'_>,
        row: Row,
        line: Rect,
        buf: &mut Buffer,
    ) {
        let sentence = tables::sentence(cx, row);
        for (column, x, width) in &self.columns {
            if column.yields() && sentence.is_some() {
                continue;
            }
            let cell = tables::cell(cx, column, row);
            let (area, pieces) = place(column, &cell, within(line, *x, *width));
            highlight(state, sieve, column.field, pieces, area, buf);
        }
        if let Some(cell) = sentence {
            highlight(
                state,
                sieve,
                None,
                &cell.pieces,
                self.sentence_area(cx, row, line),
                buf,
            );
        }
    }
}

/// Lays the look of hits over the parts of `pieces`, drawn in `area`, that were found.
fn highlight(
    state: &State,
    sieve: &mut Sieve<'_>,
    field: Option<&str>,
    pieces: &[tables::Piece],
    area: Rect,
    buf: &mut Buffer,
) {
    let whole: String = pieces.iter().map(|piece| &*piece.text).collect();
    for hit in sieve.hits(field, &whole) {
        let found = text::skip(area, text::width(&whole[..hit.start]));
        let width = text::width(&whole[hit]).min(found.width);
        buf.set_style(
            Rect { width, ..found }.intersection(buf.area),
            state.theme.hit,
        );
    }
}

fn within(line: Rect, x: u16, width: u16) -> Rect {
    let rest = text::skip(line, x);
    Rect {
        width: width.min(rest.width),
        ..rest
    }
}

/// Columns of the number before a bar.
fn number_width(column: &Column, width: u16) -> u16 {
    if column.max > 0 {
        column.min.min(width)
    } else {
        width
    }
}

/// Where the text of a cell stands, and which text: the short one where the other does not fit.
fn place<'a>(column: &Column, cell: &'a Cell, area: Rect) -> (Rect, &'a [tables::Piece]) {
    let number = Rect {
        width: number_width(column, area.width),
        ..area
    };
    let fits = |pieces: &[tables::Piece]| text::pieces_width(pieces) <= number.width;
    let pieces = match &cell.short {
        Some(short) if !fits(&cell.pieces) => short,
        _ => &cell.pieces,
    };
    let indent = match column.align {
        Align::Left => 0,
        Align::Right => number.width.saturating_sub(text::pieces_width(pieces)),
    };
    (text::skip(number, indent), pieces)
}

fn draw_cell(state: &State, column: &Column, cell: &Cell, area: Rect, buf: &mut Buffer) {
    let theme = &state.theme;
    let (at, pieces) = place(column, cell, area);
    text::put_pieces(buf, at, pieces, theme);
    if let Some(fill) = cell.gauge {
        let bar = text::skip(area, number_width(column, area.width) + 1);
        if bar.width >= 4 {
            gauge::bar(buf, bar, fill.percent, theme.style(fill.tone), theme.track);
        }
    }
}

/// Says in the last columns that there are rows above or below.
fn more(state: &State, offset: usize, rows: usize, area: Rect, buf: &mut Buffer) {
    let height = usize::from(area.height);
    if rows <= height || area.width < 20 || area.height < 2 {
        return;
    }
    let corner = |line| {
        let line = text::line(area, line);
        Rect {
            x: line.right().saturating_sub(1),
            width: 1,
            ..line
        }
    };
    if offset > 0 {
        text::put(buf, corner(0), "↑", state.theme.accent);
    }
    if offset + height < rows {
        text::put(buf, corner(area.height - 1), "↓", state.theme.accent);
    }
}
