//! The registry: one row for each thing a key can do. It feeds the keys themselves, the palette,
//! the hint line and the help page.

mod id;
mod layers;
mod scope;
mod tables;

pub use id::{ActionId, Motion};
pub use scope::Scope;

use std::borrow::Cow;

use super::keys::Chord;
use super::state::State;

/// Why something can not be done now, for the user.
pub type Reason = Cow<'static, str>;

/// A row of the registry.
#[derive(Debug)]
pub struct Action {
    /// What it does.
    pub id: ActionId,
    /// Stable name, for configuration, palette and logs.
    pub name: &'static str,
    /// Where its keys have their meaning.
    pub scope: Scope,
    /// Its keys unless the configuration has others, the one that hints show first.
    pub keys: &'static [Chord],
    /// What it does, for the help page and the palette.
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

const fn action(
    id: ActionId,
    name: &'static str,
    scope: Scope,
    keys: &'static [Chord],
    help: &'static str,
) -> Action {
    Action {
        id,
        name,
        scope,
        keys,
        help,
        danger: false,
        hint: None,
        label: |_| Cow::Borrowed(""),
        available: |_| Ok(()),
    }
}

impl Action {
    /// The same, in the hint line.
    const fn hint(mut self, rank: u8, label: fn(&State) -> Cow<'static, str>) -> Self {
        self.hint = Some(rank);
        self.label = label;
        self
    }

    /// The same, only where it can be done.
    const fn when(mut self, available: fn(&State) -> Result<(), Reason>) -> Self {
        self.available = available;
        self
    }

    /// The same, changing something outside this program.
    const fn dangerous(mut self) -> Self {
        self.danger = true;
        self
    }
}

/// All rows of the registry.
pub fn all() -> impl Iterator<Item = &'static Action> {
    tables::ACTIONS.iter().chain(layers::ACTIONS)
}

/// The action that `chord` stands for now, whether or not it can be done.
#[must_use]
pub fn find(state: &State, chord: Chord) -> Option<&'static Action> {
    Scope::active(state).iter().find_map(|scope| {
        all().find(|action| action.scope == *scope && state.keymap.chords(action).contains(&chord))
    })
}

/// The row of the registry for `id` among the scopes that are active now.
#[must_use]
pub fn active(state: &State, id: ActionId) -> Option<&'static Action> {
    let scopes = Scope::active(state);
    all().find(|action| action.id == id && scopes.contains(&action.scope))
}

/// What the hint line shows, in its order: what can be done now.
#[must_use]
pub fn hints(state: &State) -> Vec<&'static Action> {
    let active = Scope::active(state);
    let mut hints: Vec<&Action> = all()
        .filter(|action| action.hint.is_some() && active.contains(&action.scope))
        .filter(|action| (action.available)(state).is_ok())
        .collect();
    hints.sort_by_key(|action| action.hint);
    hints
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use gputop_model::{Clock, Moment};
    use jiff::Timestamp;

    use super::*;

    const EPOCH: Clock = Clock {
        now: Moment(std::time::Duration::ZERO),
        wall: Timestamp::UNIX_EPOCH,
    };

    #[test]
    fn no_key_means_two_things_in_one_scope() {
        for active in Scope::ACTIVE_SETS {
            let mut seen = HashSet::new();
            for action in all().filter(|action| active.contains(&action.scope)) {
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
    fn every_action_has_help_and_a_name_of_its_own_and_hints_have_words() {
        let state = State::new(crate::app::Session::default(), EPOCH);
        let mut names = HashSet::new();
        for action in all() {
            assert!(!action.help.is_empty(), "{}", action.name);
            assert!(names.insert(action.name), "{} twice", action.name);
            assert_eq!(
                action.hint.is_some(),
                !(action.label)(&state).is_empty(),
                "{}",
                action.name
            );
        }
    }

    #[test]
    fn quitting_works_in_every_scope() {
        for active in Scope::ACTIVE_SETS {
            let mut quits = all().filter(|a| a.id == ActionId::Quit);
            assert!(
                quits.any(|action| active.contains(&action.scope)),
                "{active:?}"
            );
        }
    }

    #[test]
    fn letters_and_digits_stay_text_while_text_is_entered() {
        let typing = [Scope::Filter, Scope::Search, Scope::Picker, Scope::Prompt];
        for action in all().filter(|a| typing.contains(&a.scope) || a.scope == Scope::Everywhere) {
            assert!(
                action.keys.iter().all(|chord| chord.text().is_none()),
                "{}",
                action.name
            );
        }
    }
}
