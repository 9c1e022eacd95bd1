//! Plays the device managers of all nodes of a test cluster: watches the pods and serves
//! PodResources on `DIR/NODE.sock`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use color_eyre::Result;
use color_eyre::eyre::{Context as _, eyre};
use futures::{StreamExt as _, TryStreamExt as _};
use gputop_e2e::kubelet::{Container, DeviceManager, Pod, serve};
use gputop_node::source::simulated::parse_scenario;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Config, ResourceExt as _};

/// Serves PodResources for every node of a scenario.
#[derive(Debug, Parser)]
struct Args {
    /// Kubeconfig of the test cluster.
    #[arg(long)]
    kubeconfig: PathBuf,
    /// Folder for the sockets.
    #[arg(long)]
    dir: PathBuf,
    /// Scenario with the nodes' GPUs [default: scenario.toml beside the folder].
    #[arg(long)]
    scenario: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    color_eyre::install()?;
    let args = Args::parse();
    let scenario = args
        .scenario
        .unwrap_or_else(|| args.dir.join("../scenario.toml"));
    let text = tokio::fs::read_to_string(&scenario)
        .await
        .wrap_err_with(|| format!("can not read {}", scenario.display()))?;
    let scenario = parse_scenario(&text).map_err(|error| eyre!("{error}"))?;
    tokio::fs::create_dir_all(&args.dir).await?;
    let mut managers = BTreeMap::new();
    for node in scenario.nodes {
        let manager = Arc::new(Mutex::new(DeviceManager::new(node.device_ids())));
        managers.insert(node.name.to_string(), manager.clone());
        let socket = args.dir.join(format!("{}.sock", node.name));
        tokio::spawn(async move { serve(&socket, manager).await });
    }
    let kubeconfig = kube::config::Kubeconfig::read_from(&args.kubeconfig)?;
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default())
            .await?;
    let pods: Api<core::Pod> = Api::all(Client::try_from(config)?);
    let mut known = Known::default();
    let mut list = Vec::new();
    let mut events = watcher(pods, watcher::Config::default())
        .default_backoff()
        .boxed();
    loop {
        match events.try_next().await {
            Ok(Some(watcher::Event::Init)) => list.clear(),
            Ok(Some(watcher::Event::InitApply(pod))) => list.push(Bound::new(&pod)),
            Ok(Some(watcher::Event::InitDone)) => {
                known = Known::default();
                for pod in list.drain(..) {
                    known.put(pod);
                }
                for node in managers.keys() {
                    known.assign(&managers, node);
                }
            }
            Ok(Some(watcher::Event::Apply(pod))) => {
                for node in known.put(Bound::new(&pod)) {
                    known.assign(&managers, &node);
                }
            }
            Ok(Some(watcher::Event::Delete(pod))) => {
                if let Some(node) = known.remove(&uid(&pod)) {
                    known.assign(&managers, &node);
                }
            }
            Ok(None) => return Ok(()),
            // The API server is away; the watcher comes back by itself, the devices stay given.
            Err(_away) => {}
        }
    }
}

/// What is kept of a pod.
struct Bound {
    /// Where it is, while it holds anything.
    node: Option<String>,
    /// Who was there first gets its devices first.
    created: Option<Time>,
    pod: Pod,
}

impl Bound {
    fn new(pod: &core::Pod) -> Self {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
        Self {
            node: node.filter(|_| !is_finished(pod)),
            created: pod.metadata.creation_timestamp.clone(),
            pod: convert(pod),
        }
    }
}

/// All pods, and which are on which node.
#[derive(Default)]
struct Known {
    pods: BTreeMap<String, Bound>,
    by_node: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    /// Takes a pod; returns the nodes that this concerns.
    fn put(&mut self, pod: Bound) -> Vec<String> {
        let uid = pod.pod.uid.clone();
        let before = self.remove(&uid);
        let now = pod.node.clone();
        if let Some(node) = &now {
            let on_node = self.by_node.entry(node.clone()).or_default();
            on_node.insert(uid.clone());
        }
        self.pods.insert(uid, pod);
        let elsewhere = before.filter(|before| Some(before) != now.as_ref());
        elsewhere.into_iter().chain(now).collect()
    }

    /// Forgets a pod; returns the node that it was on.
    fn remove(&mut self, uid: &str) -> Option<String> {
        let node = self.pods.remove(uid)?.node?;
        if let Some(on_node) = self.by_node.get_mut(&node) {
            on_node.remove(uid);
        }
        Some(node)
    }

    /// Tells a node's device manager which pods it has.
    fn assign(&self, managers: &BTreeMap<String, Arc<Mutex<DeviceManager>>>, node: &str) {
        let Some(manager) = managers.get(node) else {
            return;
        };
        let on_node = self.by_node.get(node).into_iter().flatten();
        let mut bound: Vec<&Bound> = on_node.filter_map(|uid| self.pods.get(uid)).collect();
        bound.sort_by_key(|pod| (pod.created.clone(), pod.pod.uid.clone()));
        manager
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set_pods(bound.into_iter().map(|pod| pod.pod.clone()).collect());
    }
}

fn uid(pod: &core::Pod) -> String {
    pod.uid().unwrap_or_default()
}

fn is_finished(pod: &core::Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Sidecars and main containers; what an ordinary init container held goes to the main ones.
fn convert(pod: &core::Pod) -> Pod {
    let spec = pod.spec.clone().unwrap_or_default();
    let init = spec.init_containers.unwrap_or_default();
    let sidecars = init
        .into_iter()
        .filter(|c| c.restart_policy.as_deref() == Some("Always"));
    Pod {
        uid: uid(pod),
        namespace: pod.namespace().unwrap_or_default(),
        name: pod.name_any(),
        containers: sidecars
            .chain(spec.containers)
            .map(|container| Container {
                wants: wants(&container.resources.unwrap_or_default()),
                name: container.name,
            })
            .collect(),
    }
}

fn wants(resources: &core::ResourceRequirements) -> BTreeMap<String, usize> {
    resources
        .limits
        .iter()
        .flatten()
        .filter(|(name, _)| gputop_model::is_gpu_resource(name))
        .filter_map(|(name, quantity)| Some((name.clone(), quantity.0.parse().ok()?)))
        .collect()
}
