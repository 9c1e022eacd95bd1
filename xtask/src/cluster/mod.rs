//! A throw-away Kubernetes cluster on this machine's loopback: a real control
//! plane, simulated nodes, and real daemons with simulated GPUs behind them.
//!
//! Everything a cluster needs is in one folder, and all its processes belong to
//! one supervisor: several clusters can run side by side, and none outlives its
//! time. Nothing here needs root.

mod binaries;
mod bring_up;
mod children;
mod components;
mod control;
mod files;
mod fleet;
mod identity;
mod kubeconfig;
mod kubectl;
pub mod node;
mod objects;
mod ports;
mod state;
mod supervise;
mod take_down;
mod tls;
mod workloads;

use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::{Result, bail};

pub use binaries::{
    Binaries, DEFAULT_VERSION, Datastore, Program, VERSION_VARIABLE, ensure_clients,
    ensure_testbed, find_testbed, version,
};
pub use components::{Ports, names};
pub use control::{ProcessState, ProcessStatus};
pub use fleet::{
    CUDA, DRIVER, Fleet, GpuKind, H100, L40S, NodeSpec, RTX_3090, RTX_4090, Sharing, Size,
};
pub use identity::{Activity, Identity};
pub use kubectl::Kubectl;
pub use objects::{DAEMON_NAMESPACE, DAEMON_PORT, daemon_pod};
pub use state::{NodeState, default_dir, scratch_dir};
pub use supervise::hidden;

use control::{Reply, Request};
use state::State;

/// What stands behind the daemons' pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Daemons {
    /// Nothing: a port-forward finds nobody.
    None,
    /// This `gputop-node`, one process a GPU node.
    GputopNode(PathBuf),
    /// This `gputop-testbed-daemons`: one process serves the same for all
    /// nodes, each on its port. For fleets whose processes would not fit into
    /// one machine.
    Shared(PathBuf),
    /// Another program: command and arguments, in which `{node}` and `{port}`
    /// are replaced.
    Command(Vec<String>),
}

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the cluster; must not exist yet.
    pub dir: PathBuf,
    /// The programs.
    pub binaries: Binaries,
    /// Nodes and workloads.
    pub fleet: Fleet,
    /// The processes behind the daemons' pods.
    pub daemons: Daemons,
    /// `gputop-testbed-kubelets`, which serves each node's `PodResources` on
    /// `kubelet/NODE.sock`; `None`: nobody does.
    pub kubelets: Option<PathBuf>,
    /// The program that becomes the supervisor: `xtask`, or one that passes its
    /// arguments to [`hidden`].
    pub supervisor: PathBuf,
    /// An existing throw-away cluster to use instead of a control plane of our
    /// own. It must be able to reach this machine's loopback, or port-forwards
    /// to the daemons will not work.
    pub kubeconfig: Option<PathBuf>,
    /// After this time everything ends by itself.
    pub lifetime: Duration,
    /// Whether to wait until the fleet's pods are Ready.
    pub wait_for_pods: bool,
}

impl Options {
    /// A cluster in `dir` with the varied fleet and the project's own programs
    /// from `bin_dir`: `xtask`, `gputop-node` and, if it is there,
    /// `gputop-testbed-kubelets`.
    ///
    /// # Errors
    ///
    /// When `xtask` or `gputop-node` is missing there.
    pub fn new(dir: PathBuf, binaries: Binaries, bin_dir: &Path) -> Result<Self> {
        let program = |name: &str| Some(bin_dir.join(name)).filter(|path| path.is_file());
        let (Some(supervisor), Some(daemon)) = (program("xtask"), program("gputop-node")) else {
            bail!(
                "xtask or gputop-node is missing in {}: run `cargo build -p xtask -p gputop-node \
                 -p gputop-e2e --bins`, or name another folder with GPUTOP_K3S_BIN_DIR",
                bin_dir.display()
            );
        };
        Ok(Self {
            dir,
            binaries,
            fleet: Fleet::varied(),
            daemons: Daemons::GputopNode(daemon),
            kubelets: program("gputop-testbed-kubelets"),
            supervisor,
            kubeconfig: None,
            lifetime: Duration::from_secs(2 * 3600),
            wait_for_pods: true,
        })
    }
}

/// A running cluster. Dropping the value that started it ends it, unless it
/// was [detached](Cluster::detach); so does the end of the process.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    state: State,
    kubectl: Kubectl,
    owned: bool,
}

impl Cluster {
    /// Starts a cluster and returns when it is ready. `progress` is told each
    /// step.
    ///
    /// # Errors
    ///
    /// When a step fails: then everything already started is ended again.
    pub fn start(options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Self> {
        bring_up::run(options, progress)
    }

    /// The cluster that lives in `dir`; `None` when there is none, or only the
    /// remains of one.
    ///
    /// # Errors
    ///
    /// When the folder is there but is not a cluster's.
    pub fn attach(dir: &Path) -> Result<Option<Self>> {
        let Some(state) = State::load(dir)? else {
            return Ok(None);
        };
        if !state.ready || !state.supervisor.is_alive() {
            return Ok(None);
        }
        let kubectl = Kubectl::new(&state.kubectl, &state.kubeconfig, dir);
        Ok(Some(Self {
            dir: dir.to_path_buf(),
            state,
            kubectl,
            owned: false,
        }))
    }

    /// Lets the cluster go on when this value and this process end.
    ///
    /// # Errors
    ///
    /// When the supervisor does not answer.
    pub fn detach(&mut self) -> Result<()> {
        control::ask(&self.dir, &Request::Detach)?;
        self.owned = false;
        Ok(())
    }

    /// Ends the cluster and removes its folder.
    ///
    /// # Errors
    ///
    /// When a process cannot be ended or the folder not be removed.
    pub fn down(mut self) -> Result<()> {
        self.owned = false;
        Self::remove(&self.dir).map(|_| ())
    }

    /// Ends the cluster in `dir`, or clears away the remains of one. Returns
    /// whether there was anything.
    ///
    /// # Errors
    ///
    /// As [`Cluster::down`]; when the folder is not a cluster's.
    pub fn remove(dir: &Path) -> Result<bool> {
        take_down::run(dir)
    }

    /// The folder of the cluster.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The kubeconfig of its administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.state.kubeconfig
    }

    /// The ports of its components.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.state.ports
    }

    /// Its nodes, those with a daemon with the port of the process behind it.
    #[must_use]
    pub fn nodes(&self) -> &[NodeState] {
        &self.state.nodes
    }

    /// kubectl for this cluster.
    #[must_use]
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// What its processes do.
    ///
    /// # Errors
    ///
    /// When the supervisor does not answer.
    pub fn processes(&self) -> Result<Vec<ProcessStatus>> {
        match control::ask(&self.dir, &Request::List)? {
            Reply::Processes(all) => Ok(all),
            other => bail!("the cluster's supervisor answered {other:?} to a question"),
        }
    }

    /// One of its processes, by its name in [`names`].
    #[must_use]
    pub fn process(&self, name: impl Into<String>) -> Process<'_> {
        Process {
            cluster: self,
            name: name.into(),
        }
    }

    /// The daemon of a node that has a process of its own.
    #[must_use]
    pub fn daemon(&self, node: &str) -> Process<'_> {
        self.process(names::daemon(node))
    }

    /// The API server.
    #[must_use]
    pub fn api_server(&self) -> Process<'_> {
        self.process(names::API_SERVER)
    }

    /// Waits until the API server answers again, after a restart or a thaw.
    ///
    /// # Errors
    ///
    /// When it does not within `patience`.
    pub fn wait_api(&self, patience: Duration) -> Result<()> {
        self.kubectl.wait_ready(patience, || Ok(()))
    }

    /// What a process printed so far; empty when it printed nothing.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        let content = std::fs::read(children::log_path(&self.dir, name)).unwrap_or_default();
        String::from_utf8_lossy(&content).into_owned()
    }

    fn ask(&self, request: &Request) -> Result<()> {
        control::ask(&self.dir, request).map(|_| ())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.owned {
            // Nobody is left to tell; the supervisor ends it all the same when
            // this process ends.
            let _ = take_down::run(&self.dir);
        }
    }
}

/// One process of a cluster, to be disturbed by a test.
#[derive(Debug, Clone)]
pub struct Process<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl Process<'_> {
    /// Ends it: asks, waits up to ten seconds, kills.
    ///
    /// # Errors
    ///
    /// As all of these: when there is no such process or nobody to do it.
    pub fn stop(&self) -> Result<()> {
        self.cluster.ask(&Request::Stop(self.name.clone()))
    }

    /// Ends it without asking it.
    ///
    /// # Errors
    ///
    /// As [`Process::stop`].
    pub fn kill(&self) -> Result<()> {
        self.cluster.ask(&Request::Kill(self.name.clone()))
    }

    /// Starts it again with the same arguments and ports; a live one is killed
    /// first.
    ///
    /// # Errors
    ///
    /// As [`Process::stop`].
    pub fn restart(&self) -> Result<()> {
        self.cluster.ask(&Request::Restart(self.name.clone()))
    }

    /// Halts it: connections stay open and nothing is answered.
    ///
    /// # Errors
    ///
    /// As [`Process::stop`]; also when it has ended.
    pub fn freeze(&self) -> Result<()> {
        self.cluster.ask(&Request::Freeze(self.name.clone()))
    }

    /// Lets it go on.
    ///
    /// # Errors
    ///
    /// As [`Process::freeze`].
    pub fn thaw(&self) -> Result<()> {
        self.cluster.ask(&Request::Thaw(self.name.clone()))
    }
}
