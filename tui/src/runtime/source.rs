//! Where news of the cluster come from.

use gputop_fleet::engine::{Engine, Event};

/// Delivers news of the cluster, one after another.
pub trait Source {
    /// The next event; waits for as long as there is none. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = Event> + Send;
}

impl Source for Engine {
    fn next(&mut self) -> impl Future<Output = Event> + Send {
        Self::next(self)
    }
}
