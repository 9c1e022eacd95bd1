//! Making a real node, step by step.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use serde_json::json;

use super::image::{self, Image};
use super::machine::{self, MACHINE};
use super::{NODE, NodeOptions, cgroups};
use crate::cluster::binaries::Program;
use crate::cluster::components::Ports;
use crate::cluster::control::{self, ProcessSpec, Request};
use crate::cluster::identity::Identity;
use crate::cluster::kubectl::Kubectl;
use crate::cluster::state::{NodeState, State};
use crate::cluster::supervise::{self, Order};
use crate::cluster::{Cluster, DAEMON_NAMESPACE, files, kubeconfig, ports, tls, version};
use crate::repository;
use crate::wait::{self, Deadline};

/// The node's address in its own network, and where its default route leads: to nobody.
const ADDRESS: &str = "10.99.0.1";
const GATEWAY: &str = "10.99.0.254";
/// The API server's port inside.
const API_PORT: u16 = 6443;
/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Makes the node; ends everything again when a step fails.
pub(super) fn run(options: &NodeOptions, progress: &mut dyn FnMut(&str)) -> Result<Cluster> {
    files::make_dir(&options.dir)?;
    let dir = options.dir.canonicalize()?;
    let cluster = match found(options, &dir) {
        Ok(cluster) => cluster,
        Err(why) => {
            let _ = fs::remove_dir_all(&dir);
            return Err(why);
        }
    };
    // From here on, dropping the cluster ends everything.
    furnish(cluster, options, progress)
}

/// Makes the folder's inside, and starts the supervisor.
fn found(options: &NodeOptions, dir: &Path) -> Result<Cluster> {
    for name in ["logs", "pki"] {
        files::make_dir(&dir.join(name))?;
    }
    let order = Order {
        lifetime_secs: options.lifetime.as_secs(),
        starter: Identity::of_self(),
    };
    let free = ports::free(1)?;
    let state = State {
        supervisor: supervise::launch(&options.supervisor, dir, &order)?,
        ready: false,
        version: version(),
        kubeconfig: dir.join("admin.kubeconfig"),
        kubectl: Program {
            path: options.parts.testbed.clone(),
            leading: vec!["kubectl".to_owned()],
        },
        ports: Ports {
            api: free[0],
            kubelet: 0,
            etcd_client: 0,
            etcd_peer: 0,
        },
        nodes: vec![NodeState {
            name: NODE.to_owned(),
            daemon_port: None,
        }],
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

fn furnish(
    mut cluster: Cluster,
    options: &NodeOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Cluster> {
    let dir = cluster.dir.clone();
    identities(&dir, cluster.state.ports.api)?;
    fill(&dir, options)?;
    progress("making the images of the daemon, the device plugin and the pods");
    images(&dir, options)?;
    progress("switching the machine on");
    switch_on(&cluster, options)?;
    let deadline = Deadline::after(PATIENCE);
    let words = |why: color_eyre::Report, cluster: &Cluster| {
        let said = cluster.machine().map(machine::Machine::last_words);
        why.wrap_err(said.unwrap_or_default())
    };
    cluster
        .kubectl
        .wait_ready(deadline.left(), || Ok(()))
        .and_then(|()| cluster.kubectl.wait_nodes(&[NODE], deadline.left()))
        .map_err(|why| words(why, &cluster))?;
    progress("starting the device plugin and the daemon");
    populate(&cluster).map_err(|why| words(why, &cluster))?;
    cluster.state.ready = true;
    cluster.state.save(&dir)?;
    Ok(cluster)
}

/// Keys, tokens, and the kubeconfigs of those inside and of the administrator outside.
fn identities(dir: &Path, port: u16) -> Result<()> {
    let pki = dir.join("pki");
    let ca = tls::write_all(&pki, &[ADDRESS])?;
    let kubelet = format!("system:node:{NODE}");
    let users = [
        ("admin", "admin", "system:masters"),
        ("controllers", "system:kube-controller-manager", ""),
        ("scheduler", "system:kube-scheduler", ""),
        ("kubelet", kubelet.as_str(), "system:nodes"),
    ];
    let mut tokens = String::new();
    for (at, (name, user, group)) in users.iter().enumerate() {
        let token = files::random_token()?;
        // Writing to a String cannot fail.
        let _ = writeln!(tokens, "{token},{user},{at},\"{group}\"");
        let inside = kubeconfig::render(API_PORT, &ca, user, &token);
        files::write(&pki.join(format!("{name}.kubeconfig")), &inside)?;
        if *name == "admin" {
            let outside = kubeconfig::render(port, &ca, user, &token);
            files::write(&dir.join("admin.kubeconfig"), &outside)?;
        }
    }
    files::write(&pki.join("tokens.csv"), &tokens)
}

/// The machine's folder: what its scripts read.
fn fill(dir: &Path, options: &NodeOptions) -> Result<()> {
    let folder = machine::folder(dir);
    for name in ["", "scripts", "etc", "images", "nvml", "kubelet", "rancher"] {
        let made = folder.join(name);
        fs::create_dir_all(&made).wrap_err_with(|| format!("cannot make {}", made.display()))?;
    }
    let sources = repository::root().join("testbed/node");
    for name in ["boot.sh", "enter.sh", "init.sh", "k3s", "k3s.service"] {
        let script = folder.join("scripts").join(name);
        copy(&sources.join(name), &script)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    }
    for name in ["cni.conflist", "containerd.toml", "kubelet.yaml"] {
        copy(
            &sources.join("etc").join(name),
            &folder.join("etc").join(name),
        )?;
    }
    copy(&options.nvml, &folder.join("nvml/libnvidia-ml.so.1"))?;
    write(&folder.join("nvml/scenario.toml"), &options.scenario)?;
    write(&folder.join("nvml/plugin.yaml"), "version: v1\n")?;

    let (root, init) = match &options.parts.root {
        Some(root) => (root.as_path(), "systemd"),
        None => (Path::new("/"), "plain"),
    };
    let environment = format!(
        "ROOT='{}'\nINIT={init}\nNODE={NODE}\nADDRESS={ADDRESS}\nGATEWAY={GATEWAY}\n",
        root.display()
    );
    write(&folder.join("etc/machine.env"), &environment)?;
    let mut binds = vec![(dir.join("pki"), "pki")];
    for name in ["etc", "images", "nvml"] {
        binds.push((folder.join(name), name));
    }
    let testbed = options.parts.testbed.parent().map(Path::to_path_buf);
    binds.push((testbed.unwrap_or_default(), "control-plane"));
    for (name, programs) in &options.parts.programs {
        binds.push((programs.clone(), name));
    }
    let lines: Vec<String> = binds
        .iter()
        .map(|(source, name)| format!("{} {name}\n", source.display()))
        .collect();
    write(&folder.join("binds"), &lines.concat())?;

    let hierarchies = cgroups::hierarchies()?;
    write(&folder.join("hierarchies"), &cgroups::names(&hierarchies))?;
    let id = format!("gputop-k3s-{}", &files::random_token()?[..8]);
    write(
        &folder.join("cgroups"),
        &cgroups::folders(&hierarchies, &id),
    )
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(|_| ())
        .wrap_err_with(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

/// Writes a file that programs inside may read as any user.
fn write(path: &Path, content: &str) -> Result<()> {
    fs::write(path, content).wrap_err_with(|| format!("cannot write {}", path.display()))
}

/// The images that the machine imports when it starts.
fn images(dir: &Path, options: &NodeOptions) -> Result<()> {
    let folder = machine::folder(dir);
    let plugin = options
        .parts
        .programs
        .iter()
        .find(|(name, _)| *name == "device-plugin")
        .map(|(_, programs)| programs.join("nvidia-device-plugin"))
        .unwrap_or_default();
    let own = |place: &'static str| (PathBuf::from(place), place);
    let write = |archive: &str, image: &Image<'_>| {
        let scratch = folder.join("images.draft");
        let archive = folder.join("images").join(format!("{archive}.tar"));
        image::write(image, &scratch, &archive)
            .wrap_err_with(|| format!("cannot make the image {}", image.name))
    };
    write(
        "pause",
        &Image {
            name: "localhost/pause:testbed",
            entrypoint: &["/bin/sleep", "infinity"],
            programs: &[own("/bin/sleep")],
            loaded: &[],
        },
    )?;
    write(
        "shell",
        &Image {
            name: "localhost/shell:testbed",
            entrypoint: &["/bin/sh"],
            programs: &["/bin/sh", "/bin/sleep", "/bin/cat", "/bin/ls"].map(own),
            loaded: &[],
        },
    )?;
    write(
        "device-plugin",
        &Image {
            name: "localhost/device-plugin:testbed",
            entrypoint: &["/bin/nvidia-device-plugin"],
            programs: &[(plugin, "/bin/nvidia-device-plugin")],
            loaded: std::slice::from_ref(&options.nvml),
        },
    )?;
    write(
        "gputop-node",
        &Image {
            name: "localhost/gputop-node:testbed",
            entrypoint: &["/bin/gputop-node"],
            programs: &[(options.daemon.clone(), "/bin/gputop-node")],
            loaded: &[],
        },
    )
}

/// Makes the cgroups, starts the machine, and the relay to it.
fn switch_on(cluster: &Cluster, options: &NodeOptions) -> Result<()> {
    let folder = machine::folder(&cluster.dir);
    let list = folder.join("cgroups");
    let folders =
        fs::read_to_string(&list).wrap_err_with(|| format!("cannot read {}", list.display()))?;
    cgroups::make(&folders)?;
    let start = |name: &str, program: PathBuf, args: Vec<String>| {
        let spec = ProcessSpec {
            name: name.to_owned(),
            program,
            args,
            env: Vec::new(),
        };
        control::ask(&cluster.dir, &Request::Start(spec)).map(|_| ())
    };
    start(
        MACHINE,
        folder.join("scripts/boot.sh"),
        vec![folder.display().to_string()],
    )?;
    match cluster.machine() {
        Some(machine) => machine.wait_boot()?,
        None => bail!("{} is not there", folder.display()),
    }
    start(
        "relay",
        options.supervisor.clone(),
        super::relay_arguments(&cluster.dir, cluster.state.ports.api),
    )
}

/// Hands over what makes it a node with GPUs and a daemon, and waits for both.
fn populate(cluster: &Cluster) -> Result<()> {
    let kubectl = &cluster.kubectl;
    let sources = repository::root().join("testbed/node");
    let apply = |flag: &str, path: &str| {
        let path = sources.join(path);
        kubectl.read(["apply".as_ref(), flag.as_ref(), path.as_os_str()])
    };
    apply("-f", "manifests/groundwork.yaml")?;
    apply("-f", "manifests/device-plugin.yaml")?;
    apply("-k", "overlay")?;
    let mut seen = json!(null);
    let done = wait::until(
        Deadline::after(PATIENCE),
        Duration::from_millis(250),
        || {
            let node = kubectl.json(["get", "node", NODE])?;
            seen = node["status"]["allocatable"]["nvidia.com/gpu"].clone();
            Ok::<_, color_eyre::Report>(
                seen.as_str()
                    .is_some_and(|count| count != "0")
                    .then_some(()),
            )
        },
    )?;
    if done.is_none() {
        bail!("the device plugin has not registered: allocatable nvidia.com/gpu is {seen}");
    }
    let timeout = format!("--timeout={}s", PATIENCE.as_secs());
    kubectl
        .read([
            "rollout",
            "status",
            "daemonset/gputop-node",
            "--namespace",
            DAEMON_NAMESPACE,
            &timeout,
        ])
        .map(|_| ())
}
