//! Label selectors in kubectl's grammar: `app=web,tier!=db,env in (a, b),!legacy`.

use super::error::FilterError;

/// What labels have to be like; all requirements have to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl Selector {
    /// Reads `text`; an empty one selects everything.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut requirements = Vec::new();
        for (at, part) in parts(text) {
            let before = part.len() - part.trim_start().len();
            let at = at + part[..before].chars().count();
            let part = part.trim();
            if part.is_empty() {
                if text.trim().is_empty() {
                    break;
                }
                return Err(FilterError::new(at, "a label is missing").unfinished());
            }
            requirements.push(requirement(at, part)?);
        }
        Ok(Self { requirements })
    }

    /// Whether the labels that `label` looks up are like that. As for Kubernetes, `!=` and `notin` also hold where there
    /// is no such label.
    #[must_use]
    pub fn selects<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|Requirement { key, rule }| {
            let value = label(key);
            let is_in =
                |values: &[String]| value.is_some_and(|own| values.iter().any(|v| v == own));
            match rule {
                Rule::Exists => value.is_some(),
                Rule::Missing => value.is_none(),
                Rule::In(values) => is_in(values),
                Rule::NotIn(values) => !is_in(values),
            }
        })
    }
}

/// The requirements with their places, in letters: commas in parentheses do not divide.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut depth, mut begin, mut begin_letter) = (0_u32, 0, 0);
    for (letter, (at, c)) in text.char_indices().enumerate() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push((begin_letter, &text[begin..at]));
                (begin, begin_letter) = (at + 1, letter + 1);
            }
            _ => {}
        }
    }
    parts.push((begin_letter, &text[begin..]));
    parts
}

fn requirement(at: usize, part: &str) -> Result<Requirement, FilterError> {
    if let Some(key) = part.strip_prefix('!') {
        return make(at + 1, key, Rule::Missing);
    }
    for (operator, positive) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = part.split_once(operator) {
            let value_at = at + part.chars().count() - value.chars().count();
            let values = vec![valid_value(value_at, value.trim())?];
            return make(at, key, set(positive, values));
        }
    }
    if let Some((head, list)) = part.split_once('(') {
        let mut words = head.split_whitespace();
        let (Some(key), Some(operator), None) = (words.next(), words.next(), words.next()) else {
            return Err(FilterError::new(
                at,
                "before ( stand a label and “in” or “notin”",
            ));
        };
        let positive = match operator {
            "in" => true,
            "notin" => false,
            other => {
                let what = format!("“{other}” is no operator");
                return Err(FilterError::new(at, what).help("in, notin, =, !="));
            }
        };
        let list_at = at + head.chars().count() + 1;
        let Some(list) = list.strip_suffix(')') else {
            return Err(FilterError::new(list_at, "the list has no )").unfinished());
        };
        let values = list
            .split(',')
            .map(|value| valid_value(list_at, value.trim()))
            .collect::<Result<Vec<_>, _>>()?;
        return make(at, key, set(positive, values));
    }
    make(at, part, Rule::Exists)
}

fn set(positive: bool, values: Vec<String>) -> Rule {
    if positive {
        Rule::In(values)
    } else {
        Rule::NotIn(values)
    }
}

fn make(at: usize, key: &str, rule: Rule) -> Result<Requirement, FilterError> {
    let key = key.trim();
    let letter = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if key.is_empty() {
        return Err(FilterError::new(at, "a label is missing"));
    }
    if !key.chars().all(letter) {
        return Err(FilterError::new(at, format!("“{key}” is no label")));
    }
    Ok(Requirement {
        key: key.to_owned(),
        rule,
    })
}

fn valid_value(at: usize, value: &str) -> Result<String, FilterError> {
    let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if value.chars().all(letter) {
        Ok(value.to_owned())
    } else {
        Err(FilterError::new(
            at,
            format!("“{value}” is no value of a label"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn label(key: &str) -> Option<&'static str> {
        match key {
            "app" => Some("web"),
            "tier" => Some("front"),
            "gputop-k3s.io/expected-away" => Some("true"),
            "empty" => Some(""),
            _ => None,
        }
    }

    #[rstest]
    #[case("", true)]
    #[case("app", true)]
    #[case("app=web", true)]
    #[case("app == web", true)]
    #[case("app=db", false)]
    #[case("app!=db", true)]
    #[case("nothere!=db", true)]
    #[case("nothere=db", false)]
    #[case("!nothere", true)]
    #[case("!app", false)]
    #[case("app in (web, db)", true)]
    #[case("app notin (web,db)", false)]
    #[case("nothere notin (x)", true)]
    #[case("app=web,tier=front", true)]
    #[case("app=web,tier=back", false)]
    #[case("empty=", true)]
    #[case("gputop-k3s.io/expected-away=true", true)]
    fn as_kubectl_selects(#[case] text: &str, #[case] selected: bool) {
        assert_eq!(Selector::parse(text).unwrap().selects(label), selected);
    }

    #[rstest]
    #[case("app=web,", 8, "a label is missing")]
    #[case("a b=c", 0, "“a b” is no label")]
    #[case("app=a b", 4, "“a b” is no value of a label")]
    #[case("app in (a", 8, "the list has no )")]
    #[case("app within (a)", 0, "“within” is no operator")]
    #[case("x=1, =2", 5, "a label is missing")]
    fn mistakes_have_a_place(#[case] text: &str, #[case] at: usize, #[case] what: &str) {
        let error = Selector::parse(text).unwrap_err();
        assert_eq!((error.at, &*error.what), (at, what));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC*") {
            if let Err(error) = Selector::parse(&text) {
                prop_assert!(error.at <= text.chars().count());
            }
        }
    }
}
