//! What a screen says, as text that tests can ask about.

use std::fmt;

/// The text of a screen, line by line, without styles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown(String);

impl Shown {
    /// Takes over the text; blanks at the ends of lines do not matter.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(
            text.lines()
                .map(str::trim_end)
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }

    /// Whether the text is anywhere on the screen.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    /// The lines, the topmost first.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }

    /// Whether one line contains all of these.
    #[must_use]
    pub fn row(&self, words: &[&str]) -> bool {
        self.line(words).is_some()
    }

    /// The first line that contains all of these.
    #[must_use]
    pub fn line(&self, words: &[&str]) -> Option<&str> {
        self.lines()
            .find(|line| words.iter().all(|word| line.contains(word)))
    }

    /// The row that the cursor is on.
    #[must_use]
    pub fn selected(&self) -> &str {
        self.line(&["▌"]).unwrap_or_default()
    }

    /// The line that the cursor is on, from the top.
    #[must_use]
    pub fn cursor(&self) -> Option<usize> {
        self.lines().position(|line| line.contains('▌'))
    }

    /// Columns of the longest line.
    #[must_use]
    pub fn width(&self) -> usize {
        self.lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines() {
            writeln!(f, "│{line}")?;
        }
        Ok(())
    }
}
