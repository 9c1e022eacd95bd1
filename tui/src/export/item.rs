//! What the items of all lists have in common.

use serde::Serialize;

use super::column::{Column, Columns};
use super::gpu::GpuItem;
use super::node::NodeItem;
use super::pod::PodItem;
use super::process::ProcessItem;

/// An item of some list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "it is always in a box")]
pub(super) enum AnyItem {
    Node(NodeItem),
    Gpu(GpuItem),
    Pod(PodItem),
    Process(ProcessItem),
}

macro_rules! any {
    ($($variant:ident($item:ty)),*) => {
        $(impl From<$item> for AnyItem {
            fn from(item: $item) -> Self {
                Self::$variant(item)
            }
        })*
    };
}
any!(
    Node(NodeItem),
    Gpu(GpuItem),
    Pod(PodItem),
    Process(ProcessItem)
);

/// An item of a list.
pub(super) trait Item: Clone + Into<AnyItem> + Serialize + 'static {
    /// Its columns, in the order in which a table shows them.
    const COLUMNS: Columns<Self>;

    /// The same, one by one.
    fn columns() -> impl Iterator<Item = &'static Column<Self>> {
        Self::COLUMNS.iter().copied().flatten()
    }

    /// Its name as other commands take it, such as `node/atlas`; `None`: it has none.
    fn name(&self) -> Option<String>;

    /// By what it is known again in a later list.
    fn key(&self) -> String;

    /// Whether somebody who writes `name` (without the kind in front) means it.
    fn is_called(&self, name: &str) -> bool;
}
