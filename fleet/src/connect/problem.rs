//! What went wrong, why, and what to do: in the operator's words.

use std::fmt;

use thiserror::Error;

/// A failure with its way out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Problem {
    /// What happened, where and why: one sentence.
    pub what: String,
    /// What to do next: one sentence.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.what, self.fix)
    }
}
