//! The help page: the keys from the registry, and what the signs mean.

use gputop_fleet::state::DeviceState;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::header::inner;
use crate::app::State;
use crate::app::actions::{self, Action, Scope};
use crate::app::tables::{Piece, Tone, sign, state_tone};
use crate::widgets::text;

/// Columns of the keys.
const KEYS: u16 = 17;

/// Columns from which keys and signs stand side by side.
const TWO_COLUMNS: u16 = 110;

type Lines = Vec<Vec<Piece>>;

/// Draws the page over `area`; returns how many lines do not fit.
pub(super) fn draw(state: &State, scroll: u16, area: Rect, buf: &mut Buffer) -> u16 {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return 0;
    }
    text::blank(buf, area);
    let view = state.place().view;
    let left = keys(
        state,
        &[Scope::Table(view), Scope::Tables, Scope::Everywhere],
    );
    let mut right = signs();
    right.push(Vec::new());
    right.extend(keys(
        state,
        &[Scope::Page, Scope::Filter, Scope::Picker, Scope::Help],
    ));
    if area.width >= TWO_COLUMNS {
        let half = area.width / 2 + 2;
        let lines = left.len().max(right.len());
        column(
            state,
            &left,
            scroll,
            Rect {
                width: half,
                ..area
            },
            buf,
        );
        column(state, &right, scroll, text::skip(area, half), buf);
        overflow(lines, area)
    } else {
        let mut all = left;
        all.push(Vec::new());
        all.extend(right);
        column(state, &all, scroll, area, buf);
        overflow(all.len(), area)
    }
}

fn overflow(lines: usize, area: Rect) -> u16 {
    u16::try_from(lines)
        .unwrap_or(u16::MAX)
        .saturating_sub(area.height)
}

fn column(state: &State, lines: &Lines, scroll: u16, area: Rect, buf: &mut Buffer) {
    let area = inner(area);
    for (y, line) in (0..area.height).zip(lines.iter().skip(usize::from(scroll))) {
        text::put_pieces(buf, text::line(area, y), line, &state.theme);
    }
}

/// The keys of some scopes, each below its title.
fn keys(state: &State, scopes: &[Scope]) -> Lines {
    let mut lines = Vec::new();
    for scope in scopes {
        let actions: Vec<&Action> = actions::all().filter(|a| a.scope == *scope).collect();
        if actions.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Vec::new());
        }
        lines.push(vec![Piece::new(scope.title(), Tone::Accent)]);
        for action in actions {
            lines.push(key_line(state, action));
        }
    }
    lines
}

fn key_line(state: &State, action: &Action) -> Vec<Piece> {
    let chords = state.keymap.chords(action);
    let mut keys: Vec<String> = chords.iter().map(ToString::to_string).collect();
    if keys.is_empty() {
        keys.push(format!(":{}", action.name));
    }
    let keys = keys.join(" ");
    let pad = usize::from(KEYS.saturating_sub(text::width(&keys)).max(2));
    let reason = (action.available)(state).err();
    let tone = if reason.is_some() {
        Tone::Faint
    } else {
        Tone::Strong
    };
    let mut line = vec![Piece::new(format!("  {keys}{}", " ".repeat(pad)), tone)];
    match reason {
        None => line.push(Piece::new(action.help, Tone::Plain)),
        Some(reason) => {
            line.push(Piece::new(action.help, Tone::Faint));
            line.push(Piece::new(format!(" ({reason})"), Tone::Muted));
        }
    }
    line
}

/// What is on screen without words.
fn signs() -> Lines {
    let mut lines = vec![vec![Piece::new("A device is", Tone::Accent)]];
    for state in DeviceState::ALL {
        let meaning = match state {
            DeviceState::Sick => "must not be given work",
            DeviceState::Idle => "held, but not used for minutes",
            DeviceState::Occupied => "in use, though nobody asked for it",
            DeviceState::Free => "nobody has it, nothing uses it",
            DeviceState::Ready => "held, and used a short while ago",
            DeviceState::Allocated => "held; its use can not be measured",
            DeviceState::Working => "held and at work",
            DeviceState::Partitioned => "split into MIG instances",
            DeviceState::Unknown => "nobody can tell who holds it",
        };
        lines.push(vec![
            Piece::new(
                format!("  {} {:<12}", sign(state), state.name()),
                state_tone(state),
            ),
            Piece::new(meaning, Tone::Plain),
        ]);
    }
    let say = |sign: &'static str, tone, meaning: &'static str| {
        vec![
            Piece::new(
                format!(
                    "  {sign}{}",
                    " ".repeat(usize::from(14 - text::width(sign)))
                ),
                tone,
            ),
            Piece::new(meaning, Tone::Plain),
        ]
    };
    lines.push(Vec::new());
    lines.push(vec![Piece::new("Words and signs", Tone::Accent)]);
    lines.extend([
        say(
            "units",
            Tone::Strong,
            "what the scheduler counts (nvidia.com/…)",
        ),
        say(
            "devices",
            Tone::Strong,
            "GPUs and MIG instances that can be held",
        ),
        say("REQ", Tone::Strong, "units that the pod asks for"),
        say("ALLOC", Tone::Strong, "devices that the kubelet gave it"),
        say("USED", Tone::Strong, "devices that it used lately"),
        say("–", Tone::Strong, "not known; never a zero"),
        say(
            "stale 12s",
            Tone::Warn,
            "no fresh measurement for that long",
        ),
        say("⚑", Tone::Notice, "uses a GPU without having asked for one"),
        say("▲ ▼", Tone::Bad, "hot or failing · slowed down"),
    ]);
    lines
}
