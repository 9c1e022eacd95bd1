//! Signs beyond letters and digits: which there are, and what stands for them in plain ASCII.
//!
//! The screens write Unicode signs. Where a terminal can not show them, [`Glyphs::finish`] passes
//! over the finished frame and puts ASCII in their place, of the same width, so that nothing moves.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthChar;

use super::TerminalHints;
use super::ascii::to_ascii;

/// The signs that a screen is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Glyphs {
    /// All of them.
    #[default]
    Unicode,
    /// ASCII alone.
    Ascii,
}

/// A sign of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyph {
    /// What it is for. Signs for the same differ in ASCII too.
    pub used: Used,
    /// The sign.
    pub unicode: char,
    /// What stands for it in ASCII.
    pub ascii: char,
}

/// What a sign is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Used {
    /// State of a device.
    State,
    /// A remark beside a word: marked, paused, recorded, done.
    Remark,
    /// Parts of a bar.
    Bar,
    /// Heights of a column in a small graph.
    Spark,
    /// Directions: keys, order of a column, more rows.
    Arrow,
    /// Branches of a tree and lines of a box.
    Line,
    /// Within text.
    Text,
}

const fn glyph(used: Used, unicode: char, ascii: char) -> Glyph {
    Glyph {
        used,
        unicode,
        ascii,
    }
}

/// The table of signs. Those that are not in here (other lines, blocks, braille) are replaced by
/// what looks alike.
pub static GLYPHS: &[Glyph] = &[
    // ○ free, ● working, ◐ ready, ◑ allocated, ◔ idle, ◎ occupied, ✖ sick, ▤ partitioned
    glyph(Used::State, '○', 'o'),
    glyph(Used::State, '●', '*'),
    glyph(Used::State, '◐', '='),
    glyph(Used::State, '◑', '+'),
    glyph(Used::State, '◔', 'z'),
    glyph(Used::State, '◎', '@'),
    glyph(Used::State, '✖', 'X'),
    glyph(Used::State, '▤', '#'),
    glyph(Used::State, '◌', ':'),
    glyph(Used::Remark, '⚑', '!'),
    glyph(Used::Remark, '⚠', '!'),
    glyph(Used::Remark, '◆', '*'),
    glyph(Used::Remark, '✓', '+'),
    glyph(Used::Remark, '✔', '+'),
    glyph(Used::Remark, '✗', 'x'),
    glyph(Used::Remark, '✘', 'x'),
    glyph(Used::Remark, '▌', '>'),
    glyph(Used::Remark, '‖', '|'),
    glyph(Used::Bar, '━', '#'),
    glyph(Used::Bar, '╸', '='),
    glyph(Used::Bar, '─', '-'),
    glyph(Used::Spark, '▁', '.'),
    glyph(Used::Spark, '▂', ':'),
    glyph(Used::Spark, '▃', '-'),
    glyph(Used::Spark, '▄', '='),
    glyph(Used::Spark, '▅', '+'),
    glyph(Used::Spark, '▆', '*'),
    glyph(Used::Spark, '▇', '%'),
    glyph(Used::Spark, '█', '#'),
    glyph(Used::Arrow, '↑', '^'),
    glyph(Used::Arrow, '↓', 'v'),
    glyph(Used::Arrow, '←', '<'),
    glyph(Used::Arrow, '→', '>'),
    glyph(Used::Arrow, '▲', '^'),
    glyph(Used::Arrow, '▼', 'v'),
    glyph(Used::Arrow, '◀', '<'),
    glyph(Used::Arrow, '▶', '>'),
    glyph(Used::Arrow, '▴', '^'),
    glyph(Used::Arrow, '▾', 'v'),
    glyph(Used::Arrow, '◂', '<'),
    glyph(Used::Arrow, '▸', '>'),
    // As in drawings of old: .-. above, `-' below.
    glyph(Used::Line, '│', '|'),
    glyph(Used::Line, '├', '|'),
    glyph(Used::Line, '┤', '|'),
    glyph(Used::Line, '┌', '.'),
    glyph(Used::Line, '┐', '.'),
    glyph(Used::Line, '╭', '.'),
    glyph(Used::Line, '╮', '.'),
    glyph(Used::Line, '└', '`'),
    glyph(Used::Line, '╰', '`'),
    glyph(Used::Line, '┘', '\''),
    glyph(Used::Line, '╯', '\''),
    glyph(Used::Line, '┼', '+'),
    glyph(Used::Line, '┬', '+'),
    glyph(Used::Line, '┴', '+'),
    glyph(Used::Text, '…', '~'),
    glyph(Used::Text, '–', '-'),
    glyph(Used::Text, '—', '-'),
    glyph(Used::Text, '−', '-'),
    glyph(Used::Text, '·', '.'),
    glyph(Used::Text, '•', '*'),
    glyph(Used::Text, '×', 'x'),
    glyph(Used::Text, '÷', '/'),
    glyph(Used::Text, '°', ' '),
    glyph(Used::Text, '›', '>'),
    glyph(Used::Text, '‹', '<'),
    glyph(Used::Text, '»', '>'),
    glyph(Used::Text, '«', '<'),
    glyph(Used::Text, '“', '"'),
    glyph(Used::Text, '”', '"'),
    glyph(Used::Text, '„', '"'),
    glyph(Used::Text, '‘', '\''),
    glyph(Used::Text, '’', '\''),
    glyph(Used::Text, '≤', '<'),
    glyph(Used::Text, '≥', '>'),
    glyph(Used::Text, '≠', '!'),
    glyph(Used::Text, '≈', '~'),
    glyph(Used::Text, '±', '~'),
    glyph(Used::Text, '\u{a0}', ' '),
    glyph(Used::Text, '\u{202f}', ' '),
    glyph(Used::Text, '\u{fffd}', '?'),
];

impl Glyphs {
    /// What was asked for (`true`: ASCII), else what the terminal can show.
    #[must_use]
    pub fn for_terminal(ascii: Option<bool>, hints: &TerminalHints) -> Self {
        if ascii.unwrap_or_else(|| !hints.shows_unicode()) {
            Self::Ascii
        } else {
            Self::Unicode
        }
    }

    /// The last step of a frame: where only ASCII can be shown, nothing else is left in it.
    pub fn finish(self, buf: &mut Buffer) {
        match self {
            Self::Unicode => {}
            Self::Ascii => to_ascii(buf),
        }
    }

    /// `text` with ASCII in place of every sign, of the same width. Letters and digits of any
    /// script stay: names are names.
    #[must_use]
    pub fn ascii_fallback(text: &str) -> Cow<'_, str> {
        if !text.chars().any(is_sign) {
            return Cow::Borrowed(text);
        }
        let mut plain = String::with_capacity(text.len());
        for letter in text.chars() {
            if is_sign(letter) {
                plain.extend(std::iter::repeat_n(
                    stand_in(letter),
                    letter.width().unwrap_or(0),
                ));
            } else {
                plain.push(letter);
            }
        }
        Cow::Owned(plain)
    }
}

/// Neither ASCII nor part of a name: marks that sit on a letter take no room of their own.
pub(super) fn is_sign(letter: char) -> bool {
    !letter.is_ascii() && !letter.is_alphanumeric() && letter.width().unwrap_or(0) > 0
}

/// One ASCII letter for a sign; `?` when nothing looks alike.
pub(super) fn stand_in(sign: char) -> char {
    if let Some(glyph) = GLYPHS.iter().find(|glyph| glyph.unicode == sign) {
        return glyph.ascii;
    }
    if let Some(dots) = u32::from(sign)
        .checked_sub(0x2800)
        .filter(|dots| *dots < 0x100)
    {
        return INK[usize::try_from(dots.count_ones())
            .unwrap_or_default()
            .min(8)];
    }
    let alike = ALIKE
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&sign));
    alike.map_or('?', |(_, _, ascii)| *ascii)
}

/// Braille: more ink for more dots.
const INK: [char; 9] = [' ', '.', '.', ':', ':', '+', '+', '*', '#'];

/// Signs from one to another that look like an ASCII letter; the first that fits counts.
static ALIKE: &[(char, char, char)] = &[
    ('\u{2000}', '\u{200a}', ' '),
    ('\u{2010}', '\u{2015}', '-'),
    ('\u{2190}', '\u{21ff}', '>'),
    ('─', '━', '-'),
    ('│', '┃', '|'),
    ('┄', '┅', '-'),
    ('┆', '┇', '|'),
    ('┈', '┉', '-'),
    ('┊', '┋', '|'),
    ('╌', '╍', '-'),
    ('╎', '╏', '|'),
    ('═', '═', '='),
    ('║', '║', '|'),
    ('╱', '╱', '/'),
    ('╲', '╲', '\\'),
    ('╴', '╴', '-'),
    ('╵', '╵', '|'),
    ('╶', '╶', '-'),
    ('╷', '╷', '|'),
    ('╸', '╸', '-'),
    ('╹', '╹', '|'),
    ('╺', '╺', '-'),
    ('╻', '╻', '|'),
    ('╼', '╼', '-'),
    ('╽', '╽', '|'),
    ('╾', '╾', '-'),
    ('╿', '╿', '|'),
    // Corners and crossings of lines.
    ('\u{2500}', '\u{257f}', '+'),
    // Blocks: from above, those that grow from the left, shades.
    ('▀', '▀', '"'),
    ('▍', '▏', '.'),
    ('▐', '▐', '|'),
    ('░', '░', '.'),
    ('▒', '▒', ':'),
    ('▔', '▔', '"'),
    ('▕', '▕', '|'),
    ('\u{2580}', '\u{259f}', '#'),
    // Shapes.
    ('\u{25a0}', '\u{25ff}', '#'),
];

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::path::Path;

    use gputop_fleet::state::DeviceState;
    use proptest::prelude::*;

    use super::*;
    use crate::app::tables::sign;

    fn ascii(text: &str) -> Cow<'_, str> {
        Glyphs::ascii_fallback(text)
    }

    #[test]
    fn signs_become_ascii_and_names_stay() {
        assert_eq!(ascii("● 5 working · 58°C"), "* 5 working . 58 C");
        assert_eq!(ascii("━━━╸──"), "###=--");
        assert_eq!(ascii("▁▄█"), ".=#");
        assert_eq!(ascii("größe-日本"), "größe-日本");
        assert_eq!(ascii("⣿⠁⠀⡇"), "#. :");
        assert_eq!(ascii("┌─┐│└─┘"), ".-.|`-'");
        assert_eq!(ascii("╔═╗║┏┃"), "+=+|+|");
        assert_eq!(ascii("🔥!"), "??!");
        assert!(matches!(ascii("plain text"), Cow::Borrowed(_)));
    }

    #[test]
    fn the_table_is_of_one_column_and_names_each_sign_once() {
        let mut seen = HashSet::new();
        for glyph in GLYPHS {
            assert_eq!(glyph.unicode.width(), Some(1), "{}", glyph.unicode);
            assert!(
                glyph.ascii.is_ascii() && !glyph.ascii.is_control(),
                "{}",
                glyph.unicode
            );
            assert!(
                !glyph.unicode.is_ascii() && is_sign(glyph.unicode),
                "{}",
                glyph.unicode
            );
            assert!(seen.insert(glyph.unicode), "{} twice", glyph.unicode);
        }
    }

    #[test]
    fn what_must_differ_differs_in_ascii() {
        let mut seen: HashMap<(Used, char), char> = HashMap::new();
        for glyph in GLYPHS {
            if matches!(glyph.used, Used::State | Used::Bar | Used::Spark) {
                let before = seen.insert((glyph.used, glyph.ascii), glyph.unicode);
                assert_eq!(before, None, "{} looks the same", glyph.unicode);
            }
        }
        let states: HashSet<_> = DeviceState::ALL.map(sign).map(ascii).into_iter().collect();
        assert_eq!(states.len(), DeviceState::ALL.len());
    }

    /// Whatever is written into the sources that draw or speak has an ASCII letter of its own.
    #[test]
    fn every_sign_in_the_sources_has_a_stand_in() {
        let tui = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = 0;
        for folder in ["src", "../fleet/src", "../model/src"] {
            files += check_folder(&tui.join(folder));
        }
        assert!(files > 50, "{files} files");
    }

    fn check_folder(folder: &Path) -> usize {
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files += check_folder(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                check_file(&path);
                files += 1;
            }
        }
        files
    }

    fn check_file(path: &Path) {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text
            .lines()
            .take_while(|line| line.trim() != "#[cfg(test)]");
        for line in code.filter(|line| !line.trim_start().starts_with("//")) {
            for sign in line.chars().filter(|letter| is_sign(*letter)) {
                let known = stand_in(sign) != '?' || sign == '\u{fffd}';
                assert!(known, "{}: no ASCII for {sign:?} in {line}", path.display());
            }
        }
    }

    #[test]
    fn what_was_asked_for_wins() {
        let console = TerminalHints {
            term: Some("linux".to_owned()),
            ..TerminalHints::default()
        };
        assert_eq!(Glyphs::for_terminal(None, &console), Glyphs::Ascii);
        assert_eq!(Glyphs::for_terminal(Some(false), &console), Glyphs::Unicode);
        let usual = TerminalHints::default();
        assert_eq!(Glyphs::for_terminal(None, &usual), Glyphs::Unicode);
        assert_eq!(Glyphs::for_terminal(Some(true), &usual), Glyphs::Ascii);
    }

    proptest! {
        #[test]
        fn the_width_stays_and_no_sign_is_left(text in "\\PC{0,40}") {
            let plain = ascii(&text);
            prop_assert!(!plain.chars().any(is_sign));
            let columns = |text: &str| -> usize {
                text.chars().filter_map(UnicodeWidthChar::width).sum()
            };
            prop_assert_eq!(columns(&plain), columns(&text));
        }

        #[test]
        fn ascii_stays_as_it_is(text in "[ -~]{0,40}") {
            prop_assert!(matches!(ascii(&text), Cow::Borrowed(same) if same == text));
        }
    }
}
