//! What `cargo xtask` is made of, as a library, so that tests can use the same
//! throw-away clusters as people do.

#[cfg(target_os = "linux")]
pub mod cluster;
pub mod process;
pub mod repository;
pub mod tidy;
pub mod wait;
