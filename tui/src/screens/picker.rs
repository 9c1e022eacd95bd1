//! Lists to choose from and questions, in a box over the tables.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::Input;

use crate::app::layers::{Item, Picker, PickerKind, Prompt};
use crate::app::tables::{Piece, Tone};
use crate::app::{Layout, State, layout};
use crate::widgets::text;

/// Columns of the widest box.
const WIDEST: u16 = 96;

/// Items that are shown at a time, at most.
const MOST_ROWS: u16 = 18;

/// Draws a list over `area`.
pub(super) fn list(
    state: &State,
    picker: &Picker,
    area: Rect,
    buf: &mut Buffer,
    layout: &mut Layout,
) {
    let rows = u16::try_from(picker.items.len()).unwrap_or(u16::MAX);
    let rows = rows.clamp(1, MOST_ROWS);
    let Some(inside) = frame(state, picker.title, rows.saturating_add(2), area, buf) else {
        return;
    };
    entry(state, &picker.input, text::line(inside, 0), buf, layout);
    let list = Rect {
        y: inside.y + 1,
        height: inside.height - 1,
        ..inside
    };
    let height = usize::from(list.height);
    let offset = layout::scroll(0, picker.selected, picker.shown.len(), height);
    let label = label_width(picker, list.width);
    for (y, position) in (0..list.height).zip(offset..picker.shown.len()) {
        let Some(item) = picker
            .shown
            .get(position)
            .and_then(|at| picker.items.get(*at))
        else {
            break;
        };
        let line = text::line(list, y);
        draw_item(state, item, label, line, buf);
        layout.items.push((line, position));
        if position == picker.selected {
            buf.set_style(line.intersection(buf.area), state.theme.selected);
            text::put(buf, line, "▌", state.theme.accent);
        }
    }
    if picker.shown.is_empty() {
        let said = if picker.ask.is_some() {
            "asking the API server…"
        } else {
            "nothing is called so"
        };
        text::put(buf, text::skip(list, 2), said, state.theme.muted);
    }
}

/// Draws the question over `area`.
pub(super) fn prompt(
    state: &State,
    prompt: &Prompt,
    area: Rect,
    buf: &mut Buffer,
    layout: &mut Layout,
) {
    let Some(inside) = frame(state, "Tell me when this many GPUs are free", 5, area, buf) else {
        return;
    };
    entry(state, &prompt.input, text::line(inside, 0), buf, layout);
    let (said, tone) = match &prompt.problem {
        Some(problem) => (problem.clone(), Tone::Warn),
        None => (
            format!(
                "how many, then vram=20G node=NAME product=TEXT as needed, such as: {}{}",
                prompt.example,
                forget(state)
            ),
            Tone::Muted,
        ),
    };
    let said = [Piece::new(said, tone)];
    let lines = text::wrap(&said, inside.width.saturating_sub(2));
    for (y, line) in (1..inside.height).zip(lines) {
        let place = text::skip(text::line(inside, y), 2);
        text::put_pieces(buf, place, &line, &state.theme);
    }
}

/// What is waited for, and how to forget it.
fn forget(state: &State) -> String {
    if state.wishes.is_empty() {
        return String::new();
    }
    let wishes: Vec<&str> = state.wishes.iter().map(|wish| &*wish.text).collect();
    format!(
        ". Waiting for: {}; enter alone forgets all",
        wishes.join("; ")
    )
}

/// A box with a title in the upper middle of `area`; returns its inside.
fn frame(state: &State, title: &str, rows: u16, area: Rect, buf: &mut Buffer) -> Option<Rect> {
    let area = area.intersection(buf.area);
    let width = area.width.min(WIDEST);
    let height = rows.saturating_add(1).min(area.height);
    if width < 20 || height < 4 {
        return None;
    }
    let outside = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height).min(area.height / 8),
        width,
        height,
    };
    text::blank(buf, outside);
    let style = state.theme.accent;
    let across = "─".repeat(usize::from(width - 2));
    text::put(buf, text::line(outside, 0), &format!("╭{across}╮"), style);
    text::put(
        buf,
        text::line(outside, height - 1),
        &format!("╰{across}╯"),
        style,
    );
    for y in 1..height - 1 {
        let line = text::line(outside, y);
        text::put(buf, line, "│", style);
        text::put_right(buf, line, "│", style);
    }
    let room = text::skip(text::line(outside, 0), 2);
    text::put(
        buf,
        room,
        &text::fit(&format!(" {title} "), width - 4),
        state.theme.strong,
    );
    Some(Rect {
        x: outside.x + 1,
        y: outside.y + 1,
        width: width - 2,
        height: height - 2,
    })
}

/// The line of text that is being entered.
fn entry(state: &State, input: &Input, line: Rect, buf: &mut Buffer, layout: &mut Layout) {
    let line = text::skip(line, 1);
    let sign = text::put(buf, line, "› ", state.theme.accent);
    let room = text::skip(line, sign);
    let scroll =
        u16::try_from(input.visual_scroll(usize::from(room.width.saturating_sub(1)))).unwrap_or(0);
    let shown = text::from_column(input.value(), scroll);
    text::put(buf, room, shown, state.theme.strong);
    let cursor = u16::try_from(input.visual_cursor())
        .unwrap_or(0)
        .saturating_sub(scroll);
    layout.cursor = Some(Position::new(
        room.x + cursor.min(room.width.saturating_sub(1)),
        room.y,
    ));
}

/// Columns for the names.
fn label_width(picker: &Picker, width: u16) -> u16 {
    let widest = picker
        .items
        .iter()
        .map(|item| text::width(&item.label))
        .max();
    let most = if picker.kind == PickerKind::Palette {
        24
    } else {
        width * 2 / 3
    };
    widest.unwrap_or(0).min(most)
}

fn draw_item(state: &State, item: &Item, label: u16, line: Rect, buf: &mut Buffer) {
    let theme = &state.theme;
    let (name, words) = match item.reason {
        None => (theme.strong, theme.muted),
        Some(_) => (theme.faint, theme.faint),
    };
    let line = text::skip(line, 2);
    let keys_width = text::width(&item.keys);
    text::put(buf, line, &text::fit(&item.label, label), name);
    let rest = text::skip(line, label + 2);
    let room = rest.width.saturating_sub(keys_width + 2);
    let said = match &item.reason {
        None => item.detail.clone(),
        Some(reason) => reason.clone().into_owned(),
    };
    text::put(buf, rest, &text::fit(&said, room), words);
    let end = Rect {
        width: line.width.saturating_sub(1),
        ..line
    };
    let keys = match item.reason {
        None => theme.key,
        Some(_) => theme.key_off,
    };
    text::put_right(buf, end, &item.keys, keys);
}
