//! The scheduler's arithmetic: what a pod counts for, what a node has left. Pure.

mod request;

pub use request::{ContainerRequest, Units, effective_requests};
