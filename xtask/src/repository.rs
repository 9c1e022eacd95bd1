//! Where things are in this repository.

use std::path::{Path, PathBuf};

/// The root of the repository: the folder of the workspace's Cargo.toml.
#[must_use]
pub fn root() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().unwrap_or(crate_dir).to_path_buf()
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` at the root.
#[must_use]
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) if !dir.is_empty() => root().join(dir),
        _ => root().join("target"),
    }
}
