//! Device ids: what the kubelet gave, what the daemon says, what the container was told.

use std::collections::BTreeSet;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use serde_json::json;

use super::daemon::Daemon;
use super::fixture::{Node, PATIENCE, eventually, node};

const FOUR_SLICES: &str = "version: v1\nsharing:\n  timeSlicing:\n    resources:\n    \
    - {name: nvidia.com/gpu, replicas: 4}\n";

/// The GPUs that NVIDIA's plugin has told a container.
fn told(node: &Node, pod: &str) -> Result<BTreeSet<String>> {
    let process = node.process(pod)?;
    let variable = process
        .environment
        .iter()
        .find_map(|one| one.strip_prefix("NVIDIA_VISIBLE_DEVICES="));
    let list = variable.ok_or_eyre("the container was told no GPU")?;
    Ok(list.split(',').map(str::to_owned).collect())
}

fn of<'a>(
    devices: &'a BTreeSet<(String, String)>,
    pod: &'a str,
) -> impl Iterator<Item = &'a str> + 'a {
    let mine = devices.iter().filter(move |(name, _)| name == pod);
    mine.map(|(_, id)| id.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_names_what_kubelet_and_container_were_given() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    node.start_pod("one", 1)?;
    node.start_pod("two", 1)?;
    let list = node.kubelets_list().await?;
    ensure!(list.devices.len() == 2, "{list:?}");
    let daemon = Daemon::watch(&node).await?;
    let snapshot = daemon.until_held("both pods", &list.devices).await?;
    let known: BTreeSet<_> = snapshot
        .devices
        .iter()
        .map(|one| one.uuid.as_str())
        .collect();
    for pod in ["one", "two"] {
        let ids: BTreeSet<String> = of(&list.devices, pod).map(str::to_owned).collect();
        ensure!(ids == told(&node, pod)?, "{pod}: {ids:?}");
        ensure!(
            ids.iter().all(|id| known.contains(id.as_str())),
            "{known:?}"
        );
    }
    let allocations = snapshot.allocations.fresh().ok_or_eyre("not fresh")?;
    let complete = |one: &gputop_model::Allocation| {
        one.namespace == "default" && one.container == "main" && one.resource == "nvidia.com/gpu"
    };
    ensure!(allocations.iter().all(complete), "{allocations:?}");
    // On one connection an empty list means that all is free, and is believed.
    node.kubectl(&["delete", "pods", "one", "two", "--wait=true"])?;
    daemon.until_held("nobody", &BTreeSet::new()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_are_an_entry_each_and_older_pods_keep_whole_ids() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    node.start_pod("whole", 1)?;
    let whole = node.kubelets_list().await?.devices;
    node.configure_plugin(FOUR_SLICES)?;
    node.units(8).await?;
    node.start_pod("shares", 3)?;
    let list = node.kubelets_list().await?;
    // One entry a device and not one with three ids.
    ensure!(list.entries == [1, 1, 1, 1], "{list:?}");
    ensure!(list.devices.is_superset(&whole), "{list:?}");
    let shares: BTreeSet<&str> = of(&list.devices, "shares").collect();
    ensure!(shares.len() == 3, "{list:?}");
    ensure!(shares.iter().all(|id| id.contains("::")), "{list:?}");
    // The container is told bare UUIDs.
    let bare = |id: &&str| id.split("::").next().map(str::to_owned);
    let cards: BTreeSet<String> = shares.iter().filter_map(bare).collect();
    ensure!(told(&node, "shares")? == cards, "{cards:?}");
    let daemon = Daemon::watch(&node).await?;
    daemon.until_held("both forms", &list.devices).await?;
    let pods = node.get(&["pods"]).await?;
    let shared = pods["items"].as_array().into_iter().flatten();
    let mut shared = shared.filter(|pod| pod["name"] == "shares");
    let shared = shared.next().ok_or_eyre("the app does not show the pod")?;
    ensure!(shared["gpus_requested"] == 3, "{shared}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_has_finished_holds_nothing() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    node.start_pod("stays", 1)?;
    let stays = node.kubelets_list().await?.devices;
    node.apply(&json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "job", "namespace": "default"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "main", "image": "localhost/shell:testbed", "imagePullPolicy": "Never",
                "command": ["/bin/sleep", "4"],
                "resources": {"limits": {"nvidia.com/gpu": 1}},
            }],
        },
    }))?;
    let daemon = Daemon::watch(&node).await?;
    let both = eventually("the job's GPU", PATIENCE, async || {
        let devices = node.kubelets_list().await?.devices;
        Ok((devices.len() == 2).then_some(devices))
    })
    .await?;
    daemon.until_held("the job too", &both).await?;
    let before = daemon.counts();
    daemon.until_held("the other alone", &stays).await?;
    // The pod is still there, and the kubelet no longer lists it.
    let phase = node.object(&["pod", "job"])?["status"]["phase"].clone();
    ensure!(phase == "Succeeded" || phase == "Running", "{phase}");
    ensure!(node.kubelets_list().await?.devices == stays);
    daemon.ensure_never_free(before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_away_frees_nothing() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    node.start_pod("train", 1)?;
    let list = node.kubelets_list().await?.devices;
    let daemon = Daemon::watch(&node).await?;
    daemon.until_held("the pod", &list).await?;
    let before = daemon.counts();
    let select = |value: &str| {
        let patch = format!(r#"{{"spec":{{"template":{{"spec":{{"nodeSelector":{value}}}}}}}}}"#);
        let plugin = "daemonset/nvidia-device-plugin";
        node.kubectl(&[
            "patch",
            plugin,
            "--namespace=kube-system",
            "--patch",
            &patch,
        ])
    };
    select(r#"{"no-such":"node"}"#)?;
    node.units(0).await?;
    ensure!(node.allocatable().await?.is_empty(), "the plugin is away");
    ensure!(node.kubelets_list().await?.devices == list);
    daemon.until_held("still the pod", &list).await?;
    let capacity =
        node.object(&["node", xtask::cluster::node::NODE])?["status"]["capacity"].clone();
    ensure!(capacity["nvidia.com/gpu"] == "2", "{capacity}");
    select("null")?;
    node.units(2).await?;
    daemon.until_held("as before", &list).await?;
    daemon.ensure_never_free(before).await
}
