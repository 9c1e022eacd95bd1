//! What has changed from one list to the next.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::item::{AnyItem, Item};
use super::list::{Form, List, SCHEMA};

/// Fields that change by themselves with time.
const MOVING: [&str; 2] = ["age_ms", "allocated_to_age_ms"];

/// Those of a node's machine, which never rests.
const MOVING_HOST: [&str; 7] = [
    "cpu_percent",
    "load_hundredths",
    "memory_available_bytes",
    "disks",
    "network_receive_bytes_per_second",
    "network_transmit_bytes_per_second",
    "uptime_ms",
];

/// One row, ready to be printed and compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// By what it is known again.
    key: String,
    /// As other commands take it.
    name: Option<String>,
    /// What has to be the same for the row not to have changed.
    same: String,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Cells(Vec<String>),
    Object(Box<AnyItem>),
}

impl Entry {
    /// The cells of a row; an object has none.
    pub(super) fn into_cells(self) -> Vec<String> {
        match self.body {
            Body::Cells(cells) => cells,
            Body::Object(_) => Vec::new(),
        }
    }
}

/// The rows of a list. One without a name is none where only names are printed.
pub(super) fn entries<T: Item>(items: &[T], form: Form) -> Vec<Entry> {
    items
        .iter()
        .filter_map(|item| {
            let (body, same) = match form {
                Form::Object => object(item),
                Form::Name => (Body::Cells(vec![item.name()?]), String::new()),
                Form::Csv => cells(
                    item,
                    |_| true,
                    |column, item| (column.value)(item).to_string(),
                ),
                Form::Table { wide } => cells(
                    item,
                    |column| column.is_shown(wide),
                    super::column::Column::cell,
                ),
            };
            Some(Entry {
                key: item.key(),
                name: item.name(),
                same,
                body,
            })
        })
        .collect()
}

fn cells<T: Item>(
    item: &T,
    shown: impl Fn(&super::column::Column<T>) -> bool,
    text: impl Fn(&super::column::Column<T>, &T) -> String,
) -> (Body, String) {
    let mut same = String::new();
    let mut cells = Vec::new();
    for column in T::columns().filter(|column| shown(column)) {
        let cell = text(column, item);
        if !column.ages {
            same.push_str(&cell);
            same.push('\n');
        }
        cells.push(cell);
    }
    (Body::Cells(cells), same)
}

fn object<T: Item>(item: &T) -> (Body, String) {
    // Items are plain structs with text keys: they always have a JSON form.
    let mut timeless = serde_json::to_value(item).unwrap_or(Value::Null);
    forget(&mut timeless, &MOVING);
    if let Some(host) = timeless.get_mut("host") {
        forget(host, &MOVING_HOST);
    }
    let body = Body::Object(Box::new(item.clone().into()));
    (body, timeless.to_string())
}

/// Takes these fields out of an object.
fn forget(object: &mut Value, names: &[&str]) {
    if let Some(fields) = object.as_object_mut() {
        for name in names {
            fields.remove(*name);
        }
    }
}

/// What happened to a row; the words are those of a Kubernetes watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It says something else than before.
    Modified,
    /// It is gone; what it said last.
    Deleted,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    singular: &'static str,
    entry: Entry,
}

impl Change {
    /// The name of the row as other commands take it; for one that has none, what it is known by.
    #[must_use]
    pub fn name(&self) -> &str {
        self.entry.name.as_deref().unwrap_or(&self.entry.key)
    }

    /// The cells of the row; none where rows are whole objects.
    #[must_use]
    pub fn cells(&self) -> &[String] {
        match &self.entry.body {
            Body::Cells(cells) => cells,
            Body::Object(_) => &[],
        }
    }

    /// `{"schema": …, "kind": "gpu", "type": "MODIFIED", "object": {…}}`; only where rows are
    /// whole objects.
    #[must_use]
    pub fn object(&self) -> Option<impl Serialize + '_> {
        #[derive(Serialize)]
        struct Object<'a> {
            schema: &'static str,
            kind: &'static str,
            r#type: ChangeKind,
            #[serde(rename = "object")]
            item: &'a AnyItem,
        }
        match &self.entry.body {
            Body::Object(item) => Some(Object {
                schema: SCHEMA,
                kind: self.singular,
                r#type: self.kind,
                item,
            }),
            Body::Cells(_) => None,
        }
    }
}

/// The rows as they were printed last.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    form: Form,
    rows: BTreeMap<String, Entry>,
}

impl Watched {
    /// Nothing has been printed yet.
    #[must_use]
    pub const fn new(form: Form) -> Self {
        Self {
            form,
            rows: BTreeMap::new(),
        }
    }

    /// What is new in `list`, in its order, and then what is gone. That telemetry has become older
    /// is nothing new.
    pub fn follow(&mut self, list: &List) -> Vec<Change> {
        let singular = list.kind().singular();
        let mut changes = Vec::new();
        let mut seen = BTreeSet::new();
        let mut times = BTreeMap::new();
        for mut entry in list.entries(self.form) {
            // Devices that are only known to exist have no id: they are numbered.
            let times: &mut usize = times.entry(entry.key.clone()).or_default();
            let key = match *times {
                0 => entry.key.clone(),
                number => format!("{}#{number}", entry.key),
            };
            *times += 1;
            entry.key.clone_from(&key);
            let kind = match self.rows.get(&key) {
                None => Some(ChangeKind::Added),
                Some(before) if before.same != entry.same => Some(ChangeKind::Modified),
                Some(_) => None,
            };
            if let Some(kind) = kind {
                self.rows.insert(key.clone(), entry.clone());
                changes.push(Change {
                    kind,
                    singular,
                    entry,
                });
            }
            seen.insert(key);
        }
        let gone: Vec<String> = self
            .rows
            .keys()
            .filter(|key| !seen.contains(*key))
            .cloned()
            .collect();
        for key in gone {
            if let Some(entry) = self.rows.remove(&key) {
                changes.push(Change {
                    kind: ChangeKind::Deleted,
                    singular,
                    entry,
                });
            }
        }
        changes
    }
}
