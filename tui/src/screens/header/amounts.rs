//! The third line: sums over the cluster.

use gputop_fleet::state::{NodeRow, NodeState, Picture, Totals};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::groups::{Group, Groups};
use crate::app::tables::{AT_LEAST, Piece, Tone};
use crate::app::{State, format};
use crate::widgets::{gauge, text};

/// Columns of the memory's bar, where there is room for one.
const BAR: std::ops::RangeInclusive<u16> = 6..=20;

/// What is wanted most comes first; what does not fit is left out from the end.
pub(super) fn draw(state: &State, line: Rect, buf: &mut Buffer) {
    if !state.is_counted() {
        return;
    }
    let totals = &state.picture.totals;
    let theme = &state.theme;
    let mut groups = vec![units(&state.picture)];
    if totals.pods_pending > 0 {
        let pending = format::count(totals.pods_pending, "pod");
        groups.push(vec![Piece::new(format!("{pending} pending"), Tone::Warn)]);
    }
    // The sign takes the blank's place.
    let sign = |partial| if partial { AT_LEAST } else { " " };
    let memory = totals.memory.value.map(|(used, total)| {
        let sign = sign(totals.memory.is_partial());
        let text = format::memory(Some(used), total);
        let group = vec![
            Piece::new(format!("VRAM{sign}"), Tone::Muted),
            Piece::new(text, Tone::Plain),
        ];
        (group, used.share_of(total))
    });
    let share = memory.as_ref().and_then(|(_, share)| *share);
    groups.extend(memory.map(|(group, _)| group));
    let with_bar = groups.len();
    groups.push(daemons(state));
    groups.extend(stale(state));
    if let Some(power) = totals.power.value {
        let sign = sign(totals.power.is_partial());
        groups.push(vec![
            Piece::new(format!("power{sign}"), Tone::Muted),
            Piece::new(format::power(power), Tone::Plain),
        ]);
    }
    groups.push(nodes(totals));
    // The bar stands beside its number when all else fits as well.
    let room = line
        .width
        .saturating_sub(Groups::WIDE.width(&groups) + 1)
        .min(*BAR.end());
    let Some(share) = share.filter(|_| BAR.contains(&room)) else {
        Groups::WIDE.draw(buf, line, &groups, theme);
        return;
    };
    let used = Groups::WIDE.draw(buf, line, &groups[..with_bar], theme);
    let bar = text::skip(line, used + 1);
    let area = Rect { width: room, ..bar };
    gauge::bar(buf, area, share.0, theme.accent, theme.track);
    let rest = text::skip(bar, room + Groups::WIDE.gap());
    Groups::WIDE.draw(buf, rest, &groups[with_bar..], theme);
}

/// What pods ask for of all that the scheduler counts, and what can still be given: units of nodes
/// that take no pods are not free to have.
pub(super) fn units(picture: &Picture) -> Group {
    let totals = &picture.totals;
    let requested = totals
        .units_requested
        .map_or_else(|| format::UNKNOWN.to_owned(), |units| units.to_string());
    let mut group = vec![
        Piece::new("units ", Tone::Muted),
        Piece::new(
            format!("{requested}/{}", totals.units_allocatable),
            Tone::Plain,
        ),
    ];
    let open = picture
        .nodes
        .iter()
        .filter(|row| row.state() == NodeState::Ready);
    if let Some(free) = open.map(NodeRow::free).sum::<Option<i64>>() {
        let tone = match free {
            1.. => Tone::Accent,
            0 => Tone::Muted,
            _ => Tone::Warn,
        };
        group.push(Piece::new(format!(", {free} free"), tone));
        // What the nodes' rows say and nobody can have now, so that the sum is understood.
        let closed = totals
            .units_requested
            .map_or(0, |requested| totals.units_allocatable - requested - free);
        if closed > 0 {
            group.push(Piece::new(format!(" (+{closed} closed)"), Tone::Muted));
        }
    }
    group
}

fn daemons(state: &State) -> Group {
    let totals = &state.picture.totals;
    if !state.session.agents {
        return vec![Piece::new("daemons not asked", Tone::Muted)];
    }
    let all = totals.agents_live >= totals.agents_expected;
    let tone = if all { Tone::Plain } else { Tone::Warn };
    let counts = format!("{}/{}", totals.agents_live, totals.agents_expected);
    vec![
        Piece::new("daemons ", Tone::Muted),
        Piece::new(counts, tone),
    ]
}

/// On how many nodes the figures are old, and how old they are at most. That a machine which
/// comes and goes says nothing is no news.
fn stale(state: &State) -> Option<Group> {
    let rows = state.picture.nodes.iter();
    let ages: Vec<_> = rows
        .filter(|row| row.stale && !row.info.is_away())
        .filter_map(|row| row.age)
        .collect();
    let oldest = ages.iter().max()?;
    let text = format!("{} stale {}", ages.len(), format::age(*oldest));
    Some(vec![Piece::new(text, Tone::Warn)])
}

fn nodes(totals: &Totals) -> Group {
    let missing = totals.nodes_ready + totals.nodes_away < totals.nodes;
    let tone = if missing { Tone::Warn } else { Tone::Plain };
    let mut group = vec![
        Piece::new("nodes ready ", Tone::Muted),
        Piece::new(format!("{}/{}", totals.nodes_ready, totals.nodes), tone),
    ];
    if totals.nodes_away > 0 {
        group.push(Piece::new(
            format!(" ({} away)", totals.nodes_away),
            Tone::Muted,
        ));
    }
    group
}
