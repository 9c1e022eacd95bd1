//! `cargo xtask measure`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use color_eyre::eyre::{Result, WrapErr as _, bail};
use xtask::cluster::{Cluster, Size, default_dir};
use xtask::{process, repository};

use super::cluster::start_sized;
use super::output::{note, say};

/// The cluster that is started when none runs and no size is asked for.
const SIZE: Size = Size {
    nodes: 23,
    gpus: 8,
    pods: 1_000,
    daemons: 23,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Start a cluster of this many equal GPU nodes for the measurement
    /// [default: the cluster that runs, else 23]
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    /// GPUs in each of them
    #[arg(long, value_name = "G", default_value_t = SIZE.gpus, requires = "nodes")]
    gpus_per_node: u32,
    /// Pods in all
    #[arg(long, value_name = "P", default_value_t = SIZE.pods, requires = "nodes")]
    pods: u32,
    /// How many nodes have a daemon [default: all]
    #[arg(long, value_name = "D", requires = "nodes")]
    daemons: Option<u32>,
    /// The folder of the cluster that runs
    #[arg(long, value_name = "DIR", conflicts_with = "nodes")]
    dir: Option<PathBuf>,
    /// Measure the daemon on the mock's cards instead of the app on a cluster
    #[arg(long, conflicts_with_all = ["nodes", "dir"])]
    daemon: bool,
    /// Minutes that each part with a client of the daemon takes
    #[arg(long, value_name = "M", default_value_t = 3, requires = "daemon")]
    minutes: u32,
    /// Measure the dev build instead of the release build: quick to make, slow
    /// to run
    #[arg(long)]
    debug: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let profile = if args.debug { "dev" } else { "release" };
    if args.daemon {
        // Part of the daemon is measured within the measuring program.
        let programs = build("gputop-node", args.debug, args.debug)?;
        let library = mock(args.debug)?;
        let mut command = process::command(&programs.measure);
        command.arg("--library").arg(library);
        command.args(["--minutes", &args.minutes.to_string()]);
        return print(command, &programs, &format!("8 GPUs, {profile} build"));
    }
    let programs = build("gputop-k3s", args.debug, true)?;
    let cluster = cluster(args)?;
    let title = format!("{} nodes, {profile} build", cluster.nodes().len());
    let mut command = process::command(&programs.measure);
    command.arg("--dir").arg(cluster.dir());
    print(command, &programs, &title)
}

fn print(mut command: Command, programs: &Programs, title: &str) -> Result<()> {
    command.arg("--program").arg(&programs.subject);
    // Its progress is seen at once.
    command.args(["--title", title]).stderr(Stdio::inherit());
    say(process::read(&mut command)?.trim_end());
    Ok(())
}

/// One that runs, or one of our own, which ends when the value is dropped.
fn cluster(args: &Args) -> Result<Cluster> {
    if let Some(nodes) = args.nodes {
        return start_sized(Size {
            nodes,
            gpus: args.gpus_per_node,
            pods: args.pods,
            daemons: args.daemons.unwrap_or(nodes),
        });
    }
    let dir = args.dir.clone().unwrap_or_else(default_dir);
    match Cluster::attach(&dir)? {
        Some(cluster) => {
            note(format!("measuring on the cluster in {}", dir.display()));
            Ok(cluster)
        }
        None if args.dir.is_some() => bail!("no cluster runs in {}", dir.display()),
        None => start_sized(SIZE),
    }
}

/// What is measured, and what measures.
struct Programs {
    subject: PathBuf,
    measure: PathBuf,
}

/// The mock of `libnvidia-ml.so.1`.
fn mock(debug: bool) -> Result<PathBuf> {
    note("… building gputop-nvml-mock");
    cargo(
        &[
            &["build", "--quiet", "--package", "gputop-nvml-mock"],
            release(debug),
        ]
        .concat(),
    )?;
    let profile = if debug { "debug" } else { "release" };
    let folder = repository::target_dir().join(profile);
    Ok(folder.join("libgputop_nvml_mock.so"))
}

const fn release(debug: bool) -> &'static [&'static str] {
    if debug { &[] } else { &["--release"] }
}

/// `debug` and `debug_measure`: the dev build of the program, and of what measures it.
fn build(name: &str, debug: bool, debug_measure: bool) -> Result<Programs> {
    let target = repository::target_dir();
    let folder = |debug| target.join(if debug { "debug" } else { "release" });
    note(format!("… building {name}"));
    let arguments = ["build", "--quiet", "--package", name, "--bins"];
    cargo(&[&arguments, release(debug)].concat())?;
    note("… building gputop-measure");
    let arguments = ["build", "--quiet", "--package", "gputop-e2e"];
    let arguments = [&arguments[..], &["--bin", "gputop-measure"]].concat();
    cargo(&[&arguments, release(debug_measure)].concat())?;
    // A copy: the next build of somebody else would replace it while it is measured.
    let subject = folder(debug).join(name);
    let copy = folder(debug).join(format!("{name}-measured"));
    std::fs::copy(&subject, &copy)
        .wrap_err_with(|| format!("cannot copy {}", subject.display()))?;
    Ok(Programs {
        subject: copy,
        measure: folder(debug_measure).join("gputop-measure"),
    })
}

fn cargo(arguments: &[&str]) -> Result<()> {
    process::run(process::cargo().args(arguments))
}
