//! Real processes in real containers, named as the holders that they are.

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use gputop_model::{Holder, NodeSnapshot};
use gputop_nvml_mock::scenario::{Process, Scenario};
use serde_json::Value;

use super::daemon::Daemon;
use super::fixture::{Node, node};

fn holder(snapshot: &NodeSnapshot, pid: u32) -> Option<&Holder> {
    let process = snapshot.processes.iter().find(|one| one.pid == pid)?;
    Some(&process.holder)
}

/// A world in which each of these runs on a card of its own.
fn running(pids: &[u32]) -> Scenario {
    let mut scenario = Scenario::with_gpus(2);
    for (gpu, pid) in scenario.gpus.iter_mut().zip(pids) {
        gpu.processes.push(Process::compute(*pid));
    }
    scenario
}

/// Uid and container id as the API names them.
fn names(node: &Node, pod: &str) -> Result<(String, String)> {
    let object = node.object(&["pod", pod])?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = text(&object["status"]["containerStatuses"][0]["containerID"]);
    let id = id.ok_or_eyre("the container has no id")?;
    let bare = id.strip_prefix("containerd://").map(str::to_owned);
    Ok((
        text(&object["metadata"]["uid"]).ok_or_eyre("the pod has no uid")?,
        bare.ok_or_eyre("the container is not containerd's")?,
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_are_their_pods_with_a_gpu_and_without() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    node.start_pod("train", 1)?;
    node.start_pod("squatter", 0)?;
    let pods = ["train", "squatter"];
    let pids = [node.process("train")?.pid, node.process("squatter")?.pid];
    node.world(&running(&pids))?;
    let daemon = Daemon::watch(&node).await?;
    let snapshot = daemon
        .until("both processes", |snapshot| {
            pids.iter().all(|pid| holder(snapshot, *pid).is_some())
        })
        .await?;
    for (pod, pid) in pods.into_iter().zip(pids) {
        let Some(Holder::Pod {
            uid, container_id, ..
        }) = holder(&snapshot, pid)
        else {
            panic!("{pod}: {:?}", snapshot.processes);
        };
        let (wanted_uid, wanted_id) = names(&node, pod)?;
        let uid = uid.as_ref().map(gputop_model::PodUid::as_str);
        ensure!(uid == Some(&wanted_uid), "{pod}: {uid:?}");
        ensure!(container_id.as_deref() == Some(&wanted_id), "{pod}");
    }
    ensure!(snapshot.processes.iter().all(|one| one.name == "sleep"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_names_pods_and_says_which_gpu_is_only_occupied() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    node.start_pod("squatter", 0)?;
    let pid = node.process("squatter")?.pid;
    node.world(&running(&[pid]))?;
    let daemon = Daemon::watch(&node).await?;
    daemon
        .until("the process", |snapshot| holder(snapshot, pid).is_some())
        .await?;
    let list = node.get(&["processes"]).await?;
    let mine = &list["items"][0];
    ensure!(mine["pid"] == pid, "{list}");
    ensure!(
        mine["pod"] == "squatter" && mine["namespace"] == "default",
        "{list}"
    );
    let gpus = node.get(&["gpus"]).await?;
    let states: Vec<_> = gpus["items"].as_array().into_iter().flatten().collect();
    ensure!(states.len() == 2, "{gpus}");
    ensure!(states[0]["state"] == "occupied", "{gpus}");
    ensure!(states[1]["state"] == "free", "{gpus}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_outside_any_pod_is_named_by_its_unit() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    let all = node.machine()?.processes()?;
    let outside = all.iter().find(|one| one.name == "containerd");
    let pid = outside.ok_or_eyre("containerd does not run")?.pid;
    node.world(&running(&[pid]))?;
    let daemon = Daemon::watch(&node).await?;
    let snapshot = daemon
        .until("the process", |snapshot| holder(snapshot, pid).is_some())
        .await?;
    match holder(&snapshot, pid) {
        Some(Holder::Outside { name, .. }) if node.machine()?.has_systemd() => {
            ensure!(name == "k3s.service", "{name}");
        }
        Some(Holder::Outside { .. }) => {}
        other => panic!("{other:?}"),
    }
    Ok(())
}
