//! Keys of the configuration against those of the registry: what is in whose way.

use std::collections::BTreeMap;

use super::error::{ConfigError, Place, did_you_mean};
use crate::app::keys::Chord;

/// Where actions compete for keys: what is active at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ground {
    /// Its heading on the help page.
    pub name: &'static str,
    /// Text is entered there: letters, digits and signs are no keys.
    pub takes_text: bool,
}

/// An action as far as its keys are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bindable {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Where it can be called.
    pub grounds: Vec<Ground>,
    /// Its usual keys.
    pub keys: &'static [Chord],
    /// It ends the program.
    pub quits: bool,
}

/// Keys of the configuration, by the name of the action, with where they are written.
pub type Overrides = BTreeMap<String, (Vec<Chord>, Place)>;

/// The keys that differ from the registry's, checked: every action exists, no key means two things
/// at once, text stays text, and the program can be left from everywhere.
///
/// # Errors
/// Every mistake there is.
pub fn keymap(
    overrides: &Overrides,
    actions: &[Bindable],
) -> Result<BTreeMap<String, Vec<Chord>>, Vec<ConfigError>> {
    let mut errors: Vec<ConfigError> = overrides
        .iter()
        .filter(|(name, _)| !actions.iter().any(|action| action.name == *name))
        .map(|(name, (_, place))| unknown(name, place, actions))
        .collect();
    let bound: Vec<Bound<'_>> = actions
        .iter()
        .map(|action| Bound::new(action, overrides))
        .collect();
    errors.extend(bound.iter().filter_map(Bound::text_key));
    errors.extend(conflicts(&bound));
    errors.extend(no_way_out(&bound));
    if errors.is_empty() {
        let keys =
            |(name, (keys, _)): (&String, &(Vec<Chord>, Place))| (name.clone(), keys.clone());
        Ok(overrides.iter().map(keys).collect())
    } else {
        Err(errors)
    }
}

fn unknown(name: &str, place: &Place, actions: &[Bindable]) -> ConfigError {
    let meant = did_you_mean(name, actions.iter().map(|action| action.name));
    let fix = if meant.is_empty() {
        "The help page and the file of `gputop-k3s config init` name the actions.".to_owned()
    } else {
        meant
    };
    ConfigError::new(place.clone(), format!("there is no action `{name}`"), fix)
}

/// An action with the keys that it would have.
struct Bound<'a> {
    action: &'a Bindable,
    keys: &'a [Chord],
    /// Where they are written, if not in the registry.
    place: Option<&'a Place>,
}

impl<'a> Bound<'a> {
    fn new(action: &'a Bindable, overrides: &'a Overrides) -> Self {
        let written = overrides.get(action.name);
        Self {
            action,
            keys: written.map_or(action.keys, |(keys, _)| keys),
            place: written.map(|(_, place)| place),
        }
    }

    /// A key of its own that would be entered as text.
    fn text_key(&self) -> Option<ConfigError> {
        let ground = self
            .action
            .grounds
            .iter()
            .find(|ground| ground.takes_text)?;
        let key = self.keys.iter().find(|key| key.text().is_some())?;
        let what = format!(
            "`{}` can not have the key {}, which is entered as text ({})",
            self.action.name,
            key.spelled(),
            ground.name
        );
        Some(ConfigError::new(
            self.place?.clone(),
            what,
            "Use a key with ctrl or alt, or one that enters no text.",
        ))
    }
}

/// Pairs of actions with the same key on the same ground, at least one of them not as usual.
fn conflicts(bound: &[Bound<'_>]) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for (at, one) in bound.iter().enumerate() {
        for other in &bound[at + 1..] {
            // The mistake is where somebody wrote it.
            let Some(place) = other.place.or(one.place) else {
                continue;
            };
            let grounds = &other.action.grounds;
            let ground = one
                .action
                .grounds
                .iter()
                .find(|ground| grounds.contains(ground));
            let key = one.keys.iter().find(|key| other.keys.contains(key));
            if let (Some(ground), Some(key)) = (ground, key) {
                let what = format!(
                    "the key {} would stand for both `{}` and `{}` ({})",
                    key.spelled(),
                    one.action.name,
                    other.action.name,
                    ground.name
                );
                let fix = "Give one of them another key; [] takes all keys away.";
                errors.push(ConfigError::new(place.clone(), what, fix));
            }
        }
    }
    errors
}

/// Grounds on which no key would quit any more.
fn no_way_out(bound: &[Bound<'_>]) -> Vec<ConfigError> {
    let mut errors: Vec<ConfigError> = Vec::new();
    let quits: Vec<&Bound<'_>> = bound.iter().filter(|bound| bound.action.quits).collect();
    for taken in quits.iter().filter(|bound| bound.keys.is_empty()) {
        let Some(place) = taken.place else { continue };
        let is_left = |ground: &&Ground| {
            let mut others = quits
                .iter()
                .filter(|other| other.action.grounds.contains(ground));
            others.any(|other| !other.keys.is_empty())
        };
        if let Some(ground) = taken.action.grounds.iter().find(|ground| !is_left(ground)) {
            errors.push(ConfigError::new(
                place.clone(),
                format!("no key would quit any more ({})", ground.name),
                format!("Leave `{}` a key.", taken.action.name),
            ));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;

    const NODES: Ground = Ground {
        name: "Nodes",
        takes_text: false,
    };
    const PODS: Ground = Ground {
        name: "Pods",
        takes_text: false,
    };
    const FILTER: Ground = Ground {
        name: "While filtering",
        takes_text: true,
    };

    fn action(name: &'static str, grounds: &[Ground], keys: &'static [Chord]) -> Bindable {
        Bindable {
            name,
            help: "",
            grounds: grounds.to_vec(),
            keys,
            quits: name == "quit" || name == "interrupt",
        }
    }

    const ENTER: &[Chord] = &[Chord::key(KeyCode::Enter)];
    const C: &[Chord] = &[Chord::char('c')];
    const Q: &[Chord] = &[Chord::char('q')];
    const CTRL_C: &[Chord] = &[Chord::ctrl('c')];

    fn registry() -> Vec<Bindable> {
        vec![
            action("open", &[NODES, PODS], ENTER),
            action("cordon", &[NODES], C),
            action("container", &[PODS], C),
            action("keep-filter", &[FILTER], ENTER),
            action("quit", &[NODES, PODS], Q),
            action("interrupt", &[NODES, PODS, FILTER], CTRL_C),
            action("theme", &[NODES, PODS], &[]),
        ]
    }

    fn check(changes: &[(&str, &[&str])]) -> Result<usize, Vec<String>> {
        let place = |name: &str| Place::Variable(name.to_owned());
        let overrides = changes
            .iter()
            .map(|(name, keys)| {
                let keys = keys.iter().map(|key| key.parse().unwrap()).collect();
                ((*name).to_owned(), (keys, place(name)))
            })
            .collect();
        let map = keymap(&overrides, &registry()).map(|map| map.len());
        map.map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn keys_can_be_changed_added_and_taken_away() {
        assert_eq!(check(&[]), Ok(0));
        assert_eq!(
            check(&[
                ("open", &["enter", "right"]),
                ("cordon", &[]),
                ("theme", &["T"])
            ]),
            Ok(3)
        );
        // What another action gave up is free.
        assert_eq!(
            check(&[("open", &["c"]), ("cordon", &[]), ("container", &["C"])]),
            Ok(3)
        );
    }

    #[test]
    fn an_unknown_action_is_refused_with_the_nearest_name() {
        let errors = check(&[("opne", &["x"])]).unwrap_err();
        assert_eq!(
            errors,
            ["$opne: there is no action `opne`\nDid you mean `open`?"]
        );
    }

    #[test]
    fn a_key_has_one_meaning_on_one_ground() {
        let errors = check(&[("theme", &["c"])]).unwrap_err();
        assert_eq!(errors.len(), 2);
        assert!(
            errors[0].starts_with(
                "$theme: the key c would stand for both `cordon` and `theme` (Nodes)\n"
            ),
            "{errors:?}"
        );
        // Cordon and container share a key by default: they never meet.
        assert_eq!(check(&[("cordon", &["c"])]), Ok(1));
    }

    #[test]
    fn text_stays_text() {
        let errors = check(&[("keep-filter", &["x"])]).unwrap_err();
        assert!(
            errors[0].contains("entered as text (While filtering)"),
            "{errors:?}"
        );
        assert_eq!(check(&[("keep-filter", &["alt-x"])]), Ok(1));
    }

    #[test]
    fn the_program_can_always_be_left() {
        assert_eq!(check(&[("quit", &[])]), Ok(1));
        assert_eq!(check(&[("interrupt", &["ctrl-q"])]), Ok(1));
        let errors = check(&[("interrupt", &[])]).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains("no key would quit any more (While filtering)"));
        let errors = check(&[("interrupt", &[]), ("quit", &[])]).unwrap_err();
        assert_eq!(errors.len(), 2);
    }
}
