//! One moment of the simulated homelab, the same in every test.

use std::sync::OnceLock;
use std::time::Duration;

use gputop_fleet::engine::{self, Options};
use gputop_fleet::state::{Fleet, Picture, Settings, join};
use gputop_k3s::export::{Kind, List, list};
use gputop_model::{Clock, Moment};
use gputop_sim::{SimCluster, scenario};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

/// All kinds of lists.
pub(crate) const KINDS: [Kind; 4] = [Kind::Nodes, Kind::Gpus, Kind::Pods, Kind::Processes];

/// What is known of the homelab; with daemons or without.
pub(crate) fn fleet(agents: bool) -> Fleet {
    static KNOWN: [OnceLock<Fleet>; 2] = [const { OnceLock::new() }; 2];
    KNOWN[usize::from(agents)]
        .get_or_init(|| collect(agents))
        .clone()
}

fn collect(agents: bool) -> Fleet {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let start: Timestamp = "2026-03-14T09:26:53Z".parse().unwrap();
        let homelab = scenario::builtin("homelab").unwrap();
        let cluster = SimCluster::start(homelab, gputop_sim::Options { seed: 7, start });
        let options = Options {
            agents,
            namespace: "default".to_owned(),
            epoch: Instant::now(),
        };
        let limit = Duration::from_secs(10);
        let fleet = engine::collect(&cluster.client(), &options, limit, limit).await;
        fleet.unwrap()
    })
}

/// The tables, `seconds` after the daemons were asked.
pub(crate) fn at(fleet: &Fleet, seconds: u64) -> Picture {
    let wall: Timestamp = "2026-03-14T09:26:54Z".parse().unwrap();
    let clock = Clock {
        now: Moment(Duration::from_secs(seconds)),
        wall: wall + Duration::from_secs(seconds),
    };
    join(fleet, clock, &Settings::default())
}

/// The tables at once.
pub(crate) fn now(agents: bool) -> Picture {
    at(&fleet(agents), 1)
}

/// A list as other programs read it.
pub(crate) fn json(list: &List) -> Vec<Value> {
    let list = serde_json::to_value(list).unwrap();
    assert_eq!(list["schema"], "gputop-k3s/v1");
    list["items"].as_array().unwrap().clone()
}

/// The items of one kind.
pub(crate) fn items(picture: &Picture, kind: Kind) -> Vec<Value> {
    json(&list(picture, kind, None))
}
