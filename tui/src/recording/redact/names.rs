//! Pseudonyms: the same for the same name, of the same kind, numbered as they come (pure).

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

/// All pseudonyms that were given.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By kind, then by the real name.
    given: BTreeMap<String, HashMap<String, String>>,
    /// What names in a text are called; the first kind that a name had.
    known: HashMap<String, String>,
}

impl Names {
    /// The pseudonym of `real`; a new one, if it has none. It is known in texts from now on.
    pub(super) fn of(&mut self, kind: Kind<'_>, real: &str) -> String {
        let pseudonym = self.quietly(kind, real);
        // A single letter is more often a word than a name.
        if real.chars().nth(1).is_some() && !self.known.contains_key(real) {
            self.known.insert(real.to_owned(), pseudonym.clone());
        }
        pseudonym
    }

    /// The same for what looks like a name in a text and may be anything.
    pub(super) fn quietly(&mut self, kind: Kind<'_>, real: &str) -> String {
        let table = match kind {
            Kind::Named(kind) => kind,
            Kind::Uid => "#uid",
            Kind::Device => "#device",
            Kind::ContainerId => "#container",
        };
        if let Some(pseudonym) = self.given.get(table).and_then(|given| given.get(real)) {
            return pseudonym.clone();
        }
        let given = self.given.entry(table.to_owned()).or_default();
        let number = given.len() + 1;
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
        given.insert(real.to_owned(), pseudonym.clone());
        pseudonym
    }

    /// What a name in a text is called, if it is known.
    pub(super) fn known(&self, word: &str) -> Option<&str> {
        self.known.get(word).map(String::as_str)
    }
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
    fn ids_look_like_ids() {
        let mut names = Names::default();
        let mut device = |uuid| names.of(Kind::Device, uuid);
        assert_eq!(device("GPU-1a"), "GPU-00000000-0000-0000-0000-000000000001");
        assert_eq!(device("MIG-2b"), "MIG-00000000-0000-0000-0000-000000000002");
        assert_eq!(names.of(Kind::ContainerId, "9f").len(), 64);
    }
}
