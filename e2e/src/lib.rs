//! Tests across crates, and what they need beside the product.

pub mod kubelet;
#[cfg(target_os = "linux")]
pub mod measure;
pub mod observer;
pub mod programs;
#[cfg(unix)]
pub mod pty;
pub mod shots;
pub mod shown;
pub mod slow;
pub mod window;
