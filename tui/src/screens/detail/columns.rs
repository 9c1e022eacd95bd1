//! Facts side by side: as many columns as the width allows, filled so that nothing is cut off
//! while there is room elsewhere.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Fact, Facts};
use crate::app::tables::Piece;
use crate::screens::header::inner;
use crate::theme::Theme;
use crate::widgets::text;

/// Columns of the labels.
pub(super) const LABEL: u16 = 11;

/// Fewer columns do not make one more column of facts.
const NARROW: u16 = 55;

/// More columns of facts than this are not easier to read.
const MOST: u16 = 3;

/// A line on the screen: the label belongs to the first line of a fact.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    label: &'static str,
    value: Vec<Piece>,
}

/// One column, and how many lines more it should have had.
#[derive(Debug, Clone, Default, PartialEq)]
struct Column {
    lines: Vec<Line>,
    hidden: usize,
}

/// Draws the facts over the whole of `area`; where some are left out, `key` shows them all.
pub(super) fn draw(facts: &Facts, key: Option<&str>, area: Rect, buf: &mut Buffer, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let most = (area.width / NARROW).clamp(1, MOST);
    let arranged = |count| {
        let each = area.width / count;
        let part = Rect {
            width: each,
            ..area
        };
        let columns = lay_out(facts, count, inner(part).width, usize::from(area.height));
        (each, columns)
    };
    // Two where there is room for two; more only where lines would be hidden.
    let (mut each, mut columns) = arranged(most.min(2));
    if most > 2 && columns.iter().any(|column| column.hidden > 0) {
        (each, columns) = arranged(most);
    }
    for (x, column) in (0..).zip(&columns) {
        let part = Rect {
            width: each,
            ..text::skip(area, x * each)
        };
        column.draw(key, inner(part), buf, theme);
    }
}

/// What matters most begins the first column and what is in it the second; the rest fills up the
/// first, then the second, then the third.
fn lay_out(facts: &Facts, count: u16, width: u16, height: usize) -> Vec<Column> {
    let mut columns = vec![Column::default(); usize::from(count).max(1)];
    let lead = lines(&facts.lead, width);
    let parts = lines(&facts.parts, width);
    columns[0].lines.extend(lead);
    let second = 1.min(columns.len() - 1);
    columns[second].lines.extend(parts);
    for column in &mut columns {
        column.cut(height);
    }
    let mut at = columns.iter().position(|column| column.hidden == 0);
    for fact in &facts.rest {
        let lines = lines(std::slice::from_ref(fact), width);
        let fits =
            |column: &Column| column.hidden == 0 && column.lines.len() + lines.len() <= height;
        at = at.and_then(|from| (from..columns.len()).find(|at| fits(&columns[*at])));
        if let Some(at) = at {
            columns[at].lines.extend(lines);
        } else if let Some(last) = columns.last_mut() {
            last.hidden += lines.len();
        }
    }
    columns
}

fn lines(facts: &[Fact], width: u16) -> Vec<Line> {
    let room = width.saturating_sub(LABEL).max(8);
    let mut lines = Vec::new();
    for fact in facts {
        let values = if fact.single {
            vec![fact.value.clone()]
        } else {
            text::wrap(&fact.value, room)
        };
        for (at, value) in values.into_iter().enumerate() {
            let label = if at == 0 { fact.label } else { "" };
            lines.push(Line { label, value });
        }
    }
    lines
}

impl Column {
    fn cut(&mut self, height: usize) {
        self.hidden = self.lines.len().saturating_sub(height);
        self.lines.truncate(height);
    }

    /// The last line says how many more there are.
    fn draw(&self, key: Option<&str>, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let height = usize::from(area.height);
        let shown = if self.hidden > 0 {
            self.lines.len().min(height.saturating_sub(1))
        } else {
            self.lines.len()
        };
        for (y, line) in (0..area.height).zip(&self.lines[..shown]) {
            let at = text::line(area, y);
            text::put(buf, at, line.label, theme.muted);
            text::put_pieces(buf, text::skip(at, LABEL), &line.value, theme);
        }
        if self.hidden > 0 {
            let mut more = format!("… {} more", self.hidden + self.lines.len() - shown);
            if let Some(key) = key {
                more = format!("{more}: {key}");
            }
            let y = u16::try_from(shown).unwrap_or(u16::MAX);
            text::put(
                buf,
                text::skip(text::line(area, y), LABEL),
                &more,
                theme.muted,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tables::Tone;
    use crate::screens::detail::{list, say};

    fn facts(lead: usize, parts: usize, rest: usize) -> Facts {
        let mut facts = Facts::default();
        for at in 0..lead {
            say(&mut facts.lead, "lead", at.to_string(), Tone::Plain);
        }
        let values = (0..parts).map(|at| vec![Piece::new(at.to_string(), Tone::Plain)]);
        list(&mut facts.parts, "parts", values);
        for at in 0..rest {
            say(&mut facts.rest, "rest", at.to_string(), Tone::Plain);
        }
        facts
    }

    fn drawn(facts: &Facts, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        draw(facts, Some("d"), area, &mut buf, &Theme::mono());
        let lines = buf.content().chunks(usize::from(width)).map(|line| {
            let line: String = line.iter().map(ratatui::buffer::Cell::symbol).collect();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        lines.collect()
    }

    #[test]
    fn one_column_has_everything_in_order_and_says_what_is_left_out() {
        let facts = facts(1, 2, 2);
        assert_eq!(
            drawn(&facts, 60, 5),
            ["lead 0", "parts 0", "1", "rest 0", "rest 1"]
        );
        assert_eq!(drawn(&facts, 60, 3), ["lead 0", "parts 0", "… 3 more: d"]);
        assert_eq!(drawn(&facts, 60, 1), ["… 5 more: d"]);
    }

    #[test]
    fn the_rest_fills_what_is_free() {
        let facts = facts(2, 1, 4);
        assert_eq!(
            drawn(&facts, 120, 4),
            ["lead 0 parts 0", "lead 1 rest 2", "rest 0 rest 3", "rest 1",]
        );
        assert_eq!(
            drawn(&facts, 120, 3),
            ["lead 0 parts 0", "lead 1 rest 1", "rest 0 … 2 more: d"]
        );
        assert_eq!(
            drawn(&facts, 200, 2),
            ["lead 0 parts 0 rest 1", "lead 1 rest 0 … 2 more: d"]
        );
    }

    #[test]
    fn a_column_that_overflows_gets_nothing_more() {
        assert_eq!(
            drawn(&facts(1, 9, 1), 120, 3),
            ["lead 0 parts 0", "rest 0 1", "… 7 more: d"]
        );
    }
}
