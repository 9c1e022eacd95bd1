//! What is known of the cluster, and the tables made of it. Pure: no clock, no I/O.
//!
//! [`Fleet`] takes what the watches and the daemons say; [`join`] makes a [`Picture`] of it: one
//! row for each node, device, pod, process and workload, and what needs attention.

mod agent;
mod alerts;
mod allocations;
mod bound;
mod device_rows;
mod device_state;
mod history;
mod join;
mod no_gpu;
mod node_reason;
mod node_row;
mod pod_row;
mod pod_rows;
mod pod_use;
mod process_owner;
mod rows;
mod shares;
mod store;
mod sum;
mod telemetry;
mod totals;
mod workloads;

pub use agent::{AgentReport, AgentStatus, LinkState, Received};
pub use alerts::{Alert, AlertCounts, AlertSubject, Severity};
pub use device_state::DeviceState;
pub use gputop_model::Sample;
pub(crate) use history::{KEPT as HISTORY_KEPT, SPAN as HISTORY_SPAN};
pub use history::{Series, history_time};
pub use join::{Settings, join};
pub use no_gpu::NoGpu;
pub use pod_row::PodRow;
pub use rows::{
    AllocatedTo, Closed, DeviceCounts, DeviceRow, Gap, NodeRow, NodeState, Picture, ProcessOwner,
    ProcessRow, ResourceRow, Totals,
};
pub use shares::Shares;
pub use store::{Fleet, Listing, Update, WatchState, Watched};
pub use sum::Sum;
pub use workloads::WorkloadRow;
