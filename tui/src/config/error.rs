//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use gputop_model::printable;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::nearest::nearest;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The file, as it is shown.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in letters, from 1.
    pub column: usize,
    /// The line's text.
    pub text: String,
    /// How many letters of the line are meant, at least one.
    pub length: usize,
}

impl Spot {
    /// The place of `span` (in bytes) in the file's text.
    #[must_use]
    pub fn new(file: &Arc<str>, text: &str, span: Range<usize>) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let length = text[start..end.min(line_end)].chars().count();
        Self {
            file: Arc::clone(file),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: printable(line.replace('\t', " ")),
            length: length.max(1),
        }
    }
}

/// The nearest boundary of a letter at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File(Spot),
    /// A file as a whole.
    Whole(Arc<str>),
    /// In a variable of the environment.
    Variable(String),
    /// In a flag.
    Flag(&'static str),
}

/// A mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do; empty where `what` says it.
    pub fix: String,
}

impl ConfigError {
    pub(super) fn new(place: Place, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            place,
            what: what.into(),
            fix: fix.into(),
        }
    }
}

/// Several lines, without a line break at the end: place and mistake, the line itself with a mark
/// below, what to do.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = printable(self.what.clone());
        match &self.place {
            Place::File(spot) => {
                let Spot {
                    file, line, column, ..
                } = spot;
                writeln!(f, "{}:{line}:{column}: {what}", printable(file.to_string()))?;
                let gutter = line.to_string().len();
                writeln!(f, "{line} | {}", spot.text)?;
                let before = spot.text.chars().take(spot.column - 1);
                let indent: usize = before.filter_map(UnicodeWidthChar::width).sum();
                let meant = spot.text.chars().skip(spot.column - 1).take(spot.length);
                let marks = meant.collect::<String>().width().max(1);
                write!(f, "{:gutter$} | {:indent$}{:^<marks$}", "", "", "")?;
            }
            Place::Whole(file) => write!(f, "{}: {what}", printable(file.to_string()))?,
            Place::Variable(name) => write!(f, "${name}: {what}")?,
            Place::Flag(name) => write!(f, "{name}: {what}")?,
        }
        if !self.fix.is_empty() {
            write!(f, "\n{}", printable(self.fix.clone()))?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// `Did you mean `x`?`, or nothing.
pub(super) fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, names)
        .map(|name| format!("Did you mean `{name}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, span: Range<usize>) -> String {
        let spot = Spot::new(&Arc::from("config.toml"), text, span);
        ConfigError::new(
            Place::File(spot),
            "unknown key `them`",
            "Did you mean `theme`?",
        )
        .to_string()
    }

    #[test]
    fn the_line_is_shown_with_a_mark_below() {
        assert_eq!(
            shown("# é\n\tthem = \"dark\"\r\nascii = true\n", 6..10),
            "config.toml:2:2: unknown key `them`\n\
             2 |  them = \"dark\"\n\
             \u{20} |  ^^^^\n\
             Did you mean `theme`?"
        );
    }

    #[test]
    fn marks_stand_below_wide_letters() {
        let shown = shown("\"日本\" = 1", 0..8);
        assert!(
            shown.contains("\n1 | \"日本\" = 1\n  | ^^^^^^\n"),
            "{shown}"
        );
    }

    #[test]
    fn the_end_of_the_text_is_a_place_too() {
        assert!(shown("a = ", 4..4).starts_with("config.toml:1:5: "));
        assert!(shown("", 0..0).starts_with("config.toml:1:1: "));
        assert!(shown("a\n", 2..2).starts_with("config.toml:2:1: "));
    }

    proptest! {
        #[test]
        fn any_place_can_be_shown(text in any::<String>(), from in 0usize..40, to in 0usize..40) {
            let shown = shown(&text, from..to);
            prop_assert!(shown.lines().count() >= 4);
        }
    }
}
