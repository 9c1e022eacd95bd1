//! The service under clients of all sorts: many, slow, silent, old, and those that come and go.

mod big;
mod client;
mod process;
mod protocols;
mod sizes;
mod streams;
