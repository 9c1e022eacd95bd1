//! The whole cluster in three lines.

use gputop_fleet::state::{DeviceState, Totals};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::areas::Areas;
use crate::app::State;
use crate::app::api::Api;
use crate::app::format;
use crate::app::tables::{Piece, Tone, counts_pieces, sign, state_tone};
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
    if let Some([before, why, after]) = api.sentence() {
        let line = inner(areas.banner);
        let room = line
            .width
            .saturating_sub(text::width(&before) + text::width(&after) + 2);
        let sentence = format!("▲ {before}{}{after}", text::fit(&why, room));
        text::put_pieces(buf, line, &[Piece::new(sentence, Tone::Warn)], &state.theme);
    }
}

pub(super) fn inner(area: Rect) -> Rect {
    let margin = if area.width > 2 * MARGIN { MARGIN } else { 0 };
    Rect {
        x: area.x + margin,
        width: area.width - 2 * margin,
        ..area
    }
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
    if let Some(namespace) = &state.namespace {
        groups.push(vec![Piece::new(
            format!("namespace {}", format::one_line(namespace)),
            Tone::Plain,
        )]);
    }
    groups.push(vec![Piece::new(
        format::one_line(&session.server_version),
        Tone::Muted,
    )]);
    Row::DOTS.draw(
        buf,
        Rect {
            width: room,
            ..line
        },
        &groups,
        &state.theme,
    );
    text::put_right(buf, line, &status, state.theme.style(tone));
}

/// What is free comes first. Every state that occurs is there, by its sign alone if need be.
fn devices(state: &State, line: Rect, buf: &mut Buffer) {
    let totals = &state.picture.totals;
    let label = Piece::new("devices  ", Tone::Muted);
    if totals.devices.is_empty() {
        text::put_pieces(
            buf,
            line,
            &[label, Piece::new(format::UNKNOWN, Tone::Faint)],
            &state.theme,
        );
        return;
    }
    let plain = states(totals, false);
    let mut full = plain.clone();
    let free = totals
        .devices
        .get(&DeviceState::Free)
        .copied()
        .unwrap_or_default();
    if free > totals.devices_free {
        let closed = free - totals.devices_free;
        full[0].push(Piece::new(
            format!(" (+{closed} out of reach)"),
            Tone::Muted,
        ));
    }
    full[0].insert(0, label.clone());
    let mut short = states(totals, true);
    short[0].insert(0, label);
    let shown = [full, plain]
        .into_iter()
        .find(|groups| Row::WIDE.width(groups) <= line.width);
    Row::WIDE.draw(buf, line, &shown.unwrap_or(short), &state.theme);
}

/// The devices by state. Free are only those that a pod can be put on; that there are none is
/// said, too.
fn states(totals: &Totals, short: bool) -> Vec<Vec<Piece>> {
    let mut counts = totals.devices.clone();
    counts.remove(&DeviceState::Free);
    let free = match (totals.devices_free, short) {
        (number, true) => format!("{}{number}", sign(DeviceState::Free)),
        (number, false) => format!("{} {number} free", sign(DeviceState::Free)),
    };
    let tone = if totals.devices_free > 0 {
        state_tone(DeviceState::Free)
    } else {
        Tone::Muted
    };
    let mut groups = vec![vec![Piece::new(free, tone)]];
    groups.extend(
        counts_pieces(&counts, short)
            .into_iter()
            .map(|piece| vec![piece]),
    );
    groups
}

fn amounts(state: &State, line: Rect, buf: &mut Buffer) {
    let totals = &state.picture.totals;
    let theme = &state.theme;
    if !state.is_counted() {
        return;
    }
    let mut groups = vec![units(totals)];
    let mut share = None;
    if let Some((used, total)) = totals.memory {
        share = used.share_of(total);
        groups.push(vec![
            Piece::new("VRAM ", Tone::Muted),
            Piece::new(format::memory(Some(used), total), Tone::Plain),
        ]);
    }
    if totals.pods_pending > 0 {
        let pending = format::count(totals.pods_pending, "pod");
        groups.push(vec![Piece::new(format!("{pending} pending"), Tone::Warn)]);
    }
    groups.push(agents(state));
    if let Some(power) = totals.power {
        groups.push(vec![
            Piece::new("power ", Tone::Muted),
            Piece::new(format::power(power), Tone::Plain),
        ]);
    }
    let tone = if totals.nodes_ready < totals.nodes {
        Tone::Warn
    } else {
        Tone::Plain
    };
    groups.push(vec![
        Piece::new("nodes ready ", Tone::Muted),
        Piece::new(format!("{}/{}", totals.nodes_ready, totals.nodes), tone),
    ]);
    // The bar stands beside its number when all else fits as well.
    let room = line
        .width
        .saturating_sub(Row::WIDE.width(&groups) + 1)
        .min(20);
    let Some(share) = share.filter(|_| room >= 6) else {
        Row::WIDE.draw(buf, line, &groups, theme);
        return;
    };
    let used = Row::WIDE.draw(buf, line, &groups[..2], theme);
    let bar = text::skip(line, used + 1);
    gauge::bar(
        buf,
        Rect { width: room, ..bar },
        share.0,
        theme.accent,
        theme.track,
    );
    let rest = text::skip(bar, room + Row::WIDE.gap);
    Row::WIDE.draw(buf, rest, &groups[2..], theme);
}

/// Two lines of header have room for the states alone, by their signs.
fn compact(state: &State, line: Rect, buf: &mut Buffer) {
    let totals = &state.picture.totals;
    if !state.is_counted() {
        return;
    }
    let groups = |short| {
        let mut groups = states(totals, short);
        groups.push(units(totals));
        groups
    };
    let shown = [groups(false), groups(true)];
    let shown = shown
        .iter()
        .find(|groups| Row::WIDE.width(groups) <= line.width);
    Row::WIDE.draw(buf, line, shown.unwrap_or(&groups(true)), &state.theme);
}

fn units(totals: &Totals) -> Vec<Piece> {
    let requested = totals
        .units_requested
        .map_or_else(|| format::UNKNOWN.to_owned(), |units| units.to_string());
    vec![
        Piece::new("units ", Tone::Muted),
        Piece::new(
            format!("{requested}/{}", totals.units_allocatable),
            Tone::Plain,
        ),
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
        Piece::new(
            format!("{}/{}", totals.agents_live, totals.agents_expected),
            tone,
        ),
    ]
}

/// Groups of pieces with something between them.
struct Row {
    between: &'static str,
    gap: u16,
}

impl Row {
    const DOTS: Self = Self {
        between: " · ",
        gap: 3,
    };
    const WIDE: Self = Self {
        between: "",
        gap: 2,
    };

    fn width(&self, groups: &[Vec<Piece>]) -> u16 {
        let gaps = u16::try_from(groups.len().saturating_sub(1)).unwrap_or(0) * self.gap;
        groups
            .iter()
            .map(|group| text::pieces_width(group))
            .sum::<u16>()
            + gaps
    }

    /// Writes the groups; one that does not fit is left out, and with it all that follow. Returns
    /// the columns used.
    fn draw(&self, buf: &mut Buffer, line: Rect, groups: &[Vec<Piece>], theme: &Theme) -> u16 {
        let mut used = 0;
        for (at, group) in groups.iter().enumerate() {
            let before = if at == 0 { 0 } else { used + self.gap };
            if at > 0 && before + text::pieces_width(group) > line.width {
                return used;
            }
            if at > 0 {
                text::put(buf, text::skip(line, used), self.between, theme.faint);
            }
            used = before + text::put_pieces(buf, text::skip(line, before), group, theme);
        }
        used
    }
}
