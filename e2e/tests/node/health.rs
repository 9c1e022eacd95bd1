//! A card that fails: who says so, and who does not.

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use gputop_nvml_mock::scenario::{Event, Scenario};

use super::daemon::Daemon;
use super::fixture::{PATIENCE, eventually, node};

#[tokio::test(flavor = "multi_thread")]
async fn an_xid_is_said_by_the_daemon_and_never_by_the_kubelets_list() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    node.start_pod("train", 1)?;
    let list = node.kubelets_list().await?.devices;
    let id = list.iter().next().map(|(_, id)| id.clone());
    let id = id.ok_or_eyre("the pod has no GPU")?;
    let daemon = Daemon::watch(&node).await?;
    let snapshot = daemon.until_held("the pod", &list).await?;
    let place = snapshot
        .devices
        .iter()
        .position(|device| device.uuid.as_str() == id)
        .ok_or_eyre("the daemon does not know the card")?;
    let before = daemon.counts();

    let mut scenario = Scenario::with_gpus(2);
    scenario.gpus[place].events.push(Event::xid(1, 79));
    node.world(&scenario)?;
    let snapshot = daemon
        .until("the Xid", |snapshot| {
            snapshot
                .events
                .iter()
                .any(|event| event.device.as_str() == id && event.kind.xid_number() == Some(79))
        })
        .await?;
    let health = snapshot.devices[place].health.known();
    ensure!(
        health.is_some_and(|health| health.name() == "sick"),
        "{health:?}"
    );

    // NVIDIA's plugin has heard it too: the card can no longer be given away …
    eventually("one unit less", PATIENCE, async || {
        Ok((!node.allocatable().await?.contains(&id)).then_some(()))
    })
    .await?;
    // … and the kubelet's list shows the pod without a mark, as the daemon does.
    ensure!(node.kubelets_list().await?.devices == list);
    daemon.until_held("still the pod", &list).await?;
    daemon.ensure_never_free(before).await?;

    // The API has the health of what a container holds.
    let status = eventually("the status in the API", PATIENCE, async || {
        let pod = node.object(&["pod", "train"])?;
        let status = pod["status"]["containerStatuses"][0]["allocatedResourcesStatus"].clone();
        let unhealthy = status[0]["resources"][0]["health"] == "Unhealthy";
        Ok(unhealthy.then_some(status))
    })
    .await?;
    ensure!(status[0]["resources"][0]["resourceID"] == id, "{status}");
    let gpus = node.get(&["gpus"]).await?;
    let mut sick = gpus["items"].as_array().into_iter().flatten();
    let sick = sick.find(|gpu| gpu["uuid"] == id).ok_or_eyre("not shown")?;
    ensure!(sick["state"] == "sick", "{sick}");
    Ok(())
}
