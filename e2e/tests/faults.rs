//! The engine against an API server that is away, busy, strict, slow or not one at all: what it
//! shows meanwhile, and what it asks. Simulated API, paused time.

#[path = "faults/line.rs"]
mod line;
#[path = "faults/watches.rs"]
mod watches;
