//! The selected row in full: every reason to its end, every holder by name.

mod gpu;
mod node;
mod pod;
mod process;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::header::inner;
use crate::app::State;
use crate::app::row::Row;
use crate::app::tables::{Piece, Tone};
use crate::widgets::text;

/// What is said about a row.
#[derive(Debug, Default)]
struct Facts {
    title: Vec<Piece>,
    /// What matters most.
    lead: Vec<Fact>,
    /// What is in it: devices, holders, processes. Beside the rest where there is room.
    parts: Vec<Fact>,
    /// What one may want to look up.
    rest: Vec<Fact>,
}

/// A labelled value; an empty label continues the fact above.
#[derive(Debug)]
struct Fact {
    label: &'static str,
    value: Vec<Piece>,
    /// One line, cut at its end: it is one of many.
    single: bool,
}

/// Adds a fact unless it says nothing.
fn add(facts: &mut Vec<Fact>, label: &'static str, value: Vec<Piece>) {
    if value.iter().any(|piece| !piece.text.is_empty()) {
        facts.push(Fact {
            label,
            value,
            single: false,
        });
    }
}

fn say(facts: &mut Vec<Fact>, label: &'static str, text: impl Into<String>, tone: Tone) {
    add(facts, label, vec![Piece::new(text.into(), tone)]);
}

/// One line for each value.
fn list(facts: &mut Vec<Fact>, label: &'static str, values: impl IntoIterator<Item = Vec<Piece>>) {
    for (at, value) in values.into_iter().enumerate() {
        facts.push(Fact {
            label: if at == 0 { label } else { "" },
            value,
            single: true,
        });
    }
}

/// Columns of the labels.
const LABEL: u16 = 11;

/// From this width on the facts stand in two columns.
const TWO_COLUMNS: u16 = 110;

pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    if area.height < 2 || area.width < 10 {
        return;
    }
    let facts = state
        .selected()
        .map(|row| facts(state, row))
        .unwrap_or_default();
    rule(state, &facts.title, text::line(area, 0), buf);
    let body = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    let Facts {
        lead, parts, rest, ..
    } = &facts;
    if area.width >= TWO_COLUMNS && !parts.is_empty() {
        let left = Rect {
            width: area.width * 9 / 20,
            ..body
        };
        let right = text::skip(body, left.width);
        column(state, &lay_out(&[lead, rest], inner(left).width), left, buf);
        column(state, &lay_out(&[parts], inner(right).width), right, buf);
    } else {
        column(
            state,
            &lay_out(&[lead, parts, rest], inner(body).width),
            body,
            buf,
        );
    }
}

fn facts(state: &State, row: Row) -> Facts {
    let cx = state.cx();
    match row {
        Row::Node(at) => node::facts(cx, &state.picture.nodes[at]),
        Row::Device(at) => gpu::facts(cx, &state.picture.devices[at]),
        Row::Gap(at) => gpu::gap(&state.picture.gaps[at]),
        Row::Pod(at) => pod::facts(cx, &state.picture.pods[at]),
        Row::Process(at) => process::facts(cx, &state.picture.processes[at]),
    }
}

/// A line on the screen: the label belongs to the first line of a fact.
struct Line {
    label: &'static str,
    value: Vec<Piece>,
}

fn lay_out(groups: &[&Vec<Fact>], width: u16) -> Vec<Line> {
    let room = width.saturating_sub(LABEL).max(8);
    let mut lines = Vec::new();
    for fact in groups.iter().copied().flatten() {
        let values = if fact.single {
            vec![fact.value.clone()]
        } else {
            text::wrap(&fact.value, room)
        };
        for (at, value) in values.into_iter().enumerate() {
            lines.push(Line {
                label: if at == 0 { fact.label } else { "" },
                value,
            });
        }
    }
    lines
}

fn column(state: &State, lines: &[Line], area: Rect, buf: &mut Buffer) {
    let area = inner(area);
    let height = usize::from(area.height);
    for (y, line) in (0..area.height).zip(lines) {
        let at = text::line(area, y);
        let hidden = lines.len() - height.min(lines.len());
        if usize::from(y) + 1 == height && hidden > 0 {
            let more = format!("… {} more", hidden + 1);
            text::put(buf, text::skip(at, LABEL), &more, state.theme.muted);
            return;
        }
        text::put(buf, at, line.label, state.theme.muted);
        text::put_pieces(buf, text::skip(at, LABEL), &line.value, &state.theme);
    }
}

/// A thin rule with the title in it.
fn rule(state: &State, title: &[Piece], line: Rect, buf: &mut Buffer) {
    let rule = "─".repeat(usize::from(line.width));
    text::put(buf, line, &rule, state.theme.track);
    let room = Rect {
        width: line.width.saturating_sub(4),
        ..text::skip(line, 3)
    };
    let used = text::put_pieces(buf, room, title, &state.theme);
    if used > 0 {
        text::put(buf, text::skip(line, 2), " ", state.theme.plain);
        text::put(buf, text::skip(line, 3 + used), " ", state.theme.plain);
    }
}
