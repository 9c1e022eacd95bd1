//! What lies over the tables: pages of text, lists to choose from, questions.

mod page;
mod picker;
mod prompt;

pub use page::{LOG_LINES, Page, PageKind, Search};
pub use picker::{Choice, Item, Picker, PickerKind};
pub use prompt::Prompt;

/// What lies over the tables.
#[derive(Debug, Clone)]
pub enum Layer {
    /// The keys and signs.
    Help {
        /// Lines scrolled away.
        scroll: u16,
    },
    /// A page of text.
    Page(Box<Page>),
    /// A list to choose from.
    Picker(Box<Picker>),
    /// A question.
    Prompt(Box<Prompt>),
}

/// Turns the help page by `lines`; `last` is as far as it goes.
pub(super) fn turn(scroll: &mut u16, lines: isize, last: u16) {
    let by = i16::try_from(lines.clamp(-9_999, 9_999)).unwrap_or_default();
    *scroll = scroll.saturating_add_signed(by).min(last);
}
