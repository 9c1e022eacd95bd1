//! Kubelet, containerd, K3s and the machine end and come back; the daemon never says that GPUs are
//! free which pods hold.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use serde_json::json;
use xtask::cluster::node::Component;

use super::daemon::{Daemon, held};
use super::fixture::{Node, PATIENCE, eventually, node};

type Devices = BTreeSet<(String, String)>;

/// A node with a pod that holds a GPU, and the daemon that says so.
async fn begun(node: &Node) -> Result<(Daemon, Devices)> {
    node.start_pod("train", 1)?;
    let devices = node.kubelets_list().await?.devices;
    ensure!(devices.len() == 1, "{devices:?}");
    let daemon = Daemon::watch(node).await?;
    daemon.until_held("the pod", &devices).await?;
    Ok((daemon, devices))
}

/// Waits until the kubelet lists those again.
async fn kubelet_lists(node: &Node, devices: &Devices) -> Result<()> {
    eventually("the kubelet's list", PATIENCE, async || {
        let list = node.kubelets_list().await.ok();
        Ok(list.filter(|list| list.devices == *devices).map(|_| ()))
    })
    .await
}

/// When a file was made, and its number, which the next file may get again.
fn made(file: &Path) -> Result<(u64, i64, i64)> {
    let meta = file.metadata()?;
    Ok((meta.ino(), meta.ctime(), meta.ctime_nsec()))
}

/// Fails when the watched daemon or the pod's process was replaced.
fn same_processes(node: &Node, daemon: &Daemon, pid: u32) -> Result<()> {
    let now = node.daemon_process()?.ok_or_eyre("the daemon has ended")?;
    ensure!(
        now.outer == daemon.process.outer,
        "the daemon was restarted"
    );
    ensure!(node.process("train")?.pid == pid, "the pod was restarted");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubelet_that_is_killed_frees_nothing() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    let (daemon, devices) = begun(&node).await?;
    let (pid, before) = (node.process("train")?.pid, daemon.counts());
    let socket = node.machine()?.pod_resources();
    for _ in 0..3 {
        let old = made(&socket)?;
        node.machine()?.kill(Component::Kubelet)?;
        daemon
            .until("an age", |snapshot| snapshot.allocations.age().is_some())
            .await?;
        kubelet_lists(&node, &devices).await?;
        // A new socket in the same folder: the running pod has found it.
        daemon.until_held("the pod, fresh", &devices).await?;
        ensure!(made(&socket)? != old, "the old socket");
        same_processes(&node, &daemon, pid)?;
    }
    daemon.ensure_never_free(before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubelet_without_its_api_server_frees_nothing() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    let (daemon, devices) = begun(&node).await?;
    let (pid, before) = (node.process("train")?.pid, daemon.counts());
    node.machine()?.hold(Component::ApiServer)?;
    node.machine()?.kill(Component::Kubelet)?;
    // It answers that there is nothing at all, and goes on so.
    eventually("the kubelet's empty list", PATIENCE, async || {
        let list = node.kubelets_list().await.ok();
        Ok(list.filter(|list| list.pods == 0).map(|_| ()))
    })
    .await?;
    daemon.run(Duration::from_secs(5)).await;
    let list = node.kubelets_list().await?;
    ensure!(list.pods == 0, "the kubelet has heard of pods: {list:?}");
    let kept = daemon
        .until("an age", |snapshot| snapshot.allocations.age().is_some())
        .await?;
    let kept = kept.allocations.known().ok_or_eyre("nothing is known")?;
    ensure!(held(kept) == devices, "{kept:?}");
    node.machine()?.release(Component::ApiServer)?;
    daemon.until_held("the pod, fresh", &devices).await?;
    same_processes(&node, &daemon, pid)?;
    daemon.ensure_never_free(before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_containerd_everything_is_known() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    let (daemon, devices) = begun(&node).await?;
    let (pid, before) = (node.process("train")?.pid, daemon.counts());
    node.machine()?.hold(Component::Containerd)?;
    eventually("containerd's end", PATIENCE, async || {
        let all = node.machine()?.processes()?;
        Ok((!all.iter().any(|one| one.name == "containerd")).then_some(()))
    })
    .await?;
    daemon.run(Duration::from_secs(3)).await;
    ensure!(node.kubelets_list().await?.devices == devices);
    daemon.until_held("the pod", &devices).await?;
    node.machine()?.release(Component::Containerd)?;
    eventually("containerd", PATIENCE, async || {
        let version = node.machine()?.read(["k3s", "ctr", "version"]);
        Ok(version.is_ok().then_some(()))
    })
    .await?;
    // It knows the containers that ran on: the kubelet can start another beside them.
    node.start_pod("later", 1)?;
    let both = node.kubelets_list().await?.devices;
    ensure!(both.len() == 2 && both.is_superset(&devices), "{both:?}");
    daemon.until_held("both pods", &both).await?;
    same_processes(&node, &daemon, pid)?;
    daemon.ensure_never_free(before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_k3s_frees_nothing() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    let (daemon, devices) = begun(&node).await?;
    let (pid, before) = (node.process("train")?.pid, daemon.counts());
    node.machine()?.restart_k3s()?;
    kubelet_lists(&node, &devices).await?;
    daemon.until_held("the pod, fresh", &devices).await?;
    same_processes(&node, &daemon, pid)?;
    node.cluster.wait_api(PATIENCE)?;
    let gpus = node.get(&["gpus"]).await?;
    let states = gpus["items"].as_array().into_iter().flatten();
    let free = states.filter(|gpu| gpu["state"] == "free").count();
    ensure!(free == 1, "{gpus}");
    daemon.ensure_never_free(before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flooded_kubelet_frees_nothing() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    let (daemon, devices) = begun(&node).await?;
    let before = daemon.counts();
    let turned_away = node.flood(2_000).await?;
    ensure!(turned_away > 0, "the kubelet has no limit any more");
    daemon.until_held("the pod, fresh", &devices).await?;
    daemon.run(Duration::from_secs(1)).await;
    daemon.until_held("the pod, fresh", &devices).await?;
    daemon.ensure_never_free(before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_the_map_is_that_of_the_new_pods() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    // A bare pod does not survive it, one of a Deployment is made anew.
    let (daemon, _) = begun(&node).await?;
    node.apply(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "serve", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "serve"}},
            "template": {
                "metadata": {"labels": {"app": "serve"}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{
                        "name": "main", "image": "localhost/shell:testbed",
                        "imagePullPolicy": "Never", "command": ["/bin/sleep", "infinity"],
                        "resources": {"limits": {"nvidia.com/gpu": 1}},
                    }],
                },
            },
        },
    }))?;
    node.kubectl(&["rollout", "status", "deployment/serve", "--timeout=60s"])?;
    drop(daemon);

    let machine = node.machine()?;
    machine.power_off()?;
    ensure!(machine.read(["true"]).is_err(), "the machine is still on");
    machine.power_on()?;
    node.cluster.wait_api(PATIENCE)?;
    machine.wait_ready(PATIENCE)?;

    // The bare pod comes before the plugin, which has no devices for it yet: it is lost.
    eventually("the end of the bare pod", PATIENCE, async || {
        let status = node.object(&["pod", "train"])?["status"].clone();
        let lost = status["phase"] == "Failed" && status["reason"] == "UnexpectedAdmissionError";
        Ok(lost.then_some(()))
    })
    .await?;
    let daemon = Daemon::watch(&node).await?;
    let devices = eventually("a new pod of the Deployment", PATIENCE, async || {
        let devices = node.kubelets_list().await?.devices;
        let running = devices
            .iter()
            .all(|(pod, _)| node.process_of(pod).is_ok_and(|process| process.is_some()));
        Ok((devices.len() == 1 && running).then_some(devices))
    })
    .await?;
    daemon.until_held("the new pod", &devices).await?;
    let before = daemon.counts();
    ensure!(
        devices.iter().all(|(pod, _)| pod.starts_with("serve-")),
        "{devices:?}"
    );
    daemon.run(Duration::from_secs(2)).await;
    daemon.ensure_never_free(before).await
}
