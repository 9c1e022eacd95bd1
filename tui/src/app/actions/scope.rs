//! Where a key has its meaning.

use crate::app::layers::Layer;
use crate::app::state::State;
use crate::app::view::View;

/// Where a key has its meaning. Several scopes are active at once; in none of these sets does a
/// key mean two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everywhere, even while text is entered.
    Everywhere,
    /// In all tables.
    Tables,
    /// In one table.
    Table(View),
    /// While the filter is edited.
    Filter,
    /// On the help page.
    Help,
    /// On a page of text.
    Page,
    /// While a search on a page is edited.
    Search,
    /// In a list to choose from.
    Picker,
    /// While a question is answered.
    Prompt,
}

impl Scope {
    /// Every set of scopes that can be active at once, the most special first.
    pub const ACTIVE_SETS: [&'static [Self]; 10] = [
        &[Self::Table(View::Nodes), Self::Tables, Self::Everywhere],
        &[Self::Table(View::Gpus), Self::Tables, Self::Everywhere],
        &[Self::Table(View::Pods), Self::Tables, Self::Everywhere],
        &[Self::Table(View::Processes), Self::Tables, Self::Everywhere],
        &[Self::Filter, Self::Everywhere],
        &[Self::Help, Self::Everywhere],
        &[Self::Page, Self::Everywhere],
        &[Self::Search, Self::Everywhere],
        &[Self::Picker, Self::Everywhere],
        &[Self::Prompt, Self::Everywhere],
    ];

    /// The scopes that are active now.
    #[must_use]
    pub fn active(state: &State) -> &'static [Self] {
        let index = match state.layers.last() {
            Some(Layer::Help { .. }) => 5,
            Some(Layer::Page(page)) if page.search.is_editing() => 7,
            Some(Layer::Page(_)) => 6,
            Some(Layer::Picker(_)) => 8,
            Some(Layer::Prompt(_)) => 9,
            None if state.filter_input.is_some() => 4,
            None => state.place().view.position(),
        };
        Self::ACTIVE_SETS[index]
    }

    /// Heading on the help page.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere",
            Self::Tables => "All tables",
            Self::Table(view) => view.title(),
            Self::Filter => "While filtering",
            Self::Help => "On this page",
            Self::Page => "On a page of text",
            Self::Search => "While searching",
            Self::Picker => "In a list",
            Self::Prompt => "While answering",
        }
    }
}
