//! A question that is answered with a line of text.

use tui_input::Input;

/// When to ring the bell.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The answer so far.
    pub input: Input,
    /// An answer that would make sense here.
    pub example: String,
    /// Why the answer can not be used.
    pub problem: Option<String>,
}

impl Prompt {
    /// A question without an answer.
    #[must_use]
    pub fn new(example: String) -> Self {
        Self {
            input: Input::default(),
            example,
            problem: None,
        }
    }
}
