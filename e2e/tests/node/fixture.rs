//! One real node for all tests of this program, one test at a time, each on an empty node.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, WrapErr as _, bail, ensure};
use gputop_e2e::programs::program;
use gputop_nvml_mock::library;
use gputop_nvml_mock::scenario::Scenario;
use gputop_proto::pod_resources::pod_resources_lister_client::PodResourcesListerClient;
use gputop_proto::pod_resources::{AllocatableResourcesRequest, ListPodResourcesRequest};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use tokio::time::Instant;
use tonic::transport::{Channel, Endpoint};
use xtask::cluster::node::{self, Component, Inside, Machine, NodeOptions};
use xtask::cluster::{Cluster, scratch_dir};

/// Set where the real node must be there (`cargo xtask ci` on a machine that can run one).
const REQUIRE: &str = "GPUTOP_K3S_REQUIRE_NODE";
/// How long anything may take that Kubernetes does in a few seconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Whole GPUs.
const NOT_SHARED: &str = "version: v1\n";

static NODE: OnceCell<Option<Mutex<Cluster>>> = OnceCell::const_new();

/// The node while a test has it to itself.
pub(crate) struct Node {
    pub(crate) cluster: MutexGuard<'static, Cluster>,
}

/// The node, without pods but those of daemon and plugin; `None`, and said so, when there is none.
pub(crate) async fn node() -> Result<Option<Node>> {
    let shared = NODE
        .get_or_try_init(|| async { tokio::task::spawn_blocking(start).await? })
        .await?;
    let Some(shared) = shared else {
        return Ok(None);
    };
    let node = Node {
        cluster: shared.lock().await,
    };
    node.clean().await.wrap_err("cleaning up after a test")?;
    Ok(Some(node))
}

fn start() -> Result<Option<Mutex<Cluster>>> {
    let Some(options) = options()? else {
        return Ok(None);
    };
    let cluster = node::start(&options, &mut |_| ()).wrap_err("the test's node")?;
    Ok(Some(Mutex::new(cluster)))
}

/// What a test's node is started with; `None`, and said so, when there can be none.
#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
pub(crate) fn options() -> Result<Option<NodeOptions>> {
    let parts = match node::find() {
        Ok(parts) => parts,
        Err(why) if std::env::var_os(REQUIRE).is_some() => return Err(why),
        Err(why) => {
            eprintln!("SKIPPED: there is no real node here, so nothing was tested on it: {why}");
            return Ok(None);
        }
    };
    Ok(Some(NodeOptions {
        dir: scratch_dir()?,
        parts,
        daemon: program("gputop-node")?,
        nvml: library::built()?,
        scenario: Scenario::with_gpus(2).to_toml()?,
        supervisor: program("xtask")?,
        lifetime: Duration::from_secs(3600),
    }))
}

/// Asks five times a second until there is an answer.
pub(crate) async fn eventually<T>(
    what: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        ensure!(Instant::now() < deadline, "{what}: not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A pod that waits, with so many GPUs.
fn waiting(name: &str, gpus: u32) -> Value {
    let limits = (gpus > 0).then(|| json!({"nvidia.com/gpu": gpus}));
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": false,
            "containers": [{
                "name": "main", "image": "localhost/shell:testbed", "imagePullPolicy": "Never",
                "command": ["/bin/sleep", "infinity"],
                "resources": {"limits": limits},
            }],
        },
    })
}

impl Node {
    /// The machine.
    pub(crate) fn machine(&self) -> Result<Machine<'_>> {
        self.cluster.machine().ok_or_eyre("the cluster is no node")
    }

    /// kubectl's answer.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.cluster.kubectl().read(arguments)
    }

    /// An object as JSON.
    pub(crate) fn object(&self, arguments: &[&str]) -> Result<Value> {
        self.cluster.kubectl().json([&["get"], arguments].concat())
    }

    /// Hands an object to `kubectl apply`.
    pub(crate) fn apply(&self, object: &Value) -> Result<()> {
        self.cluster
            .kubectl()
            .hand_over("apply", std::slice::from_ref(object), &[])
    }

    /// Leaves an empty node with two healthy, whole GPUs, whatever a test has done.
    async fn clean(&self) -> Result<()> {
        let machine = self.machine()?;
        for component in [Component::ApiServer, Component::Containerd] {
            machine.release(component)?;
        }
        self.cluster.wait_api(PATIENCE)?;
        self.kubectl(&[
            "delete",
            "deployments,pods",
            "--all",
            "--namespace=default",
            "--wait=true",
            "--timeout=60s",
        ])?;
        self.world(&Scenario::with_gpus(2))?;
        let shared = std::fs::read_to_string(machine.plugin_configuration())? != NOT_SHARED;
        if shared || self.allocatable().await.unwrap_or_default().len() != 2 {
            self.configure_plugin(NOT_SHARED)?;
        }
        self.units(2).await
    }

    /// Changes what the cards say.
    pub(crate) fn world(&self, scenario: &Scenario) -> Result<()> {
        replace(&self.machine()?.scenario(), &scenario.to_toml()?)
    }

    /// Starts NVIDIA's plugin anew with this configuration.
    pub(crate) fn configure_plugin(&self, configuration: &str) -> Result<()> {
        replace(&self.machine()?.plugin_configuration(), configuration)?;
        self.kubectl(&[
            "delete",
            "pods",
            "--namespace=kube-system",
            "--selector=name=nvidia-device-plugin",
            "--wait=true",
        ])?;
        self.kubectl(&[
            "rollout",
            "status",
            "daemonset/nvidia-device-plugin",
            "--namespace=kube-system",
            "--timeout=60s",
        ])?;
        Ok(())
    }

    /// Waits until the API offers so many units.
    pub(crate) async fn units(&self, count: u32) -> Result<()> {
        let what = format!("{count} units of nvidia.com/gpu");
        eventually(&what, PATIENCE, async || {
            let node = self.object(&["node", node::NODE])?;
            let units = &node["status"]["allocatable"]["nvidia.com/gpu"];
            Ok((units.as_str() == Some(&count.to_string())).then_some(()))
        })
        .await
    }

    /// Creates a pod that waits, and returns when it is Ready.
    pub(crate) fn start_pod(&self, name: &str, gpus: u32) -> Result<()> {
        self.apply(&waiting(name, gpus))?;
        let pod = format!("pod/{name}");
        self.kubectl(&["wait", "--for=condition=Ready", &pod, "--timeout=60s"])?;
        Ok(())
    }

    /// The process of a pod's container, found without cgroups: by the host name that the kubelet
    /// gives each container as a variable.
    pub(crate) fn process_of(&self, pod: &str) -> Result<Option<Inside>> {
        let wanted = format!("HOSTNAME={pod}");
        let all = self.machine()?.processes()?;
        Ok(all
            .into_iter()
            .find(|one| one.name == "sleep" && one.environment.contains(&wanted)))
    }

    /// The process of a pod's container that is there.
    pub(crate) fn process(&self, pod: &str) -> Result<Inside> {
        self.process_of(pod)?
            .ok_or_eyre(format!("no process of the pod {pod}"))
    }

    /// The one process of the daemon that serves.
    pub(crate) fn daemon_process(&self) -> Result<Option<Inside>> {
        let serves = |one: &Inside| {
            let words = std::fs::read(format!("/proc/{}/cmdline", one.outer)).unwrap_or_default();
            one.name == "gputop-node" && words.split(|byte| *byte == 0).any(|word| word == b"serve")
        };
        Ok(self.machine()?.processes()?.into_iter().find(serves))
    }

    async fn kubelet(&self) -> Result<PodResourcesListerClient<Channel>> {
        let socket = format!("unix:{}", self.machine()?.pod_resources().display());
        let channel = Endpoint::try_from(socket)?.connect().await?;
        Ok(PodResourcesListerClient::new(channel))
    }

    /// What the kubelet itself says of the namespace of the tests: pod and device id; asked without
    /// the daemon's code. An error while it does not answer.
    pub(crate) async fn kubelets_list(&self) -> Result<Held> {
        let list = self
            .kubelet()
            .await?
            .list(ListPodResourcesRequest {})
            .await?;
        let pods = list.into_inner().pod_resources;
        let total = pods.len();
        let mut devices = BTreeSet::new();
        let mut entries = Vec::new();
        for pod in pods.into_iter().filter(|pod| pod.namespace == "default") {
            for device in pod.containers.into_iter().flat_map(|one| one.devices) {
                entries.push(device.device_ids.len());
                let ids = device.device_ids.into_iter();
                devices.extend(ids.map(|id| (pod.name.clone(), id)));
            }
        }
        Ok(Held {
            pods: total,
            devices,
            entries,
        })
    }

    /// The ids that the kubelet could give away, by its own word.
    pub(crate) async fn allocatable(&self) -> Result<BTreeSet<String>> {
        let answer = self
            .kubelet()
            .await?
            .get_allocatable_resources(AllocatableResourcesRequest {})
            .await?;
        let devices = answer.into_inner().devices.into_iter();
        Ok(devices.flat_map(|device| device.device_ids).collect())
    }

    /// Floods the kubelet with calls, all at once; how many of them it has turned away.
    pub(crate) async fn flood(&self, calls: usize) -> Result<usize> {
        let client = self.kubelet().await?;
        let mut flood = tokio::task::JoinSet::new();
        for _ in 0..calls {
            let mut client = client.clone();
            flood.spawn(async move { client.list(ListPodResourcesRequest {}).await });
        }
        let answers = flood.join_all().await;
        let limited = |code| code == tonic::Code::ResourceExhausted;
        Ok(answers
            .iter()
            .filter(|answer| answer.as_ref().is_err_and(|status| limited(status.code())))
            .count())
    }

    /// `gputop-k3s get … -o json`: all the way through API server, kubelet and port-forward.
    pub(crate) async fn get(&self, arguments: &[&str]) -> Result<Value> {
        #[expect(clippy::disallowed_methods, reason = "the program under test")]
        let mut command = tokio::process::Command::new(program("gputop-k3s")?);
        command
            .arg("get")
            .args(arguments)
            .args(["-o", "json"])
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("HOME", "/nonexistent")
            .kill_on_drop(true);
        let output = command.output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("get {arguments:?}: {}: {said}", output.status);
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// What the kubelet says is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// Pods of all namespaces, with devices or without.
    pub(crate) pods: usize,
    /// Pod and device id.
    pub(crate) devices: BTreeSet<(String, String)>,
    /// Ids in each entry.
    pub(crate) entries: Vec<usize>,
}

/// Replaces a file whole.
fn replace(file: &Path, text: &str) -> Result<()> {
    let draft = file.with_extension("draft");
    std::fs::write(&draft, text)?;
    std::fs::rename(&draft, file)?;
    Ok(())
}
