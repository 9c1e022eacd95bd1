//! kubectl's label selectors: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`,
//! `a>1`, `a<1`, joined by commas.
//!
//! The grammar is that of `k8s.io/apimachinery/pkg/labels`. A label that is not there is not equal
//! to anything: `a!=b` and `a notin (b)` hold for objects without `a`.

use std::fmt;
use std::str::FromStr;

/// What labels must be like. Nothing asked: everything matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    /// `=`, `==`, `in`.
    In(Vec<String>),
    /// `!=`, `notin`.
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

impl Selector {
    /// Whether an object with these labels is meant. `label`: the value of the label of that name.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = label(&requirement.key);
            let among = |values: &[String]| values.iter().any(|known| Some(&**known) == value);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.test {
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::In(values) => among(values),
                Test::NotIn(values) => !among(values),
                Test::Greater(bound) => number().is_some_and(|number| number > *bound),
                Test::Less(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

/// What is wrong with a selector, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectorError {
    text: String,
    /// Byte of the text.
    at: usize,
    what: String,
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "label selector '{}': {}", self.text, self.what)?;
        match self.text.get(self.at..) {
            None | Some("") => f.write_str(" at its end"),
            Some(rest) => write!(f, " at '{rest}'"),
        }
    }
}

impl std::error::Error for SelectorError {}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut parser = Parser { text, at: 0 };
        let requirements = parser.selector()?;
        Ok(Self { requirements })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn selector(&mut self) -> Result<Vec<Requirement>, SelectorError> {
        let mut requirements = Vec::new();
        if self.rest().is_empty() {
            return Ok(requirements);
        }
        loop {
            requirements.push(self.requirement()?);
            if self.rest().is_empty() {
                return Ok(requirements);
            }
            if !self.take(",") {
                return Err(self.error("a comma is expected"));
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.take("!") {
            let key = self.key()?;
            let test = Test::Missing;
            return Ok(Requirement { key, test });
        }
        let key = self.key()?;
        let test = if self.take("==") || self.take("=") {
            Test::In(vec![self.value()?])
        } else if self.take("!=") {
            Test::NotIn(vec![self.value()?])
        } else if self.take(">") {
            Test::Greater(self.bound()?)
        } else if self.take("<") {
            Test::Less(self.bound()?)
        } else {
            let before = self.at;
            match self.word() {
                "" => Test::Exists,
                "in" => Test::In(self.values()?),
                "notin" => Test::NotIn(self.values()?),
                _ => {
                    self.at = before;
                    return Err(self.error("one of = == != in notin < > is expected"));
                }
            }
        };
        Ok(Requirement { key, test })
    }

    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        if !self.take("(") {
            return Err(self.error("'(' is expected"));
        }
        let mut values = vec![self.value()?];
        while self.take(",") {
            values.push(self.value()?);
        }
        if !self.take(")") {
            return Err(self.error("',' or ')' is expected"));
        }
        Ok(values)
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        self.rest();
        let before = self.at;
        let key = self.word();
        let (prefix, name) = match key.split_once('/') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, key),
        };
        let domain = |text: &str| {
            !text.is_empty()
                && text.len() <= 253
                && text
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b".-".contains(&c))
        };
        if name.is_empty() || !is_value(name) || !prefix.is_none_or(domain) {
            self.at = before;
            return Err(self.error("the name of a label is expected"));
        }
        Ok(key.to_owned())
    }

    fn value(&mut self) -> Result<String, SelectorError> {
        self.rest();
        let before = self.at;
        let value = self.word();
        if is_value(value) {
            return Ok(value.to_owned());
        }
        self.at = before;
        Err(self
            .error("the value of a label (at most 63 letters, digits, '-', '_', '.') is expected"))
    }

    fn bound(&mut self) -> Result<i64, SelectorError> {
        self.rest();
        let before = self.at;
        self.word().parse().map_err(|_| {
            self.at = before;
            self.error("a whole number is expected")
        })
    }

    /// The next run of what is neither blank nor a sign of the grammar; may be empty.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || "(),!=<>".contains(c))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// What is left, without blanks in front.
    fn rest(&mut self) -> &'a str {
        let left = &self.text[self.at..];
        let trimmed = left.trim_start();
        self.at += left.len() - trimmed.len();
        trimmed
    }

    fn error(&mut self, what: &str) -> SelectorError {
        self.rest();
        SelectorError {
            text: self.text.to_owned(),
            at: self.at,
            what: what.to_owned(),
        }
    }
}

/// Whether `text` can be the value of a label, or the name in its key.
fn is_value(text: &str) -> bool {
    let ends = |c: Option<u8>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    text.len() <= 63
        && ends(bytes.first().copied())
        && ends(bytes.last().copied())
        && bytes
            .iter()
            .all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const LABELS: &[(&str, &str)] = &[
        ("zone", "rack"),
        ("empty", ""),
        ("gputop-k3s.io/vram", "24"),
        ("kubernetes.io/arch", "amd64"),
    ];

    fn label(name: &str) -> Option<&'static str> {
        let found = LABELS.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| *value)
    }

    #[rstest]
    #[case("", true)]
    #[case("  ", true)]
    #[case("zone=rack", true)]
    #[case("zone==rack", true)]
    #[case(" zone = rack ", true)]
    #[case("zone=office", false)]
    #[case("zone!=office", true)]
    #[case("zone!=rack", false)]
    #[case("missing!=x", true)]
    #[case("missing=", false)]
    #[case("empty=", true)]
    #[case("empty in (,x)", true)]
    #[case("zone in (office, rack)", true)]
    #[case("zone in (office)", false)]
    #[case("zone notin (office)", true)]
    #[case("missing notin (office)", true)]
    #[case("zone notin(rack)", false)]
    #[case("zone", true)]
    #[case("missing", false)]
    #[case("!zone", false)]
    #[case("! missing", true)]
    #[case("zone,kubernetes.io/arch=amd64", true)]
    #[case("zone,kubernetes.io/arch=arm64", false)]
    #[case("gputop-k3s.io/vram>16", true)]
    #[case("gputop-k3s.io/vram<24", false)]
    #[case("zone>1", false)]
    #[case("in in (in)", false)]
    fn selects_as_kubectl_does(#[case] text: &str, #[case] expected: bool) {
        let selector: Selector = text.parse().unwrap();
        assert_eq!(selector.matches(label), expected);
    }

    #[rstest]
    #[case("zone= rack more", "a comma is expected at 'more'")]
    #[case("zone in rack", "'(' is expected at 'rack'")]
    #[case("zone in (rack", "',' or ')' is expected at its end")]
    #[case(
        "zone has rack",
        "one of = == != in notin < > is expected at 'has rack'"
    )]
    #[case("=rack", "the name of a label is expected at '=rack'")]
    #[case("zone,", "the name of a label is expected at its end")]
    #[case("a/b/c=d", "the name of a label is expected at 'a/b/c=d'")]
    #[case("zone=a/b", "is expected at 'a/b'")]
    #[case("x>many", "a whole number is expected at 'many'")]
    #[case("größe=1", "the name of a label is expected at 'größe=1'")]
    fn mistakes_are_shown_where_they_are(#[case] text: &str, #[case] expected: &str) {
        let error = Selector::from_str(text).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("label selector '{text}': ")),
            "{error}"
        );
        assert!(error.ends_with(expected), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            if let Err(error) = Selector::from_str(&text) {
                prop_assert!(error.to_string().contains(&text));
            }
        }

        #[test]
        fn equality_and_inequality_are_opposites(
            key in "[a-z]{1,3}", value in "[a-z]{0,2}", other in prop::option::of("[a-z]{0,2}")
        ) {
            let holds = |sign: &str| {
                let selector: Selector = format!("{key}{sign}{value}").parse().unwrap();
                selector.matches(|name| other.as_deref().filter(|_| name == key))
            };
            prop_assert_ne!(holds("="), holds("!="));
            prop_assert_eq!(holds("="), holds("=="));
        }
    }
}
