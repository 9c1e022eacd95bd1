//! The selected row in full: every reason to its end, every holder by name.

mod gpu;
mod node;
mod pod;
mod process;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::areas::Detail;
use super::header::inner;
use crate::app::State;
use crate::app::row::Row;
use crate::app::tables::{Piece, Tone};
use crate::widgets::text;

/// What is said about a row.
#[derive(Debug, Default)]
struct Facts {
    title: Vec<Piece>,
    lines: Vec<Fact>,
}

/// A labelled value; an empty label continues the fact above.
#[derive(Debug)]
struct Fact {
    label: &'static str,
    value: Vec<Piece>,
}

impl Facts {
    fn add(&mut self, label: &'static str, value: Vec<Piece>) {
        if value.iter().any(|piece| !piece.text.is_empty()) {
            self.lines.push(Fact { label, value });
        }
    }

    fn say(&mut self, label: &'static str, text: impl Into<String>, tone: Tone) {
        self.add(label, vec![Piece::new(text.into(), tone)]);
    }

    /// One line for each of at most `most` values, and how many more there are.
    fn list(&mut self, label: &'static str, values: Vec<Vec<Piece>>, most: usize) {
        let more = values.len().saturating_sub(most);
        for (at, value) in values.into_iter().take(most).enumerate() {
            self.add(if at == 0 { label } else { "" }, value);
        }
        if more > 0 {
            self.say("", format!("and {more} more"), Tone::Muted);
        }
    }
}

/// Columns of the labels.
const LABEL: u16 = 11;

/// From this width on the facts stand in two columns.
const TWO_COLUMNS: u16 = 112;

pub(super) fn draw(state: &State, place: Detail, buf: &mut Buffer) {
    let area = match place {
        Detail::Hidden => return,
        Detail::Below(area) | Detail::Beside(area) => area.intersection(buf.area),
    };
    if area.height < 2 || area.width < 10 {
        return;
    }
    let facts = state.selected().map(|row| facts(state, row)).unwrap_or_default();
    match place {
        Detail::Beside(_) => {
            for y in 0..area.height {
                text::put(buf, text::line(area, y), "│", state.theme.track);
            }
            let area = text::skip(area, 2);
            text::put_pieces(buf, inner(text::line(area, 0)), &facts.title, &state.theme);
            column(state, &lay_out(&facts.lines, inner(area).width), below(area, 2), buf);
        }
        _ => {
            rule(state, &facts.title, text::line(area, 0), buf);
            let body = below(area, 1);
            if area.width >= TWO_COLUMNS {
                let half = area.width / 2;
                let left = Rect { width: half, ..body };
                let lines = lay_out(&facts.lines, inner(left).width);
                let split = break_after(&lines, usize::from(body.height));
                column(state, &lines[..split], left, buf);
                column(state, &lines[split..], text::skip(body, half), buf);
            } else {
                column(state, &lay_out(&facts.lines, inner(body).width), body, buf);
            }
        }
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
    /// First line of a fact that has a label.
    begins: bool,
}

fn lay_out(facts: &[Fact], width: u16) -> Vec<Line> {
    let room = width.saturating_sub(LABEL).max(8);
    let mut lines = Vec::new();
    for fact in facts {
        for (at, value) in text::wrap(&fact.value, room).into_iter().enumerate() {
            let label = if at == 0 { fact.label } else { "" };
            lines.push(Line { label, value, begins: !label.is_empty() });
        }
    }
    lines
}

/// Where the second column begins: as late as the height allows, at the beginning of a fact.
fn break_after(lines: &[Line], height: usize) -> usize {
    if lines.len() <= height {
        return lines.len();
    }
    (1..=height).rev().find(|at| lines.get(*at).is_none_or(|line| line.begins)).unwrap_or(height)
}

fn column(state: &State, lines: &[Line], area: Rect, buf: &mut Buffer) {
    let area = inner(area);
    let height = usize::from(area.height);
    for (y, line) in (0..area.height).zip(lines) {
        let at = text::line(area, y);
        let last = usize::from(y) + 1 == height && lines.len() > height;
        text::put(buf, at, line.label, state.theme.muted);
        let value = text::skip(at, LABEL);
        let used = text::put_pieces(buf, value, &line.value, &state.theme);
        if last {
            text::put(buf, text::skip(value, used), " …", state.theme.muted);
        }
    }
}

/// A thin rule with the title in it.
fn rule(state: &State, title: &[Piece], line: Rect, buf: &mut Buffer) {
    let rule = "─".repeat(usize::from(line.width));
    text::put(buf, line, &rule, state.theme.track);
    let room = Rect { width: line.width.saturating_sub(4), ..text::skip(line, 3) };
    let used = text::put_pieces(buf, room, title, &state.theme);
    if used > 0 {
        text::put(buf, text::skip(line, 2), " ", state.theme.plain);
        text::put(buf, text::skip(line, 3 + used), " ", state.theme.plain);
    }
}

fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}
