//! What the simulated cluster promises, seen through the real kube and tonic clients.
//!
//! Time is paused throughout: tokio leaps to the next timer when nothing else is left to do.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

mod inside;
mod lists;
mod support;
mod told;
mod tunnels;
mod watches;
mod world;
mod writes;
