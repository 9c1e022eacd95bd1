//! What rows can be filtered and sorted by: one name for each thing that a table knows, with its
//! value instead of its looks. A column that can be sorted names its field.

mod gpus;
mod nodes;
mod pods;
mod processes;
mod value;

pub use value::Value;

use gputop_fleet::state::{AllocatedTo, DeviceRow, Gap, NodeRow, PodRow, ProcessRow, WorkloadRow};

use super::Cx;
use crate::app::row::Row;
use crate::app::view::View;

/// Something that the rows of a table have.
#[derive(Debug)]
pub struct Field {
    /// How a filter calls it.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What its values are.
    pub kind: Kind,
    /// What it is, for the help page.
    pub meaning: &'static str,
    get: Get,
    of_gap: Option<for<'a> fn(&'a Gap) -> Value<'a>>,
    of_share: Option<for<'a> fn(&Cx<'a>, &'a DeviceRow, &'a AllocatedTo) -> Value<'a>>,
    of_workload: Option<for<'a> fn(&Cx<'a>, &'a WorkloadRow) -> Value<'a>>,
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// Yes or no.
    Flag,
    /// Amounts.
    Number(Unit),
}

/// What an amount is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Pieces.
    Count,
    /// Percent, 0 to 100.
    Percent,
    /// Bytes.
    Bytes,
    /// Watts.
    Watts,
    /// Degrees Celsius.
    Celsius,
    /// Megahertz.
    MegaHertz,
    /// Seconds.
    Seconds,
}

/// How a value is found; each kind for the rows of one table.
#[derive(Debug, Clone, Copy)]
enum Get {
    Node(for<'a> fn(&Cx<'a>, &'a NodeRow) -> Value<'a>),
    Device(for<'a> fn(&Cx<'a>, &'a DeviceRow) -> Value<'a>),
    Pod(for<'a> fn(&Cx<'a>, &'a PodRow) -> Value<'a>),
    Process(for<'a> fn(&Cx<'a>, &'a ProcessRow) -> Value<'a>),
}

impl Field {
    const fn new(name: &'static str, kind: Kind, meaning: &'static str, get: Get) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            meaning,
            get,
            of_gap: None,
            of_share: None,
            of_workload: None,
        }
    }

    const fn text(name: &'static str, meaning: &'static str, get: Get) -> Self {
        Self::new(name, Kind::Text, meaning, get)
    }

    const fn flag(name: &'static str, meaning: &'static str, get: Get) -> Self {
        Self::new(name, Kind::Flag, meaning, get)
    }

    const fn number(name: &'static str, unit: Unit, meaning: &'static str, get: Get) -> Self {
        Self::new(name, Kind::Number(unit), meaning, get)
    }

    /// The same field under more names.
    const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same field, which the place of unseen devices has too.
    const fn of_gap(mut self, get: for<'a> fn(&'a Gap) -> Value<'a>) -> Self {
        self.of_gap = Some(get);
        self
    }

    /// The same field, which a share of a device has too.
    const fn of_share(
        mut self,
        get: for<'a> fn(&Cx<'a>, &'a DeviceRow, &'a AllocatedTo) -> Value<'a>,
    ) -> Self {
        self.of_share = Some(get);
        self
    }

    /// The same field, which the head of a group of pods has too.
    const fn of_workload(mut self, get: for<'a> fn(&Cx<'a>, &'a WorkloadRow) -> Value<'a>) -> Self {
        self.of_workload = Some(get);
        self
    }

    /// Whether a filter may call it so; case does not matter.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.names().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// All its names, the usual one first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// What `row` says.
    #[must_use]
    pub fn value<'a>(&self, cx: &Cx<'a>, row: Row) -> Value<'a> {
        let picture = cx.picture;
        match (self.get, row) {
            (Get::Node(get), Row::Node(at)) => get(cx, &picture.nodes[at]),
            (Get::Device(get), Row::Device(at)) => get(cx, &picture.devices[at]),
            (Get::Device(_), Row::Gap(at)) => self
                .of_gap
                .map_or(Value::Unknown, |get| get(&picture.gaps[at])),
            (Get::Device(_), Row::Share(at, holder)) => self
                .of_share
                .zip(super::share(picture, at, holder))
                .map_or(Value::Unknown, |(get, (row, to))| get(cx, row, to)),
            (Get::Pod(_), Row::Workload(at)) => self
                .of_workload
                .map_or(Value::Unknown, |get| get(cx, &picture.workloads[at])),
            (Get::Pod(get), Row::Pod(at)) => get(cx, &picture.pods[at]),
            (Get::Process(get), Row::Process(at)) => get(cx, &picture.processes[at]),
            _ => Value::Unknown,
        }
    }
}

/// What the rows of a table can be filtered and sorted by.
#[must_use]
pub const fn fields(view: View) -> &'static [Field] {
    match view {
        View::Nodes => nodes::FIELDS,
        View::Gpus => gpus::FIELDS,
        View::Pods => pods::FIELDS,
        View::Processes => processes::FIELDS,
    }
}

/// The field of a table that is called `name`.
#[must_use]
pub fn field(view: View, name: &str) -> Option<&'static Field> {
    fields(view).iter().find(|field| field.is_called(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_means_two_things_and_every_name_can_be_typed() {
        for view in View::ALL {
            let mut seen = BTreeSet::new();
            for name in fields(view).iter().flat_map(Field::names) {
                assert!(seen.insert(name), "{view:?} has {name} twice");
                let mut letters = name.chars();
                assert!(letters.next().is_some_and(|c| c.is_ascii_lowercase()));
                assert!(
                    letters.all(|c| c.is_ascii_lowercase() || "%._-".contains(c)),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn every_column_that_is_sorted_by_a_field_has_it() {
        for view in View::ALL {
            for column in super::super::columns(view) {
                if let Some(name) = column.field {
                    assert!(field(view, name).is_some(), "{view:?} {}", column.title);
                }
            }
        }
    }
}
