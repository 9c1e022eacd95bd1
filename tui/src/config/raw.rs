//! Values as they were written, and how each kind is read.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::duration;
use super::error::did_you_mean;

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw<'a> {
    /// A TOML string, or all of a flag or a variable.
    Text(&'a str),
    /// `true` or `false` of TOML.
    Bool(bool),
    /// A list, with where each item is.
    List(Vec<(Raw<'a>, Range<usize>)>),
    /// Anything else: what TOML calls it.
    Other(&'static str),
}

impl<'a> Raw<'a> {
    pub(super) fn of(value: &'a DeValue<'a>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text),
            DeValue::Boolean(value) => Self::Bool(*value),
            DeValue::Array(items) => {
                let item = |item: &'a Spanned<DeValue<'a>>| (Self::of(item.get_ref()), item.span());
                Self::List(items.iter().map(item).collect())
            }
            other => Self::Other(other.type_str()),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Other("integer" | "float") => "a number",
            Self::Other("table") => "a section",
            Self::Other(_) => "a date",
        }
    }
}

/// Why a value was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refused {
    /// What is wrong.
    pub(super) what: String,
    /// What to do; may be empty.
    pub(super) fix: String,
    /// Which part of the value, where it is not all of it.
    pub(super) part: Option<Range<usize>>,
}

impl Refused {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            fix: fix.into(),
            part: None,
        }
    }

    fn kind(found: &Raw<'_>, wanted: &str) -> Self {
        Self::new(format!("this is {}, not {wanted}", found.kind()), "")
    }
}

pub(super) type Read<T> = Result<T, Refused>;

/// What is written for "no choice of mine".
pub(super) const AUTO: &str = "auto";

/// A truth value. In flags and variables it is a text.
pub(super) fn truth(raw: &Raw<'_>) -> Read<bool> {
    match raw {
        Raw::Bool(value) => Ok(*value),
        Raw::Text("true" | "yes" | "on" | "1") => Ok(true),
        Raw::Text("false" | "no" | "off" | "0") => Ok(false),
        Raw::Text(other) => Err(Refused::new(
            format!("`{other}` is neither true nor false"),
            "",
        )),
        other => Err(Refused::kind(other, "true or false")),
    }
}

/// A text.
pub(super) fn text<'a>(raw: &Raw<'a>) -> Read<&'a str> {
    match raw {
        Raw::Text(text) => Ok(text),
        other => Err(Refused::kind(other, "a text")),
    }
}

/// `auto`, or what `read` makes of it.
pub(super) fn automatic<T>(
    raw: &Raw<'_>,
    read: impl FnOnce(&Raw<'_>) -> Read<T>,
) -> Read<Option<T>> {
    match raw {
        Raw::Text(AUTO) => Ok(None),
        raw => read(raw).map(Some),
    }
}

/// One of several words.
pub(super) fn choice<T: Copy>(raw: &Raw<'_>, all: &[T], name: fn(T) -> &'static str) -> Read<T> {
    let word = text(raw)?;
    let named = all.iter().find(|one| name(**one) == word);
    named
        .copied()
        .ok_or_else(|| none_of(word, all.iter().map(|one| name(*one))))
}

/// `auto`, or one of several words.
pub(super) fn choice_or_auto<T: Copy>(
    raw: &Raw<'_>,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Read<Option<T>> {
    automatic(raw, |raw| {
        choice(raw, all, name).map_err(|refused| match raw {
            Raw::Text(word) => none_of(word, all.iter().map(|one| name(*one)).chain([AUTO])),
            _ => refused,
        })
    })
}

fn none_of<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Refused {
    let names: Vec<&str> = names.collect();
    Refused::new(
        format!("`{word}` is none of {}", names.join(", ")),
        did_you_mean(word, names),
    )
}

/// A duration from `least` to `most`; `why` says what lies behind these.
pub(super) fn span(
    raw: &Raw<'_>,
    (least, most): (Duration, Duration),
    why: &str,
) -> Read<Duration> {
    let value = match raw {
        Raw::Text(text) => duration::parse(text).map_err(|what| Refused::new(what, ""))?,
        Raw::Other("integer" | "float") => {
            return Err(Refused::new(
                "a duration needs a unit",
                "Write it in quotes with a unit, such as \"15s\" or \"10m\".",
            ));
        }
        other => return Err(Refused::kind(other, "a duration")),
    };
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let (least, most) = (duration::write(least), duration::write(most));
    Err(Refused::new(
        format!("it has to be from {least} to {most}"),
        why,
    ))
}

/// A list of texts, with where each is.
pub(super) fn texts<'a>(raw: &Raw<'a>) -> Read<Vec<(&'a str, Range<usize>)>> {
    let Raw::List(items) = raw else {
        return Err(Refused::kind(raw, "a list"));
    };
    let read = |(item, span): &(Raw<'a>, Range<usize>)| match text(item) {
        Ok(text) => Ok((text, span.clone())),
        Err(refused) => Err(Refused {
            part: Some(span.clone()),
            ..refused
        }),
    };
    items.iter().map(read).collect()
}

/// The name of a namespace (RFC 1123 label); an empty one is none.
pub(super) fn namespace(raw: &Raw<'_>) -> Read<Option<String>> {
    let name = text(raw)?;
    if name.is_empty() {
        return Ok(None);
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let outer = |c: Option<char>| c.is_some_and(|c| inner(c) && c != '-');
    let fine = name.len() <= 63
        && name.chars().all(inner)
        && outer(name.chars().next())
        && outer(name.chars().next_back());
    if fine {
        Ok(Some(name.to_owned()))
    } else {
        Err(Refused::new(
            format!("`{name}` can not be the name of a namespace"),
            "Names have up to 63 small letters, digits and dashes, no dash at either end.",
        ))
    }
}
