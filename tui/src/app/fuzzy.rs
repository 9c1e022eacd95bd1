//! Fuzzy matching: the letters in their order, near each other and at the beginnings of words.

use std::ops::Range;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A text that others are compared with. Words are found in any order; case does not matter unless
/// there is a capital letter.
#[derive(Debug)]
pub struct Fuzzy {
    pattern: Pattern,
    matcher: Matcher,
    buffer: Vec<char>,
}

impl Fuzzy {
    /// Looks for `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            pattern: Pattern::parse(text, CaseMatching::Smart, Normalization::Smart),
            matcher: Matcher::new(Config::DEFAULT),
            buffer: Vec::new(),
        }
    }

    /// How well `text` matches, higher is better; `None`: not at all.
    pub fn score(&mut self, text: &str) -> Option<u32> {
        let text = Utf32Str::new(text, &mut self.buffer);
        self.pattern.score(text, &mut self.matcher)
    }

    /// Which letters of `text` make it match, in bytes.
    pub fn ranges(&mut self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        self.buffer.clear();
        self.buffer.extend(text.chars());
        let letters = Utf32Str::Unicode(&self.buffer);
        let matches = self.pattern.indices(letters, &mut self.matcher, &mut found);
        if matches.is_none() {
            return Vec::new();
        }
        let letters = text.char_indices().enumerate();
        letters
            .filter(|(letter, _)| found.iter().any(|at| usize::try_from(*at) == Ok(*letter)))
            .map(|(_, (at, letter))| at..at + letter.len_utf8())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_their_order_are_found_and_beginnings_score_higher() {
        let mut fuzzy = Fuzzy::new("alns");
        let whole = fuzzy.score("all namespaces");
        assert!(whole.is_some());
        assert!(whole > fuzzy.score("a long snake that bends"));
        assert_eq!(fuzzy.score("nodes"), None);
        assert_eq!(Fuzzy::new("").score("anything"), Some(0));
    }

    #[test]
    fn the_letters_that_match_are_known() {
        assert_eq!(Fuzzy::new("ml").ranges("größe-ml"), [8..9, 9..10]);
        assert!(Fuzzy::new("xy").ranges("größe-ml").is_empty());
    }
}
