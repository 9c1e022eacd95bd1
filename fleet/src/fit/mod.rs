//! The scheduler's arithmetic: what a pod counts for, what a node has left, why a pod waits. Pure.

mod pending;
mod request;

pub use pending::{Obstacle, ObstacleKind, Outlook, Pending};
pub use request::{ContainerRequest, Units, effective_requests};
