//! The first line: who one is talking to, what is wrong, and whether anybody answers.

use std::time::Duration;

use gputop_fleet::state::Severity;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::groups::{Group, Groups};
use crate::app::api::Api;
use crate::app::tables::{Piece, Tone};
use crate::app::{State, format};
use crate::theme::Theme;
use crate::widgets::text;

/// Columns between the parts of the line.
const GAP: u16 = 3;

/// The gravest alert is put into words where it has at least this many columns.
const WORDS: u16 = 24;

pub(super) fn draw(state: &State, line: Rect, buf: &mut Buffer) {
    let theme = &state.theme;
    let alerts = Alerts::of(state);
    // From the right: what must be seen.
    let mut left = line;
    for (label, style) in badges(state) {
        put_right(&mut left, &label, style, buf);
    }
    // The alerts get what the names leave, and at least their number.
    let names = Names::of(state);
    let least = alerts
        .as_ref()
        .map_or(0, |alerts| text::width(&alerts.short) + GAP);
    let names = names.fitting(left.width.saturating_sub(least));
    if let Some(alerts) = alerts {
        let room = left.width.saturating_sub(Groups::DOTS.width(&names) + GAP);
        put_right(&mut left, &alerts.said(room), alerts.style(theme), buf);
    }
    Groups::DOTS.draw(buf, left, &names, theme);
}

/// Writes `label` at the right of `line` and takes its columns away.
fn put_right(line: &mut Rect, label: &str, style: Style, buf: &mut Buffer) {
    text::put_right(buf, *line, label, style);
    line.width = line.width.saturating_sub(text::width(label) + GAP);
}

/// The cluster, and what of it is shown.
struct Names {
    product: Group,
    /// What one must know to understand the tables.
    place: Vec<Group>,
    version: Option<Group>,
}

impl Names {
    fn of(state: &State) -> Self {
        let session = &state.session;
        let mut place = vec![vec![Piece::new(
            format::one_line(&session.context),
            Tone::Strong,
        )]];
        let mut add = |text: String, tone| place.push(vec![Piece::new(text, tone)]);
        if let Some(seed) = session.seed {
            add(format!("seed {seed}"), Tone::Plain);
        }
        if let Some(namespace) = &state.namespace {
            let namespace = format::one_line(namespace);
            add(format!("namespace {namespace}"), Tone::Plain);
        }
        if session.read_only {
            add("read-only".to_owned(), Tone::Muted);
        }
        let version = format::one_line(&session.server_version);
        Self {
            product: vec![Piece::new("gputop-k3s", Tone::Accent)],
            place,
            version: (!version.is_empty()).then(|| vec![Piece::new(version, Tone::Muted)]),
        }
    }

    /// As many as fit into `room`: the version goes first, then the product's own name.
    fn fitting(self, room: u16) -> Vec<Group> {
        let mut names = vec![self.product];
        names.extend(self.place);
        names.extend(self.version.clone());
        if self.version.is_some() && Groups::DOTS.width(&names) > room {
            names.pop();
        }
        if Groups::DOTS.width(&names) > room {
            names.remove(0);
        }
        names
    }
}

/// In which state what is shown is, from the right: the API server, a standing screen, a recording.
fn badges(state: &State) -> Vec<(String, Style)> {
    let theme = &state.theme;
    let session = &state.session;
    let mut badges = Vec::new();
    if session.replay {
        let mut badge = "▸ replay".to_owned();
        if let Some((at, of)) = state.replay_position {
            badge = format!("{badge} {}/{}", minutes(at), minutes(of));
        }
        badges.push((badge, theme.notice));
    } else {
        let api = state.api();
        let style = match api {
            Api::Live => theme.good,
            Api::Connecting => theme.muted,
            Api::Lost { .. } | Api::Limited { .. } => theme.warn,
        };
        badges.push((api.short(), style));
    }
    if let Some(paused) = state.paused_for() {
        badges.push((format!(" ‖ paused {} ", format::age(paused)), theme.paused));
    }
    if let Some(wish) = state.wishes.first() {
        let more = match state.wishes.len() - 1 {
            0 => String::new(),
            others => format!(" +{others}"),
        };
        badges.push((format!("◷ until {} free{more}", wish.text), theme.notice));
    }
    if session.recording.is_some() {
        let mut badge = "● recording".to_owned();
        if state.dropped > 0 {
            badge = format!("{badge}, {} left out", state.dropped);
        }
        badges.push((badge, theme.bad));
    }
    badges
}

/// A place in a recording: `02:07`.
fn minutes(at: Duration) -> String {
    let seconds = at.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// The alerts at several lengths.
struct Alerts {
    worst: Severity,
    /// `▲5`.
    short: String,
    /// From the longest on: `▲ 1 critical, 3 warnings, 1 notice`, `▲ 1 critical, 3 warnings`,
    /// `▲ 5 alerts`.
    counts: Vec<String>,
    /// The gravest in words.
    first: String,
}

impl Alerts {
    /// `None`: there are none.
    fn of(state: &State) -> Option<Self> {
        let picture = &state.picture;
        let first = picture.alerts.first()?;
        let counts = picture.totals.alerts;
        let parts: Vec<String> = Severity::ALL
            .into_iter()
            .filter_map(|severity| match (severity, counts.count(severity)) {
                (_, 0) => None,
                (Severity::Critical, count) => Some(format!("{count} critical")),
                (Severity::Warning, count) => Some(format::count(count, "warning")),
                (Severity::Notice, count) => Some(format::count(count, "notice")),
            })
            .collect();
        let sign = match first.severity {
            Severity::Critical | Severity::Warning => "▲",
            Severity::Notice => "◆",
        };
        let all = picture.alerts.len();
        let mut lengths = vec![format!("{sign} {}", parts.join(", "))];
        if let [graver @ .., _] = parts.as_slice()
            && !graver.is_empty()
        {
            lengths.push(format!("{sign} {}", graver.join(", ")));
        }
        lengths.push(format!("{sign} {}", format::count(all, "alert")));
        Some(Self {
            worst: first.severity,
            short: format!("{sign}{all}"),
            counts: lengths,
            first: format::one_line(&first.what),
        })
    }

    /// As much as `room` allows: the gravest alert in words, the counts, their sum.
    fn said(&self, room: u16) -> String {
        let fits = |text: &&String| text::width(text) <= room;
        let Some(counts) = self.counts.iter().find(fits) else {
            return self.short.clone();
        };
        let words = room.saturating_sub(text::width(counts) + 2);
        if words < WORDS.min(text::width(&self.first)) {
            return counts.clone();
        }
        format!("{counts}: {}", text::fit(&self.first, words))
    }

    const fn style(&self, theme: &Theme) -> Style {
        match self.worst {
            Severity::Critical => theme.alert_critical,
            Severity::Warning => theme.alert_warn,
            Severity::Notice => theme.alert_notice,
        }
    }
}
