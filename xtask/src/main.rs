//! `cargo xtask …`: the project's own commands, one file each in `commands`.

mod commands;

use clap::Parser as _;

fn main() -> color_eyre::Result<()> {
    color_eyre::install()?;
    commands::Xtask::parse().run()
}
