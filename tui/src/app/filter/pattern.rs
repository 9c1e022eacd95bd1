//! Text as k9s looks for it: a regular expression without regard to case, and always also the
//! letters themselves, so that `C+G` and `a(b` find what they look like.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// Room for a compiled expression in bytes; `(\w{99}){99}` is refused instead of taking seconds.
const LARGEST: usize = 1 << 20;

/// Something to look for in a text.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The letters as they are.
    literal: Option<Regex>,
    /// The same as a regular expression, where that is something else.
    expression: Option<Regex>,
}

impl Pattern {
    /// Looks for `text`. The second value says why it is no regular expression though it looks
    /// like one; the letters themselves are found all the same.
    #[must_use]
    pub fn new(text: &str) -> (Self, Option<String>) {
        let escaped = regex::escape(text);
        let (expression, problem) = if escaped == text {
            (None, None)
        } else {
            match compile(text) {
                Ok(expression) => (Some(expression), None),
                Err(why) => (None, Some(why)),
            }
        };
        let pattern = Self {
            // Escaped letters compile; a text too long for the limit finds nothing.
            literal: compile(&escaped).ok(),
            expression,
        };
        (pattern, problem)
    }

    /// Whether `text` contains it.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let found = |regex: &Option<Regex>| regex.as_ref().is_some_and(|r| r.is_match(text));
        found(&self.literal) || found(&self.expression)
    }

    /// Adds where in `text` it is, in bytes.
    pub(super) fn add_hits(&self, text: &str, hits: &mut Vec<Range<usize>>) {
        for regex in [&self.literal, &self.expression].into_iter().flatten() {
            let found = regex.find_iter(text).map(|found| found.range());
            hits.extend(found.filter(|range| !range.is_empty()));
        }
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .case_insensitive(true)
        // Cells are lines: `^` and `$` stand for the ends of a cell.
        .multi_line(true)
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "too large a regular expression".to_owned(),
            error => last_line(&error.to_string()),
        })
}

/// The message without the drawing above it.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ANVIL", "anvil", true)]
    #[case("größe", "GRÖSSE Größe", true)]
    #[case("^ml/", "ml/train", true)]
    #[case("^ml/", "a\nml/train", true)]
    #[case("^train", "ml/train", false)]
    #[case("c+g", "C+G", true)]
    #[case("c+g", "ccg", true)]
    #[case("train|chat", "chat/ollama", true)]
    #[case("a(b", "xa(b)", true)]
    #[case("日本", "日本語", true)]
    #[case("[", "a[0]", true)]
    fn letters_and_expressions_are_found(
        #[case] pattern: &str,
        #[case] text: &str,
        #[case] found: bool,
    ) {
        assert_eq!(Pattern::new(pattern).0.is_in(text), found);
    }

    #[test]
    fn what_is_no_expression_is_said() {
        assert_eq!(Pattern::new("plain").1, None);
        assert_eq!(Pattern::new("a(b").1, Some("unclosed group".to_owned()));
        let huge = Pattern::new(r"(\w{99}){99}");
        assert_eq!(huge.1, Some("too large a regular expression".to_owned()));
    }
}
