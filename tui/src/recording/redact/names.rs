//! Pseudonyms: the same for the same name, of the same kind, numbered as they come (pure).
//!
//! Pods come and go as long as something is recorded: their names are forgotten when they are in
//! use no more. A number is given once, so that no two things ever have the same pseudonym.

use std::collections::{BTreeMap, HashMap};

/// What something that has a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind<'a> {
    /// A name of this kind: `node-1`.
    Named(&'a str),
    /// An object's uid.
    Uid,
    /// A GPU or a MIG instance, by its UUID.
    Device,
    /// A container's id.
    ContainerId,
}

/// Keyframes for which a name is kept after it was used last: what is said of a pod may come a
/// little later than its end.
const KEPT: u32 = 2;

/// Kinds whose things stay, or come back under the same name. Filters and the header of a
/// recording name some of them.
const LASTING: [&str; 8] = [
    DEVICE, "address", "label", "mount", "node", "ns", "serial", "user",
];

const CONTAINER_ID: &str = "#container";
const DEVICE: &str = "#device";
const UID: &str = "#uid";

/// All pseudonyms that are in use.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By kind.
    given: BTreeMap<String, Table>,
    /// What names in a text are called; the first kind that a name had.
    known: HashMap<String, Given>,
    /// Rises with each keyframe.
    turn: u32,
}

/// The pseudonyms of one kind.
#[derive(Debug, Default)]
struct Table {
    /// How many have been given, forgotten ones included.
    count: usize,
    /// By the real name.
    given: HashMap<String, Given>,
}

#[derive(Debug, Clone)]
struct Given {
    pseudonym: String,
    /// The turn in which it was used last.
    used: u32,
}

impl Names {
    /// The pseudonym of `real`; a new one, if it has none. It is known in texts from now on.
    pub(super) fn of(&mut self, kind: Kind<'_>, real: &str) -> String {
        let pseudonym = self.quietly(kind, real);
        if let Some(known) = self.known.get_mut(real) {
            known.used = self.turn;
        } else if real.chars().nth(1).is_some() {
            // A single letter is more often a word than a name.
            let known = Given {
                pseudonym: pseudonym.clone(),
                used: self.turn,
            };
            self.known.insert(real.to_owned(), known);
        }
        pseudonym
    }

    /// The same for what looks like a name in a text and may be anything.
    pub(super) fn quietly(&mut self, kind: Kind<'_>, real: &str) -> String {
        let name = match kind {
            Kind::Named(kind) => kind,
            Kind::Uid => UID,
            Kind::Device => DEVICE,
            Kind::ContainerId => CONTAINER_ID,
        };
        if let Some(given) = self
            .given
            .get_mut(name)
            .and_then(|table| table.given.get_mut(real))
        {
            given.used = self.turn;
            return given.pseudonym.clone();
        }
        let table = self.given.entry(name.to_owned()).or_default();
        table.count += 1;
        let number = table.count;
        let pseudonym = match kind {
            Kind::Named(kind) => format!("{kind}-{number}"),
            Kind::Uid => format!("00000000-0000-0000-0000-{number:012x}"),
            Kind::Device => {
                let kind = if real.starts_with("MIG-") {
                    "MIG"
                } else {
                    "GPU"
                };
                format!("{kind}-00000000-0000-0000-0000-{number:012x}")
            }
            Kind::ContainerId => format!("{number:064x}"),
        };
        let given = Given {
            pseudonym: pseudonym.clone(),
            used: self.turn,
        };
        table.given.insert(real.to_owned(), given);
        pseudonym
    }

    /// What a name in a text is called, if it is known.
    pub(super) fn known(&self, word: &str) -> Option<&str> {
        self.known.get(word).map(|given| given.pseudonym.as_str())
    }

    /// To be told before each keyframe, in which all that is there is named: forgets what was in
    /// none of the last ones.
    pub(super) fn turn(&mut self) {
        let turn = self.turn;
        let stays = |real: &String, given: &mut Given| given.used + KEPT > turn || is_word(real);
        let passing = self.given.iter_mut();
        for (_, table) in passing.filter(|(kind, _)| !LASTING.contains(&kind.as_str())) {
            table.given.retain(stays);
        }
        let lasting: Vec<&Table> = LASTING
            .iter()
            .filter_map(|kind| self.given.get(*kind))
            .collect();
        self.known.retain(|real, given| {
            stays(real, given) || lasting.iter().any(|table| table.given.contains_key(real))
        });
        self.turn = self.turn.saturating_add(1);
    }
}

/// Whether nothing but its being known tells a name from a word in a text. These are few: what
/// makes names without end puts digits into them.
fn is_word(real: &str) -> bool {
    real.chars().all(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_pseudonym() {
        let mut names = Names::default();
        let node = Kind::Named("node");
        assert_eq!(names.of(node, "titan"), "node-1");
        assert_eq!(names.of(node, "atlas"), "node-2");
        assert_eq!(names.of(node, "titan"), "node-1");
        // A namespace of the same name is another thing.
        assert_eq!(names.of(Kind::Named("ns"), "titan"), "ns-1");
        assert_eq!(names.known("titan"), Some("node-1"));
        assert_eq!(names.known("hydra"), None);
    }

    #[test]
    fn names_of_what_is_gone_are_forgotten_and_their_numbers_not_given_again() {
        let mut names = Names::default();
        let (pod, node) = (Kind::Named("pod"), Kind::Named("node"));
        let size = |names: &Names| {
            let given = names.given.values().map(|table| table.given.len());
            (given.sum::<usize>(), names.known.len())
        };
        for round in 0..50 {
            names.turn();
            names.of(pod, "stays-1");
            names.of(pod, &format!("job-{round}"));
            names.quietly(Kind::Named("name"), &format!("job-{round}-x"));
            names.of(Kind::Uid, &format!("uid-{round}"));
        }
        let (given, known) = size(&names);
        assert!(given <= 1 + 3 * 4 && known <= 1 + 2 * 4, "{given} {known}");
        // What is there keeps its own, what came last is still known, and what was gone is new.
        assert_eq!(names.of(pod, "stays-1"), "pod-1");
        assert_eq!(names.known("job-48"), Some("pod-50"));
        assert_eq!(names.known("job-40"), None);
        assert_eq!(names.of(pod, "job-40"), "pod-52");

        // Nodes come back, and a name like a word would not be noticed in a text any more.
        names.of(node, "titan-7");
        names.of(pod, "trainer");
        for _ in 0..5 {
            names.turn();
        }
        assert_eq!(names.known("titan-7"), Some("node-1"));
        assert_eq!(names.known("trainer"), Some("pod-53"));
        assert_eq!(names.known("stays-1"), None);
    }

    #[test]
    fn ids_look_like_ids() {
        let mut names = Names::default();
        let mut device = |uuid| names.of(Kind::Device, uuid);
        assert_eq!(device("GPU-1a"), "GPU-00000000-0000-0000-0000-000000000001");
        assert_eq!(device("MIG-2b"), "MIG-00000000-0000-0000-0000-000000000002");
        assert_eq!(names.of(Kind::ContainerId, "9f").len(), 64);
    }
}
