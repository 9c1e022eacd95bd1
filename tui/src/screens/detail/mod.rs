//! The selected row in full: what it is and does, why it is so, and how it has been of late.
//!
//! What is said does not depend on the room: [`draw`] shows as much as fits below the table,
//! [`page`] all of it.

mod columns;
mod gpu;
mod graphs;
mod hardware;
mod history;
mod host;
mod node;
mod pod;
mod process;
mod tracks;
mod workload;

use gputop_fleet::state::DeviceRow;
use gputop_model::{NodeName, NodeSnapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::header::inner;
use crate::app::State;
use crate::app::actions::{self, ActionId};
use crate::app::row::Row;
use crate::app::tables::{Piece, Tone};
use crate::widgets::text;
use columns::LABEL;
use graphs::Graphs;

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

/// Lines of the graphs on a page of their own.
const PAGE_GRAPHS: u16 = 8;

/// Draws the selected row below the table.
pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    if area.height < 2 || area.width < 10 {
        return;
    }
    let Some(row) = state.selected() else {
        rule(state, &[], text::line(area, 0), buf);
        return;
    };
    let facts = facts(state, row);
    rule(state, &facts.title, text::line(area, 0), buf);
    let mut body = below(area, 1);
    let graphs = Graphs::of(state, row);
    let lines = graphs.height(inner(body).width, body.height);
    if lines > 0 {
        let part = Rect {
            height: lines,
            ..inner(body)
        };
        graphs.draw(buf, part, &state.theme);
        body = below(body, lines);
    }
    let key = all_of_it(state);
    columns::draw(&facts, key.as_deref(), body, buf, &state.theme);
}

/// The key that shows all of what is cut off here; `None`: it was taken away.
fn all_of_it(state: &State) -> Option<String> {
    let describe = actions::all().find(|action| action.id == ActionId::Describe)?;
    let chords = state.keymap.chords(describe);
    chords.first().map(ToString::to_string)
}

/// The selected row in full, in lines of at most `width` columns: for a page that can be scrolled.
#[must_use]
pub(crate) fn page(state: &State, width: u16) -> Vec<Vec<Piece>> {
    let Some(row) = state.selected() else {
        return Vec::new();
    };
    let Facts {
        title,
        lead,
        parts,
        rest,
    } = facts(state, row);
    let mut lines = text::wrap(&title, width);
    let graphs = Graphs::of(state, row).lines(width, PAGE_GRAPHS);
    if !graphs.is_empty() {
        lines.push(Vec::new());
        lines.extend(graphs);
    }
    for group in [lead, parts, rest] {
        if group.is_empty() {
            continue;
        }
        lines.push(Vec::new());
        for fact in &group {
            lines.extend(whole(fact, width));
        }
    }
    lines
}

/// A fact to its end, with its label before the first line.
fn whole(fact: &Fact, width: u16) -> Vec<Vec<Piece>> {
    let values = text::wrap(&fact.value, width.saturating_sub(LABEL).max(8));
    let label = |at: usize| if at == 0 { fact.label } else { "" };
    let lines = values.into_iter().enumerate().map(|(at, value)| {
        let mut line = vec![Piece::new(
            format!("{:<1$}", label(at), usize::from(LABEL)),
            Tone::Muted,
        )];
        line.extend(value);
        line
    });
    lines.collect()
}

fn facts(state: &State, row: Row) -> Facts {
    let cx = state.cx();
    match row {
        Row::Node(at) => node::facts(state, &state.picture.nodes[at]),
        Row::Device(at) | Row::Share(at, _) => gpu::facts(state, &state.picture.devices[at]),
        Row::Workload(at) => workload::facts(cx, &state.picture.workloads[at]),
        Row::Gap(at) => gpu::gap(state, &state.picture.gaps[at]),
        Row::Pod(at) => pod::facts(cx, &state.picture.pods[at]),
        Row::Process(at) => process::facts(cx, &state.picture.processes[at]),
    }
}

/// The devices of a node; they are sorted by it.
fn on_node<'a>(devices: &'a [DeviceRow], node: &NodeName) -> &'a [DeviceRow] {
    let first = devices.partition_point(|row| row.node < *node);
    let count = devices[first..].partition_point(|row| row.node == *node);
    &devices[first..first + count]
}

/// What the daemon of a node said last.
fn snapshot<'a>(state: &'a State, node: &NodeName) -> Option<&'a NodeSnapshot> {
    let report = state.fleet.agents().get(node)?;
    report.last.as_ref().map(|last| &*last.snapshot)
}

/// `area` without its first lines.
fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect {
        y: area.y + lines,
        height: area.height - lines,
        ..area
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
