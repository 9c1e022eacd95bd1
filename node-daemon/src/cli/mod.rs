//! The command line of `gputop-node`.

mod health;
mod json;
mod probe;
mod serve;
mod table;
mod telemetry;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use color_eyre::config::Theme;
use color_eyre::eyre::{Result, WrapErr as _};
use tracing_subscriber::EnvFilter;

/// Port that the daemon listens on, on loopback.
const DEFAULT_ADDRESS: &str = "127.0.0.1:7475";

/// GPU telemetry of one node over gRPC.
#[derive(Debug, Parser)]
#[command(name = "gputop-node", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve telemetry until SIGTERM or SIGINT. Starts without a driver, too, and says so.
    Serve(serve::ServeArgs),
    /// Print what is seen on this machine, from two samples a second apart.
    Probe(ProbeArgs),
    /// Ask a running daemon whether it serves; exit status 0 if so, else 1.
    Health {
        /// Address of the daemon.
        #[arg(long, default_value = DEFAULT_ADDRESS, value_name = "HOST:PORT")]
        connect: String,
    },
}

#[derive(Debug, Args)]
struct ProbeArgs {
    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs: names and units as in telemetry.proto, null for what is not known.
    Json,
}

/// Where telemetry comes from.
#[derive(Debug, Args)]
struct TelemetryArgs {
    /// Name of the node [default: the host name].
    #[arg(long, env = "NODE_NAME")]
    node: Option<String>,
    /// `nvml`, `sim` (a made-up node) or `sim:SCENARIO.toml` (the node of that name in the file).
    #[arg(long, default_value = "nvml")]
    source: telemetry::SourceArg,
    /// Seed of the simulation.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The kubelet's PodResources socket, or `none`
    /// [default: the kubelet's usual one; `none` for a simulation].
    #[arg(long, value_name = "PATH|none")]
    pod_resources: Option<PathBuf>,
    /// Where the host's /proc is.
    #[arg(long, default_value = "/proc", value_name = "PATH")]
    proc: PathBuf,
    /// Attribute processes even where /proc does not show the machine's own process ids.
    #[arg(long)]
    trust_pids: bool,
    /// Where the host's root file system is mounted, read-only
    /// [default: /host where that is mounted, / outside a pod].
    #[arg(long, value_name = "DIR")]
    host_root: Option<PathBuf>,
    /// Report the arguments of processes, too. What looks like a secret is masked; one that does
    /// not look it is not.
    #[arg(long)]
    command_arguments: bool,
}

/// Runs the command line of this process.
pub fn main() -> Result<ExitCode> {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let theme = if colours { Theme::dark() } else { Theme::new() };
    color_eyre::config::HookBuilder::default()
        .theme(theme)
        .display_env_section(false)
        .display_location_section(false)
        .install()?;
    let cli = Cli::parse();
    let level = EnvFilter::try_from_env("GPUTOP_K3S_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(level)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .init();
    // Sampling and a handful of connections.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .wrap_err("the runtime can not be started")?;
    let status = runtime.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Probe(args) => probe::run(args).await.map(|()| ExitCode::SUCCESS),
            Command::Health { connect } => health::run(&connect).await,
        }
    });
    // A thread may be parked in a call of the driver; nothing waits for it.
    runtime.shutdown_timeout(Duration::from_millis(200));
    status
}

/// Whether this process runs in a pod.
fn in_pod() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
