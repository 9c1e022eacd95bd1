//! The order of a list: by the names of fields or the titles of columns.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::column::{Column, Columns};
use crate::nearest::nearest;

/// One wish: a field and its direction. `vram`, `-vram`, `vram:desc`, `vram:asc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortBy {
    field: String,
    descending: bool,
}

impl FromStr for SortBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (text, minus) = match text.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (field, descending) = match text.rsplit_once(':') {
            Some((field, "desc")) => (field, true),
            Some((field, "asc")) => (field, false),
            Some((_, other)) => {
                return Err(format!("'{other}' is no direction; write asc or desc"));
            }
            None => (text, false),
        };
        if field.trim().is_empty() {
            return Err("name a field, such as node or -vram".to_owned());
        }
        Ok(Self {
            field: field.to_owned(),
            descending: descending != minus,
        })
    }
}

/// A list has no such field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    field: String,
    nearest: Option<&'static str>,
    known: Vec<&'static str>,
}

impl UnknownField {
    /// What can be done.
    #[must_use]
    pub fn fix(&self) -> String {
        match self.nearest {
            Some(name) => format!("Did you mean {name}? It has: {}.", self.known.join(", ")),
            None => format!("It has: {}.", self.known.join(", ")),
        }
    }
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no field {} to sort by in this list",
            self.field
        )
    }
}

impl std::error::Error for UnknownField {}

/// The names by which a list can be sorted.
pub(super) fn names<T>(columns: Columns<T>) -> impl Iterator<Item = &'static str> {
    all(columns).map(|column| column.name)
}

fn all<T>(columns: Columns<T>) -> impl Iterator<Item = &'static Column<T>> {
    columns.iter().copied().flatten()
}

/// Sorts by the first wish, ties by the second, and so on; what is still equal stays in its order.
/// What is not known comes last in both directions.
pub(super) fn sort<T>(
    items: &mut [T],
    columns: Columns<T>,
    wishes: &[SortBy],
) -> Result<(), UnknownField> {
    let keys = wishes
        .iter()
        .map(|wish| Ok((find(columns, &wish.field)?, wish.descending)))
        .collect::<Result<Vec<_>, UnknownField>>()?;
    items.sort_by(|a, b| {
        keys.iter()
            .map(|(column, descending)| compare(column, a, b, *descending))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    Ok(())
}

fn compare<T>(column: &Column<T>, a: &T, b: &T, descending: bool) -> Ordering {
    let (a, b) = ((column.value)(a), (column.value)(b));
    match a.order(&b) {
        Some(order) if descending => order.reverse(),
        Some(order) => order,
        None => b.is_known().cmp(&a.is_known()),
    }
}

/// The column of that name or title, whatever the case; blanks, `-`, `_` and `.` are the same.
fn find<T>(columns: Columns<T>, field: &str) -> Result<&'static Column<T>, UnknownField> {
    let wanted = plain(field);
    let named = all(columns).find(|column| plain(column.name) == wanted);
    let titled = || {
        let mut titled = all(columns).filter(|column| !column.title.is_empty());
        titled.find(|column| plain(column.title) == wanted)
    };
    named.or_else(titled).ok_or_else(|| {
        let titles = all(columns).map(|column| column.title);
        let known = names(columns).chain(titles.filter(|title| !title.is_empty()));
        UnknownField {
            field: field.to_owned(),
            nearest: nearest(field, known),
            known: names(columns).collect(),
        }
    })
}

fn plain(name: &str) -> String {
    name.chars()
        .map(|c| if matches!(c, ' ' | '-' | '.') { '_' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Item = (&'static str, Option<u64>);

    const COLUMNS: Columns<Item> = &[&[
        Column::of("name", |item: &Item| item.0.into()).titled("NAME"),
        Column::of("memory_used_bytes", |item: &Item| item.1.into()).titled("VRAM IN USE"),
    ]];

    fn by(text: &str) -> SortBy {
        text.parse().unwrap()
    }

    fn sorted(wishes: &[&str]) -> Vec<&'static str> {
        let mut items = vec![("c", Some(9)), ("a", None), ("b", Some(10)), ("d", Some(9))];
        let wishes: Vec<SortBy> = wishes.iter().map(|text| by(text)).collect();
        sort(&mut items, COLUMNS, &wishes).unwrap();
        items.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_unknown_is_last_in_both_directions_and_ties_keep_their_order() {
        assert_eq!(sorted(&["memory_used_bytes"]), ["c", "d", "b", "a"]);
        assert_eq!(sorted(&["-memory_used_bytes"]), ["b", "c", "d", "a"]);
        assert_eq!(sorted(&["vram in use:desc", "-name"]), ["b", "d", "c", "a"]);
        assert_eq!(sorted(&["VRAM_IN_USE"]), ["c", "d", "b", "a"]);
        assert_eq!(sorted(&[]), ["c", "a", "b", "d"]);
    }

    #[test]
    fn wishes_say_their_direction() {
        assert_eq!(by("name:asc"), by("name"));
        assert_eq!(by("name:desc"), by("-name"));
        assert_eq!(by("-name:desc"), by("name"));
        for wrong in ["", "-", ":desc", "name:down"] {
            assert!(SortBy::from_str(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mistake_names_the_nearest_field() {
        let error = sort(&mut [], COLUMNS, &[by("nmae")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no field nmae to sort by in this list"
        );
        assert_eq!(
            error.fix(),
            "Did you mean name? It has: name, memory_used_bytes."
        );
        let error = sort(&mut [], COLUMNS, &[by("memory")]).unwrap_err();
        assert!(error.fix().starts_with("Did you mean memory_used_bytes?"));
        let error = sort(&mut [], COLUMNS, &[by("qqqqqqqq")]).unwrap_err();
        assert!(error.fix().starts_with("It has: "));
    }

    proptest! {
        #[test]
        fn sorting_loses_nothing_and_orders_all_that_is_known(
            values in prop::collection::vec(prop::option::of(0_u64..50), 0..30),
            descending: bool,
        ) {
            let mut items: Vec<Item> = values.iter().map(|value| ("x", *value)).collect();
            let wish = SortBy { field: "memory_used_bytes".to_owned(), descending };
            sort(&mut items, COLUMNS, &[wish]).unwrap();
            let known: Vec<u64> = items.iter().map_while(|item| item.1).collect();
            let in_order = known.is_sorted_by(|a, b| if descending { a >= b } else { a <= b });
            prop_assert!(in_order);
            prop_assert!(items[known.len()..].iter().all(|item| item.1.is_none()));
            prop_assert_eq!(items.len(), values.len());
        }
    }
}
