//! A line of 150 ms there and back, on which something is lost now and then.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::observer::Observer;
use gputop_e2e::slow::Line;
use gputop_fleet::link::{Interest, Pace};
use gputop_fleet::state::{AgentStatus, Fleet, LinkState, Picture, WatchState, Watched};
use tokio::time::Instant;

use super::watches::homelab;

const BAD: Line = Line {
    round_trip: Duration::from_millis(150),
    lost_one_in: 20,
};

fn all_live(fleet: &Fleet, picture: &Picture) -> bool {
    *fleet.watch(Watched::Pods) == WatchState::Live
        && picture.totals.agents_expected == 5
        && picture.totals.agents_live == 5
}

#[tokio::test(start_paused = true)]
async fn a_bad_line_delays_and_loses_nothing() -> Result<()> {
    let cluster = homelab()?;
    let began = Instant::now();
    let mut observer = Observer::start(&BAD.client(cluster.connector()));
    observer
        .until("all daemons", Duration::from_secs(30), all_live)
        .await?;
    // Two lists, then five tunnels at the same time: some dozens of round trips, not hundreds.
    ensure!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );

    let mut lost = Vec::new();
    let mut oldest = Duration::ZERO;
    for _ in 0..120 {
        observer
            .run(Duration::from_secs(1), |fleet| {
                for (node, report) in fleet.agents() {
                    if report.link != LinkState::Live {
                        lost.push((node.clone(), report.link.clone()));
                    }
                }
            })
            .await;
        let rows = observer.picture().nodes;
        oldest = rows
            .iter()
            .filter_map(|row| row.age)
            .max()
            .unwrap_or_default()
            .max(oldest);
    }
    ensure!(lost.is_empty(), "{:?}", lost.first());
    // A daemon that has nothing new to say confirms that every five seconds.
    ensure!(
        oldest < Duration::from_millis(6_500),
        "telemetry got {oldest:?} old"
    );
    let requests = cluster.api_requests();
    let tunnels = requests.get(&("get", "pods/portforward".to_owned()));
    ensure!(
        tunnels == Some(&5),
        "each tunnel is opened once: {requests:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_on_the_screen_is_live_after_a_few_round_trips() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = Observer::start(&BAD.client(cluster.connector()));
    observer
        .until("all daemons", Duration::from_secs(30), all_live)
        .await?;
    let focus = |name: &str| Interest {
        focus: vec![name.into()],
        pace: Pace::Live,
    };
    observer.engine().interest(focus("tesla"));
    observer.run(Duration::from_secs(60), |_| ()).await;
    observer.engine().interest(focus("atlas"));
    observer.run(Duration::from_secs(2), |_| ()).await;
    let mut ages = Vec::new();
    for _ in 0..10 {
        observer.run(Duration::from_secs(1), |_| ()).await;
        let picture = observer.picture();
        let row = picture
            .nodes
            .iter()
            .find(|row| row.info.name.as_str() == "atlas");
        ages.extend(
            row.filter(|row| row.agent == AgentStatus::Live)
                .and_then(|row| row.age),
        );
    }
    ensure!(ages.len() == 10, "it is live: {ages:?}");
    ensure!(
        ages.iter().all(|age| *age <= Duration::from_secs(2)),
        "{ages:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_a_minute_without_the_server_each_tunnel_is_opened_once() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = Observer::start(&cluster.client());
    observer
        .until("all daemons", Duration::from_secs(30), all_live)
        .await?;
    cluster.set_api_available(false);
    observer.run(Duration::from_secs(60), |_| ()).await;
    ensure!(observer.picture().totals.agents_live == 0);
    let tunnels = || {
        let asked = ("get", "pods/portforward".to_owned());
        let requests = cluster.api_requests();
        requests.get(&asked).copied().unwrap_or_default()
    };
    let before = tunnels();
    cluster.set_api_available(true);
    // The longest pause of a link is ten seconds.
    observer
        .until("all daemons again", Duration::from_secs(12), all_live)
        .await?;
    observer.run(Duration::from_secs(60), |_| ()).await;
    let opened = tunnels() - before;
    ensure!(opened == 5, "{opened} tunnels for five daemons");
    Ok(())
}
