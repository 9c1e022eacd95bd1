//! The difference between two snapshots of a node, and its application.
//!
//! Clients that speak protocol 1 are sent [`step`]s; older ones know [`delta`]s, and a daemon from
//! before it sends nothing else.

mod list;
mod protocol0;
mod step;

pub use protocol0::{apply, delta};
pub use step::{apply_step, step};
