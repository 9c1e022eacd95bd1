//! The real NVML source over a mock library: whatever a driver does, the daemon says what is so and
//! goes on.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here fails rightly"
)]

mod driver;
mod events;
mod hangs;
mod lab;
mod leaks;
mod lists;
mod mig;
mod program;
mod refusals;
mod values;
