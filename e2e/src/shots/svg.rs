//! A terminal's frame as SVG: one `<text>` a run of equal style, placed by the column grid.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// Pixels of one cell. 0.6 em is the advance of common monospaced fonts.
const CELL: (f64, f64) = (8.4, 18.0);

/// Font size in pixels.
const FONT: f64 = 14.0;

/// Pixels around the frame.
const MARGIN: f64 = 12.0;

/// Colours where a cell has the terminal's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ground {
    front: &'static str,
    back: &'static str,
}

impl Ground {
    /// Light text on dark ground.
    pub(super) const DARK: Self = Self {
        front: "#d4d4d8",
        back: "#16181d",
    };

    /// Dark text on light ground.
    pub(super) const LIGHT: Self = Self {
        front: "#1f2328",
        back: "#fbfbfa",
    };
}

/// The frame as an SVG document.
pub(super) fn render(buffer: &Buffer, ground: Ground) -> String {
    let back = ground.back;
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let width = f64::from(columns).mul_add(CELL.0, 2.0 * MARGIN);
    let height = f64::from(rows).mul_add(CELL.1, 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{back}\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"{FONT}\" xml:space=\"preserve\">\n"
    );
    for row in 0..rows {
        for run in runs(buffer, row, ground) {
            run.write(&mut svg, row, ground);
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// Neighbouring cells of one style.
struct Run {
    column: u16,
    cells: u16,
    text: String,
    style: (Color, Color, Modifier),
}

fn runs(buffer: &Buffer, row: u16, ground: Ground) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while column < buffer.area.width {
        let cell = &buffer[(column, row)];
        let cells = u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        let style = style(cell, ground);
        match runs.last_mut() {
            Some(run) if run.style == style => {
                run.text.push_str(cell.symbol());
                run.cells += cells;
            }
            _ => runs.push(Run {
                column,
                cells,
                text: cell.symbol().to_owned(),
                style,
            }),
        }
        column += cells;
    }
    runs
}

fn style(cell: &Cell, ground: Ground) -> (Color, Color, Modifier) {
    if cell.modifier.contains(Modifier::REVERSED) {
        let (front, back) = (or(cell.fg, ground.front), or(cell.bg, ground.back));
        return (back, front, cell.modifier);
    }
    (cell.fg, cell.bg, cell.modifier)
}

/// The colour itself in place of "the terminal's own".
fn or(color: Color, hex: &str) -> Color {
    if color == Color::Reset {
        hex.parse().unwrap_or(Color::Gray)
    } else {
        color
    }
}

impl Run {
    fn write(&self, svg: &mut String, row: u16, ground: Ground) {
        let (front, back, modifier) = self.style;
        let x = f64::from(self.column).mul_add(CELL.0, MARGIN);
        let y = f64::from(row).mul_add(CELL.1, MARGIN);
        let width = f64::from(self.cells) * CELL.0;
        // Writing to a String never fails.
        if back != Color::Reset {
            let fill = hex(back, ground.back);
            let _ok = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{fill}\"/>",
                CELL.1
            );
        }
        if self.text.trim().is_empty() {
            return;
        }
        let mut extra = String::new();
        if modifier.contains(Modifier::BOLD) {
            extra.push_str(" font-weight=\"bold\"");
        }
        if modifier.contains(Modifier::ITALIC) {
            extra.push_str(" font-style=\"italic\"");
        }
        if modifier.contains(Modifier::DIM) {
            extra.push_str(" opacity=\"0.6\"");
        }
        if modifier.contains(Modifier::UNDERLINED) {
            extra.push_str(" text-decoration=\"underline\"");
        }
        let fill = hex(front, ground.front);
        let baseline = y + FONT;
        let _ok = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" \
             lengthAdjust=\"spacingAndGlyphs\" fill=\"{fill}\"{extra}>{}</text>",
            escape(&self.text)
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// xterm's palette for the sixteen names, the 6×6×6 cube and the greys for indexed colours.
fn hex(color: Color, own: &str) -> String {
    let name = match color {
        Color::Reset => own,
        Color::Black => "#000000",
        Color::Red => "#cd3131",
        Color::Green => "#0dbc79",
        Color::Yellow => "#e5e510",
        Color::Blue => "#2472c8",
        Color::Magenta => "#bc3fbc",
        Color::Cyan => "#11a8cd",
        Color::Gray => "#a6a6a6",
        Color::DarkGray => "#666666",
        Color::LightRed => "#f14c4c",
        Color::LightGreen => "#23d18b",
        Color::LightYellow => "#f5f543",
        Color::LightBlue => "#3b8eea",
        Color::LightMagenta => "#d670d6",
        Color::LightCyan => "#29b8db",
        Color::White => "#e5e5e5",
        Color::Rgb(r, g, b) => return format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(index) => return indexed(index),
    };
    name.to_owned()
}

fn indexed(index: u8) -> String {
    match index {
        0..=15 => "#a6a6a6".to_owned(),
        16..=231 => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let cube = index - 16;
            let (r, g, b) = (level(cube / 36), level(cube / 6 % 6), level(cube % 6));
            format!("#{r:02x}{g:02x}{b:02x}")
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn equal_neighbours_are_one_run_and_text_is_escaped() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Color::Rgb(1, 2, 3)));
        buffer.set_string(3, 0, "日c", Style::new().bg(Color::Red));
        let svg = render(&buffer, Ground::DARK);
        assert!(svg.contains("fill=\"#010203\">a&lt;b</text>"), "{svg}");
        assert!(svg.contains("fill=\"#cd3131\""), "{svg}");
        assert!(svg.contains(">日c</text>"), "{svg}");
        assert_eq!(svg.matches("<text").count(), 2, "{svg}");
    }

    #[test]
    fn the_indexed_palette_is_xterms() {
        assert_eq!(indexed(16), "#000000");
        assert_eq!(indexed(231), "#ffffff");
        assert_eq!(indexed(196), "#ff0000");
        assert_eq!(indexed(232), "#080808");
    }
}
