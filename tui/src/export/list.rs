//! The object around the items.

use gputop_fleet::state::Picture;
use serde::Serialize;

use super::table::Cells;
use super::{gpu, node, pod, process, text_table};

/// Version of the JSON schema. Fields are added within a version, never changed or removed.
const SCHEMA: &str = "gputop-k3s/v1";

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

/// The list of one kind. `namespace` limits pods and processes to it.
#[must_use]
pub fn list(picture: &Picture, kind: Kind, namespace: Option<&str>) -> List {
    let (kind, items) = match kind {
        Kind::Nodes => ("NodeList", Items::Nodes(node::items(picture))),
        Kind::Gpus => ("GpuList", Items::Gpus(gpu::items(picture))),
        Kind::Pods => ("PodList", Items::Pods(pod::items(picture, namespace))),
        Kind::Processes => (
            "ProcessList",
            Items::Processes(process::items(picture, namespace)),
        ),
    };
    List {
        schema: SCHEMA,
        kind,
        items,
    }
}

impl List {
    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.items {
            Items::Nodes(items) => items.len(),
            Items::Gpus(items) => items.len(),
            Items::Pods(items) => items.len(),
            Items::Processes(items) => items.len(),
        }
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An aligned table with a heading, as kubectl prints it.
    #[must_use]
    pub fn to_table(&self) -> String {
        fn rows<T: Cells>(items: &[T]) -> String {
            text_table(T::HEADINGS, items.iter().map(Cells::cells))
        }
        match &self.items {
            Items::Nodes(items) => rows(items),
            Items::Gpus(items) => rows(items),
            Items::Pods(items) => rows(items),
            Items::Processes(items) => rows(items),
        }
    }
}
