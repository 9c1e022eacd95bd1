//! A client that comes to daemons which have run for a while: its graphs are full at once.

use std::time::Duration;

use gputop_e2e::observer::Observer;
use gputop_fleet::link::Interest;
use gputop_fleet::state::AgentStatus;
use gputop_model::NodeName;
use gputop_sim::{Options, SimCluster, scenario};
use jiff::Timestamp;
use tokio::time::sleep;

/// Minutes that daemons run before somebody comes.
const ALONE: Duration = Duration::from_secs(400);

#[tokio::test(start_paused = true)]
async fn graphs_are_full_when_a_client_comes() {
    let homelab = scenario::builtin("homelab").unwrap();
    let options = Options {
        seed: 7,
        start: Timestamp::UNIX_EPOCH,
    };
    let cluster = SimCluster::start(homelab, options);
    sleep(ALONE).await;
    let mut observer = Observer::start(&cluster.client());
    observer.engine().interest(Interest::default());
    let patience = Duration::from_secs(10);
    // Of each card that a daemon reports, five minutes at a sample in five seconds.
    let picture = observer
        .until("graphs of all devices", patience, |fleet, picture| {
            let rows = &picture.devices;
            let live = |node: &NodeName| {
                let mut nodes = picture.nodes.iter().filter(|row| row.info.name == *node);
                nodes.any(|row| row.agent == AgentStatus::Live)
            };
            let mut heard = rows.iter().filter(|row| live(&row.node));
            !rows.is_empty()
                && heard.clone().count() > 5
                && heard.all(|row| {
                    let series = fleet.history(&row.node, &row.device().uuid);
                    series.is_some_and(|series| series.len() >= 60)
                })
        })
        .await
        .unwrap();
    let busy = picture.devices.iter().filter_map(|row| {
        let series = observer.fleet().history(&row.node, &row.device().uuid)?;
        let first = series.samples().next()?;
        let last = series.samples().next_back()?;
        Some((first.utilization?, last.at.since(first.at)))
    });
    let reach: Vec<Duration> = busy.map(|(_, reach)| reach).collect();
    assert!(reach.len() > 3, "figures, and not holes alone");
    assert!(
        reach.iter().all(|reach| *reach >= Duration::from_secs(290)),
        "{reach:?}"
    );
}
