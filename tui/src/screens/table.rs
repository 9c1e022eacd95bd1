//! The table in the middle. Only the rows that are on screen are built.

use gputop_fleet::state::{WatchState, Watched};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::areas::Areas;
use super::header::MARGIN;
use crate::app::api::Api;
use crate::app::format;
use crate::app::layout;
use crate::app::place::Within;
use crate::app::row::Row;
use crate::app::tables::{self, Align, Cell, Column, Cx, Tone, Want};
use crate::app::{Layout, State, View};
use crate::widgets::columns::{Wish, solve};
use crate::widgets::{gauge, text};

/// Rows whose content decides on the width of a column; more would cost more than it is worth.
const MEASURED_ROWS: usize = 400;

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
        empty(state, rows, buf);
        return;
    }
    let visible = &shown[layout.offset.min(shown.len())..];
    let visible = &visible[..visible.len().min(usize::from(rows.height))];
    let table = Table::measure(state, visible, area.width);
    if heading > 0 {
        table.heading(state, text::line(area, 0), buf);
    }
    let mut above = layout
        .offset
        .checked_sub(1)
        .and_then(|at| shown.get(at))
        .copied();
    for (index, row) in (0..).zip(visible) {
        let line = text::line(rows, index);
        let first = index == 0;
        let same_node = above.is_some_and(|above| {
            tables::node_of(&state.picture, above) == tables::node_of(&state.picture, *row)
        });
        let cx = state.cx().repeating(same_node && !first);
        table.row(state, cx, *row, line, buf);
        if layout.offset + usize::from(index) == cursor {
            buf.set_style(line.intersection(buf.area), state.theme.selected);
            text::put(buf, line, "▌", state.theme.accent);
        }
        above = Some(*row);
    }
    more(state, layout.offset, shown.len(), rows, buf);
}

/// The columns with their places.
struct Table {
    columns: Vec<(&'static Column, u16, u16)>,
    /// Where measurements begin.
    metrics: u16,
    width: u16,
}

impl Table {
    fn measure(state: &State, visible: &[Row], width: u16) -> Self {
        let columns = tables::columns(state.place().view);
        let measured: Vec<Row> = state
            .rows()
            .iter()
            .take(MEASURED_ROWS)
            .chain(visible)
            .copied()
            .collect();
        let cx = state.cx();
        let spoken: Vec<bool> = measured
            .iter()
            .map(|row| tables::sentence(cx, *row).is_some())
            .collect();
        let content = |column: &Column| {
            let rows = measured.iter().zip(&spoken);
            rows.filter(|(_, spoken)| !column.metric || !**spoken)
                .map(|(row, _)| text::pieces_width(&tables::cell(cx, column, *row).pieces))
                .max()
                .unwrap_or(0)
        };
        let mut shown = Vec::new();
        let mut wishes = Vec::new();
        for column in columns {
            if column.optional && content(column) == 0 {
                continue;
            }
            let want = match column.want {
                Want::Fixed(want) => want,
                Want::Content(most) => {
                    let widest = content(column);
                    widest.max(text::width(column.title)).min(most)
                }
            };
            // A column that has less to say than its minimum does not need the minimum.
            let min = column.min.min(want);
            shown.push(column);
            wishes.push(Wish {
                min,
                want,
                max: column.max,
                priority: column.priority,
                grows: column.grows,
            });
        }
        let gap = if width >= 100 { 2 } else { 1 };
        let room = width.saturating_sub(2 * MARGIN);
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
            .find(|(column, ..)| column.metric)
            .map_or(x, |(_, x, _)| *x);
        Self {
            columns: placed,
            metrics,
            width,
        }
    }

    fn heading(&self, state: &State, line: Rect, buf: &mut Buffer) {
        for (column, x, width) in &self.columns {
            let area = within(line, *x, *width);
            match column.align {
                // Above a bar the title stands where the numbers do.
                Align::Right if column.max == 0 => {
                    text::put_right(buf, area, column.title, state.theme.heading);
                }
                Align::Right => {
                    let area = Rect {
                        width: number_width(column, *width),
                        ..area
                    };
                    text::put_right(buf, area, column.title, state.theme.heading);
                }
                Align::Left => {
                    text::put(buf, area, column.title, state.theme.heading);
                }
            }
        }
    }

    fn row(&self, state: &State, cx: Cx<'_>, row: Row, line: Rect, buf: &mut Buffer) {
        let sentence = tables::sentence(cx, row);
        let stale = tables::stale_for(&state.picture, row).is_some();
        for (column, x, width) in &self.columns {
            if column.metric && sentence.is_some() {
                continue;
            }
            let cell = tables::cell(cx, column, row);
            let area = within(line, *x, *width);
            draw_cell(state, column, &cell, area, buf);
            if column.fades && (stale || cell.stale) {
                buf.set_style(area.intersection(buf.area), state.theme.stale);
            }
        }
        if let Some(cell) = sentence {
            let room = self.width.saturating_sub(self.metrics + MARGIN);
            text::put_pieces(
                buf,
                within(line, self.metrics, room),
                &cell.pieces,
                &state.theme,
            );
        }
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

fn draw_cell(state: &State, column: &Column, cell: &Cell, area: Rect, buf: &mut Buffer) {
    let theme = &state.theme;
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
    text::put_pieces(buf, text::skip(number, indent), pieces, theme);
    if let Some(fill) = cell.gauge {
        let bar = text::skip(area, number.width + 1);
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

/// Why there is not a single row.
fn empty(state: &State, area: Rect, buf: &mut Buffer) {
    let place = state.place();
    let message = if !place.filter.is_empty() {
        format!(
            "Nothing here contains “{}”. Esc drops the filter.",
            place.filter
        )
    } else if let Api::Connecting = state.api() {
        "Asking the API server for nodes and pods…".to_owned()
    } else if let Api::Lost { shown: false, .. } = state.api() {
        "The API server has not answered yet.".to_owned()
    } else {
        nothing(state, place.view, &place.within)
    };
    let line = text::line(area, u16::from(area.height > 4));
    let line = text::skip(line, MARGIN + 1);
    text::put(
        buf,
        line,
        &text::fit(&message, line.width),
        state.theme.style(Tone::Muted),
    );
}

fn nothing(state: &State, view: View, within: &Within) -> String {
    let narrowed = *within != Within::Everything;
    let forbidden = |watched| matches!(state.fleet.watch(watched), WatchState::Forbidden { .. });
    if forbidden(Watched::Nodes) && view != View::Pods {
        return "You have no right to list the nodes of this cluster.".to_owned();
    }
    if forbidden(Watched::Pods) && view != View::Nodes {
        return "You have no right to list the pods of this cluster.".to_owned();
    }
    match view {
        View::Nodes => "The cluster has no nodes.".to_owned(),
        View::Gpus if narrowed => "No GPU here.".to_owned(),
        View::Gpus => "No GPU is known in this cluster. The Nodes table says why.".to_owned(),
        View::Pods if narrowed => "No pod here holds or uses a GPU.".to_owned(),
        View::Pods => {
            let hidden = format::count(state.hidden_pods(), "pod");
            format!("No pod asks for a GPU. a shows all ({hidden}).")
        }
        View::Processes if narrowed => "No process here.".to_owned(),
        View::Processes if state.session.agents => "No process is on a GPU.".to_owned(),
        View::Processes => "Processes come from the daemons, and those were not asked.".to_owned(),
    }
}
