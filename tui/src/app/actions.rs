//! The registry: one row for each thing a key can do. It feeds the keys themselves, the hint
//! line and the help page.

use std::borrow::Cow;

use crossterm::event::KeyCode;

use super::keys::Chord;
use super::state::{Layer, State};
use super::view::View;

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionId {
    /// Leave the program.
    Quit,
    /// Show the keys.
    Help,
    /// Narrow the table by text.
    Filter,
    /// Go to a whole table.
    Show(View),
    /// The next table of what is shown.
    NextView,
    /// The table before.
    PreviousView,
    /// The row below.
    Down,
    /// The row above.
    Up,
    /// A screen down.
    PageDown,
    /// A screen up.
    PageUp,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// Into the selected row.
    Open,
    /// Back where one came from.
    Back,
    /// Pods without a GPU too.
    AllPods,
    /// All namespaces, or only the one that was asked for.
    AllNamespaces,
    /// Keep the filter and go on.
    KeepFilter,
    /// Drop the filter.
    DropFilter,
    /// Close the topmost layer.
    CloseLayer,
    /// Scroll the help page down.
    ScrollDown,
    /// Scroll the help page up.
    ScrollUp,
}

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
}

impl Scope {
    /// Every set of scopes that can be active at once, the most special first.
    pub const ACTIVE_SETS: [&'static [Self]; 6] = [
        &[Self::Table(View::Nodes), Self::Tables, Self::Everywhere],
        &[Self::Table(View::Gpus), Self::Tables, Self::Everywhere],
        &[Self::Table(View::Pods), Self::Tables, Self::Everywhere],
        &[Self::Table(View::Processes), Self::Tables, Self::Everywhere],
        &[Self::Filter, Self::Everywhere],
        &[Self::Help, Self::Everywhere],
    ];

    /// The scopes that are active now.
    #[must_use]
    pub fn active(state: &State) -> &'static [Self] {
        let index = match state.layers.last() {
            Some(Layer::Help { .. }) => 5,
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
        }
    }
}

/// Why something can not be done now, for the user.
pub type Reason = Cow<'static, str>;

/// A row of the registry.
#[derive(Debug)]
pub struct Action {
    /// What it does.
    pub id: ActionId,
    /// Stable name, for configuration and logs.
    pub name: &'static str,
    /// Where its keys have their meaning.
    pub scope: Scope,
    /// Its keys, the one that hints show first.
    pub keys: &'static [Chord],
    /// What it does, for the help page.
    pub help: &'static str,
    /// It changes something outside this program.
    pub danger: bool,
    /// Rank in the hint line, from the left; `None`: not shown there.
    pub hint: Option<u8>,
    /// One or two words for the hint line, fitting what is selected.
    pub label: fn(&State) -> Cow<'static, str>,
    /// Whether it can be done now.
    pub available: fn(&State) -> Result<(), Reason>,
}

/// The registry.
pub static ACTIONS: &[Action] = &[
    Action {
        hint: Some(10),
        label: State::open_label,
        available: State::can_open,
        ..action(
            ActionId::Open,
            "open",
            &[Chord::key(KeyCode::Enter)],
            "into it: node → GPUs → pods → processes",
        )
    },
    Action {
        hint: Some(20),
        label: |state| {
            if state.place().filter.is_empty() {
                "back"
            } else {
                "drop filter"
            }
            .into()
        },
        available: State::can_go_back,
        ..action(
            ActionId::Back,
            "back",
            &[Chord::key(KeyCode::Esc)],
            "back (the filter first)",
        )
    },
    Action {
        hint: Some(30),
        label: |_| "filter".into(),
        ..action(
            ActionId::Filter,
            "filter",
            &[Chord::char('/')],
            "show only rows that contain a text",
        )
    },
    action(
        ActionId::Show(View::Nodes),
        "nodes",
        &[Chord::char('1')],
        "all nodes",
    ),
    action(
        ActionId::Show(View::Gpus),
        "gpus",
        &[Chord::char('2')],
        "all GPUs",
    ),
    action(
        ActionId::Show(View::Pods),
        "pods",
        &[Chord::char('3')],
        "all pods that concern GPUs",
    ),
    action(
        ActionId::Show(View::Processes),
        "processes",
        &[Chord::char('4')],
        "all processes on GPUs",
    ),
    Action {
        hint: Some(40),
        label: |_| "next table".into(),
        ..action(
            ActionId::NextView,
            "next-table",
            &[Chord::key(KeyCode::Tab)],
            "next table of what is shown",
        )
    },
    action(
        ActionId::PreviousView,
        "previous-table",
        &[Chord::key(KeyCode::BackTab)],
        "table before",
    ),
    action(
        ActionId::Down,
        "down",
        &[Chord::key(KeyCode::Down), Chord::char('j')],
        "row below",
    ),
    action(
        ActionId::Up,
        "up",
        &[Chord::key(KeyCode::Up), Chord::char('k')],
        "row above",
    ),
    action(
        ActionId::PageDown,
        "page-down",
        &[Chord::key(KeyCode::PageDown), Chord::ctrl('f')],
        "screen down",
    ),
    action(
        ActionId::PageUp,
        "page-up",
        &[Chord::key(KeyCode::PageUp), Chord::ctrl('b')],
        "screen up",
    ),
    action(
        ActionId::First,
        "first",
        &[Chord::char('g'), Chord::key(KeyCode::Home)],
        "first row",
    ),
    action(
        ActionId::Last,
        "last",
        &[Chord::char('G'), Chord::key(KeyCode::End)],
        "last row",
    ),
    Action {
        scope: Scope::Table(View::Pods),
        hint: Some(35),
        label: |state| {
            if state.all_pods {
                "GPU pods only"
            } else {
                "all pods"
            }
            .into()
        },
        ..action(
            ActionId::AllPods,
            "all-pods",
            &[Chord::char('a')],
            "show or hide pods without a GPU",
        )
    },
    Action {
        available: |state| match state.session.only_namespace {
            Some(_) => Ok(()),
            None => Err("all namespaces are shown; start with -n to see one".into()),
        },
        ..action(
            ActionId::AllNamespaces,
            "all-namespaces",
            &[Chord::char('0')],
            "all namespaces, or only the one asked for with -n",
        )
    },
    Action {
        scope: Scope::Everywhere,
        ..action(ActionId::Quit, "interrupt", &[Chord::ctrl('c')], "quit")
    },
    Action {
        hint: Some(90),
        ..action(ActionId::Quit, "quit", &[Chord::char('q')], "quit")
    },
    Action {
        hint: Some(80),
        label: |_| "keys".into(),
        ..action(
            ActionId::Help,
            "help",
            &[Chord::char('?'), Chord::key(KeyCode::F(1))],
            "this page",
        )
    },
    Action {
        scope: Scope::Filter,
        hint: Some(10),
        label: |_| "keep filter".into(),
        ..action(
            ActionId::KeepFilter,
            "keep-filter",
            &[Chord::key(KeyCode::Enter)],
            "keep the filter",
        )
    },
    Action {
        scope: Scope::Filter,
        hint: Some(20),
        label: |_| "drop filter".into(),
        ..action(
            ActionId::DropFilter,
            "drop-filter",
            &[Chord::key(KeyCode::Esc)],
            "drop the filter",
        )
    },
    Action {
        scope: Scope::Help,
        hint: Some(10),
        label: |_| "close".into(),
        ..action(
            ActionId::CloseLayer,
            "close",
            &[
                Chord::key(KeyCode::Esc),
                Chord::char('?'),
                Chord::key(KeyCode::F(1)),
                Chord::key(KeyCode::Enter),
            ],
            "close this page",
        )
    },
    Action {
        scope: Scope::Help,
        hint: Some(5),
        label: |_| "more below".into(),
        available: |state| {
            if state.layout.help_overflow > 0 {
                Ok(())
            } else {
                Err("the whole page is shown".into())
            }
        },
        ..action(
            ActionId::ScrollDown,
            "scroll-down",
            &[
                Chord::key(KeyCode::Down),
                Chord::char('j'),
                Chord::key(KeyCode::PageDown),
            ],
            "scroll down",
        )
    },
    Action {
        scope: Scope::Help,
        ..action(
            ActionId::ScrollUp,
            "scroll-up",
            &[
                Chord::key(KeyCode::Up),
                Chord::char('k'),
                Chord::key(KeyCode::PageUp),
            ],
            "scroll up",
        )
    },
    Action {
        scope: Scope::Help,
        hint: Some(90),
        ..action(
            ActionId::Quit,
            "quit-from-help",
            &[Chord::char('q')],
            "quit",
        )
    },
];

const fn action(
    id: ActionId,
    name: &'static str,
    keys: &'static [Chord],
    help: &'static str,
) -> Action {
    Action {
        id,
        name,
        scope: Scope::Tables,
        keys,
        help,
        danger: false,
        hint: None,
        label: |_| Cow::Borrowed("quit"),
        available: |_| Ok(()),
    }
}

/// The action that `chord` stands for now, whether or not it can be done.
#[must_use]
pub fn find(state: &State, chord: Chord) -> Option<&'static Action> {
    Scope::active(state).iter().find_map(|scope| {
        ACTIONS
            .iter()
            .find(|action| action.scope == *scope && action.keys.contains(&chord))
    })
}

/// What the hint line shows: what can be done now, in its order.
#[must_use]
pub fn hints(state: &State) -> Vec<&'static Action> {
    let active = Scope::active(state);
    let mut hints: Vec<&Action> = ACTIONS
        .iter()
        .filter(|action| action.hint.is_some() && active.contains(&action.scope))
        .filter(|action| (action.available)(state).is_ok())
        .collect();
    hints.sort_by_key(|action| action.hint);
    hints
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_scope() {
        for active in Scope::ACTIVE_SETS {
            let mut seen = HashSet::new();
            for action in ACTIONS
                .iter()
                .filter(|action| active.contains(&action.scope))
            {
                for chord in action.keys {
                    assert!(
                        seen.insert(*chord),
                        "{chord} has two meanings in {active:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_key_and_a_name_of_its_own() {
        let mut names = HashSet::new();
        for action in ACTIONS {
            assert!(
                !action.keys.is_empty() && !action.help.is_empty(),
                "{}",
                action.name
            );
            assert!(names.insert(action.name), "{} twice", action.name);
        }
    }

    #[test]
    fn quitting_works_in_every_scope() {
        for active in Scope::ACTIVE_SETS {
            let quits = ACTIONS.iter().filter(|a| a.id == ActionId::Quit);
            assert!(
                quits
                    .into_iter()
                    .any(|action| active.contains(&action.scope)),
                "{active:?}"
            );
        }
    }

    #[test]
    fn letters_and_digits_stay_text_while_filtering() {
        let filter = Scope::ACTIVE_SETS[4];
        for action in ACTIONS
            .iter()
            .filter(|action| filter.contains(&action.scope))
        {
            assert!(
                action.keys.iter().all(|chord| chord.text().is_none()),
                "{}",
                action.name
            );
        }
    }
}
