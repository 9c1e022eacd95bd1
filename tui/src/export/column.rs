//! The columns of the printed lists: one description for tables, CSV and sorting.

use std::cmp::Ordering;
use std::fmt;

use gputop_model::printable;

/// What stands in a table for a value that is not known.
pub(super) const UNKNOWN: &str = "–";

/// One value of a row, without its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Datum {
    /// Not known: empty in CSV, `–` in a table, last when sorted.
    Unknown,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i128),
    /// Anything else; may be empty, which is not unknown.
    Text(String),
}

impl Datum {
    /// Order of two known values; `None` where one is unknown.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => None,
            (Self::Flag(a), Self::Flag(b)) => Some(a.cmp(b)),
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (a, b) => Some(a.to_string().cmp(&b.to_string())),
        }
    }

    /// Whether the value is known.
    pub(super) const fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => Ok(()),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            // Whatever it holds, it moves no cursor.
            Self::Text(text) => f.write_str(&printable(text.clone())),
        }
    }
}

macro_rules! number {
    ($($type:ty),*) => {
        $(impl From<$type> for Datum {
            fn from(number: $type) -> Self {
                Self::Number(number.into())
            }
        }

        impl From<&$type> for Datum {
            fn from(number: &$type) -> Self {
                Self::Number((*number).into())
            }
        })*
    };
}
number!(u8, u16, u32, u64, i16, i32, i64);

impl From<usize> for Datum {
    fn from(number: usize) -> Self {
        i128::try_from(number).map_or(Self::Unknown, Self::Number)
    }
}

impl From<bool> for Datum {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Datum {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&&str> for Datum {
    fn from(text: &&str) -> Self {
        Self::Text((*text).to_owned())
    }
}

impl From<&bool> for Datum {
    fn from(flag: &bool) -> Self {
        Self::Flag(*flag)
    }
}

impl From<String> for Datum {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Datum {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
    }
}

/// Where a column is shown in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In CSV and for sorting only.
    Hidden,
    /// In every table.
    Always,
    /// In the wide table.
    Wide,
}

/// The columns of a list, in groups.
pub(super) type Columns<T> = &'static [&'static [Column<T>]];

/// One column of a list of `T`.
#[derive(Debug)]
pub(super) struct Column<T> {
    /// Heading in CSV: JSON's field, with `_` between levels and the unit at its end.
    pub(super) name: &'static str,
    /// Heading in a table.
    pub(super) title: &'static str,
    place: Place,
    /// It changes by itself with time.
    pub(super) ages: bool,
    /// The value.
    pub(super) value: fn(&T) -> Datum,
    cell: Option<fn(&T) -> String>,
}

impl<T> Column<T> {
    /// A column that tables do not have.
    pub(super) const fn of(name: &'static str, value: fn(&T) -> Datum) -> Self {
        Self {
            name,
            title: "",
            place: Place::Hidden,
            ages: false,
            value,
            cell: None,
        }
    }

    /// Shown in every table.
    pub(super) const fn titled(self, title: &'static str) -> Self {
        Self {
            title,
            place: Place::Always,
            ..self
        }
    }

    /// Shown in wide tables.
    pub(super) const fn wide(self, title: &'static str) -> Self {
        Self {
            title,
            place: Place::Wide,
            ..self
        }
    }

    /// How a table says the value, where that is not the bare value.
    pub(super) const fn said(self, cell: fn(&T) -> String) -> Self {
        Self {
            cell: Some(cell),
            ..self
        }
    }

    /// An age, or what moves all the time: a row of which nothing else is new has not changed.
    pub(super) const fn ages(self) -> Self {
        Self { ages: true, ..self }
    }

    /// Whether a table has it.
    pub(super) fn is_shown(&self, wide: bool) -> bool {
        match self.place {
            Place::Hidden => false,
            Place::Always => true,
            Place::Wide => wide,
        }
    }

    /// What a table shows for `item`. Whatever it holds, it moves no cursor.
    pub(super) fn cell(&self, item: &T) -> String {
        let Some(cell) = self.cell else {
            let value = (self.value)(item);
            return if value.is_known() {
                value.to_string()
            } else {
                UNKNOWN.to_owned()
            };
        };
        printable(cell(item))
    }
}

/// A cell for something that may be unknown.
pub(super) fn cell(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

/// Several values in one field, `;` between them.
pub(super) fn several(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value_and_the_unknown_not_at_all() {
        let number = |n: u64| Datum::from(n);
        assert_eq!(number(9).order(&number(10)), Some(Ordering::Less));
        assert_eq!(Datum::Unknown.order(&number(0)), None);
        assert_eq!(
            Datum::from("b").order(&Datum::from("a")),
            Some(Ordering::Greater)
        );
        assert_eq!(Datum::from(None::<u32>), Datum::Unknown);
    }

    #[test]
    fn unknown_is_a_dash_and_zero_is_zero() {
        let column: Column<Option<u32>> =
            Column::of("free", |v: &Option<u32>| (*v).into()).titled("FREE");
        assert_eq!(column.cell(&None), "–");
        assert_eq!(column.cell(&Some(0)), "0");
        let column: Column<&str> = Column::of("name", |v: &&str| (*v).into()).titled("NAME");
        assert_eq!(column.cell(&"a\u{1b}b"), "a\u{fffd}b");
    }
}
