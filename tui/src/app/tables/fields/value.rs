//! What a row says about one thing, as a value that can be compared and sorted.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::time::Duration;

use gputop_model::{Bytes, MilliWatts, Percent, Reading};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Nobody knows; neither zero nor empty.
    Unknown,
    /// An amount in the unit of its field.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// Text; empty where there is nothing.
    Text(Cow<'a, str>),
    /// A word with a place in an order of its own, the lowest first.
    Word(u8, &'a str),
    /// Several texts at once, such as the pods that share a card.
    Several(Vec<Cow<'a, str>>),
}

impl<'a> Value<'a> {
    /// Text that is known, empty or not.
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Text that had to be made.
    pub(super) const fn made(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// A count.
    pub(super) fn count(count: usize) -> Self {
        Self::Number(u32::try_from(count).map_or(f64::MAX, f64::from))
    }

    /// Units, of which there may be fewer than none.
    pub(super) fn units(units: i64) -> Self {
        Self::Number(units as f64)
    }

    pub(super) fn bytes(bytes: Bytes) -> Self {
        Self::Number(bytes.0 as f64)
    }

    pub(super) fn percent(percent: Percent) -> Self {
        Self::Number(f64::from(percent.0))
    }

    pub(super) fn watts(power: MilliWatts) -> Self {
        Self::Number(f64::from(power.0) / 1000.0)
    }

    pub(super) fn duration(duration: Duration) -> Self {
        Self::Number(duration.as_secs_f64())
    }

    /// What is made of a value that may not be known.
    pub(super) fn known<T>(value: Option<T>, make: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Unknown, make)
    }

    /// What is made of a measured value, fresh or not: what is on the screen counts.
    pub(super) fn reading<T>(reading: &'a Reading<T>, make: impl FnOnce(&'a T) -> Self) -> Self {
        Self::known(reading.known(), make)
    }

    /// Whether a table puts it behind everything else, whichever way it is sorted.
    #[must_use]
    pub fn is_last(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Text(text) => text.is_empty(),
            Self::Several(texts) => texts.is_empty(),
            Self::Number(_) | Self::Flag(_) | Self::Word(..) => false,
        }
    }

    /// The order of two values of one field, neither of which is [last](Self::is_last).
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Flag(a), Self::Flag(b)) => a.cmp(b),
            (Self::Word(a, _), Self::Word(b, _)) => a.cmp(b),
            _ => match (self.first(), other.first()) {
                (Some(a), Some(b)) => by_letters(a, b),
                _ => Ordering::Equal,
            },
        }
    }

    /// The text, or the first of several.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Word(_, word) => Some(word),
            Self::Several(texts) => texts.first().map(|text| &**text),
            Self::Unknown | Self::Number(_) | Self::Flag(_) => None,
        }
    }
}

/// Without regard to case; capital letters first where there is no other difference.
fn by_letters(a: &str, b: &str) -> Ordering {
    let lower = |text| str::chars(text).flat_map(char::to_lowercase);
    lower(a).cmp(lower(b)).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_own_order_and_text_that_of_its_letters() {
        let order = |a: Value<'_>, b: Value<'_>| a.compare(&b);
        assert_eq!(
            order(Value::text("anvil"), Value::text("Bench")),
            Ordering::Less
        );
        assert_eq!(
            order(Value::text("Ätna"), Value::text("ätnb")),
            Ordering::Less
        );
        assert_eq!(
            order(Value::Word(3, "a"), Value::Word(1, "z")),
            Ordering::Greater
        );
        assert_eq!(
            order(Value::Number(-1.0), Value::Number(0.0)),
            Ordering::Less
        );
    }

    #[test]
    fn nothing_is_not_zero() {
        assert!(Value::Unknown.is_last());
        assert!(Value::text("").is_last());
        assert!(!Value::Number(0.0).is_last());
    }
}
