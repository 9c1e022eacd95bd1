//! The order of a table: by the values of a column, what is not known last.

use std::cmp::Ordering;

use super::row::{Look, Row};
use super::tables::{self, Column, Cx, Field, Kind, Value};
use super::view::View;

/// By which column a table is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Title of the column.
    pub column: &'static str,
    /// The largest value first.
    pub descending: bool,
}

impl Sort {
    /// The sign in the heading of the column.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        if self.descending { "▼" } else { "▲" }
    }
}

/// Titles of the columns by which a table can be sorted, from the left.
#[must_use]
pub fn columns(view: View) -> Vec<&'static str> {
    tables::columns(view)
        .iter()
        .filter(|column| column.field.is_some())
        .map(|column| column.title)
        .collect()
}

/// Whether one asks for the highest first at first: of amounts, not of names.
#[must_use]
pub fn begins_descending(view: View, column: &str) -> bool {
    let field = tables::columns(view)
        .iter()
        .find(|known| known.title == column)
        .and_then(|column| field_of(view, column));
    field.is_some_and(|field| matches!(field.kind, Kind::Number(_)) && field.name != "gpu")
}

fn field_of(view: View, column: &Column) -> Option<&'static Field> {
    tables::field(view, column.field?)
}

/// A row in a tree of rows: those that follow with a greater depth are its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) row: Row,
    pub(super) look: Look,
}

/// Sorts `entries`. Parts stay below their whole, which stands where its own value puts it, or, if
/// that is not known, the highest of its parts. Rows of equal value stay in the order in which
/// they came.
pub(super) fn sort(cx: Cx<'_>, view: View, sort: Sort, entries: &mut Vec<Entry>) {
    let field = tables::columns(view)
        .iter()
        .find(|column| column.title == sort.column)
        .and_then(|column| field_of(view, column));
    if let Some(field) = field {
        let values: Vec<Value<'_>> = entries
            .iter()
            .map(|entry| field.value(&cx, entry.row))
            .collect();
        let mut order = Vec::with_capacity(entries.len());
        arrange(
            entries,
            &values,
            0,
            entries.len(),
            sort.descending,
            &mut order,
        );
        *entries = order.into_iter().map(|at| entries[at]).collect();
    }
}

/// Adds the positions from `begin` to `end`, which lie on one level with their parts, in order.
fn arrange(
    entries: &[Entry],
    values: &[Value<'_>],
    begin: usize,
    end: usize,
    descending: bool,
    order: &mut Vec<usize>,
) {
    if begin >= end {
        return;
    }
    let depth = entries[begin].look.depth;
    let mut wholes: Vec<(usize, usize, &Value<'_>)> = Vec::new();
    let mut at = begin;
    while at < end {
        let parts = entries[at + 1..end]
            .iter()
            .take_while(|entry| entry.look.depth > depth)
            .count();
        let next = at + 1 + parts;
        wholes.push((at, next, weight(&values[at..next])));
        at = next;
    }
    wholes.sort_by(|(_, _, a), (_, _, b)| in_order(a, b, descending));
    for (at, next, _) in wholes {
        order.push(at);
        arrange(entries, values, at + 1, next, descending, order);
    }
}

/// The first value, or if it is not known the highest of the others.
fn weight<'v, 'a>(values: &'v [Value<'a>]) -> &'v Value<'a> {
    let [own, parts @ ..] = values else {
        return &Value::Unknown;
    };
    if !own.is_last() {
        return own;
    }
    let known = parts.iter().filter(|value| !value.is_last());
    known.max_by(|a, b| a.compare(b)).unwrap_or(own)
}

/// What is not known comes last, whichever way the rest is sorted.
fn in_order(a: &Value<'_>, b: &Value<'_>, descending: bool) -> Ordering {
    match (a.is_last(), b.is_last()) {
        (false, false) if descending => b.compare(a),
        (false, false) => a.compare(b),
        (a, b) => a.cmp(&b),
    }
}
