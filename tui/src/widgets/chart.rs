//! A graph with what stands around it: title, value, axes. With less room it becomes a sparkline,
//! then a number.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::graph::{Dots, Fill, Graph, Run, Scale, draw_line};
use super::sparkline;
use super::text;
use super::timeline::{Point, Window};
use crate::app::format;
use crate::app::tables::{Piece, Tone};
use crate::theme::Theme;

/// Below this height there is no picture worth its title.
const MIN_HEIGHT: u16 = 3;

/// Below this width the axis would leave nothing for the picture.
const MIN_WIDTH: u16 = 18;

/// From this height on the time axis has a line.
const WITH_TIME: u16 = 5;

/// One quantity over time.
#[derive(Debug, Clone)]
pub struct Chart<'a> {
    /// What it is, in one or two words.
    pub title: &'a str,
    /// The value now, as the tables have it.
    pub now: Piece,
    /// What was known when, sorted by time.
    pub points: &'a [Point],
    /// The time that is shown.
    pub window: Window,
    /// What the height means.
    pub scale: Scale<'a>,
    /// How a value is written on the axis.
    pub label: fn(f32) -> String,
    /// What is drawn of a column.
    pub fill: Fill,
    /// The characters.
    pub dots: Dots,
}

/// A line: text, and behind it a piece of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Title, axis or label.
    pub text: Vec<Piece>,
    /// The picture.
    pub picture: Vec<Run>,
}

impl Line {
    /// Without the finer differences of shade.
    #[must_use]
    pub fn pieces(self) -> Vec<Piece> {
        let picture = self.picture.into_iter().map(Piece::from);
        self.text.into_iter().chain(picture).collect()
    }

    /// Draws it at the left of `line`.
    pub fn draw(&self, buf: &mut Buffer, line: Rect, theme: &Theme) {
        let used = text::put_pieces(buf, line, &self.text, theme);
        draw_line(buf, text::skip(line, used), &self.picture, theme);
    }
}

impl Chart<'_> {
    /// The chart in lines of `width` columns, at most `height` of them: a graph with axes, else a
    /// sparkline in one line, else a number.
    #[must_use]
    pub fn lines(&self, width: u16, height: u16) -> Vec<Line> {
        if width == 0 || height == 0 {
            return Vec::new();
        }
        if width < MIN_WIDTH || height < MIN_HEIGHT {
            return vec![sparkline::line(self, width)];
        }
        let with_time = height >= WITH_TIME;
        let rows = height - 1 - u16::from(with_time);
        let axis = self.axis(rows);
        let axis_width = axis.first().map_or(0, |label| text::width(label));
        let room = width.saturating_sub(axis_width);
        let values = self.columns(room);
        let graph = Graph {
            values: &values,
            scale: self.scale,
            fill: self.fill,
            dots: self.dots,
        };
        let mut lines = vec![Line {
            text: self.heading(&values, width),
            ..Line::default()
        }];
        let picture = graph.lines(room, rows);
        lines.extend(axis.into_iter().zip(picture).map(|(label, picture)| Line {
            text: vec![Piece::new(label, Tone::Faint)],
            picture,
        }));
        if with_time {
            lines.push(Line {
                text: vec![Piece::new(self.time(axis_width, room), Tone::Faint)],
                ..Line::default()
            });
        }
        lines
    }

    /// Draws the chart at the top of `area`.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        let area = area.intersection(buf.area);
        for (y, line) in (0..area.height).zip(self.lines(area.width, area.height)) {
            line.draw(buf, text::line(area, y), theme);
        }
    }

    /// Columns of title and value.
    #[must_use]
    pub fn label_width(&self) -> u16 {
        text::pieces_width(&sparkline::label(self, u16::MAX))
    }

    /// The values of a picture `width` characters wide.
    pub(super) fn columns(&self, width: u16) -> Vec<Option<f32>> {
        let count = usize::from(width) * self.dots.columns();
        self.window.columns(self.points.iter().copied(), count)
    }

    /// Title and value; at the right the highest value of the picture, where there is room.
    fn heading(&self, values: &[Option<f32>], width: u16) -> Vec<Piece> {
        let mut line = sparkline::label(self, width);
        let highest = values.iter().flatten().copied().reduce(f32::max);
        if let Some(highest) = highest {
            let highest = format!("max {}", (self.label)(highest));
            let room = width.saturating_sub(text::pieces_width(&line));
            if let Some(pad) = room
                .checked_sub(text::width(&highest))
                .filter(|pad| *pad >= 2)
            {
                line.push(Piece::new(" ".repeat(usize::from(pad)), Tone::Plain));
                line.push(Piece::new(highest, Tone::Faint));
            }
        }
        line
    }

    /// The labels beside `rows` lines, all of one width: the ends of the scale and the mark.
    fn axis(&self, rows: u16) -> Vec<String> {
        let mark = self.scale.mark_line(self.dots, rows);
        let value = |row: u16| match row {
            0 => Some(self.scale.top),
            _ if row + 1 == rows => Some(self.scale.floor),
            _ if Some(row) == mark => self.scale.mark,
            _ => None,
        };
        let labels: Vec<Option<String>> = (0..rows).map(|row| value(row).map(self.label)).collect();
        let widest = labels
            .iter()
            .flatten()
            .map(|label| text::width(label))
            .max();
        let widest = usize::from(widest.unwrap_or(0));
        let (tick, rule) = match self.dots {
            Dots::Ascii => ('+', '|'),
            Dots::Braille | Dots::Blocks => ('┤', '│'),
        };
        let line = |label: Option<String>| match label {
            Some(label) => {
                let pad = widest.saturating_sub(usize::from(text::width(&label)));
                format!("{}{label}{tick}", " ".repeat(pad))
            }
            None => format!("{}{rule}", " ".repeat(widest)),
        };
        labels.into_iter().map(line).collect()
    }

    /// The time axis below a picture of `room` columns.
    fn time(&self, axis: u16, room: u16) -> String {
        let (then, now) = (format::age(self.window.span), "now");
        let between = room.saturating_sub(text::width(&then) + text::width(now));
        let blanks = |count: u16| " ".repeat(usize::from(count));
        format!("{}{then}{}{now}", blanks(axis), blanks(between))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gputop_model::Moment;

    use super::*;
    use crate::widgets::graph::{Ramp, Shade};

    /// Three minutes of half load, a minute of nobody knowing, then full load.
    fn points() -> Vec<Point> {
        let at = |second| Moment(Duration::from_secs(second));
        let value = |second| match second {
            0..180 => Some(50.0),
            180..240 => None,
            _ => Some(97.0),
        };
        (0..300).map(|second| (at(second), value(second))).collect()
    }

    fn chart(points: &[Point], dots: Dots) -> Chart<'_> {
        Chart {
            title: "util",
            now: Piece::new("97%", Tone::Plain),
            points,
            window: Window {
                now: Moment(Duration::from_secs(299)),
                span: Duration::from_secs(300),
                hold: Duration::from_secs(15),
            },
            scale: Scale {
                floor: 0.0,
                top: 100.0,
                mark: None,
                ramp: Ramp(&[(80.0, Shade::High)]),
            },
            label: |value| format!("{value:.0}%"),
            fill: Fill::Area,
            dots,
        }
    }

    fn lines(chart: &Chart<'_>, width: u16, height: u16) -> Vec<String> {
        let text = |line: Line| line.pieces().iter().map(|piece| &*piece.text).collect();
        chart.lines(width, height).into_iter().map(text).collect()
    }

    #[test]
    fn a_chart_has_its_value_its_scale_and_its_time() {
        let points = points();
        let mut chart = chart(&points, Dots::Braille);
        assert_eq!(
            lines(&chart, 25, 6),
            [
                "util 97%          max 97%",
                "100%┤                ⣶⣶⣶⣶",
                "    │⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀    ⣿⣿⣿⣿",
                "    │⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿    ⣿⣿⣿⣿",
                "  0%┤⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿    ⣿⣿⣿⣿",
                "     5m               now",
            ]
        );
        chart.dots = Dots::Ascii;
        assert_eq!(
            lines(&chart, 25, 5),
            [
                "util 97%          max 97%",
                "100%+                ****",
                "    |============    ####",
                "  0%+############    ####",
                "     5m               now",
            ]
        );
    }

    #[test]
    fn with_less_room_it_is_a_sparkline_and_then_a_number() {
        let points = points();
        let chart = chart(&points, Dots::Blocks);
        assert_eq!(
            lines(&chart, 25, 4),
            [
                "util 97%          max 97%",
                "100%┤                ▇▇▇▇",
                "    │▅▅▅▅▅▅▅▅▅▅▅▅    ████",
                "  0%┤████████████    ████",
            ]
        );
        assert_eq!(lines(&chart, 25, 2), ["util 97% ▅▅▅▅▅▅▅▅▅▅  ▇▇▇▇"]);
        assert_eq!(lines(&chart, 14, 9), ["util 97% ▅▅▅ ▇"]);
        assert_eq!(lines(&chart, 12, 1), ["util 97%"]);
        assert_eq!(lines(&chart, 7, 1), ["97%"]);
        assert_eq!(lines(&chart, 2, 1), ["9…"]);
        assert!(lines(&chart, 0, 5).is_empty() && lines(&chart, 5, 0).is_empty());
    }

    #[test]
    fn a_mark_has_its_label() {
        let points = points();
        let mut chart = chart(&points, Dots::Blocks);
        chart.scale.mark = Some(70.0);
        let drawn = lines(&chart, 25, 7);
        assert_eq!(drawn[2], " 70%┤╌ ╌ ╌ ╌ ╌ ╌ ╌ ╌ ████");
    }

    #[test]
    fn where_nothing_was_ever_known_the_picture_is_empty() {
        let chart = chart(&[], Dots::Blocks);
        assert_eq!(
            lines(&chart, 20, 3),
            ["util 97%", "100%┤               ", "  0%┤               "]
        );
    }

    #[test]
    fn drawing_stays_inside() {
        let points = points();
        let mut buf = Buffer::empty(Rect::new(0, 0, 30, 8));
        let area = Rect::new(2, 1, 20, 5);
        chart(&points, Dots::Braille).draw(&mut buf, area, &Theme::mono());
        for y in 0..8 {
            for x in 0..30 {
                let inside = area.contains((x, y).into());
                assert!(inside || buf[(x, y)].symbol() == " ", "{x} {y}");
            }
        }
        assert_eq!(buf[(2, 1)].symbol(), "u");
    }
}
