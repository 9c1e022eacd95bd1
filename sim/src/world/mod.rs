//! Makes a cluster out of a scenario and keeps it moving.

mod engine;
mod events;
mod manifests;
mod populate;

pub(crate) use engine::{World, drive};
pub(crate) use events::record_event;
pub(crate) use manifests::all as manifests;
pub(crate) use populate::populate;
