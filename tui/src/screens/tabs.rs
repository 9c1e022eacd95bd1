//! The tabs with their counts, the way here, and the filter.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::header::inner;
use crate::app::filter;
use crate::app::place::Within;
use crate::app::tables::{Piece, Tone};
use crate::app::{Layout, State, View};
use crate::widgets::text;

pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer, layout: &mut Layout) {
    let line = inner(area);
    if line.is_empty() {
        return;
    }
    let filter = filter_pieces(state);
    let crumbs = crumbs(state);
    // Counts go first when room is short, then the titles of the other tabs.
    let needed = text::pieces_width(&filter).max(12) + text::pieces_width(&crumbs) + 4;
    let counted = if state.is_counted() {
        &STYLES
    } else {
        &STYLES[1..]
    };
    let style = counted
        .iter()
        .copied()
        .find(|style| tabs_width(state, *style) + needed <= line.width)
        .unwrap_or(if filter.is_empty() && crumbs.is_empty() {
            Style::Titles
        } else {
            Style::Numbers
        });
    let mut used = 0;
    for view in View::ALL {
        let label = label(state, view, style);
        let active = state.place().view == view;
        let look = if active {
            state.theme.tab
        } else {
            state.theme.muted
        };
        let room = text::skip(line, used);
        let width = text::put(buf, room, &label, look);
        layout.tabs.push((view, Rect { width, ..room }));
        used += width + 1;
    }
    let rest = text::skip(line, used + 1);
    let used = text::put_pieces(buf, rest, &crumbs, &state.theme);
    let gap = if used > 0 { used + 2 } else { 0 };
    let rest = text::skip(rest, gap);
    if let Some(input) = &state.filter_input {
        edit_line(state, input, rest, buf, layout);
    } else {
        text::put_pieces(buf, rest, &filter, &state.theme);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Counts,
    Titles,
    Numbers,
}

const STYLES: [Style; 3] = [Style::Counts, Style::Titles, Style::Numbers];

fn label(state: &State, view: View, style: Style) -> String {
    let number = view.position() + 1;
    match style {
        Style::Counts => {
            format!(
                " {number} {} {} ",
                view.title(),
                state.counts()[view.position()]
            )
        }
        Style::Numbers if state.place().view != view => format!(" {number} "),
        _ => format!(" {number} {} ", view.title()),
    }
}

fn tabs_width(state: &State, style: Style) -> u16 {
    View::ALL
        .into_iter()
        .map(|view| text::width(&label(state, view, style)) + 1)
        .sum()
}

/// What the table is narrowed to, from the outside in.
fn crumbs(state: &State) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut named = None;
    for place in state.path() {
        let Some(crumb) = place.within.crumb() else {
            continue;
        };
        match &place.within {
            Within::Node(node) => named = Some(node),
            // The way here did not lead over the node.
            Within::Device { node, .. } if named.is_none() => {
                pieces.push(Piece::new("› ", Tone::Faint));
                pieces.push(Piece::new(format!("{node} "), Tone::Accent));
            }
            _ => {}
        }
        pieces.push(Piece::new("› ", Tone::Faint));
        pieces.push(Piece::new(format!("{crumb} "), Tone::Accent));
    }
    pieces
}

fn filter_pieces(state: &State) -> Vec<Piece> {
    let filter = &state.place().filter;
    if filter.is_empty() {
        return Vec::new();
    }
    vec![
        Piece::new("/", Tone::Accent),
        Piece::new(filter.clone(), Tone::Strong),
        Piece::new(format!("  {}", found(state)), Tone::Muted),
    ]
}

fn found(state: &State) -> String {
    let (matching, of) = state.found();
    filter::found(matching, of)
}

fn edit_line(
    state: &State,
    input: &tui_input::Input,
    area: Rect,
    buf: &mut Buffer,
    layout: &mut Layout,
) {
    let theme = &state.theme;
    let used = text::put(buf, area, "/", theme.accent);
    let room = text::skip(area, used);
    // One column stays free for the cursor at the end.
    let visible = room.width.saturating_sub(1);
    let scroll = input.visual_scroll(usize::from(visible));
    let mut skipped = 0;
    let start = input
        .value()
        .char_indices()
        .find(|(_, letter)| {
            let here = skipped;
            skipped += usize::from(text::width(letter.encode_utf8(&mut [0; 4])));
            here >= scroll
        })
        .map_or(input.value().len(), |(at, _)| at);
    let written = text::put(buf, room, &input.value()[start..], theme.strong);
    let cursor = u16::try_from(input.visual_cursor().saturating_sub(scroll)).unwrap_or(0);
    if room.width > 0 && !room.intersection(buf.area).is_empty() {
        layout.cursor = Some(Position::new(room.x + cursor.min(room.width - 1), room.y));
    }
    let rest = text::skip(room, written + 2);
    match state.filter().and_then(filter::Filter::problem) {
        // Only something to come: no reason to raise one's voice.
        Some(problem) => {
            let style = if problem.incomplete {
                theme.muted
            } else {
                theme.warn
            };
            text::put(
                buf,
                rest,
                &text::fit(&problem.to_string(), rest.width),
                style,
            );
        }
        None if text::width(&found(state)) <= rest.width => {
            text::put(buf, rest, &found(state), theme.muted);
        }
        None => {}
    }
}
