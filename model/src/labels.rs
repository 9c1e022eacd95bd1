//! Labels of an object in little room.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Ends a key and a value. No valid label contains it.
const END: char = '\0';

/// Labels in one piece of text: a pod has five or six, and thousands of pods are kept. Read like
/// a map, made of one.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Labels(Box<str>);

impl Labels {
    /// The value of the label `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find_map(|(known, value)| (known == key).then_some(value))
    }

    /// Whether there is a label `key`.
    #[must_use]
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut texts = self.0.split_terminator(END);
        std::iter::from_fn(move || Some((texts.next()?, texts.next()?)))
    }

    /// Whether there is no label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: AsRef<str> + Ord, V: AsRef<str>> From<&BTreeMap<K, V>> for Labels {
    fn from(labels: &BTreeMap<K, V>) -> Self {
        let mut text = String::new();
        for (key, value) in labels {
            for part in [key.as_ref(), value.as_ref()] {
                text.extend(part.chars().filter(|c| *c != END));
                text.push(END);
            }
        }
        Self(text.into_boxed_str())
    }
}

impl From<BTreeMap<String, String>> for Labels {
    fn from(labels: BTreeMap<String, String>) -> Self {
        Self::from(&labels)
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        labels
            .iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(labels: I) -> Self {
        let sorted: BTreeMap<String, String> = labels
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        Self::from(&sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_read_like_a_map() {
        let labels: Labels = [("app", "web"), ("empty", ""), ("a/b", "c")]
            .into_iter()
            .collect();
        assert_eq!(labels.get("app"), Some("web"));
        assert_eq!(labels.get("empty"), Some(""));
        assert_eq!(labels.get("web"), None);
        assert!(labels.contains_key("a/b") && !labels.is_empty());
        let keys: Vec<_> = labels.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["a/b", "app", "empty"]);
        assert!(Labels::default().iter().next().is_none());
    }

    #[test]
    fn nothing_in_a_value_shifts_the_rest() {
        let labels: Labels = [("a", "x\0y"), ("b", "z")].into_iter().collect();
        assert_eq!((labels.get("a"), labels.get("b")), (Some("xy"), Some("z")));
        let map = BTreeMap::from(labels.clone());
        assert_eq!(Labels::from(map), labels);
    }
}
