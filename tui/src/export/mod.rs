//! What the tables say, for other programs: `gputop-k3s/v1` objects, CSV, OpenMetrics and plain
//! text tables.
//!
//! Unknown is `null` in JSON, an empty field in CSV, no sample in OpenMetrics and `–` in a table,
//! never 0. Times are RFC 3339.

mod changes;
mod column;
mod csv;
mod gpu;
mod hardware;
mod host;
mod item;
mod list;
mod node;
mod openmetrics;
mod pod;
mod process;
mod selector;
mod sort;
mod table;

pub use changes::{Change, ChangeKind, Watched};
pub use csv::csv_line;
pub use gpu::{GpuItem, HolderItem, MigItem};
pub use hardware::{
    ClocksItem, EccItem, HardwareItem, IdentityItem, NvLinkItem, PcieItem, PowerLimitsItem,
    ThermalItem, VideoItem,
};
pub use list::{Form, Kind, List, Missing, SCHEMA, Scope, Style, list, select};
pub use node::{AgentItem, NodeItem, OtherResourceItem, ProductItem, ResourceItem};
pub use pod::{PodItem, WorkloadItem};
pub use process::{GpuProcessItem, ProcessItem};
pub use selector::{Selector, SelectorError};
pub use sort::{SortBy, UnknownField};
pub use table::Widths;

use std::time::Duration;

use gputop_model::Bytes;

use crate::app::format;
use column::cell;

/// Whole milliseconds for JSON.
fn millis(age: Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}

/// Memory in use and in all: `22.1Gi/24.0Gi`.
fn memory(used: Option<u64>, total: Option<u64>) -> String {
    let bytes = |value: Option<u64>| cell(value.map(Bytes));
    match (used, total) {
        (None, None) => cell(None::<Bytes>),
        (used, total) => format!("{}/{}", bytes(used), bytes(total)),
    }
}

/// How old the telemetry is, and whether that is too old.
fn telemetry(age_ms: Option<u64>, stale: bool) -> String {
    let age = age_ms.map(|age| format::age(Duration::from_millis(age)));
    match age {
        Some(age) if stale => format!("{age} (stale)"),
        age => cell(age),
    }
}
