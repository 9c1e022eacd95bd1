//! A cluster that is one real node: kubelet, containerd, runc and NVIDIA's own device plugin over
//! a mock of NVML, in a machine of its own.
//!
//! The machine is a set of namespaces and cgroups of this one; with a root file system of its own
//! systemd is its first process. Nothing of it can be seen outside but its cluster's folder and its
//! cgroups. It needs root. It is as much a [`Cluster`] as any other: supervised, bounded in time,
//! ended by [`Cluster::remove`]. How it is built up is in `testbed/node`.

mod bring_up;
mod cgroups;
mod image;
mod machine;
mod needs;
mod parts;
mod relay;
mod rootfs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::{Result, bail, eyre};

pub use machine::{Component, Inside, Machine};
pub use relay::{enter_network, network_of};

use super::{Cluster, binaries};

/// The node's name.
pub const NODE: &str = "gpu-node-1";

/// What a machine is made of, all of it built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeParts {
    /// The multi-call binary of Kubernetes.
    testbed: PathBuf,
    /// Where the machine sees each folder of programs: name and folder.
    programs: Vec<(&'static str, PathBuf)>,
    /// The root file system; `None`: this machine's own, without systemd.
    root: Option<PathBuf>,
}

/// What a node is started with.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The folder of the cluster; must not exist yet.
    pub dir: PathBuf,
    /// What the machine is made of.
    pub parts: NodeParts,
    /// `gputop-node`, which goes into the daemon's image.
    pub daemon: PathBuf,
    /// The mock of `libnvidia-ml.so.1`.
    pub nvml: PathBuf,
    /// What the mock is told at first.
    pub scenario: String,
    /// The program that becomes the supervisor: `xtask`.
    pub supervisor: PathBuf,
    /// After this time everything ends by itself.
    pub lifetime: Duration,
}

/// What keeps this machine from running a node at all, built or not; empty: nothing.
#[must_use]
pub fn lacking() -> Vec<String> {
    [needs::to_run(), needs::to_build()].concat()
}

/// What is built of a node, if that is all of it; builds nothing.
///
/// # Errors
///
/// Why there is no node here: what is not built, or what this machine lacks.
pub fn find() -> Result<NodeParts> {
    let lacking = needs::to_run();
    if !lacking.is_empty() {
        bail!("this machine lacks: {}", lacking.join("; "));
    }
    let not_built = |name: &str| eyre!("{name} is not built: run `cargo xtask cluster up --node`");
    let testbed =
        binaries::built(&binaries::version()).ok_or_else(|| not_built("the control plane"))?;
    let mut programs = Vec::new();
    for part in &parts::ALL {
        let folder = part.folder()?;
        if !folder.is_dir() {
            return Err(not_built(part.name));
        }
        programs.push((part.name, folder));
    }
    let root = match rootfs::folder().filter(|folder| folder.is_dir()) {
        None if needs::can_make_rootfs() => return Err(not_built("the root file system")),
        root => root,
    };
    Ok(NodeParts {
        testbed,
        programs,
        root,
    })
}

/// Builds what is missing: about four minutes on two cores the first time, on top of the control
/// plane's five. `progress` is told each step.
///
/// # Errors
///
/// When this machine lacks something, all of which is named, or a build fails.
pub fn ensure(version: &str, progress: &mut dyn FnMut(&str)) -> Result<NodeParts> {
    let lacking = lacking();
    if !lacking.is_empty() {
        bail!(
            "a real node cannot run on this machine, for it lacks:\n  {}",
            lacking.join("\n  ")
        );
    }
    let testbed = binaries::ensure_built(version, progress)?;
    let mut programs = Vec::new();
    for part in &parts::ALL {
        programs.push((part.name, part.ensure(progress)?));
    }
    let root = if needs::has_rootfs() || needs::can_make_rootfs() {
        Some(rootfs::ensure(progress)?)
    } else {
        progress(
            "no mmdebstrap or no sources of apt here: the machine gets this one's own root file \
             system, and no systemd",
        );
        None
    };
    Ok(NodeParts {
        testbed,
        programs,
        root,
    })
}

impl NodeParts {
    /// The same machine over this one's own root file system, without systemd.
    ///
    /// # Errors
    ///
    /// When this one's root file system lacks what the machine needs.
    pub fn without_systemd(self) -> Result<Self> {
        let lacking = needs::to_share_root();
        if !lacking.is_empty() {
            bail!("the machine would lack: {}", lacking.join("; "));
        }
        Ok(Self { root: None, ..self })
    }
}

/// Starts a node and returns when it has GPUs to give and its daemon is Ready. `progress` is told
/// each step.
///
/// # Errors
///
/// When a step fails: then everything already started is ended again.
pub fn start(options: &NodeOptions, progress: &mut dyn FnMut(&str)) -> Result<Cluster> {
    bring_up::run(options, progress)
}

impl Cluster {
    /// The machine, where this cluster is one real node.
    #[must_use]
    pub fn machine(&self) -> Option<Machine<'_>> {
        Machine::of(self)
    }
}

/// Ends what is left of the machine of the cluster in `dir`, when its supervisor has ended it; a
/// cluster without one has nothing to end.
pub(super) fn clear(dir: &Path) -> Result<()> {
    machine::clear(dir)
}

/// Ends the machine of the cluster in `dir` before its supervisor asks it to: nothing in it has to
/// be ended politely.
pub(super) fn cut_power(dir: &Path) {
    if machine::folder(dir).is_dir() {
        let kill = super::control::Request::Kill(machine::MACHINE.to_owned());
        // Without a supervisor there is no machine either.
        let _ = super::control::ask(dir, &kill);
    }
}

/// The arguments that make xtask the relay.
fn relay_arguments(dir: &Path, port: u16) -> Vec<String> {
    let dir = dir.display().to_string();
    [
        "cluster".to_owned(),
        "relay".to_owned(),
        dir,
        port.to_string(),
    ]
    .to_vec()
}

/// Runs as relay if the arguments say so.
pub(super) fn hidden(arguments: &[OsString]) -> Option<Result<()>> {
    match arguments {
        [group, verb, dir, port] if group == "cluster" && verb == "relay" => {
            let port = port.to_str().and_then(|port| port.parse().ok());
            let port = port.ok_or_else(|| eyre!("the relay's port is no port"));
            Some(port.and_then(|port| relay::run(Path::new(dir), port)))
        }
        _ => None,
    }
}
