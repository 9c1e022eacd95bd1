//! `cargo xtask measure`.

use std::path::PathBuf;
use std::process::Stdio;

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
    /// Measure the dev build instead of the release build: quick to make, slow
    /// to run
    #[arg(long)]
    debug: bool,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let programs = build(args.debug)?;
    let cluster = cluster(args)?;
    let profile = if args.debug { "dev" } else { "release" };
    let title = format!("{} nodes, {profile} build", cluster.nodes().len());
    let table = process::read(
        process::command(&programs.measure)
            .arg("--dir")
            .arg(cluster.dir())
            .arg("--program")
            .arg(&programs.subject)
            .args(["--title", &title])
            // Its progress is seen at once.
            .stderr(Stdio::inherit()),
    )?;
    say(table.trim_end());
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

fn build(debug: bool) -> Result<Programs> {
    let target = repository::target_dir();
    let release: &[&str] = if debug { &[] } else { &["--release"] };
    note("… building gputop-k3s");
    cargo(
        &[
            &["build", "--quiet", "--package", "gputop-k3s", "--bins"],
            release,
        ]
        .concat(),
    )?;
    note("… building gputop-measure");
    cargo(&[
        "build",
        "--quiet",
        "--package",
        "gputop-e2e",
        "--bin",
        "gputop-measure",
    ])?;
    let profile = if debug { "debug" } else { "release" };
    // A copy: the next build of somebody else would replace it while it is measured.
    let subject = target.join(profile).join("gputop-k3s");
    let copy = target.join(profile).join("gputop-k3s-measured");
    std::fs::copy(&subject, &copy)
        .wrap_err_with(|| format!("cannot copy {}", subject.display()))?;
    Ok(Programs {
        subject: copy,
        measure: target.join("debug").join("gputop-measure"),
    })
}

fn cargo(arguments: &[&str]) -> Result<()> {
    process::run(process::cargo().args(arguments))
}
