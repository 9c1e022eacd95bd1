//! What is known of the cluster, and the tables made of it. Pure: no clock, no I/O.
//!
//! [`Fleet`] takes what the watches and the daemons say; [`join`] makes a [`Picture`] of it: one
//! row for each node, device, pod and process.

mod agent;
mod allocations;
mod device_state;
mod join;
mod node_reason;
mod node_row;
mod pod_use;
mod process_owner;
mod rows;
mod store;
mod totals;

pub use agent::{AgentReport, AgentStatus, LinkState, Received};
pub use device_state::DeviceState;
pub use join::{Settings, join};
pub use rows::{
    AllocatedTo, Closed, DeviceCounts, DeviceRow, Gap, NodeRow, Picture, PodRow, ProcessOwner,
    ProcessRow, ResourceRow, Totals,
};
pub use store::{Fleet, Listing, Update, WatchState, Watched};
