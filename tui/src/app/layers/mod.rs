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
