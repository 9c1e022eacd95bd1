//! Tests across crates, and what they need beside the product.

pub mod kubelet;
pub mod observer;
pub mod programs;
#[cfg(unix)]
pub mod pty;
pub mod shots;
pub mod shown;
pub mod window;
