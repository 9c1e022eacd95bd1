//! `cargo xtask cluster up --node`: what a real node needs beside the machine's parts.

use std::path::PathBuf;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _};
use xtask::cluster::{Cluster, node};
use xtask::process;

use super::cluster::{newest_of, program_folders};
use super::output::note;

/// The mock's file as cargo names it.
const MOCK: &str = "libgputop_nvml_mock.so";

/// Two cards that nobody uses: `testbed/nvml-mock/example.toml` shows what else can be said.
const SCENARIO: &str = "[[gpus]]\n[[gpus]]\n";

/// Starts a node in `dir`, everything that is missing for it being built first.
pub(super) fn start(
    dir: PathBuf,
    version: &str,
    without_systemd: bool,
    lifetime: Duration,
) -> Result<Cluster> {
    let progress = &mut |step: &str| note(format!("… {step}"));
    let mut parts = node::ensure(version, progress)?;
    if without_systemd {
        parts = parts.without_systemd()?;
    }
    let folders = program_folders(|| {
        note("… building the daemon and the mock of NVML");
        let mut build = process::cargo();
        build.args(["build", "--quiet", "--lib", "--bins"]);
        build.args(["--package", "gputop-node", "--package", "gputop-nvml-mock"]);
        process::run(&mut build)
    })?;
    let options = node::NodeOptions {
        dir,
        parts,
        daemon: newest_of(&folders, "gputop-node")?,
        nvml: newest_of(&folders, MOCK)?,
        scenario: SCENARIO.to_owned(),
        supervisor: std::env::current_exe().wrap_err("cannot find the running program")?,
        lifetime,
    };
    node::start(&options, progress)
}
