//! `cargo xtask …`: the project's own commands, one file each in `commands`.

mod commands;

use clap::Parser as _;

fn main() -> color_eyre::Result<()> {
    color_eyre::install()?;
    // The supervisor of a test cluster is this program too, see there.
    #[cfg(target_os = "linux")]
    {
        let arguments: Vec<_> = std::env::args_os().skip(1).collect();
        if let Some(done) = xtask::cluster::hidden(&arguments) {
            return done;
        }
    }
    commands::Xtask::parse().run()
}
