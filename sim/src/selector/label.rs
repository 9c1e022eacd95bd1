//! Label selectors, as text in a query and as an object in a spec.

use std::collections::BTreeMap;

use serde_json::Value;

use super::SelectorError;
use crate::store::ObjectExt;

/// Labels that an object must or must not have. Empty: matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

/// One term of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Requirement {
    /// The label has one of the values.
    In(String, Vec<String>),
    /// The label is missing or has none of the values.
    NotIn(String, Vec<String>),
    /// The label is there.
    Exists(String),
    /// The label is not there.
    Missing(String),
    /// The label is a number above this.
    Above(String, i64),
    /// The label is a number below this.
    Below(String, i64),
}

impl Requirement {
    /// One entry of `matchExpressions`, of a label selector or of a node affinity.
    pub(crate) fn from_expression(expression: &Value) -> Result<Self, SelectorError> {
        let key = expression.text("/key").to_owned();
        let values: Vec<String> = expression
            .items("/values")
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect();
        let number = || {
            let text = values.first().map_or("", String::as_str);
            text.parse()
                .map_err(|_| SelectorError(format!("values[0]: not an integer: {text:?}")))
        };
        match expression.text("/operator") {
            "In" => Ok(Self::In(key, values)),
            "NotIn" => Ok(Self::NotIn(key, values)),
            "Exists" => Ok(Self::Exists(key)),
            "DoesNotExist" => Ok(Self::Missing(key)),
            "Gt" => Ok(Self::Above(key, number()?)),
            "Lt" => Ok(Self::Below(key, number()?)),
            other => Err(SelectorError(format!(
                "not a valid selector operator: {other:?}"
            ))),
        }
    }

    /// Whether the labels satisfy it.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let number = |key: &String| labels.get(key)?.parse::<i64>().ok();
        match self {
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Self::Exists(key) => labels.contains_key(key),
            Self::Missing(key) => !labels.contains_key(key),
            Self::Above(key, limit) => number(key).is_some_and(|value| value > *limit),
            Self::Below(key, limit) => number(key).is_some_and(|value| value < *limit),
        }
    }
}

impl LabelSelector {
    /// From the query parameter `labelSelector`.
    pub(crate) fn parse(text: &str) -> Result<Self, SelectorError> {
        let requirements = split_terms(text)
            .into_iter()
            .map(str::trim)
            .filter(|term| !term.is_empty())
            .map(parse_term)
            .collect::<Result<_, _>>()?;
        Ok(Self { requirements })
    }

    /// From a `selector` object with `matchLabels` and `matchExpressions`.
    pub(crate) fn from_object(selector: &Value) -> Result<Self, SelectorError> {
        let labels = selector.map("/matchLabels").into_iter();
        let mut requirements: Vec<_> = labels
            .map(|(key, value)| Requirement::In(key, vec![value]))
            .collect();
        for expression in selector.items("/matchExpressions") {
            requirements.push(Requirement::from_expression(expression)?);
        }
        Ok(Self { requirements })
    }

    /// Whether the labels satisfy every term.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|term| term.matches(labels))
    }
}

/// Splits at commas that are not inside parentheses.
fn split_terms(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn parse_term(term: &str) -> Result<Requirement, SelectorError> {
    let unreadable = || {
        SelectorError(format!(
            "unable to parse requirement: found '{term}', expected: a key with '=', '!=', 'in', \
             'notin' or alone"
        ))
    };
    let value = |text: &str| vec![text.trim().to_owned()];
    if let Some((key, text)) = term.split_once("!=") {
        return Ok(Requirement::NotIn(check_key(key, unreadable)?, value(text)));
    }
    if let Some((key, text)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Ok(Requirement::In(check_key(key, unreadable)?, value(text)));
    }
    if let Some((head, list)) = term.split_once('(') {
        let list = list.trim_end().strip_suffix(')').ok_or_else(unreadable)?;
        let values = list.split(',').map(|item| item.trim().to_owned()).collect();
        let (key, operator) = head
            .trim()
            .split_once(char::is_whitespace)
            .ok_or_else(unreadable)?;
        let key = check_key(key, unreadable)?;
        return match operator.trim() {
            "in" => Ok(Requirement::In(key, values)),
            "notin" => Ok(Requirement::NotIn(key, values)),
            _ => Err(unreadable()),
        };
    }
    match term.strip_prefix('!') {
        Some(key) => Ok(Requirement::Missing(check_key(key, unreadable)?)),
        None => Ok(Requirement::Exists(check_key(term, unreadable)?)),
    }
}

fn check_key(key: &str, error: impl Fn() -> SelectorError) -> Result<String, SelectorError> {
    let key = key.trim();
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if key.is_empty() || !key.chars().all(legal) {
        return Err(error());
    }
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[rstest]
    #[case("", true)]
    #[case("app=web", true)]
    #[case("app==web,tier!=back", true)]
    #[case("app in (web, api),tier in (front)", true)]
    #[case("app notin (web)", false)]
    #[case("none notin (x)", true)]
    #[case("app,!none", true)]
    #[case("!app", false)]
    #[case("example.com/a-b=1", false)]
    fn text_selectors(#[case] selector: &str, #[case] expected: bool) {
        let labels = labels(&[("app", "web"), ("tier", "front")]);
        let selector = LabelSelector::parse(selector).unwrap();
        assert_eq!(selector.matches(&labels), expected);
    }

    #[rstest]
    #[case("=x")]
    #[case("a in x")]
    #[case("a within (x)")]
    #[case("a in (x")]
    fn nonsense_is_refused(#[case] selector: &str) {
        assert!(LabelSelector::parse(selector).is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}") {
            let _ = LabelSelector::parse(&text);
        }

        #[test]
        fn not_equal_is_the_opposite_of_equal(value in "[a-z]{1,4}", other in "[a-z]{1,4}") {
            let labels = labels(&[("k", &value)]);
            let equal = LabelSelector::parse(&format!("k={other}")).unwrap();
            let unequal = LabelSelector::parse(&format!("k!={other}")).unwrap();
            prop_assert_eq!(equal.matches(&labels), !unequal.matches(&labels));
        }
    }
}
