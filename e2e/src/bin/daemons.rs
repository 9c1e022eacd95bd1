//! Plays the daemons of many nodes of a test cluster in one process: what `gputop-node serve
//! --source sim:SCENARIO` does for one, with the same library, for each node on a port of its own.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use clap::Parser;
use color_eyre::Result;
use color_eyre::eyre::{Context as _, eyre};
use gputop_node::machine::NoMachine;
use gputop_node::pods::KubeletSocket;
use gputop_node::procs::NoAttribution;
use gputop_node::sampler::{Inputs, Options, Sampler, SamplerHandle};
use gputop_node::service::serve_one;
use gputop_node::source::simulated::{FollowKubelet, NodeSpec, SimulatedSource, parse_scenario};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves the daemons of many nodes.
#[derive(Debug, Parser)]
struct Args {
    /// Scenario with the nodes' GPUs.
    #[arg(long)]
    scenario: PathBuf,
    /// Folder with the kubelets' sockets, NODE.sock.
    #[arg(long)]
    kubelets: PathBuf,
    /// The nodes and their ports on 127.0.0.1.
    #[arg(value_name = "NODE=PORT", required = true)]
    nodes: Vec<Place>,
}

/// A node and its daemon's port.
#[derive(Debug, Clone)]
struct Place {
    node: String,
    port: u16,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, port) = text.rsplit_once('=').ok_or("expected NODE=PORT")?;
        let port = port.parse().map_err(|_| format!("{port} is no port"))?;
        Ok(Self {
            node: node.to_owned(),
            port,
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    color_eyre::install()?;
    let args = Args::parse();
    let text = tokio::fs::read_to_string(&args.scenario)
        .await
        .wrap_err_with(|| format!("can not read {}", args.scenario.display()))?;
    let scenario = parse_scenario(&text).map_err(|error| eyre!("{error}"))?;
    let mut last = None;
    for (seed, place) in (0..).zip(&args.nodes) {
        let spec = scenario
            .nodes
            .iter()
            .find(|spec| spec.name.as_str() == place.node)
            .ok_or_else(|| eyre!("the scenario has no node {}", place.node))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, place.port))
            .await
            .wrap_err_with(|| format!("{}: can not listen on port {}", place.node, place.port))?;
        let sampler = sampler(spec.clone(), seed, &args.kubelets);
        last = Some(tokio::spawn(accept(listener, sampler)));
    }
    match last {
        // They go on until this process is ended.
        Some(task) => Ok(task.await?),
        None => Ok(()),
    }
}

fn sampler(spec: NodeSpec, seed: u64, kubelets: &Path) -> SamplerHandle {
    let node = spec.name.clone();
    let socket = kubelets.join(format!("{node}.sock"));
    let source = Arc::new(SimulatedSource::new(spec, seed));
    let kubelet = Arc::new(KubeletSocket::new(socket));
    let allocations = Arc::new(FollowKubelet::new(kubelet, source.clone()));
    Sampler::start(
        node,
        Inputs {
            source,
            allocations,
            attribution: Arc::new(NoAttribution),
            machine: Arc::new(NoMachine),
        },
        Options::default(),
        CancellationToken::new(),
    )
}

async fn accept(listener: TcpListener, sampler: SamplerHandle) {
    // An error is a client that is gone already, or too many open files: both pass.
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        // A small delay more would do no harm to a test.
        let _ = stream.set_nodelay(true);
        let served = serve_one(stream, sampler.feed(), CancellationToken::new());
        tokio::spawn(served);
    }
}
