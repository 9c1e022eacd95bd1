//! `cargo xtask cluster up | down | status`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use xtask::cluster::{self, Binaries, Cluster, Daemons, Fleet, Options, ProcessState, Size};
use xtask::wait::Stopwatch;
use xtask::{process, repository};

use super::output::{note, say};

/// The folder with ready-made programs of this project.
const BIN_DIR_VARIABLE: &str = "GPUTOP_K3S_BIN_DIR";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Start a cluster, or say that it runs already
    Up(Up),
    /// End the cluster and remove its folder
    Down(Place),
    /// Show processes, ports, nodes and pods
    Status(Place),
}

#[derive(Debug, clap::Args)]
struct Place {
    /// The cluster's folder [default: one a user in the temporary folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Place {
    fn dir(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(cluster::default_dir)
    }
}

#[derive(Debug, clap::Args)]
struct Up {
    #[command(flatten)]
    place: Place,
    /// This many equal GPU nodes, instead of one of every kind
    #[arg(long, value_name = "N")]
    nodes: Option<u32>,
    /// GPUs in each of the equal nodes
    #[arg(
        long,
        value_name = "G",
        alias = "gpus",
        default_value_t = 8,
        requires = "nodes"
    )]
    gpus_per_node: u32,
    /// Pods in all on the equal nodes: three of four GPUs are given to one-GPU
    /// pods, the other pods need none
    #[arg(long, value_name = "P", default_value_t = 0, requires = "nodes")]
    pods: u32,
    /// How many of the equal nodes have a daemon [default: all]
    #[arg(long, value_name = "D", requires = "nodes")]
    daemons: Option<u32>,
    /// Use this throw-away cluster instead of a control plane of our own; what is
    /// created there is deleted by `down`, not when the lifetime is over
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// One real node instead of simulated ones: kubelet, containerd, runc and NVIDIA's device
    /// plugin over a mock of NVML, in a machine of its own; needs root
    #[arg(long, conflicts_with_all = ["nodes", "kubeconfig", "daemon_command"])]
    node: bool,
    /// The real node gets this machine's root file system, and no systemd
    #[arg(long, requires = "node")]
    without_systemd: bool,
    /// After this many minutes everything ends by itself
    #[arg(long, value_name = "MINUTES", default_value_t = 120,
          value_parser = clap::value_parser!(u64).range(1..=10_080))]
    lifetime: u64,
    /// The version that the control plane and its nodes report
    #[arg(long, value_name = "VERSION", env = cluster::VERSION_VARIABLE,
          default_value = cluster::DEFAULT_VERSION)]
    kubernetes_version: String,
    /// Put this program behind the daemons' pods, once a node; {node} and
    /// {port} are replaced
    #[arg(long, value_name = "WORDS", num_args = 1.., value_terminator = ";",
          allow_hyphen_values = true)]
    daemon_command: Option<Vec<String>>,
}

pub(super) fn run(args: Args) -> Result<()> {
    match args.verb {
        Verb::Up(up) => start(&up),
        Verb::Down(place) => stop(&place.dir()),
        Verb::Status(place) => status(&place.dir()),
    }
}

fn start(up: &Up) -> Result<()> {
    let dir = up.place.dir();
    if let Some(cluster) = Cluster::attach(&dir)? {
        if up.node != cluster.machine().is_some() {
            bail!(
                "a cluster of the other kind runs in {}: end it with `cargo xtask cluster down`, \
                 or name another folder with --dir",
                dir.display()
            );
        }
        note(format!("a cluster runs already in {}", dir.display()));
        say(export(&cluster));
        return Ok(());
    }
    if Cluster::remove(&dir)? {
        note("cleared away the remains of an earlier cluster");
    }
    let watch = Stopwatch::start();
    let mut cluster = if up.node {
        let (version, lifetime) = (&up.kubernetes_version, lifetime(up));
        super::node::start(dir, version, up.without_systemd, lifetime)?
    } else {
        let options = options(up, dir)?;
        Cluster::start(&options, &mut |step| note(format!("… {step}")))?
    };
    cluster.detach()?;
    note(format!(
        "ready after {:.1} s: {} nodes; ends by itself after {} min, or with \
         `cargo xtask cluster down`",
        watch.elapsed().as_secs_f64(),
        cluster.nodes().len(),
        up.lifetime
    ));
    say(export(&cluster));
    Ok(())
}

/// A cluster of that size in a folder of its own, which ends when the value is dropped.
pub(super) fn start_sized(size: Size) -> Result<Cluster> {
    let fleet = sized(size)?;
    let version = cluster::version();
    let binaries = cluster::ensure_testbed(&version, &mut |step| note(format!("… {step}")))?;
    let (daemons, kubelets) = own_programs(fleet.daemon_nodes().count())?;
    let options = Options {
        dir: cluster::scratch_dir()?,
        binaries,
        fleet,
        daemons,
        kubelets,
        supervisor: std::env::current_exe().wrap_err("cannot find the running program")?,
        kubeconfig: None,
        lifetime: Duration::from_secs(3_600),
        wait_for_pods: true,
    };
    Cluster::start(&options, &mut |step| note(format!("… {step}")))
}

fn options(up: &Up, dir: PathBuf) -> Result<Options> {
    let fleet = fleet(up)?;
    let binaries = binaries(up)?;
    let (daemons, kubelets) = match &up.daemon_command {
        Some(words) => (Daemons::Command(words.clone()), None),
        None => own_programs(fleet.daemon_nodes().count())?,
    };
    Ok(Options {
        dir,
        binaries,
        fleet,
        daemons,
        kubelets,
        supervisor: std::env::current_exe().wrap_err("cannot find the running program")?,
        kubeconfig: up.kubeconfig.clone(),
        lifetime: lifetime(up),
        wait_for_pods: true,
    })
}

const fn lifetime(up: &Up) -> Duration {
    Duration::from_secs(up.lifetime * 60)
}

fn fleet(up: &Up) -> Result<Fleet> {
    let Some(nodes) = up.nodes else {
        return Ok(Fleet::varied());
    };
    sized(Size {
        nodes,
        gpus: up.gpus_per_node,
        pods: up.pods,
        daemons: up.daemons.unwrap_or(nodes),
    })
}

fn sized(size: Size) -> Result<Fleet> {
    if size.too_many() > 0 {
        bail!(
            "{} of the pods do not fit on {} nodes: a kubelet takes 110, its daemon among them",
            size.too_many(),
            size.nodes
        );
    }
    Ok(Fleet::sized(size))
}

fn binaries(up: &Up) -> Result<Binaries> {
    let version = &up.kubernetes_version;
    match up.kubeconfig {
        Some(_) => cluster::ensure_clients(version, &mut |step| note(format!("… {step}"))),
        None => cluster::ensure_testbed(version, &mut |step| note(format!("… {step}"))),
    }
}

/// Daemons that get a process each; more of them share one.
const PROCESSES: usize = 24;

/// Where programs of this project are: in the folder that is named in the environment, or where
/// `build` puts them.
pub(super) fn program_folders(build: impl FnOnce() -> Result<()>) -> Result<Vec<PathBuf>> {
    if let Some(named) = std::env::var_os(BIN_DIR_VARIABLE).filter(|dir| !dir.is_empty()) {
        return Ok(vec![PathBuf::from(named)]);
    }
    build()?;
    Ok(["debug", "release"]
        .map(|profile| repository::target_dir().join(profile))
        .to_vec())
}

/// The daemons' program and `gputop-testbed-kubelets`: ready-made ones, or built now.
fn own_programs(daemons: usize) -> Result<(Daemons, Option<PathBuf>)> {
    let dirs = program_folders(|| {
        note("… building the daemons and the kubelets");
        let mut build = process::cargo();
        build.args(["build", "--quiet", "--bins"]);
        build.args(["--package", "gputop-node", "--package", "gputop-e2e"]);
        process::run(&mut build)
    })?;
    let name = if daemons > PROCESSES {
        "gputop-testbed-daemons"
    } else {
        "gputop-node"
    };
    let daemon = newest_of(&dirs, name)?;
    let daemons = if daemons > PROCESSES {
        Daemons::Shared(daemon)
    } else {
        Daemons::GputopNode(daemon)
    };
    Ok((daemons, newest(&dirs, "gputop-testbed-kubelets")))
}

/// The file of that name which was built last; an error when there is none.
pub(super) fn newest_of(dirs: &[PathBuf], name: &str) -> Result<PathBuf> {
    newest(dirs, name).ok_or_else(|| {
        let dirs: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
        eyre!(
            "there is no {name} in {}: see {BIN_DIR_VARIABLE}",
            dirs.join(" or ")
        )
    })
}

/// The program of that name which was built last.
fn newest(dirs: &[PathBuf], name: &str) -> Option<PathBuf> {
    let built = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
    dirs.iter()
        .map(|dir| dir.join(name))
        .filter_map(|path| Some((built(&path)?, path)))
        .max()
        .map(|(_, path)| path)
}

fn export(cluster: &Cluster) -> String {
    let path = cluster.kubeconfig().display().to_string();
    format!("export KUBECONFIG='{}'", path.replace('\'', r"'\''"))
}

fn stop(dir: &Path) -> Result<()> {
    if Cluster::remove(dir)? {
        note(format!("the cluster in {} has ended", dir.display()));
    } else {
        note(format!("there is no cluster in {}", dir.display()));
    }
    Ok(())
}

fn status(dir: &Path) -> Result<()> {
    let Some(cluster) = Cluster::attach(dir)? else {
        bail!(
            "no cluster runs in {}: start one with `cargo xtask cluster up`",
            dir.display()
        );
    };
    say(format!("folder      {}", cluster.dir().display()));
    say(format!("kubeconfig  {}", cluster.kubeconfig().display()));
    let ports = cluster.ports();
    if ports.api != 0 {
        say(format!("API server  https://127.0.0.1:{}", ports.api));
    }
    if ports.kubelet != 0 {
        say(format!("kubelets    https://127.0.0.1:{}", ports.kubelet));
    }
    for process in cluster.processes()? {
        let state = match process.state {
            ProcessState::Running => "running".to_owned(),
            ProcessState::Frozen => "frozen".to_owned(),
            ProcessState::Ended(how) => format!("ended ({how})"),
        };
        say(format!(
            "process     {:<32} {:>7}  {state}",
            process.name, process.identity.pid
        ));
    }
    let simulated = cluster.machine().is_none();
    for node in cluster.nodes().iter().filter(|_| simulated) {
        let daemon = node
            .daemon_port
            .map_or("no daemon".to_owned(), |p| format!("127.0.0.1:{p}"));
        say(format!("node        {:<32} {daemon}", node.name));
    }
    let count = |kind: &str, filter: &str| -> Result<usize> {
        let args = [
            "get",
            kind,
            "--all-namespaces",
            "-o",
            "name",
            "--field-selector",
            filter,
        ];
        Ok(cluster.kubectl().read(args)?.lines().count())
    };
    say(format!(
        "counts      {} nodes, {} pods running, {} pending",
        count("nodes", "")?,
        count("pods", "status.phase=Running")?,
        count("pods", "status.phase=Pending")?
    ));
    Ok(())
}
