//! What the tables say, for other programs: `gputop-k3s/v1` objects and plain text tables.
//!
//! Unknown is `null` in JSON and `–` in a table, never 0. Times are RFC 3339.

mod gpu;
mod list;
mod node;
mod pod;
mod process;
mod table;

pub use gpu::{GpuItem, HolderItem, MigItem};
pub use list::{Kind, List, list};
pub use node::{AgentItem, NodeItem, ResourceItem};
pub use pod::{PodItem, WorkloadItem};
pub use process::ProcessItem;
pub use table::text_table;

use std::time::Duration;

/// Whole milliseconds for JSON.
fn millis(age: Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}
