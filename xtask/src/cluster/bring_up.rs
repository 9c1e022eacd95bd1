//! Making a cluster, step by step.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use serde_json::Value;

use super::binaries::Datastore;
use super::children::log_path;
use super::components::{Layout, Ports, names};
use super::control::{self, ProcessSpec, ProcessState, Request};
use super::identity::Identity;
use super::kubectl::Kubectl;
use super::state::{NodeState, State};
use super::supervise::{self, Order};
use super::{Cluster, Daemons, Options, files, kubeconfig, objects, ports, tls};
use crate::repository;
use crate::wait::{self, Deadline};

/// How long one component may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest path of a Unix socket that the kernel takes.
const LONGEST_SOCKET: usize = 107;

/// Makes the cluster; ends everything again when a step fails.
pub(super) fn run(options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Cluster> {
    check_paths(options)?;
    files::make_dir(&options.dir)?;
    let dir = options.dir.canonicalize()?;
    let mut cluster = match found(options, &dir) {
        Ok(cluster) => cluster,
        Err(why) => {
            let _ = fs::remove_dir_all(&dir);
            return Err(why);
        }
    };
    // From here on, dropping `cluster` ends everything.
    match furnish(&mut cluster, options, progress) {
        Ok(()) => Ok(cluster),
        Err(why) => Err(with_last_words(why, &cluster)),
    }
}

/// Node names go into the names of sockets, whose length is limited.
fn check_paths(options: &Options) -> Result<()> {
    let longest = options
        .fleet
        .nodes
        .iter()
        .map(|node| node.name.len())
        .max()
        .unwrap_or(0);
    let length = options.dir.as_os_str().len() + "/kubelet/.sock".len() + longest.max(16);
    if length > LONGEST_SOCKET {
        bail!(
            "{} is too long for the sockets in it: choose a shorter --dir, such as {}",
            options.dir.display(),
            super::default_dir().display()
        );
    }
    Ok(())
}

/// Makes the folder's inside, and starts the supervisor.
fn found(options: &Options, dir: &Path) -> Result<Cluster> {
    for name in ["logs", "pki", "kubelet"] {
        files::make_dir(&dir.join(name))?;
    }
    let with_daemon = options.fleet.daemon_nodes().count();
    let free = ports::free(4 + with_daemon)?;
    let (own, mut daemons) = (&free[..4], free[4..].iter().copied());
    let nodes = options.fleet.nodes.iter().map(|node| NodeState {
        name: node.name.clone(),
        daemon_port: node
            .gpus
            .as_ref()
            .filter(|_| node.daemon)
            .and_then(|_| daemons.next()),
    });
    let order = Order {
        lifetime_secs: options.lifetime.as_secs(),
        starter: Identity::of_self(),
    };
    let admin = match &options.kubeconfig {
        Some(path) => path
            .canonicalize()
            .wrap_err_with(|| format!("cannot find the kubeconfig {}", path.display()))?,
        None => dir.join("admin.kubeconfig"),
    };
    let state = State {
        supervisor: supervise::launch(&options.supervisor, dir, &order)?,
        ready: false,
        version: options.binaries.version.clone(),
        kubeconfig: admin,
        kubectl: options.binaries.kubectl.clone(),
        ports: Ports {
            api: if options.kubeconfig.is_some() {
                0
            } else {
                own[0]
            },
            kubelet: own[1],
            etcd_client: own[2],
            etcd_peer: own[3],
        },
        nodes: nodes.collect(),
        borrowed: Vec::new(),
    };
    let kubectl = Kubectl::new(&state.kubectl, &state.kubeconfig, dir);
    let cluster = Cluster {
        dir: dir.to_path_buf(),
        state,
        kubectl,
        owned: true,
    };
    cluster.state.save(dir)?;
    Ok(cluster)
}

fn furnish(cluster: &mut Cluster, options: &Options, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let dir = cluster.dir.clone();
    let layout = Layout {
        dir: &dir,
        binaries: &options.binaries,
        ports: cluster.state.ports,
    };
    let ca = tls::write_all(&dir.join("pki"), &["127.0.0.1"])?;
    files::write(&dir.join("scenario.toml"), &options.fleet.scenario())?;
    if options.kubeconfig.is_none() {
        progress("starting the control plane");
        control_plane(cluster, &layout, &ca)?;
    } else {
        progress("looking at the existing cluster");
        cluster.kubectl.wait_ready(PATIENCE, || Ok(()))?;
        check_unused(cluster)?;
    }
    progress("starting the simulated nodes and their daemons");
    nodes_and_daemons(cluster, options, &layout)?;
    progress("creating the fleet's objects");
    populate(cluster, options)?;
    cluster.state.ready = true;
    cluster.state.save(&dir)
}

fn start(cluster: &Cluster, spec: ProcessSpec) -> Result<()> {
    control::ask(&cluster.dir, &Request::Start(spec)).map(|_| ())
}

/// Fails when a process has ended.
fn alive(cluster: &Cluster, name: &str) -> Result<()> {
    for process in cluster.processes()? {
        if let (true, ProcessState::Ended(how)) = (process.name == name, &process.state) {
            bail!("{name} ended ({how})");
        }
    }
    Ok(())
}

fn wait_for(cluster: &Cluster, name: &str, mut answers: impl FnMut() -> bool) -> Result<()> {
    let answered = wait::until(Deadline::after(PATIENCE), Duration::from_millis(25), || {
        alive(cluster, name)?;
        Ok::<_, color_eyre::Report>(answers().then_some(()))
    })?;
    match answered {
        Some(()) => Ok(()),
        None => bail!("{name} did not answer within {} s", PATIENCE.as_secs()),
    }
}

fn control_plane(cluster: &Cluster, layout: &Layout<'_>, ca: &str) -> Result<()> {
    let users = [
        ("admin", "admin", "system:masters"),
        ("controllers", "system:kube-controller-manager", ""),
        ("scheduler", "system:kube-scheduler", ""),
    ];
    let mut tokens = String::new();
    for (at, (name, user, group)) in users.iter().enumerate() {
        let token = files::random_token()?;
        // Writing to a String cannot fail.
        let _ = writeln!(tokens, "{token},{user},{at},\"{group}\"");
        let config = kubeconfig::render(layout.ports.api, ca, user, &token);
        files::write(&layout.kubeconfig(name), &config)?;
    }
    files::write(&layout.tokens(), &tokens)?;

    start(cluster, layout.datastore())?;
    let socket = layout.kine_socket();
    wait_for(cluster, names::DATASTORE, || {
        match layout.binaries.datastore {
            Datastore::Kine(_) => UnixStream::connect(&socket).is_ok(),
            Datastore::Etcd(_) => ports::answers(layout.ports.etcd_client),
        }
    })?;
    start(cluster, layout.api_server())?;
    wait_for(cluster, names::API_SERVER, || {
        ports::answers(layout.ports.api)
    })?;
    cluster
        .kubectl
        .wait_ready(PATIENCE, || alive(cluster, names::API_SERVER))?;
    start(cluster, layout.controllers())?;
    start(cluster, layout.scheduler())
}

/// A cluster that is not ours must be free of what we are to create: it would
/// be changed now, and deleted at the end.
fn check_unused(cluster: &Cluster) -> Result<()> {
    let mut wanted = vec!["get".to_owned(), "--ignore-not-found".to_owned()];
    wanted.extend(["-o".to_owned(), "name".to_owned()]);
    wanted.extend(
        super::workloads::NAMESPACES
            .iter()
            .map(|name| format!("namespace/{name}")),
    );
    wanted.extend(
        cluster
            .state
            .nodes
            .iter()
            .map(|node| format!("node/{}", node.name)),
    );
    let there = cluster.kubectl.read(wanted)?;
    if !there.trim().is_empty() {
        let there: Vec<&str> = there.split_whitespace().collect();
        bail!(
            "the cluster of {} already has {}: is it the throw-away one? Delete them first",
            cluster.state.kubeconfig.display(),
            there.join(", ")
        );
    }
    Ok(())
}

fn nodes_and_daemons(cluster: &Cluster, options: &Options, layout: &Layout<'_>) -> Result<()> {
    let stages = repository::root().join("testbed/control-plane/stages.yaml");
    let stages_copy = layout.dir.join("stages.yaml");
    fs::copy(&stages, &stages_copy)
        .wrap_err_with(|| format!("cannot copy {}", stages.display()))?;
    let daemons: Vec<(&str, u16)> = cluster
        .state
        .nodes
        .iter()
        .filter_map(|node| Some((node.name.as_str(), node.daemon_port?)))
        .collect();
    let mut configs = vec![stages_copy];
    if !daemons.is_empty() {
        let documents: Vec<String> = daemons
            .iter()
            .map(|(node, port)| format!("---\n{}\n", objects::port_forward(node, *port)))
            .collect();
        let path = layout.dir.join("port-forwards.yaml");
        files::write(&path, &documents.concat())?;
        configs.push(path);
    }
    start(cluster, layout.kwok(&cluster.state.kubeconfig, &configs))?;

    if let Some(program) = &options.kubelets {
        start(
            cluster,
            ProcessSpec {
                name: names::KUBELETS.to_owned(),
                program: program.clone(),
                args: vec![
                    "--kubeconfig".to_owned(),
                    cluster.state.kubeconfig.display().to_string(),
                    "--dir".to_owned(),
                    layout.dir.join("kubelet").display().to_string(),
                ],
                env: Vec::new(),
            },
        )?;
    }
    if let Daemons::Shared(program) = &options.daemons {
        start(cluster, shared(program, layout.dir, &daemons))?;
    }
    for (seed, (node, port)) in daemons.iter().enumerate() {
        if let Some(spec) = daemon(&options.daemons, layout.dir, node, *port, seed)? {
            start(cluster, spec)?;
        }
    }
    wait_for(cluster, names::KWOK, || {
        ports::answers(layout.ports.kubelet)
    })?;
    if options.daemons != Daemons::None {
        for (node, port) in &daemons {
            let name = match options.daemons {
                Daemons::Shared(_) => names::DAEMONS.to_owned(),
                _ => names::daemon(node),
            };
            wait_for(cluster, &name, || ports::answers(*port))?;
        }
    }
    Ok(())
}

/// The one process behind all daemons' pods.
fn shared(program: &Path, dir: &Path, daemons: &[(&str, u16)]) -> ProcessSpec {
    let mut args = vec![
        "--scenario".to_owned(),
        dir.join("scenario.toml").display().to_string(),
        "--kubelets".to_owned(),
        dir.join("kubelet").display().to_string(),
    ];
    args.extend(daemons.iter().map(|(node, port)| format!("{node}={port}")));
    ProcessSpec {
        name: names::DAEMONS.to_owned(),
        program: program.to_path_buf(),
        args,
        env: Vec::new(),
    }
}

/// The process behind one node's daemon pod.
fn daemon(
    kind: &Daemons,
    dir: &Path,
    node: &str,
    port: u16,
    seed: usize,
) -> Result<Option<ProcessSpec>> {
    let name = names::daemon(node);
    let (program, args) = match kind {
        Daemons::None | Daemons::Shared(_) => return Ok(None),
        Daemons::GputopNode(program) => {
            let args = [
                "serve".to_owned(),
                "--listen".to_owned(),
                format!("127.0.0.1:{port}"),
                "--node".to_owned(),
                node.to_owned(),
                "--source".to_owned(),
                format!("sim:{}", dir.join("scenario.toml").display()),
                "--seed".to_owned(),
                seed.to_string(),
                "--pod-resources".to_owned(),
                dir.join("kubelet")
                    .join(format!("{node}.sock"))
                    .display()
                    .to_string(),
            ];
            (program.clone(), args.to_vec())
        }
        Daemons::Command(words) => {
            let mut words = words.iter().map(|word| {
                word.replace("{node}", node)
                    .replace("{port}", &port.to_string())
            });
            let program = words
                .next()
                .ok_or_else(|| eyre!("the daemons' command is empty"))?;
            (PathBuf::from(program), words.collect())
        }
    };
    Ok(Some(ProcessSpec {
        name,
        program,
        args,
        env: Vec::new(),
    }))
}

fn populate(cluster: &mut Cluster, options: &Options) -> Result<()> {
    let own = options.kubeconfig.is_none();
    let fleet = &options.fleet;
    let groundwork = objects::groundwork(own);
    let version = &options.binaries.version;
    let nodes: Vec<Value> = fleet
        .nodes
        .iter()
        .map(|node| objects::node(node, version))
        .collect();
    let daemons: Vec<Value> = fleet
        .daemon_nodes()
        .map(|node| objects::daemon(&node.name))
        .collect();
    if !own {
        // Written down before it is done, so that `down` finds it in any case.
        let parts = [
            &groundwork,
            &nodes,
            &daemons,
            &fleet.workloads,
            &fleet.latecomers,
        ];
        cluster.state.borrowed = parts.into_iter().flatten().cloned().collect();
        cluster.state.save(&cluster.dir)?;
    }
    let kubectl = &cluster.kubectl;
    // Not `create`: the controller may have made a service account already.
    kubectl.hand_over(
        "apply",
        &groundwork,
        &["--server-side", "--force-conflicts"],
    )?;
    kubectl.hand_over("create", &[nodes, daemons.clone()].concat(), &[])?;
    kubectl.hand_over("create", &fleet.workloads, &[])?;

    let names: Vec<&str> = fleet.nodes.iter().map(|node| node.name.as_str()).collect();
    let patience = PATIENCE + Duration::from_millis(100) * u32::try_from(fleet.ready_pods)?;
    kubectl.wait_nodes(&names, patience)?;
    if options.wait_for_pods {
        kubectl.wait_pods(&names, daemons.len() + fleet.ready_pods, patience)?;
    }
    let cordoned: Vec<&str> = fleet
        .nodes
        .iter()
        .filter(|node| node.cordoned)
        .map(|node| node.name.as_str())
        .collect();
    if !cordoned.is_empty() {
        kubectl.read([&["cordon"], &cordoned[..]].concat())?;
    }
    kubectl.hand_over("create", &fleet.latecomers, &[])
}

/// Adds what the processes that have ended printed last.
fn with_last_words(why: color_eyre::Report, cluster: &Cluster) -> color_eyre::Report {
    let mut why = why;
    for process in cluster.processes().unwrap_or_default() {
        if let ProcessState::Ended(how) = process.state {
            let words = files::tail(&log_path(&cluster.dir, &process.name), 12);
            why = why.wrap_err(format!(
                "{} ended ({how}); it said last:\n{words}",
                process.name
            ));
        }
    }
    why
}
