//! The daemon `gputop-node`; everything is in the library.

use std::process::ExitCode;

fn main() -> color_eyre::Result<ExitCode> {
    gputop_node::cli::main()
}
