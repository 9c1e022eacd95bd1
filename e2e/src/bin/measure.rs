//! Measures the app on a running test cluster, or the daemon on the mock's cards, and prints a table.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, eyre};
use gputop_e2e::measure::{Daemon, Subject, measure, measure_daemon, table, watch_daemon};
use xtask::cluster::Cluster;

/// Measures the app on a running test cluster, or the daemon.
#[derive(Debug, Parser)]
struct Args {
    /// The cluster's folder.
    #[arg(long, required_unless_present_any = ["library", "watch"])]
    dir: Option<PathBuf>,
    /// The program to measure.
    #[arg(long, required_unless_present = "watch")]
    program: Option<PathBuf>,
    /// The mock of libnvidia-ml.so.1: the program is the daemon.
    #[arg(long, conflicts_with = "dir")]
    library: Option<PathBuf>,
    /// A daemon that runs already, on this machine's own cards.
    #[arg(long, value_name = "ADDRESS", requires = "pid", conflicts_with_all = ["dir", "library"])]
    watch: Option<SocketAddr>,
    /// Its process id.
    #[arg(long)]
    pid: Option<u32>,
    /// Minutes that each part with a client of the daemon takes.
    #[arg(long, default_value_t = 3)]
    minutes: u32,
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
    let mut progress = |step: &str| {
        // Nobody is left to tell when this fails.
        let _ = writeln!(std::io::stderr(), "… {step}");
    };
    let time = Duration::from_secs(60) * args.minutes;
    let rows = if let (Some(address), Some(pid)) = (args.watch, args.pid) {
        watch_daemon(address, pid, time)?
    } else if let Some(library) = args.library {
        let subject = Daemon {
            program: args.program.ok_or_eyre("which program?")?,
            library,
            time,
        };
        measure_daemon(&subject, &mut progress)?
    } else {
        let dir = args.dir.ok_or_eyre("which cluster?")?;
        let cluster =
            Cluster::attach(&dir)?.ok_or_else(|| eyre!("no cluster runs in {}", dir.display()))?;
        let subject = Subject {
            program: args.program.ok_or_eyre("which program?")?,
            size: (args.width, args.height),
        };
        measure(&subject, &cluster, &mut progress)?
    };
    std::io::stdout().write_all(table(&args.title, &rows).as_bytes())?;
    Ok(())
}
