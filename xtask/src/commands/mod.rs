//! The commands, one file each.

#[cfg(target_os = "linux")]
mod ci;
#[cfg(target_os = "linux")]
mod cluster;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod node;
mod output;
mod shots;
mod tidy;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every check: format, tidy, clippy, tests, the real control plane, documentation
    #[cfg(target_os = "linux")]
    Ci,
    /// Draw the screenshots and golden objects in assets/ anew
    Shots,
    /// Measure the app on the real control plane and print a table
    #[cfg(target_os = "linux")]
    Measure(measure::Args),
    /// Check the rules of this repository that no compiler checks
    Tidy,
    /// Start, stop or show a throw-away Kubernetes cluster on loopback
    #[cfg(target_os = "linux")]
    Cluster(cluster::Args),
}

impl Xtask {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// As the command says.
    pub(crate) fn run(self) -> color_eyre::Result<()> {
        match self.command {
            #[cfg(target_os = "linux")]
            Command::Ci => ci::run(),
            #[cfg(target_os = "linux")]
            Command::Measure(args) => measure::run(&args),
            Command::Shots => shots::run(),
            Command::Tidy => tidy::run(),
            #[cfg(target_os = "linux")]
            Command::Cluster(args) => cluster::run(args),
        }
    }
}
