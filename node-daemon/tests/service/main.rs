//! The service under clients of all sorts: many, slow, silent, old, and those that come and go.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here fails rightly"
)]

mod big;
mod client;
mod process;
mod protocols;
mod sizes;
mod streams;
