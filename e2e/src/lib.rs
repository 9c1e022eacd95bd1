//! Tests across crates, and what they need beside the product.

pub mod kubelet;
pub mod observer;
pub mod shots;
#[cfg(unix)]
pub mod pty;
pub mod shown;
pub mod window;
