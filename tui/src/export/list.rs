//! The object around the items, and the forms in which it is printed.

use std::collections::HashSet;

use gputop_fleet::state::{Picture, PodRow};
use gputop_model::NodeName;
use serde::Serialize;

use super::changes::{Entry, entries};
use super::csv::csv_line;
use super::item::Item;
use super::selector::Selector;
use super::sort::{SortBy, UnknownField, names, sort};
use super::table::Widths;
use super::{gpu, node, openmetrics, pod, process};
use crate::nearest::nearest;

/// Version of the JSON schema. Fields are added within a version, never changed or removed.
pub const SCHEMA: &str = "gputop-k3s/v1";

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nodes of the cluster.
    Nodes,
    /// Physical GPUs and MIG instances.
    Gpus,
    /// Pods.
    Pods,
    /// Processes on devices.
    Processes,
}

impl Kind {
    /// One of them, as the names of `-o name` begin.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Nodes => "node",
            Self::Gpus => "gpu",
            Self::Pods => "pod",
            Self::Processes => "process",
        }
    }

    /// Several of them, as `get` takes it.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Gpus => "gpus",
            Self::Pods => "pods",
            Self::Processes => "processes",
        }
    }

    /// `name` without the kind in front, as `-o name` puts it there.
    #[must_use]
    pub fn plain_name(self, name: &str) -> &str {
        let rest = name.strip_prefix(self.singular());
        rest.and_then(|rest| rest.strip_prefix('/')).unwrap_or(name)
    }

    /// The names by which such a list can be sorted.
    #[must_use]
    pub fn fields(self) -> Vec<&'static str> {
        match self {
            Self::Nodes => names(node::NodeItem::COLUMNS).collect(),
            Self::Gpus => names(gpu::GpuItem::COLUMNS).collect(),
            Self::Pods => names(pod::PodItem::COLUMNS).collect(),
            Self::Processes => names(process::ProcessItem::COLUMNS).collect(),
        }
    }
}

/// Which items a list has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only pods and processes of this namespace, and GPUs that it holds.
    pub namespace: Option<String>,
    /// Only nodes and pods with these labels; GPUs and processes by the labels of their node.
    pub selector: Selector,
}

/// What a text table looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With the columns of second rank.
    pub wide: bool,
    /// With the titles of the columns.
    pub headers: bool,
}

/// How rows are printed one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Columns of a table.
    Table {
        /// With the columns of second rank.
        wide: bool,
    },
    /// Fields of CSV.
    Csv,
    /// Names only.
    Name,
    /// Whole objects.
    Object,
}

/// Something was asked for by a name that nothing has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What was asked for.
    pub name: String,
    /// The nearest name that there is.
    pub nearest: Option<String>,
}

/// `{"schema": …, "kind": "GpuList", "items": […]}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct List {
    schema: &'static str,
    kind: &'static str,
    items: Items,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Items {
    Nodes(Vec<node::NodeItem>),
    Gpus(Vec<gpu::GpuItem>),
    Pods(Vec<pod::PodItem>),
    Processes(Vec<process::ProcessItem>),
}

/// The same for the items of every kind.
macro_rules! each {
    ($items:expr, $name:ident => $what:expr) => {
        match $items {
            Items::Nodes($name) => $what,
            Items::Gpus($name) => $what,
            Items::Pods($name) => $what,
            Items::Processes($name) => $what,
        }
    };
}

/// The list of one kind. `namespace` limits pods and processes to it.
#[must_use]
pub fn list(picture: &Picture, kind: Kind, namespace: Option<&str>) -> List {
    let scope = Scope {
        namespace: namespace.map(str::to_owned),
        ..Scope::default()
    };
    select(picture, kind, &scope)
}

/// The list of one kind, limited to `scope`.
#[must_use]
pub fn select(picture: &Picture, kind: Kind, scope: &Scope) -> List {
    let selector = &scope.selector;
    let nodes: HashSet<&NodeName> = picture
        .nodes
        .iter()
        .filter(|row| selector.matches(|label| row.info.labels.get(label).map(String::as_str)))
        .map(|row| &row.info.name)
        .collect();
    let here = |namespace: Option<&str>| {
        let wanted = scope.namespace.as_deref();
        wanted.is_none_or(|wanted| namespace == Some(wanted))
    };
    let items = match kind {
        Kind::Nodes => {
            let rows = picture.nodes.iter();
            let rows = rows.filter(|row| nodes.contains(&row.info.name));
            Items::Nodes(rows.map(node::item).collect())
        }
        Kind::Gpus => {
            let mut items = gpu::items(picture, |node| nodes.contains(node));
            if let Some(namespace) = &scope.namespace {
                items.retain(|item| item.is_held_from(namespace));
            }
            Items::Gpus(items)
        }
        Kind::Pods => {
            let wanted = |row: &&PodRow| {
                here(Some(&row.info.key.namespace))
                    && selector.matches(|label| row.info.labels.get(label))
            };
            let rows = picture.pods.iter().filter(wanted);
            Items::Pods(rows.map(pod::item).collect())
        }
        Kind::Processes => Items::Processes(process::items(picture, |row| {
            here(process::namespace_of(row)) && nodes.contains(&row.node)
        })),
    };
    List {
        schema: SCHEMA,
        kind: match kind {
            Kind::Nodes => "NodeList",
            Kind::Gpus => "GpuList",
            Kind::Pods => "PodList",
            Kind::Processes => "ProcessList",
        },
        items,
    }
}

impl List {
    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        each!(&self.items, items => items.len())
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the items are.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match &self.items {
            Items::Nodes(_) => Kind::Nodes,
            Items::Gpus(_) => Kind::Gpus,
            Items::Pods(_) => Kind::Pods,
            Items::Processes(_) => Kind::Processes,
        }
    }

    /// Keeps what these names mean, and says which mean nothing.
    ///
    /// Nodes by name; GPUs by UUID, `NODE`, `NODE/INDEX`,
    /// `NODE/INDEX.INSTANCE` or `NODE/UUID`; pods by name or
    /// `NAMESPACE/NAME`; processes by pid, `NODE/PID` or `NODE/PID/UUID`; all of them also with
    /// their kind in front.
    pub fn pick(&mut self, names: &[String]) -> Vec<Missing> {
        fn keep<T: Item>(items: &mut Vec<T>, kind: Kind, names: &[String]) -> Vec<Missing> {
            let calls = |item: &T, name: &str| {
                item.is_called(name) || item.is_called(kind.plain_name(name))
            };
            let missing: Vec<&String> = names
                .iter()
                .filter(|name| !items.iter().any(|item| calls(item, name)))
                .collect();
            let missing = missing.into_iter().map(|name| near(items, kind, name));
            let missing = missing.collect();
            items.retain(|item| names.iter().any(|name| calls(item, name)));
            missing
        }
        let kind = self.kind();
        each!(&mut self.items, items => keep(items, kind, names))
    }

    /// Sorts; see [`SortBy`].
    ///
    /// # Errors
    /// When the list has no such field.
    pub fn sort(&mut self, wishes: &[SortBy]) -> Result<(), UnknownField> {
        fn by<T: Item>(items: &mut [T], wishes: &[SortBy]) -> Result<(), UnknownField> {
            sort(items, T::COLUMNS, wishes)
        }
        each!(&mut self.items, items => by(items, wishes))
    }

    /// An aligned table, as kubectl prints it: nothing at all, not even titles, where there is no
    /// row.
    #[must_use]
    pub fn to_table(&self, style: Style) -> String {
        if self.is_empty() {
            return String::new();
        }
        let form = Form::Table { wide: style.wide };
        let headings = style.headers.then(|| self.headings(form));
        let rows: Vec<Vec<String>> = headings.into_iter().chain(self.cells(form)).collect();
        Widths::default().lines(&rows)
    }

    /// CSV (RFC 4180) with raw numbers; the unit is part of the heading.
    #[must_use]
    pub fn to_csv(&self, headers: bool) -> String {
        let mut text = String::new();
        if headers {
            text.push_str(&csv_line(&self.headings(Form::Csv)));
        }
        for cells in self.cells(Form::Csv) {
            text.push_str(&csv_line(&cells));
        }
        text
    }

    /// One name a line, as other commands take it, and the number of items that have none.
    #[must_use]
    pub fn to_names(&self) -> (String, usize) {
        let rows = self.cells(Form::Name);
        let unnamed = self.len() - rows.len();
        let lines = rows.into_iter().flatten().map(|name| name + "\n");
        (lines.collect(), unnamed)
    }

    /// `OpenMetrics` text.
    #[must_use]
    pub fn to_openmetrics(&self) -> String {
        match &self.items {
            Items::Nodes(items) => openmetrics::nodes(items),
            Items::Gpus(items) => openmetrics::gpus(items),
            Items::Pods(items) => openmetrics::pods(items),
            Items::Processes(items) => openmetrics::processes(items),
        }
    }

    /// The titles of the columns of a table or of CSV.
    #[must_use]
    pub fn headings(&self, form: Form) -> Vec<String> {
        fn of<T: Item>(_: &[T], form: Form) -> Vec<String> {
            let columns = T::columns();
            let titles: Vec<&str> = match form {
                Form::Table { wide } => columns
                    .filter(|column| column.is_shown(wide))
                    .map(|column| column.title)
                    .collect(),
                Form::Csv => columns.map(|column| column.name).collect(),
                Form::Name | Form::Object => Vec::new(),
            };
            titles.into_iter().map(str::to_owned).collect()
        }
        each!(&self.items, items => of(items, form))
    }

    /// The cells of the rows; whole objects have none.
    #[must_use]
    pub fn cells(&self, form: Form) -> Vec<Vec<String>> {
        let entries = self.entries(form).into_iter();
        entries.map(Entry::into_cells).collect()
    }

    /// The rows, each ready to be printed and compared.
    pub(super) fn entries(&self, form: Form) -> Vec<Entry> {
        each!(&self.items, items => entries(items, form))
    }
}

/// The name that is nearest to `name`.
fn near<T: Item>(items: &[T], kind: Kind, name: &str) -> Missing {
    let known = items.iter().filter_map(Item::name);
    let known: Vec<String> = known
        .map(|name| kind.plain_name(&name).to_owned())
        .collect();
    // Somebody who writes a bare name of a pod mistakes it for a bare name.
    let wrong = kind.plain_name(name);
    let bare = !wrong.contains('/') && kind == Kind::Pods;
    let short = |name: &str| name.rsplit('/').next().map(str::to_owned);
    let known: Vec<String> = if bare {
        known.iter().filter_map(|name| short(name)).collect()
    } else {
        known
    };
    Missing {
        name: name.to_owned(),
        nearest: nearest(wrong, known.iter().map(String::as_str)).map(str::to_owned),
    }
}
