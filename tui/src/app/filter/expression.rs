//! Conditions on the fields of a row, and what they come to for one row.

use std::ops::Range;

use super::pattern::Pattern;
use super::texts::Texts;
use crate::app::row::Row;
use crate::app::tables::{Cx, Field, Value};

/// A condition.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// All of them.
    All(Vec<Expression>),
    /// One of them at least.
    Any(Vec<Expression>),
    /// The opposite.
    Not(Box<Expression>),
    /// The row contains a text.
    Text(Pattern),
    /// A field is so.
    Field(&'static Field, Test),
}

/// What the value of a field has to be like.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// An amount, compared.
    Amount(Operator, f64, f64),
    /// Yes or no.
    Flag(bool),
    /// Exactly this text, `*` standing for any letters; the second value turns it round.
    Is(String, bool),
    /// A text with this in it; the second value turns it round.
    Like(Pattern, bool),
    /// Nobody knows it, or somebody does.
    Unknown(bool),
}

/// How a field and a value are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Less,
    AtMost,
    More,
    AtLeast,
    Is,
    IsNot,
    Like,
    NotLike,
}

impl Operator {
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Is => "=",
            Self::IsNot => "!=",
            Self::Like => "~",
            Self::NotLike => "!~",
        }
    }
}

impl Expression {
    /// All or one of `parts`, the cheapest to find out first: values before text.
    pub(super) fn several(mut parts: Vec<Self>, all: bool) -> Option<Self> {
        parts.sort_by_key(|part| u8::from(!matches!(part, Self::Field(..))));
        match parts.len() {
            0 | 1 => parts.pop(),
            _ if all => Some(Self::All(parts)),
            _ => Some(Self::Any(parts)),
        }
    }

    /// Whether it holds; `None` where nobody knows, which is neither yes nor no: what is not
    /// measured is not below five percent, and not above it either.
    pub(super) fn holds(&self, cx: &Cx<'_>, row: Row, texts: &mut Texts) -> Option<bool> {
        match self {
            Self::All(parts) => {
                let mut all = Some(true);
                for part in parts {
                    match part.holds(cx, row, texts) {
                        Some(true) => {}
                        Some(false) => return Some(false),
                        None => all = None,
                    }
                }
                all
            }
            Self::Any(parts) => {
                let mut any = Some(false);
                for part in parts {
                    match part.holds(cx, row, texts) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => any = None,
                    }
                }
                any
            }
            Self::Not(part) => part.holds(cx, row, texts).map(|holds| !holds),
            Self::Text(pattern) => Some(pattern.is_in(texts.get(*cx, row))),
            Self::Field(field, test) => test.holds(&field.value(cx, row)),
        }
    }

    /// Where in the text of a column of `field` is what was asked for.
    pub(super) fn add_hits(&self, field: Option<&str>, text: &str, hits: &mut Vec<Range<usize>>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.add_hits(field, text, hits);
                }
            }
            Self::Text(pattern) => pattern.add_hits(text, hits),
            Self::Field(own, Test::Like(pattern, false)) if field == Some(own.name) => {
                pattern.add_hits(text, hits);
            }
            // What must not be there is not there.
            Self::Not(_) | Self::Field(..) => {}
        }
    }
}

impl Test {
    fn holds(&self, value: &Value<'_>) -> Option<bool> {
        let known = !matches!(value, Value::Unknown);
        match (self, value) {
            (Self::Unknown(turned), _) => Some(known == *turned),
            (_, Value::Unknown) => None,
            (Self::Amount(operator, wanted, slack), Value::Number(number)) => {
                Some(compare(*operator, *number, *wanted, *slack))
            }
            (Self::Flag(wanted), Value::Flag(flag)) => Some(wanted == flag),
            (Self::Is(wanted, turned), value) => {
                Some(any(value, |text| is(text, wanted)) != *turned)
            }
            (Self::Like(pattern, turned), value) => {
                Some(any(value, |text| pattern.is_in(text)) != *turned)
            }
            // The parser lets no test meet a value of another kind.
            (Self::Amount(..) | Self::Flag(_), _) => None,
        }
    }
}

fn compare(operator: Operator, number: f64, wanted: f64, slack: f64) -> bool {
    match operator {
        Operator::Less => number < wanted,
        Operator::AtMost => number <= wanted,
        Operator::More => number > wanted,
        Operator::AtLeast => number >= wanted,
        Operator::Is | Operator::Like => (number - wanted).abs() <= slack,
        Operator::IsNot | Operator::NotLike => (number - wanted).abs() > slack,
    }
}

fn any(value: &Value<'_>, holds: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Several(texts) => texts.iter().any(|text| holds(text)),
        value => value.first().is_some_and(holds),
    }
}

/// Whether `text` is `wanted`, in which `*` stands for any letters. Case does not matter.
fn is(text: &str, wanted: &str) -> bool {
    let text = text.to_lowercase();
    let mut parts = wanted.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_letters() {
        assert!(is("RTX 3090", "rtx 3090"));
        assert!(is("RTX 3090", "rtx*"));
        assert!(is("RTX 3090", "*3090"));
        assert!(is("RTX 3090", "r*3*0"));
        assert!(is("RTX 3090", "*"));
        assert!(!is("RTX 3090", "rtx"));
        assert!(!is("RTX 3090", "3090"));
        assert!(!is("ab", "ab*b"));
    }

    #[test]
    fn what_nobody_knows_is_neither_so_nor_not_so() {
        let below = Test::Amount(Operator::Less, 5.0, 0.5);
        let not = Test::Amount(Operator::IsNot, 5.0, 0.5);
        let is_not = Test::Is("root".to_owned(), true);
        for test in [&below, &not, &is_not] {
            assert_eq!(test.holds(&Value::Unknown), None);
        }
        assert_eq!(below.holds(&Value::Number(0.0)), Some(true));
        assert_eq!(not.holds(&Value::Number(0.0)), Some(true));
        assert_eq!(is_not.holds(&Value::Text("".into())), Some(true));
        assert_eq!(Test::Unknown(false).holds(&Value::Unknown), Some(true));
        assert_eq!(Test::Unknown(true).holds(&Value::Unknown), Some(false));
    }

    #[test]
    fn one_of_several_is_enough_and_not_one_may_be_what_must_not_be() {
        let value = Value::Several(vec!["ml".into(), "chat".into()]);
        assert_eq!(Test::Is("chat".to_owned(), false).holds(&value), Some(true));
        assert_eq!(Test::Is("chat".to_owned(), true).holds(&value), Some(false));
        assert_eq!(Test::Is("lab".to_owned(), true).holds(&value), Some(true));
    }
}
