//! Plays the device managers of all nodes of a test cluster: watches the pods and serves
//! PodResources on `DIR/NODE.sock`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser;
use color_eyre::Result;
use color_eyre::eyre::{Context as _, eyre};
use futures::{StreamExt as _, TryStreamExt as _};
use gputop_e2e::kubelet::{Container, DeviceManager, Pod, serve};
use gputop_node::source::simulated::parse_scenario;
use k8s_openapi::api::core::v1 as core;
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
    let mut known: BTreeMap<String, core::Pod> = BTreeMap::new();
    let mut list = Vec::new();
    let mut events = watcher(pods, watcher::Config::default())
        .default_backoff()
        .boxed();
    loop {
        match events.try_next().await {
            Ok(Some(watcher::Event::Init)) => list.clear(),
            Ok(Some(watcher::Event::InitApply(pod))) => list.push(pod),
            Ok(Some(watcher::Event::InitDone)) => {
                known = list.drain(..).map(|pod| (uid(&pod), pod)).collect();
                assign(&managers, &known);
            }
            Ok(Some(watcher::Event::Apply(pod))) => {
                known.insert(uid(&pod), pod);
                assign(&managers, &known);
            }
            Ok(Some(watcher::Event::Delete(pod))) => {
                known.remove(&uid(&pod));
                assign(&managers, &known);
            }
            Ok(None) => return Ok(()),
            // The API server is away; the watcher comes back by itself, the devices stay given.
            Err(_away) => {}
        }
    }
}

fn uid(pod: &core::Pod) -> String {
    pod.uid().unwrap_or_default()
}

fn assign(
    managers: &BTreeMap<String, Arc<Mutex<DeviceManager>>>,
    known: &BTreeMap<String, core::Pod>,
) {
    for (node, manager) in managers {
        let mut bound: Vec<&core::Pod> = known
            .values()
            .filter(|pod| {
                pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()) == Some(node)
                    && !is_finished(pod)
            })
            .collect();
        bound.sort_by_key(|pod| (pod.metadata.creation_timestamp.clone(), uid(pod)));
        let pods = bound.into_iter().map(convert).collect();
        manager
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .set_pods(pods);
    }
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
