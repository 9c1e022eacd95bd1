//! Measures the app on a running test cluster and prints a table.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Parser;
use color_eyre::Result;
use color_eyre::eyre::eyre;
use gputop_e2e::measure::{Subject, measure, table};
use xtask::cluster::Cluster;

/// Measures the app on a running test cluster.
#[derive(Debug, Parser)]
struct Args {
    /// The cluster's folder.
    #[arg(long)]
    dir: PathBuf,
    /// The program to measure.
    #[arg(long)]
    program: PathBuf,
    /// Columns of the terminal.
    #[arg(long, default_value_t = 200)]
    width: u16,
    /// Lines of the terminal.
    #[arg(long, default_value_t = 60)]
    height: u16,
    /// The table's title.
    #[arg(long, default_value = "")]
    title: String,
}

fn main() -> Result<()> {
    color_eyre::install()?;
    let args = Args::parse();
    let cluster = Cluster::attach(&args.dir)?
        .ok_or_else(|| eyre!("no cluster runs in {}", args.dir.display()))?;
    let subject = Subject {
        program: args.program,
        size: (args.width, args.height),
    };
    let rows = measure(&subject, &cluster, &mut |step| {
        // Nobody is left to tell when this fails.
        let _ = writeln!(std::io::stderr(), "… {step}");
    })?;
    std::io::stdout().write_all(table(&args.title, &rows).as_bytes())?;
    Ok(())
}
