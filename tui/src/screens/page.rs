//! A page of text over the tables: description, YAML, events, logs.

use std::borrow::Cow;

use gputop_fleet::state::Severity;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::detail;
use super::header::inner;
use crate::app::layers::{Page, PageKind};
use crate::app::layout::PageText;
use crate::app::row::RowId;
use crate::app::tables::{Piece, Tone};
use crate::app::{Layout, State, format};
use crate::widgets::text;

/// Draws the page over `area`.
pub(super) fn draw(state: &State, page: &Page, area: Rect, buf: &mut Buffer, layout: &mut Layout) {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    text::blank(buf, area);
    let body = inner(Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    });
    let lines = Lines::new(state, page, body.width);
    let last_top = lines.last_top(body);
    let top = if page.follow {
        last_top
    } else {
        page.top.min(last_top)
    };
    layout.page_text = PageText {
        height: body.height,
        last_top,
    };
    layout.hits = lines.hits();
    let mut y = 0;
    for at in top..lines.len() {
        for line in lines.on_screen(at, body.width) {
            if y >= body.height {
                break;
            }
            let hit = if at == top {
                state.theme.hit_here
            } else {
                state.theme.hit
            };
            put(state, page, &line, hit, text::line(body, y), buf);
            y += 1;
        }
        if y >= body.height {
            break;
        }
    }
    let position = Shown {
        top,
        bottom: last_top == top,
        lines: lines.len(),
        hits: layout.hits.len(),
    };
    title(state, page, position, text::line(area, 0), buf, layout);
}

/// Which part of the text is on the screen.
#[derive(Debug, Clone, Copy)]
struct Shown {
    top: usize,
    bottom: bool,
    lines: usize,
    hits: usize,
}

/// What the page is about, what is searched, and where in the text one is.
fn title(
    state: &State,
    page: &Page,
    shown: Shown,
    line: Rect,
    buf: &mut Buffer,
    layout: &mut Layout,
) {
    let line = inner(line);
    let theme = &state.theme;
    let mut used = text::put(buf, line, &format!(" {} ", page.kind.title()), theme.tab);
    used += 1;
    let mut about = page.title.clone();
    if let Some(container) = &page.container {
        about = format!("{about} · {container}");
    }
    if page.previous {
        about.push_str(" · the run before");
    }
    let percent = (shown.top * 100)
        .checked_div(shown.lines.saturating_sub(1).max(1))
        .unwrap_or(0);
    let place = match (page.follow, shown.top, shown.bottom) {
        (true, ..) if page.ask.is_some() => "following".to_owned(),
        (_, 0, true) => String::new(),
        (_, 0, false) => "top".to_owned(),
        (_, _, true) => "end".to_owned(),
        _ => format!("{percent} %"),
    };
    let place_width = text::width(&place);
    let rest = text::skip(line, used);
    let rest = Rect {
        width: rest.width.saturating_sub(place_width + 1),
        ..rest
    };
    used = text::put(buf, rest, &text::fit(&about, rest.width), theme.strong);
    text::put_right(buf, line, &place, theme.muted);
    let rest = text::skip(rest, used + 2);
    if let Some(input) = &page.search.input {
        let slash = text::put(buf, rest, "/", theme.accent);
        let typed = text::put(buf, text::skip(rest, slash), input.value(), theme.strong);
        let cursor = u16::try_from(input.visual_cursor()).unwrap_or(typed);
        layout.cursor = Some(Position::new(
            rest.x + slash + cursor.min(rest.width.saturating_sub(slash + 1)),
            rest.y,
        ));
    } else if !page.search.text.is_empty() {
        let found = match shown.hits {
            0 => "nowhere".to_owned(),
            hits => format::count(hits, "line"),
        };
        let said = format!("/{}  {found}", page.search.text);
        text::put(buf, rest, &text::fit(&said, rest.width), theme.accent);
    }
}

/// Draws one line of the screen, with what is searched marked in it.
fn put(state: &State, page: &Page, line: &[Piece], hit_style: Style, area: Rect, buf: &mut Buffer) {
    text::put_pieces(buf, area, line, &state.theme);
    let needle = &page.search.text;
    if needle.is_empty() {
        return;
    }
    let whole: String = line.iter().map(|piece| &*piece.text).collect();
    let lower = whole.to_lowercase();
    // Letters whose lower case has another length: their places can not be told.
    if lower.len() != whole.len() {
        return;
    }
    for (at, hit) in lower.match_indices(needle.as_str()) {
        let (Some(before), Some(hit)) = (whole.get(..at), whole.get(at..at + hit.len())) else {
            continue;
        };
        let place = text::skip(area, text::width(before));
        let place = Rect {
            width: text::width(hit).min(place.width),
            ..place
        };
        buf.set_style(place.intersection(buf.area), hit_style);
    }
}

/// The text of a page, made line by line as it is needed.
struct Lines<'a> {
    page: &'a Page,
    /// What is measured.
    facts: Vec<Vec<Piece>>,
    /// What has gone wrong, or is waited for.
    tail: Vec<Vec<Piece>>,
}

impl<'a> Lines<'a> {
    fn new(state: &State, page: &'a Page, width: u16) -> Self {
        let mut facts = Vec::new();
        if page.kind == PageKind::Describe {
            let there = state
                .selected()
                .and_then(|row| RowId::of(&state.picture, row));
            facts = if there == page.row {
                detail::page(state, width)
            } else {
                vec![vec![Piece::new("It is gone.", Tone::Warn)]]
            };
            if !page.lines.is_empty() {
                facts.push(Vec::new());
            }
        }
        if page.kind == PageKind::Alerts {
            facts = alerts(state);
        }
        if page.dropped > 0 {
            let gone = format!("… {} are gone", format::count(page.dropped, "older line"));
            facts.push(vec![Piece::new(gone, Tone::Muted)]);
        }
        let mut tail = Vec::new();
        if let Some(problem) = &page.problem {
            if !page.lines.is_empty() || !facts.is_empty() {
                tail.push(Vec::new());
            }
            tail.push(vec![Piece::new(
                format::one_line(&problem.what),
                Tone::Warn,
            )]);
            tail.push(vec![Piece::new(
                format::one_line(&problem.fix),
                Tone::Muted,
            )]);
        } else if page.ask.is_some() && page.lines.is_empty() {
            let waiting = match page.kind {
                PageKind::Logs => "Waiting for the first line…",
                _ => "Asking the API server…",
            };
            tail.push(vec![Piece::new(waiting, Tone::Muted)]);
        } else if page.kind != PageKind::Describe && page.subject.is_some() && state.session.replay
        {
            tail.push(vec![Piece::new(
                "A recording has no such text.",
                Tone::Muted,
            )]);
        }
        Self { page, facts, tail }
    }

    fn len(&self) -> usize {
        self.facts.len() + self.page.lines.len() + self.tail.len()
    }

    fn line(&self, at: usize) -> Cow<'_, [Piece]> {
        if let Some(fact) = self.facts.get(at) {
            return Cow::Borrowed(fact);
        }
        let at = at - self.facts.len();
        if let Some(line) = self.page.lines.get(at) {
            return Cow::Owned(style(self.page.kind, line));
        }
        let tail = self.tail.get(at - self.page.lines.len());
        Cow::Borrowed(tail.map_or(&[], Vec::as_slice))
    }

    /// The lines of the screen that a line of the text takes.
    fn on_screen(&self, at: usize, width: u16) -> Vec<Vec<Piece>> {
        let line = self.line(at).into_owned();
        // What is said about the text is never cut.
        if self.page.wrap || at >= self.facts.len() + self.page.lines.len() {
            text::wrap(&line, width)
        } else {
            vec![line]
        }
    }

    /// The first line to draw so that the end of the text is just on the screen.
    fn last_top(&self, area: Rect) -> usize {
        let mut room = usize::from(area.height);
        for at in (0..self.len()).rev() {
            let height = self.on_screen(at, area.width).len();
            match room.checked_sub(height) {
                Some(rest) => room = rest,
                None => return (at + 1).min(self.len() - 1),
            }
        }
        0
    }

    /// The lines that have what is searched.
    fn hits(&self) -> Vec<usize> {
        let needle = &self.page.search.text;
        if needle.is_empty() {
            return Vec::new();
        }
        (0..self.len())
            .filter(|at| {
                let line = self.line(*at);
                let whole: String = line.iter().map(|piece| &*piece.text).collect();
                whole.to_lowercase().contains(needle.as_str())
            })
            .collect()
    }
}

/// What is wrong, the gravest first.
fn alerts(state: &State) -> Vec<Vec<Piece>> {
    let mut lines: Vec<Vec<Piece>> = Vec::new();
    for alert in &state.picture.alerts {
        let (word, tone) = match alert.severity {
            Severity::Critical => ("critical", Tone::Bad),
            Severity::Warning => ("warning", Tone::Warn),
            Severity::Notice => ("notice", Tone::Notice),
        };
        let since = alert.since.map_or_else(String::new, |since| {
            format!("  for {}", format::age(state.clock.age(since)))
        });
        lines.push(vec![
            Piece::new(format!("{word:<10}"), tone),
            Piece::new(format::one_line(&alert.what), Tone::Plain),
            Piece::new(since, Tone::Muted),
        ]);
    }
    if lines.is_empty() {
        lines.push(vec![Piece::new("Nothing is wrong.", Tone::Muted)]);
    }
    lines
}

/// A line of the answer with its meaning.
fn style(kind: PageKind, line: &str) -> Vec<Piece> {
    match kind {
        PageKind::Yaml => key_value(line),
        PageKind::Describe => heading(line),
        PageKind::Events if line.starts_with('▲') => {
            vec![Piece::new(line.to_owned(), Tone::Warn)]
        }
        PageKind::Events | PageKind::Logs | PageKind::Alerts => {
            vec![Piece::new(line.to_owned(), Tone::Plain)]
        }
    }
}

/// A line of YAML: the key apart from the value.
fn key_value(line: &str) -> Vec<Piece> {
    let end = line.find(": ").or_else(|| {
        let end = line.len().checked_sub(1)?;
        line.ends_with(':').then_some(end)
    });
    let Some(end) = end else {
        return vec![Piece::new(line.to_owned(), Tone::Plain)];
    };
    let key = line[..end].trim_start_matches([' ', '-']);
    // A colon within a text is no key's.
    if key.contains(' ') || key.starts_with(['"', '\'']) {
        return vec![Piece::new(line.to_owned(), Tone::Plain)];
    }
    let (key, value) = line.split_at(end + 1);
    vec![
        Piece::new(key.to_owned(), Tone::Accent),
        Piece::new(value.to_owned(), Tone::Plain),
    ]
}

/// A line of a description: headings begin at the edge and end in a colon.
fn heading(line: &str) -> Vec<Piece> {
    match line.split_once(':') {
        Some((title, rest)) if !title.is_empty() && !title.starts_with(' ') => vec![
            Piece::new(format!("{title}:"), Tone::Accent),
            Piece::new(rest.to_owned(), Tone::Plain),
        ],
        _ => vec![Piece::new(line.to_owned(), Tone::Plain)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tones(pieces: &[Piece]) -> Vec<(&str, Tone)> {
        pieces.iter().map(|p| (&*p.text, p.tone)).collect()
    }

    #[test]
    fn keys_of_yaml_are_told_from_text_with_colons() {
        assert_eq!(
            tones(&key_value("  - name: a: b")),
            [("  - name:", Tone::Accent), (" a: b", Tone::Plain)]
        );
        assert_eq!(
            tones(&key_value("spec:")),
            [("spec:", Tone::Accent), ("", Tone::Plain)]
        );
        let text = "    some words: and more";
        assert_eq!(tones(&key_value(text)), [(text, Tone::Plain)]);
        assert_eq!(tones(&key_value("")), [("", Tone::Plain)]);
    }

    #[test]
    fn headings_begin_at_the_edge() {
        assert_eq!(heading("Labels: a=b").len(), 2);
        assert_eq!(heading("  app: x").len(), 1);
    }
}
