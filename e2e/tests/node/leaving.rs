//! A node beside the others, over this machine's own root file system: what it is without systemd,
//! and that nothing of it stays.

use std::path::Path;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use xtask::cluster::node::{self, NodeOptions};
use xtask::cluster::{Cluster, Identity};

use super::fixture::options;

/// The supervisor of the cluster in `dir`, found as a person would find it.
fn supervisor(dir: &Path) -> Result<Identity> {
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let is_it =
            words.contains("\0cluster\0supervise\0") && words.contains(&*dir.display().to_string());
        let pid = entry.file_name().to_string_lossy().parse().ok();
        if let (true, Some(identity)) = (is_it, pid.and_then(Identity::of)) {
            return Ok(identity);
        }
    }
    Err(color_eyre::eyre::eyre!("the cluster has no supervisor"))
}

fn start(options: NodeOptions) -> Result<Cluster> {
    // As it is on machines that cannot make a root file system.
    let parts = options.parts.clone().without_systemd();
    let parts = parts.unwrap_or_else(|_| options.parts.clone());
    node::start(&NodeOptions { parts, ..options }, &mut |_| ())
}

#[test]
fn nothing_outlives_the_supervisor() -> Result<()> {
    let Some(options) = options()? else {
        return Ok(());
    };
    let dir = options.dir.clone();
    let cluster = start(options)?;
    let machine = cluster.machine().ok_or_eyre("the cluster is no node")?;
    let inside: Vec<Identity> = machine
        .processes()?
        .iter()
        .filter_map(|one| Identity::of(one.outer))
        .collect();
    ensure!(inside.len() > 10, "only {} processes", inside.len());
    let cgroups = std::fs::read_to_string(dir.join("node/cgroups"))?;
    ensure!(cgroups.lines().all(|folder| Path::new(folder).is_dir()));

    // As if it had crashed: nobody is told, and nobody cleans up.
    supervisor(&dir)?.end(Duration::ZERO)?;
    for process in inside {
        let gone = process.wait_gone(Duration::from_secs(10));
        ensure!(gone, "process {} of the machine lives on", process.pid);
    }
    // What is left are files and empty cgroups.
    ensure!(Cluster::remove(&dir)?, "there was nothing to remove");
    ensure!(!dir.exists(), "{} is left", dir.display());
    for folder in cgroups.lines() {
        ensure!(!Path::new(folder).exists(), "{folder} is left");
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let place = dir.display().to_string();
    ensure!(!mounts.contains(&place), "mounts are left");
    Ok(())
}
