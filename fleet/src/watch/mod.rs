//! Kube watches, reduced to small typed deltas at the edge.
//!
//! One watch of nodes and one of pods; no periodic lists. A watch that breaks goes on from where it
//! was; the list is taken anew when that can not be done, and never by all at the same time.

mod container;
mod daemons;
mod node;
mod nullable;
mod patience;
mod pod;
mod pod_reason;
mod pulse;
mod rights;
mod run;
mod wire;

use futures::future::BoxFuture;
use gputop_model::{NodeInfo, NodeName, PodInfo, PodUid};
use kube::Client;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use daemons::{DaemonPod, Daemons};

use crate::engine::Options;
use crate::state::{Listing, Update, Watched};
use node::SlimNode;
use pod::SlimPod;
use run::Watcher;

/// Starts the watches; the receiver names the daemons' pods as they come and go.
pub(crate) fn start(
    client: &Client,
    options: &Options,
    lane: mpsc::Sender<Update>,
    cancel: &CancellationToken,
) -> watch::Receiver<Daemons> {
    let (targets, receiver) = watch::channel(Daemons::new());
    let nodes = Watcher::<SlimNode, _, _, _> {
        client: client.clone(),
        resource: "nodes",
        fallback: None,
        watched: Watched::Nodes,
        convert: node::node_info,
        update: Update::Nodes,
        key: |node: &NodeInfo| node.name.clone(),
        observe: |_: &Listing<NodeName, NodeInfo>| {},
        lane: lane.clone(),
        epoch: options.epoch,
    };
    let pods = Watcher::<SlimPod, _, _, _> {
        client: client.clone(),
        resource: "pods",
        fallback: Some(options.namespace.clone()),
        watched: Watched::Pods,
        convert: pod::pod_info,
        update: Update::Pods,
        key: |pod: &PodInfo| pod.uid.clone(),
        observe: move |listing: &Listing<PodUid, PodInfo>| {
            targets.send_if_modified(|daemons| daemons::observe(daemons, listing));
        },
        lane: lane.clone(),
        epoch: options.epoch,
    };
    spawn(cancel, Box::pin(nodes.run()));
    spawn(cancel, Box::pin(pods.run()));
    let pulse = pulse::pulse(client.clone(), lane, options.epoch);
    spawn(cancel, Box::pin(pulse));
    receiver
}

fn spawn(cancel: &CancellationToken, task: BoxFuture<'static, ()>) {
    let cancel = cancel.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = task => {}
        }
    });
}
