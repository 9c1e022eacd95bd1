//! A question that is answered with a line of text.

use tui_input::Input;

/// When to ring the bell.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The answer so far.
    pub input: Input,
    /// Why the answer can not be used.
    pub problem: Option<String>,
}

impl Prompt {
    /// A question with an answer to begin with.
    #[must_use]
    pub fn new(answer: String) -> Self {
        Self {
            input: Input::new(answer),
            problem: None,
        }
    }
}
