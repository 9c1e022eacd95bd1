//! The watches of nodes and pods through everything that can happen to them, with the requests
//! counted.

use std::collections::BTreeMap;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{ensure, eyre};
use gputop_e2e::observer::Observer;
use gputop_fleet::state::{Fleet, WatchState, Watched};
use gputop_sim::{ApiFault, ApiRequest, SimCluster, scenario};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::{ListParams, PostParams};

const MINUTE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn homelab() -> Result<SimCluster> {
    let homelab = scenario::builtin("homelab").ok_or_else(|| eyre!("no homelab"))?;
    let options = gputop_sim::Options {
        seed: 7,
        start: Timestamp::UNIX_EPOCH,
    };
    Ok(SimCluster::start(homelab, options))
}

/// Requests since an earlier count.
struct Asked {
    before: BTreeMap<ApiRequest, u64>,
}

impl Asked {
    fn from_now(cluster: &SimCluster) -> Self {
        Self {
            before: cluster.api_requests(),
        }
    }

    fn times(&self, cluster: &SimCluster, verb: &'static str, resource: &str) -> u64 {
        let asked = (verb, resource.to_owned());
        let count = |requests: &BTreeMap<ApiRequest, u64>| {
            requests.get(&asked).copied().unwrap_or_default()
        };
        count(&cluster.api_requests()) - count(&self.before)
    }

    /// Lists of nodes and of pods.
    fn lists(&self, cluster: &SimCluster) -> (u64, u64) {
        let times = |resource| self.times(cluster, "list", resource);
        (times("nodes"), times("pods"))
    }

    /// Watches of nodes and of pods.
    fn watches(&self, cluster: &SimCluster) -> (u64, u64) {
        let times = |resource| self.times(cluster, "watch", resource);
        (times("nodes"), times("pods"))
    }
}

fn both_live(fleet: &Fleet) -> bool {
    [Watched::Nodes, Watched::Pods]
        .into_iter()
        .all(|watched| *fleet.watch(watched) == WatchState::Live)
}

fn why(fleet: &Fleet, watched: Watched) -> String {
    match fleet.watch(watched) {
        WatchState::Lost { why, .. } | WatchState::Forbidden { why } => why.clone(),
        other => format!("{other:?}"),
    }
}

async fn settled(cluster: &SimCluster) -> Result<Observer> {
    let mut observer = Observer::without_agents(&cluster.client());
    observer
        .until("both watches are live", PATIENCE, |fleet, _| {
            both_live(fleet)
        })
        .await?;
    Ok(observer)
}

/// Whether the store says of nodes and pods what the API server says now.
async fn is_true(observer: &Observer, cluster: &SimCluster) -> Result<()> {
    let pods: Api<Pod> = Api::all(cluster.client());
    let nodes: Api<Node> = Api::all(cluster.client());
    let mut there: Vec<String> = pods
        .list(&ListParams::default())
        .await?
        .into_iter()
        .filter_map(|pod| pod.metadata.uid)
        .collect();
    there.sort();
    let known: Vec<String> = observer
        .fleet()
        .pods()
        .keys()
        .map(ToString::to_string)
        .collect();
    ensure!(known == there, "pods: known {known:?}, there {there:?}");
    let there = nodes.list(&ListParams::default()).await?.items.len();
    ensure!(observer.fleet().nodes().len() == there);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_looking_costs_the_first_two_lists() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = settled(&cluster).await?;
    let first = Asked {
        before: BTreeMap::new(),
    };
    ensure!(
        first.lists(&cluster) == (1, 1),
        "{:?}",
        cluster.api_requests()
    );
    let mut lost = 0;
    observer
        .run(60 * MINUTE, |fleet| lost += u32::from(!both_live(fleet)))
        .await;
    let requests = cluster.api_requests();
    ensure!(first.lists(&cluster) == (1, 1), "{requests:?}");
    let (nodes, pods) = first.watches(&cluster);
    // Each is renewed once a minute.
    ensure!(
        (55..=65).contains(&nodes) && (55..=65).contains(&pods),
        "{requests:?}"
    );
    ensure!(lost == 0, "it was called lost {lost} times");
    let others: Vec<_> = requests
        .keys()
        .filter(|(verb, resource)| !matches!(*verb, "list" | "watch") && !resource.is_empty())
        .collect();
    ensure!(others.is_empty(), "what is {others:?} for?");
    is_true(&observer, &cluster).await
}

#[tokio::test(start_paused = true)]
async fn dropped_connections_are_taken_up_again_without_a_list_or_a_word() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = settled(&cluster).await?;
    observer.run(Duration::from_secs(20), |_| ()).await;
    let asked = Asked::from_now(&cluster);
    let mut lost = Vec::new();
    for _ in 0..10 {
        cluster.cut_connections();
        observer
            .run(Duration::from_secs(20), |fleet| {
                if !both_live(fleet) {
                    lost.push((why(fleet, Watched::Nodes), why(fleet, Watched::Pods)));
                }
            })
            .await;
    }
    ensure!(lost.is_empty(), "{lost:?}");
    ensure!(
        asked.lists(&cluster) == (0, 0),
        "{:?}",
        asked.lists(&cluster)
    );
    ensure!(
        asked.watches(&cluster).0 <= 12,
        "{:?}",
        asked.watches(&cluster)
    );
    is_true(&observer, &cluster).await
}

#[tokio::test(start_paused = true)]
async fn after_a_minute_without_the_server_each_watch_lists_once() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = settled(&cluster).await?;
    let nodes = observer.fleet().nodes().len();
    cluster.set_api_available(false);
    let mut fewest = usize::MAX;
    observer
        .run(MINUTE, |fleet| fewest = fewest.min(fleet.nodes().len()))
        .await;
    ensure!(!both_live(observer.fleet()), "its absence is seen");
    ensure!(fewest == nodes, "nodes vanished");
    let asked = Asked::from_now(&cluster);
    cluster.set_api_available(true);
    observer
        .until("both are back", PATIENCE, |fleet, _| both_live(fleet))
        .await?;
    observer.run(5 * MINUTE, |_| ()).await;
    ensure!(
        asked.lists(&cluster) == (1, 1),
        "{:?}",
        asked.lists(&cluster)
    );
    let (nodes, pods) = asked.watches(&cluster);
    ensure!(nodes <= 7 && pods <= 7, "{nodes} and {pods} watches");
    is_true(&observer, &cluster).await
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_costs_no_list() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = settled(&cluster).await?;
    let asked = Asked::from_now(&cluster);
    cluster.set_api_available(false);
    observer.run(Duration::from_secs(15), |_| ()).await;
    cluster.set_api_available(true);
    observer
        .until("both are back", PATIENCE, |fleet, _| both_live(fleet))
        .await?;
    ensure!(
        asked.lists(&cluster) == (0, 0),
        "{:?}",
        asked.lists(&cluster)
    );
    is_true(&observer, &cluster).await
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_is_too_old_costs_one_list() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = settled(&cluster).await?;
    for round in 0..3 {
        observer.run(3 * MINUTE, |_| ()).await;
        let asked = Asked::from_now(&cluster);
        let retry_after = Duration::from_secs(5);
        cluster.set_api_fault(Some(ApiFault::Busy { retry_after }));
        cluster.cut_connections();
        observer.run(Duration::from_secs(2), |_| ()).await;
        // Something happens meanwhile, and is forgotten before the watches can ask for it.
        make_pod(&cluster, &format!("late-{round}")).await?;
        cluster.forget_changes();
        cluster.set_api_fault(None);
        observer.run(MINUTE, |_| ()).await;
        ensure!(both_live(observer.fleet()));
        ensure!(
            asked.lists(&cluster) == (1, 1),
            "{:?}",
            asked.lists(&cluster)
        );
        is_true(&observer, &cluster).await?;
    }
    Ok(())
}

/// Makes a pod that nobody schedules.
async fn make_pod(cluster: &SimCluster, name: &str) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(cluster.client(), "default");
    let pod = serde_json::from_value(serde_json::json!({
        "metadata": {"name": name},
        "spec": {
            "schedulingGates": [{"name": "gputop-k3s.io/test"}],
            "containers": [{"name": "main", "image": "none"}],
        },
    }))?;
    pods.create(&PostParams::default(), &pod).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_costs_itself_and_is_not_listed_in_vain() -> Result<()> {
    let cluster = homelab()?;
    cluster.set_api_fault(Some(ApiFault::Forbidden {
        resource: "nodes".to_owned(),
        everywhere: true,
    }));
    let mut observer = Observer::without_agents(&cluster.client());
    let asked = Asked {
        before: BTreeMap::new(),
    };
    let refused = |fleet: &Fleet| {
        matches!(fleet.watch(Watched::Nodes), WatchState::Forbidden { .. })
            && *fleet.watch(Watched::Pods) == WatchState::Live
    };
    observer
        .until("nodes are refused, pods are there", PATIENCE, |fleet, _| {
            refused(fleet)
        })
        .await?;
    let words = why(observer.fleet(), Watched::Nodes);
    ensure!(words.contains("cannot list resource \"nodes\""), "{words}");
    observer.run(20 * MINUTE, |_| ()).await;
    ensure!(refused(observer.fleet()));
    ensure!(
        asked.lists(&cluster) == (1, 1),
        "{:?}",
        cluster.api_requests()
    );
    // The right is given.
    cluster.set_api_fault(None);
    observer
        .until("nodes are there", 2 * MINUTE, |fleet, _| both_live(fleet))
        .await?;
    ensure!(
        asked.lists(&cluster) == (2, 1),
        "{:?}",
        cluster.api_requests()
    );
    is_true(&observer, &cluster).await
}

#[tokio::test(start_paused = true)]
async fn who_may_read_one_namespace_only_sees_that_until_the_right_is_given() -> Result<()> {
    let cluster = homelab()?;
    cluster.set_api_fault(Some(ApiFault::Forbidden {
        resource: "pods".to_owned(),
        everywhere: false,
    }));
    let mut observer = Observer::without_agents(&cluster.client());
    observer
        .until("one namespace", PATIENCE, |fleet, _| {
            both_live(fleet) && fleet.one_namespace() == Some("default")
        })
        .await?;
    let asked = Asked::from_now(&cluster);
    observer.run(20 * MINUTE, |_| ()).await;
    ensure!(
        asked.lists(&cluster) == (0, 0),
        "{:?}",
        asked.lists(&cluster)
    );
    cluster.set_api_fault(None);
    observer
        .until("all of them", 2 * MINUTE, |fleet, _| {
            both_live(fleet) && fleet.one_namespace().is_none()
        })
        .await?;
    is_true(&observer, &cluster).await
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = settled(&cluster).await?;
    let retry_after = Duration::from_secs(20);
    cluster.set_api_fault(Some(ApiFault::Busy { retry_after }));
    let asked = Asked::from_now(&cluster);
    cluster.cut_connections();
    observer.run(MINUTE, |_| ()).await;
    let words = why(observer.fleet(), Watched::Pods);
    ensure!(
        words.contains("busy (429)") && words.contains("Too many requests"),
        "{words}"
    );
    let (lists, watches) = (asked.lists(&cluster), asked.watches(&cluster));
    ensure!(
        lists.1 + watches.1 <= 3,
        "{lists:?}, {watches:?} in a minute"
    );
    cluster.set_api_fault(None);
    observer
        .until("both are back", MINUTE, |fleet, _| both_live(fleet))
        .await?;
    ensure!(asked.lists(&cluster).1 <= 2, "{:?}", asked.lists(&cluster));
    is_true(&observer, &cluster).await
}

#[tokio::test(start_paused = true)]
async fn a_web_page_in_place_of_the_server_is_named() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = settled(&cluster).await?;
    let nodes = observer.fleet().nodes().len();
    cluster.set_api_fault(Some(ApiFault::WebPage));
    let asked = Asked::from_now(&cluster);
    cluster.cut_connections();
    observer.run(5 * MINUTE, |_| ()).await;
    let words = why(observer.fleet(), Watched::Nodes);
    ensure!(words.contains("not the Kubernetes API"), "{words}");
    ensure!(
        observer.fleet().nodes().len() == nodes,
        "what was known stays"
    );
    let (lists, _) = asked.lists(&cluster);
    ensure!(lists <= 25, "{lists} lists in five minutes");
    cluster.set_api_fault(None);
    observer
        .until("both are back", MINUTE, |fleet, _| both_live(fleet))
        .await?;
    is_true(&observer, &cluster).await
}

#[tokio::test(start_paused = true)]
async fn watches_that_end_at_once_are_no_hot_loop() -> Result<()> {
    let cluster = homelab()?;
    let mut observer = settled(&cluster).await?;
    cluster.set_api_fault(Some(ApiFault::ShortWatches));
    let asked = Asked::from_now(&cluster);
    cluster.cut_connections();
    observer.run(2 * MINUTE, |_| ()).await;
    let (nodes, pods) = asked.watches(&cluster);
    ensure!(
        nodes <= 60 && pods <= 60,
        "{nodes} and {pods} watches in two minutes"
    );
    ensure!(asked.lists(&cluster) == (0, 0));
    cluster.set_api_fault(None);
    observer.run(MINUTE, |_| ()).await;
    ensure!(both_live(observer.fleet()));
    is_true(&observer, &cluster).await
}
