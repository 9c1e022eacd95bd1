//! `cargo xtask shots`.

use color_eyre::eyre::Result;
use xtask::{process, repository};

/// Runs the program that draws them: this crate does not link the product.
pub(super) fn run() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = [
        "run",
        "--quiet",
        "-p",
        "gputop-e2e",
        "--bin",
        "gputop-shots",
    ];
    process::run(
        process::command(cargo)
            .current_dir(repository::root())
            .args(arguments),
    )
}
