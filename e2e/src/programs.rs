//! Where the workspace's built programs are.

use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::{ensure, eyre};

/// The folder with the workspace's programs: `$GPUTOP_K3S_BIN_DIR`, else where cargo puts them.
///
/// # Errors
/// When the running test lies in no folder.
pub fn folder() -> Result<PathBuf> {
    // The test is target/<profile>/deps/<name>.
    let test = std::env::current_exe()?;
    let named = std::env::var_os("GPUTOP_K3S_BIN_DIR").map(PathBuf::from);
    let folder = named.or_else(|| test.ancestors().nth(2).map(Path::to_owned));
    folder.ok_or_else(|| eyre!("{} is in no folder", test.display()))
}

/// One program of the workspace.
///
/// # Errors
/// When it has not been built.
pub fn program(name: &str) -> Result<PathBuf> {
    let file = folder()?.join(name);
    ensure!(
        file.is_file(),
        "{} is not there: build it with `cargo build --workspace --bins`, or say in \
         GPUTOP_K3S_BIN_DIR where the programs are",
        file.display()
    );
    Ok(file)
}
