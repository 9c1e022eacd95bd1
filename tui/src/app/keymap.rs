//! Which keys stand for which action: the registry's own, or those of the configuration.

use std::collections::BTreeMap;

use super::actions::Action;
use super::keys::Chord;

/// The keys that the configuration has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keymap {
    /// By name of the action.
    changed: BTreeMap<String, Vec<Chord>>,
}

impl Keymap {
    /// With these keys instead of the registry's, by name of the action. Whether they are in each
    /// other's way has been checked before.
    #[must_use]
    pub const fn new(changed: BTreeMap<String, Vec<Chord>>) -> Self {
        Self { changed }
    }

    /// The keys of an action, the one that hints show first.
    #[must_use]
    pub fn chords<'a>(&'a self, action: &'a Action) -> &'a [Chord] {
        self.changed
            .get(action.name)
            .map_or(action.keys, Vec::as_slice)
    }
}
