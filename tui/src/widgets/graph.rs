//! History as a picture: columns of dots, in the finest characters that the terminal shows.
//!
//! A [`Graph`] is made of values, one for each column of dots, and gives back lines of text; what
//! stands around it (axes, a title) is [`super::chart`]'s.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;
use crate::app::tables::{Piece, Tone};
use crate::theme::{Glyphs, Theme};

/// The characters that a graph is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dots {
    /// Two columns and four steps of height in a character.
    #[default]
    Braille,
    /// One column and eight steps of height in a character.
    Blocks,
    /// One column and seven steps of height, told by how dark a character is.
    Ascii,
}

/// Darkness in steps of height, nothing first.
const ASCII: [char; 8] = [' ', '.', ':', '-', '=', '+', '*', '#'];

/// Height in steps, nothing first.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// First character of the braille patterns; its bits are dots.
const BRAILLE: u32 = 0x2800;

/// Bits of the braille patterns: columns, each from the bottom.
const BITS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];

impl Dots {
    /// Values side by side in one character.
    #[must_use]
    pub const fn columns(self) -> usize {
        match self {
            Self::Braille => 2,
            Self::Blocks | Self::Ascii => 1,
        }
    }

    /// Steps of height in one character.
    #[must_use]
    pub const fn levels(self) -> usize {
        match self {
            Self::Braille => 4,
            Self::Blocks => 8,
            Self::Ascii => 7,
        }
    }
}

impl From<Glyphs> for Dots {
    /// The finest that there is among these signs.
    fn from(glyphs: Glyphs) -> Self {
        match glyphs {
            Glyphs::Unicode => Self::Braille,
            Glyphs::Ascii => Self::Ascii,
        }
    }
}

/// What is drawn of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fill {
    /// All below the value.
    #[default]
    Area,
    /// The value alone, joined with its neighbours. Only braille is fine enough; the others draw
    /// the area.
    Line,
}

/// What a part of a graph means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shade {
    /// Nothing is drawn.
    Blank,
    /// Little.
    Low,
    /// Middling.
    Middle,
    /// Much.
    High,
    /// Heat, memory nearly full.
    Bad,
    /// Where a limit lies.
    Mark,
}

impl Shade {
    /// The nearest meaning of text.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Blank => Tone::Plain,
            Self::Low => Tone::Accent,
            Self::Middle => Tone::Good,
            Self::High => Tone::Warn,
            Self::Bad => Tone::Bad,
            Self::Mark => Tone::Faint,
        }
    }

    /// How it looks.
    #[must_use]
    pub const fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Blank => theme.plain,
            Self::Low => theme.gradient[0],
            Self::Middle => theme.gradient[1],
            Self::High => theme.gradient[2],
            Self::Bad => theme.gradient[3],
            Self::Mark => theme.faint,
        }
    }
}

/// From which value on which shade is taken, in ascending order; [`Shade::Low`] below the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp<'a>(pub &'a [(f32, Shade)]);

impl Ramp<'_> {
    fn shade(self, value: f32) -> Shade {
        let reached = self.0.iter().take_while(|(from, _)| value >= *from);
        reached.last().map_or(Shade::Low, |(_, shade)| *shade)
    }
}

/// What the height of a column means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale<'a> {
    /// The lower end.
    pub floor: f32,
    /// The upper end.
    pub top: f32,
    /// A limit to be marked.
    pub mark: Option<f32>,
    /// What values mean.
    pub ramp: Ramp<'a>,
}

impl Scale<'_> {
    /// Steps of height for `value` out of `steps`. A known value is never nothing, one above the
    /// floor stands higher than the floor, and one below the top never reaches it.
    fn level(&self, value: f32, steps: usize) -> usize {
        let share = (value - self.floor) / (self.top - self.floor);
        if share >= 1.0 {
            steps
        } else if share > 0.0 && steps > 2 {
            (1 + rounded(share * (steps - 1) as f32)).clamp(2, steps - 1)
        } else {
            1
        }
    }

    /// The value at the upper edge of `level` out of `steps`.
    fn value_at(&self, level: usize, steps: usize) -> f32 {
        self.floor + (self.top - self.floor) * level as f32 / steps.max(1) as f32
    }

    /// The line, counted from the top of `height`, in which the mark lies.
    #[must_use]
    pub fn mark_line(&self, dots: Dots, height: u16) -> Option<u16> {
        let steps = usize::from(height) * dots.levels();
        let level = self.mark_level(steps)?;
        let below = u16::try_from((level - 1) / dots.levels()).ok()?;
        height.checked_sub(below + 1)
    }

    /// The mark's step, from 1 on.
    fn mark_level(&self, steps: usize) -> Option<usize> {
        let mark = self
            .mark
            .filter(|mark| *mark > self.floor && *mark <= self.top)?;
        (steps > 0).then(|| self.level(mark, steps))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a screen's height"
)]
const fn rounded(value: f32) -> usize {
    (value + 0.5) as usize
}

/// Text of one shade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The text.
    pub text: String,
    /// Its meaning.
    pub shade: Shade,
}

impl From<Run> for Piece {
    fn from(run: Run) -> Self {
        Self::new(run.text, run.shade.tone())
    }
}

/// Values as dots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Graph<'a> {
    /// One for each column of dots, the newest last and at the right edge; `None` is a gap.
    pub values: &'a [Option<f32>],
    /// What the height means.
    pub scale: Scale<'a>,
    /// What is drawn of a column.
    pub fill: Fill,
    /// The characters.
    pub dots: Dots,
}

impl Graph<'_> {
    /// The lines of the picture, the topmost first, each `width` characters.
    #[must_use]
    pub fn lines(&self, width: u16, height: u16) -> Vec<Vec<Run>> {
        let columns = self.filled(usize::from(width), usize::from(height));
        (0..usize::from(height))
            .rev()
            .map(|line| self.line(&columns, line, usize::from(height)))
            .collect()
    }

    /// Draws the picture over the whole of `area`.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        let area = area.intersection(buf.area);
        for (y, runs) in (0..area.height).zip(self.lines(area.width, area.height)) {
            draw_line(buf, text::line(area, y), &runs, theme);
        }
    }

    /// What of each column is filled.
    fn filled(&self, width: usize, height: usize) -> Vec<Option<Column>> {
        let (count, steps) = (width * self.dots.columns(), height * self.dots.levels());
        let known = &self.values[self.values.len().saturating_sub(count)..];
        let missing = std::iter::repeat_n(None, count - known.len());
        let mut before = None;
        missing
            .chain(known.iter().copied())
            .map(|value| {
                let value = value.filter(|value| value.is_finite());
                let level = value.map(|value| self.scale.level(value, steps));
                let column = value.zip(level).map(|(value, level)| {
                    let (low, high) = match (self.fill, before) {
                        (Fill::Line, Some(before)) if self.dots == Dots::Braille => {
                            joined(before, level)
                        }
                        (Fill::Line, None) if self.dots == Dots::Braille => (level, level),
                        _ => (1, level),
                    };
                    Column { value, low, high }
                });
                before = level;
                column
            })
            .collect()
    }

    /// The `line`-th line from the bottom.
    fn line(&self, columns: &[Option<Column>], line: usize, height: usize) -> Vec<Run> {
        let (levels, steps) = (self.dots.levels(), height * self.dots.levels());
        let mark = self.scale.mark_level(steps);
        let mark = mark.filter(|mark| (mark - 1) / levels == line);
        let upper = self.scale.value_at((line + 1) * levels, steps);
        let mut runs: Vec<Run> = Vec::new();
        for (at, columns) in columns.chunks(self.dots.columns()).enumerate() {
            let mut letter = Letter::new(self.dots);
            let mut shade = Shade::Blank;
            let mut highest = f32::NEG_INFINITY;
            for (x, column) in columns.iter().enumerate() {
                let Some(column) = column else { continue };
                let from = column.low.saturating_sub(line * levels + 1);
                let to = column.high.saturating_sub(line * levels).min(levels);
                if from < to {
                    letter.fill(x, from, to);
                    highest = highest.max(column.value.min(upper));
                    shade = self.scale.ramp.shade(highest);
                }
            }
            let symbol = match mark {
                Some(mark) if letter.is_empty() => {
                    shade = Shade::Mark;
                    marked(self.dots, at, (mark - 1) % levels)
                }
                _ => letter.symbol(),
            };
            if symbol == ' ' {
                shade = Shade::Blank;
            }
            match runs.last_mut() {
                Some(run) if run.shade == shade => run.text.push(symbol),
                _ => runs.push(Run {
                    text: symbol.into(),
                    shade,
                }),
            }
        }
        runs
    }
}

/// Draws runs side by side.
pub(super) fn draw_line(buf: &mut Buffer, line: Rect, runs: &[Run], theme: &Theme) -> u16 {
    let mut used = 0;
    for run in runs {
        let style = run.shade.style(theme);
        used += text::put(buf, text::skip(line, used), &run.text, style);
    }
    used
}

/// A column of dots: from the step `low` up to `high`, both of them filled, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Column {
    value: f32,
    low: usize,
    high: usize,
}

/// The steps that join a column at `level` with the one before it.
fn joined(before: usize, level: usize) -> (usize, usize) {
    match level {
        _ if level > before => (before + 1, level),
        _ if level < before => (level, before - 1),
        _ => (level, level),
    }
}

/// One character in the making.
struct Letter {
    dots: Dots,
    bits: u32,
    level: usize,
}

impl Letter {
    const fn new(dots: Dots) -> Self {
        Self {
            dots,
            bits: 0,
            level: 0,
        }
    }

    /// Fills the steps above `from` up to `to`.
    fn fill(&mut self, column: usize, from: usize, to: usize) {
        self.level = self.level.max(to);
        if self.dots == Dots::Braille {
            self.bits |= BITS[column][from..to].iter().sum::<u32>();
        }
    }

    const fn is_empty(&self) -> bool {
        self.level == 0
    }

    fn symbol(&self) -> char {
        match self.dots {
            Dots::Braille if self.bits == 0 => ' ',
            Dots::Braille => char::from_u32(BRAILLE + self.bits).unwrap_or(' '),
            Dots::Blocks => BLOCKS[self.level],
            Dots::Ascii => ASCII[self.level],
        }
    }
}

/// A dashed line in the `at`-th character, `step` steps above its lower edge.
fn marked(dots: Dots, at: usize, step: usize) -> char {
    match dots {
        Dots::Braille => char::from_u32(BRAILLE + BITS[0][step]).unwrap_or(' '),
        Dots::Blocks | Dots::Ascii if at % 2 == 1 => ' ',
        Dots::Blocks if step > 5 => '▔',
        Dots::Blocks => '╌',
        Dots::Ascii => '~',
    }
}

#[cfg(test)]
mod tests;
