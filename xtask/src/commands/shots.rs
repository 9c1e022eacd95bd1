//! `cargo xtask shots`.

use color_eyre::eyre::Result;
use xtask::process;

/// Runs the program that draws them: this crate does not link the product.
pub(super) fn run() -> Result<()> {
    let arguments = [
        "run",
        "--quiet",
        "-p",
        "gputop-e2e",
        "--bin",
        "gputop-shots",
    ];
    process::run(process::cargo().args(arguments))
}
