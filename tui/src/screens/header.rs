//! The whole cluster in three lines.

use gputop_fleet::state::{DeviceState, Totals};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::areas::Areas;
use crate::app::State;
use crate::app::api::Api;
use crate::app::format;
use crate::app::tables::{Piece, Tone, counts_pieces};
use crate::theme::Theme;
use crate::widgets::{gauge, text};

/// Columns left free at both sides.
pub(super) const MARGIN: u16 = 1;

pub(super) fn draw(state: &State, areas: &Areas, buf: &mut Buffer) {
    let header = inner(areas.header);
    let api = state.api();
    identity(state, &api, text::line(header, 0), buf);
    if header.height == 2 {
        compact(state, text::line(header, 1), buf);
    } else {
        devices(state, text::line(header, 1), buf);
        amounts(state, text::line(header, 2), buf);
    }
    if let Some(sentence) = api.sentence() {
        let line = inner(areas.banner);
        let sentence = Piece::new(format!("▲ {sentence}"), Tone::Warn);
        text::put_pieces(buf, line, &[sentence], &state.theme);
    }
}

pub(super) fn inner(area: Rect) -> Rect {
    let margin = if area.width > 2 * MARGIN { MARGIN } else { 0 };
    Rect { x: area.x + margin, width: area.width - 2 * margin, ..area }
}

/// Who one is talking to, and whether it answers.
fn identity(state: &State, api: &Api, line: Rect, buf: &mut Buffer) {
    let status = api.short();
    let tone = match api {
        Api::Live => Tone::Good,
        Api::Connecting => Tone::Muted,
        Api::Lost { .. } | Api::Limited { .. } => Tone::Warn,
    };
    let room = line.width.saturating_sub(text::width(&status) + 2);
    let session = &state.session;
    let mut groups = vec![
        vec![Piece::new("gputop-k3s", Tone::Accent)],
        vec![Piece::new(format::one_line(&session.context), Tone::Strong)],
    ];
    if let Some(seed) = session.seed {
        groups.push(vec![Piece::new(format!("seed {seed}"), Tone::Plain)]);
    }
    groups.push(vec![Piece::new(format::one_line(&session.server_version), Tone::Muted)]);
    row(buf, Rect { width: room, ..line }, &groups, &state.theme);
    text::put_right(buf, line, &status, state.theme.style(tone));
}

/// What is free comes first.
fn devices(state: &State, line: Rect, buf: &mut Buffer) {
    let totals = &state.picture.totals;
    let mut groups = vec![vec![Piece::new("devices ", Tone::Muted)]];
    let counted = counts_pieces(&totals.devices, false);
    if counted.is_empty() {
        groups.push(vec![Piece::new(format::UNKNOWN, Tone::Faint)]);
    }
    for piece in counted {
        let mut group = vec![piece];
        let free = totals.devices.get(&DeviceState::Free).copied().unwrap_or_default();
        if groups.len() == 1 && free > totals.devices_free {
            let cordoned = free - totals.devices_free;
            group.push(Piece::new(format!(" ({cordoned} cordoned)"), Tone::Muted));
        }
        groups.push(group);
    }
    row(buf, line, &groups, &state.theme);
}

fn amounts(state: &State, line: Rect, buf: &mut Buffer) {
    let totals = &state.picture.totals;
    let theme = &state.theme;
    let mut groups = vec![units(totals), agents(state)];
    if totals.pods_pending > 0 {
        let pending = format::count(totals.pods_pending, "pod");
        groups.insert(0, vec![Piece::new(format!("{pending} pending"), Tone::Warn)]);
        groups.swap(0, 1);
    }
    if let Some(power) = totals.power {
        groups.push(vec![
            Piece::new("power ", Tone::Muted),
            Piece::new(format::power(power), Tone::Plain),
        ]);
    }
    let ready = format!("{}/{}", totals.nodes_ready, totals.nodes);
    let nodes = [Piece::new("nodes ready ", Tone::Muted), Piece::new(ready, Tone::Plain)];
    let memory = totals.memory.map(|(used, total)| {
        let share = used.share_of(total).map_or(0, |percent| percent.0);
        (format::memory(Some(used), total), share)
    });
    if let Some((amount, _)) = &memory {
        let pieces =
            vec![Piece::new("VRAM ", Tone::Muted), Piece::new(amount.clone(), Tone::Plain)];
        groups.insert(1, pieces);
    }
    groups.push(nodes.to_vec());
    let used = row(buf, line, &groups, theme);
    // The bar takes what is left, if that is worth it.
    if let Some((_, share)) = memory {
        let rest = text::skip(line, used + 3);
        let bar = Rect { width: rest.width.min(24), ..rest };
        if bar.width >= 8 && used + 3 < line.width {
            let label = text::put(buf, bar, "VRAM ", theme.muted);
            gauge::bar(buf, text::skip(bar, label), share, theme.accent, theme.track);
        }
    }
}

/// Two lines of header have room for the states alone, by their signs.
fn compact(state: &State, line: Rect, buf: &mut Buffer) {
    let totals = &state.picture.totals;
    let mut groups: Vec<Vec<Piece>> =
        counts_pieces(&totals.devices, false).into_iter().map(|piece| vec![piece]).collect();
    if groups.iter().map(|group| text::pieces_width(group) + 3).sum::<u16>() > line.width {
        let short = counts_pieces(&totals.devices, true);
        groups = short.into_iter().map(|piece| vec![piece]).collect();
    }
    groups.push(units(totals));
    row(buf, line, &groups, &state.theme);
}

fn units(totals: &Totals) -> Vec<Piece> {
    let requested =
        totals.units_requested.map_or_else(|| format::UNKNOWN.to_owned(), |units| units.to_string());
    vec![
        Piece::new("units ", Tone::Muted),
        Piece::new(format!("{requested}/{}", totals.units_allocatable), Tone::Plain),
        Piece::new(" requested", Tone::Muted),
    ]
}

fn agents(state: &State) -> Vec<Piece> {
    let totals = &state.picture.totals;
    if !state.session.agents {
        return vec![Piece::new("daemons not asked", Tone::Muted)];
    }
    let all = totals.agents_live >= totals.agents_expected;
    let tone = if all { Tone::Plain } else { Tone::Warn };
    vec![
        Piece::new("daemons ", Tone::Muted),
        Piece::new(format!("{}/{}", totals.agents_live, totals.agents_expected), tone),
    ]
}

/// Writes groups with air between them; a group that does not fit is left out, and with it all
/// that follow. Returns the columns used.
fn row(buf: &mut Buffer, line: Rect, groups: &[Vec<Piece>], theme: &Theme) -> u16 {
    let mut used = 0;
    for (at, group) in groups.iter().enumerate() {
        let before = if at == 0 { 0 } else { used + 3 };
        let width = text::pieces_width(group);
        if at > 0 && before + width > line.width {
            return used;
        }
        if at > 0 {
            text::put(buf, text::skip(line, used), " · ", theme.faint);
        }
        used = before + text::put_pieces(buf, text::skip(line, before), group, theme);
    }
    used
}
