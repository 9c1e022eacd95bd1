//! What is wrong with a filter, where, and what was probably meant.

use std::fmt;

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Where, in letters from the beginning of the text, from 0.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What was probably meant, or what is possible there.
    pub help: Option<String>,
    /// Nothing is wrong so far: the text only stops too early.
    pub incomplete: bool,
}

impl FilterError {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self {
            at,
            what: what.into(),
            help: None,
            incomplete: false,
        }
    }

    /// The same, of a text that stops too early.
    pub(super) fn unfinished(mut self) -> Self {
        self.incomplete = true;
        self
    }

    /// The same with advice.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for FilterError {
    /// One line: `no field “utl” (letter 1): did you mean “util”?`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (letter {})", self.what, self.at + 1)?;
        match &self.help {
            Some(help) => write!(f, ": {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FilterError {}
