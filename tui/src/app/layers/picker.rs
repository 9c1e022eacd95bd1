//! A list to choose from, narrowed by typing.

use gputop_fleet::inspect::AskId;
use gputop_model::PodKey;
use tui_input::Input;

use crate::app::actions::{ActionId, Reason};
use crate::app::fuzzy::Fuzzy;
use crate::app::sort::Sort;

/// What is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PickerKind {
    /// Any action.
    Palette,
    /// The column to sort by.
    Sort,
    /// The namespace.
    Namespace,
    /// The kubeconfig context.
    Context,
    /// The colours.
    Theme,
    /// The container whose log is shown.
    LogContainer,
    /// The container for a shell.
    ShellContainer,
}

/// What choosing an item does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Carries out an action.
    Action(ActionId),
    /// Sorts; `None`: the table's own order.
    Sort(Option<Sort>),
    /// Shows this namespace; `None`: all.
    Namespace(Option<String>),
    /// Goes to another cluster.
    Context(String),
    /// Changes the colours.
    Theme(&'static str),
    /// Shows this container's log.
    LogContainer(String),
    /// Opens a shell in this container.
    ShellContainer(PodKey, String),
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is compared with the typed text and shown first.
    pub label: String,
    /// What it does, in words; compared too.
    pub detail: String,
    /// Its keys, where it has some.
    pub keys: String,
    /// What choosing it does.
    pub choice: Choice,
    /// Why it can not be chosen now.
    pub reason: Option<Reason>,
}

/// A list to choose from.
#[derive(Debug, Clone)]
pub struct Picker {
    /// What is chosen.
    pub kind: PickerKind,
    /// Heading.
    pub title: &'static str,
    /// The typed text.
    pub input: Input,
    /// All items.
    pub items: Vec<Item>,
    /// Positions of the items that match, the best first.
    pub shown: Vec<usize>,
    /// Position in `shown`.
    pub selected: usize,
    /// More items are asked for.
    pub ask: Option<AskId>,
}

impl Picker {
    /// A list of these.
    #[must_use]
    pub fn new(kind: PickerKind, title: &'static str, items: Vec<Item>) -> Self {
        let mut picker = Self {
            kind,
            title,
            input: Input::default(),
            items,
            shown: Vec::new(),
            selected: 0,
            ask: None,
        };
        picker.narrow();
        picker
    }

    /// Finds the items that match the typed text. The best one is selected.
    pub fn narrow(&mut self) {
        let text = self.input.value().trim();
        if text.is_empty() {
            self.shown = (0..self.items.len()).collect();
        } else {
            let mut fuzzy = Fuzzy::new(text);
            let mut scored: Vec<(u32, usize)> = Vec::new();
            for (at, item) in self.items.iter().enumerate() {
                // The name counts more than the words about it.
                let name = fuzzy.score(&item.label).map(|score| score * 2 + 1);
                let words = fuzzy.score(&item.detail);
                let exact = item.label.eq_ignore_ascii_case(text);
                if let Some(score) = name.max(words) {
                    scored.push((if exact { u32::MAX } else { score }, at));
                }
            }
            scored.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
            self.shown = scored.into_iter().map(|(_, at)| at).collect();
        }
        self.selected = 0;
    }

    /// The selected item.
    #[must_use]
    pub fn item(&self) -> Option<&Item> {
        self.shown
            .get(self.selected)
            .and_then(|at| self.items.get(*at))
    }

    /// Moves the selection by `by` items; stops at the ends.
    pub fn step(&mut self, by: isize) {
        let last = self.shown.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }
}

#[cfg(test)]
mod tests {
    use tui_input::Input;

    use super::*;

    fn item(label: &str, detail: &str) -> Item {
        Item {
            label: label.into(),
            detail: detail.into(),
            keys: String::new(),
            choice: Choice::Namespace(Some(label.into())),
            reason: None,
        }
    }

    #[test]
    fn typing_narrows_by_name_first_and_words_second() {
        let items = vec![
            item("pause", "freeze the screen"),
            item("sort", "choose the column to sort by"),
            item("reverse-sort", "the other way round"),
        ];
        let mut picker = Picker::new(PickerKind::Palette, "", items);
        assert_eq!(picker.shown, [0, 1, 2]);
        picker.input = Input::new("sort".into());
        picker.narrow();
        assert_eq!(picker.shown, [1, 2]);
        picker.input = Input::new("freeze".into());
        picker.narrow();
        assert_eq!(picker.item().map(|item| &*item.label), Some("pause"));
        picker.input = Input::new("zzz".into());
        picker.narrow();
        assert_eq!(picker.item(), None);
        picker.step(5);
        assert_eq!(picker.selected, 0);
    }
}
