//! What breaks alone, and comes back by itself.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::observer::Observer;
use gputop_fleet::state::{AgentStatus, Fleet, NodeRow, Picture, WatchState, Watched};

use super::fixture;

const PATIENCE: Duration = Duration::from_secs(60);

/// How long the API server stays away.
const OUTAGE: Duration = Duration::from_secs(20);

fn node<'a>(picture: &'a Picture, name: &str) -> Option<&'a NodeRow> {
    picture
        .nodes
        .iter()
        .find(|row| row.info.name.as_str() == name)
}

fn all_live(picture: &Picture) -> bool {
    picture.totals.agents_expected >= 5
        && picture.totals.agents_live == picture.totals.agents_expected
        && picture.nodes.iter().all(|row| !row.stale)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_daemon_makes_only_its_node_stale() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let mut observer = Observer::start(&real.client);
    observer
        .until("all daemons deliver", PATIENCE, |_, p| all_live(p))
        .await?;

    let victim = "rig.lab.home";
    real.cluster.daemon(victim).kill()?;
    let lost = |_: &Fleet, picture: &Picture| {
        node(picture, victim)
            .is_some_and(|row| row.stale && matches!(row.agent, AgentStatus::Lost { .. }))
    };
    let picture = observer
        .until("the dead daemon's node is stale", PATIENCE, lost)
        .await?;
    for row in &picture.nodes {
        if row.info.name.as_str() != victim {
            ensure!(!row.stale, "{} is stale too", row.info.name);
        }
    }
    let row = node(&picture, victim);
    ensure!(
        row.is_some_and(|row| row.devices.is_some()),
        "its last words are gone"
    );
    ensure!(
        row.is_some_and(|row| row.reason.is_some()),
        "it does not say why"
    );

    real.cluster.daemon(victim).restart()?;
    observer
        .until("it comes back by itself", PATIENCE, |_, p| all_live(p))
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_api_server_the_last_state_stays_and_everything_recovers() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let mut observer = Observer::start(&real.client);
    let before = observer
        .until("all daemons deliver", PATIENCE, |_, p| all_live(p))
        .await?;

    real.cluster.api_server().kill()?;
    let away = |fleet: &Fleet, _: &Picture| {
        [Watched::Nodes, Watched::Pods]
            .iter()
            .all(|watched| matches!(fleet.watch(*watched), WatchState::Lost { .. }))
    };
    observer.until("the loss is seen", PATIENCE, away).await?;
    // The whole outage is watched: nothing may vanish in it.
    let patience = OUTAGE + PATIENCE;
    let outlived = |fleet: &Fleet, picture: &Picture| {
        away(fleet, picture) && picture.nodes.iter().filter_map(|row| row.age).max() >= Some(OUTAGE)
    };
    let during = observer.until("ages grow", patience, outlived).await?;
    ensure!(during.nodes.len() == before.nodes.len(), "nodes vanished");
    ensure!(
        during.devices.len() == before.devices.len(),
        "devices vanished"
    );
    ensure!(during.pods.len() == before.pods.len(), "pods vanished");
    ensure!(
        during.devices.iter().all(|row| row.stale),
        "devices look fresh"
    );

    real.cluster.api_server().restart()?;
    let back = |fleet: &Fleet, picture: &Picture| {
        let live = |watched| *fleet.watch(watched) == WatchState::Live;
        live(Watched::Nodes) && live(Watched::Pods) && all_live(picture)
    };
    observer
        .until("everything recovers", PATIENCE, back)
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_hangs_is_not_called_live() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let mut observer = Observer::start(&real.client);
    observer
        .until("all daemons deliver", PATIENCE, |_, p| all_live(p))
        .await?;
    real.cluster.api_server().freeze()?;
    let silent = |fleet: &Fleet, _: &Picture| {
        matches!(fleet.watch(Watched::Server), WatchState::Lost { .. })
    };
    let seen = observer
        .until("its silence is seen", PATIENCE, silent)
        .await;
    real.cluster.api_server().thaw()?;
    seen?;
    let back = |fleet: &Fleet, picture: &Picture| {
        *fleet.watch(Watched::Server) == WatchState::Live && all_live(picture)
    };
    observer
        .until("everything recovers", PATIENCE, back)
        .await?;
    Ok(())
}
