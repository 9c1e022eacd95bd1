//! The tables are right: units as the scheduler counts them, devices as the daemons see them.

mod common;

use std::time::Duration;

use common::{AT, Cluster, clock_at, daemon, gpu, node, pod, process, snapshot};
use gputop_fleet::state::{
    AgentReport, AgentStatus, DeviceState, LinkState, Listing, ProcessOwner, Received, Settings,
    Update, WatchState, Watched, join,
};
use gputop_model::{Allocation, DeviceId, Failure, Holder, OutsideKind, Phase, Reading};
use proptest::prelude::*;

fn given(pod: &str, device: &str) -> Allocation {
    Allocation {
        namespace: "ml".to_owned(),
        pod: pod.to_owned(),
        container: "main".to_owned(),
        resource: "nvidia.com/gpu".to_owned(),
        device_id: DeviceId::new(device),
    }
}

#[test]
fn requested_allocated_and_used_stand_side_by_side() {
    let mut cluster = Cluster::new();
    cluster
        .node(node("a", 2))
        .pod(daemon("a"))
        .pod(pod("train", Some("a"), 1));
    let mut said = snapshot("a", vec![gpu(0, "GPU-0", 0), gpu(1, "GPU-1", 3600)]);
    said.allocations = vec![given("train", "GPU-0")].into();
    said.processes = vec![process(10, "GPU-0", "train", 0)];
    cluster.live(said);
    let picture = cluster.picture();
    let states: Vec<_> = picture.devices.iter().map(|row| row.state).collect();
    assert_eq!(states, [DeviceState::Working, DeviceState::Free]);
    let row = picture
        .pods
        .iter()
        .find(|row| &*row.info.key.name == "train")
        .unwrap();
    assert_eq!(row.info.gpu_units(), 1);
    assert_eq!(row.devices.as_ref().map(Vec::len), Some(1));
    assert_eq!(row.in_use, Some(1));
    assert_eq!(row.memory_used, Some(gputop_model::Bytes::from_gib(1)));
    let node = &picture.nodes[0];
    assert_eq!((node.requested(), node.free()), (Some(1), Some(1)));
    let held = picture.devices[0].allocated_to.as_ref().unwrap();
    assert_eq!(held[0].pod_uid, Some("train".into()));
}

#[test]
fn shares_of_one_gpu_are_one_device_and_many_units() {
    let mut cluster = Cluster::new();
    cluster
        .node(node("a", 4))
        .pod(pod("one", Some("a"), 1))
        .pod(pod("two", Some("a"), 2));
    let mut said = snapshot("a", vec![gpu(0, "GPU-0", 0)]);
    said.allocations = vec![
        given("one", "GPU-0::0"),
        given("two", "GPU-0::1"),
        given("two", "GPU-0::2"),
    ]
    .into();
    cluster.live(said);
    let picture = cluster.picture();
    assert_eq!(picture.devices.len(), 1);
    assert_eq!(picture.devices[0].allocated_to.as_ref().unwrap().len(), 3);
    let two = picture
        .pods
        .iter()
        .find(|row| &*row.info.key.name == "two")
        .unwrap();
    assert_eq!(
        (two.info.gpu_units(), two.devices.as_ref().unwrap().len()),
        (2, 1)
    );
    assert_eq!(picture.nodes[0].free(), Some(1));
}

#[test]
fn use_without_a_request_makes_a_free_device_occupied() {
    let mut cluster = Cluster::new();
    cluster
        .node(node("a", 2))
        .pod(pod("jellyfin", Some("a"), 0));
    let mut said = snapshot("a", vec![gpu(0, "GPU-0", 0), gpu(1, "GPU-1", 9)]);
    let mut desktop = process(20, "GPU-1", "", 0);
    desktop.holder = Holder::Outside {
        kind: OutsideKind::Desktop,
        name: "gnome-shell".into(),
    };
    said.processes = vec![process(10, "GPU-0", "jellyfin", 0), desktop];
    said.allocations = Vec::new().into();
    cluster.live(said);
    let picture = cluster.picture();
    let states: Vec<_> = picture.devices.iter().map(|row| row.state).collect();
    assert_eq!(states, [DeviceState::Occupied, DeviceState::Occupied]);
    let pod = picture
        .pods
        .iter()
        .find(|row| &*row.info.key.name == "jellyfin")
        .unwrap();
    assert!(pod.unrequested && pod.concerns_gpus());
    assert_eq!(pod.devices.as_deref(), Some(&[][..]));
    assert_eq!(picture.processes[0].allocated, Some(false));
    assert_eq!(
        picture.processes[1].owner,
        ProcessOwner::Outside("desktop: gnome-shell".into())
    );
    // The scheduler still counts both as free.
    assert_eq!(picture.nodes[0].free(), Some(2));
    assert_eq!(picture.totals.devices_free, 0);
}

#[test]
fn a_notebook_that_does_nothing_is_idle_since_then() {
    let mut cluster = Cluster::new();
    cluster
        .node(node("a", 1))
        .pod(pod("notebook", Some("a"), 1));
    let mut said = snapshot("a", vec![gpu(0, "GPU-0", 7200)]);
    said.allocations = vec![given("notebook", "GPU-0")].into();
    said.processes = vec![process(10, "GPU-0", "notebook", 7200)];
    cluster.live(said);
    let picture = cluster.picture();
    assert_eq!(picture.devices[0].state, DeviceState::Idle);
    let row = &picture.pods[0];
    assert_eq!(row.in_use, Some(0));
    assert_eq!(
        row.idle_since,
        Some(clock_at(0).date(Duration::from_secs(7200)))
    );
}

#[test]
fn what_the_kubelet_did_not_say_is_unknown_and_never_free() {
    let mut cluster = Cluster::new();
    cluster.node(node("a", 2)).pod(pod("train", Some("a"), 1));
    let mut said = snapshot("a", vec![gpu(0, "GPU-0", 900), gpu(1, "GPU-1", 900)]);
    said.allocations = Reading::Failed(Failure::NotFound);
    cluster.live(said.clone());
    let picture = cluster.picture();
    assert!(
        picture
            .devices
            .iter()
            .all(|row| row.state == DeviceState::Unknown)
    );
    assert_eq!(picture.pods[0].devices, None);
    assert_eq!(picture.pods[0].in_use, None);

    // Nobody on the node has asked for anything: then it is known.
    let mut cluster = Cluster::new();
    cluster.node(node("a", 2));
    cluster.live(said);
    assert!(
        cluster
            .picture()
            .devices
            .iter()
            .all(|row| row.state == DeviceState::Free)
    );
}

#[test]
fn the_pods_status_names_devices_when_the_kubelet_can_not_be_asked() {
    let mut cluster = Cluster::new();
    let mut train = pod("train", Some("a"), 1);
    train.devices.push(gputop_model::PodDevice {
        container: "main".to_owned(),
        resource: "nvidia.com/gpu".to_owned(),
        device_id: DeviceId::new("GPU-1"),
        health: gputop_model::DeviceHealth::Healthy,
    });
    cluster.node(node("a", 2)).pod(train);
    let mut said = snapshot("a", vec![gpu(0, "GPU-0", 900), gpu(1, "GPU-1", 0)]);
    said.allocations = Reading::Failed(Failure::NoPermission);
    cluster.live(said);
    let states: Vec<_> = cluster
        .picture()
        .devices
        .iter()
        .map(|row| row.state)
        .collect();
    assert_eq!(states, [DeviceState::Free, DeviceState::Working]);
}

#[test]
fn a_lost_daemon_leaves_its_last_words_stale_and_nobody_else() {
    let mut cluster = Cluster::new();
    cluster
        .node(node("a", 1))
        .node(node("b", 1))
        .pod(daemon("a"))
        .pod(daemon("b"));
    let at_a = snapshot("a", vec![gpu(0, "GPU-a", 0)]);
    let at_b = snapshot("b", vec![gpu(0, "GPU-b", 0)]);
    cluster.live(at_a.clone()).live(at_b);
    let last = Some(Received {
        snapshot: at_a.into(),
        at: AT,
    });
    let link = LinkState::Lost {
        since: clock_at(3).now,
        why: "connection reset".to_owned(),
    };
    cluster.fleet.report("a".into(), AgentReport { link, last });
    let picture = join(&cluster.fleet, clock_at(10), &Settings::default());
    let a = &picture.nodes[0];
    assert!(a.stale && matches!(a.agent, AgentStatus::Lost { .. }));
    assert_eq!(a.age, Some(Duration::from_secs(10)));
    assert!(a.reason.as_ref().unwrap().contains("connection reset"));
    assert!(picture.devices[0].stale);
    assert_eq!(
        picture.devices[0].device().temperature.get().map(|t| t.0),
        Some(60)
    );
    assert!(!picture.nodes[1].stale && picture.nodes[1].reason.is_none());
}

#[test]
fn silence_makes_telemetry_stale_even_on_an_open_link() {
    let mut cluster = Cluster::new();
    cluster
        .node(node("a", 1))
        .live(snapshot("a", vec![gpu(0, "GPU-0", 0)]));
    assert!(!join(&cluster.fleet, clock_at(15), &Settings::default()).devices[0].stale);
    assert!(join(&cluster.fleet, clock_at(16), &Settings::default()).devices[0].stale);
}

#[test]
fn nodes_without_data_are_gaps_that_say_why() {
    let mut cluster = Cluster::new();
    let mut labelled = node("a", 8);
    labelled
        .labels
        .insert("nvidia.com/gpu.count".into(), "2".into());
    labelled
        .labels
        .insert("nvidia.com/gpu.product".into(), "RTX-3090".into());
    cluster.node(labelled).node(node("b", 0));
    let picture = cluster.picture();
    let [gap] = picture.gaps.as_slice() else {
        panic!("{:?}", picture.gaps)
    };
    assert_eq!(
        (gap.node.as_str(), gap.units, gap.devices),
        ("a", 8, Some(2))
    );
    assert_eq!(gap.product.as_deref(), Some("RTX-3090"));
    assert!(gap.reason.contains("no gputop-node daemon"));
    assert!(picture.nodes[1].reason.is_some());
}

#[test]
fn who_sees_one_namespace_only_is_told_nothing_about_free() {
    let mut cluster = Cluster::new();
    cluster.node(node("a", 2)).pod(pod("mine", Some("a"), 1));
    cluster.fleet.apply(Update::OneNamespace("ml".to_owned()));
    let picture = cluster.picture();
    assert_eq!(
        (picture.nodes[0].requested(), picture.nodes[0].free()),
        (None, None)
    );
    assert_eq!(picture.totals.units_requested, None);
}

#[test]
fn a_node_that_shrank_under_its_pods_has_negative_free() {
    let mut cluster = Cluster::new();
    let mut shrunk = node("a", 2);
    shrunk
        .resources
        .get_mut("nvidia.com/gpu")
        .unwrap()
        .allocatable = 0;
    cluster.node(shrunk).pod(pod("train", Some("a"), 2));
    assert_eq!(cluster.picture().nodes[0].free(), Some(-2));
}

#[test]
fn a_loss_that_goes_on_keeps_its_beginning() {
    let mut cluster = Cluster::new();
    let lost = |at: u64| WatchState::Lost {
        since: clock_at(at).now,
        why: format!("attempt {at}"),
    };
    for state in [lost(1), lost(9)] {
        cluster.fleet.apply(Update::Watch(Watched::Nodes, state));
    }
    let expected = WatchState::Lost {
        since: clock_at(1).now,
        why: "attempt 9".to_owned(),
    };
    assert_eq!(*cluster.fleet.watch(Watched::Nodes), expected);
    for state in [WatchState::Live, lost(20)] {
        cluster.fleet.apply(Update::Watch(Watched::Nodes, state));
    }
    assert_eq!(*cluster.fleet.watch(Watched::Nodes), lost(20));
}

#[test]
fn deltas_and_a_new_list_lead_to_the_same_tables() {
    let mut whole = Cluster::new();
    whole.node(node("a", 2)).pod(pod("x", Some("a"), 1));
    let mut deltas = Cluster::new();
    deltas
        .node(node("a", 9))
        .node(node("gone", 1))
        .pod(pod("y", Some("a"), 2));
    deltas
        .fleet
        .apply(Update::Nodes(Listing::Gone("gone".into())));
    deltas
        .fleet
        .apply(Update::Nodes(Listing::Changed(Box::new(node("a", 2)))));
    deltas
        .fleet
        .apply(Update::Pods(Listing::Whole(vec![pod("x", Some("a"), 1)])));
    assert_eq!(deltas.picture(), whole.picture());
    assert!(whole.fleet.is_listed());
    whole
        .fleet
        .apply(Update::Watch(Watched::Pods, WatchState::Starting));
    assert!(!whole.fleet.is_listed());
}

const PHASES: [Phase; 5] = [
    Phase::Pending,
    Phase::Running,
    Phase::Succeeded,
    Phase::Failed,
    Phase::Unknown,
];

proptest! {
    /// free = allocatable − requested, over every mixture of phases, nodes and Terminating pods,
    /// counted by other means than the join's.
    #[test]
    fn free_is_allocatable_less_requested(
        allocatable in proptest::collection::vec(0_i64..9, 1..4),
        pods in proptest::collection::vec((0_usize..5, 0_i64..4, 0_usize..5, any::<bool>()), 0..20),
    ) {
        let mut cluster = Cluster::new();
        let mut expected = allocatable.clone();
        for (index, units) in allocatable.iter().enumerate() {
            cluster.node(node(&index.to_string(), *units));
        }
        for (index, (at, units, phase, terminating)) in pods.into_iter().enumerate() {
            // Beyond the last node: not bound.
            let bound = (at < allocatable.len()).then(|| at.to_string());
            let mut pod = pod(&format!("p{index}"), bound.as_deref(), units);
            pod.phase = PHASES[phase];
            pod.deletion = terminating.then(|| clock_at(0).wall);
            if bound.is_some() && phase != 2 && phase != 3 {
                expected[at] -= units;
            }
            cluster.pod(pod);
        }
        let free: Vec<i64> =
            cluster.picture().nodes.iter().map(|row| row.free().unwrap()).collect();
        prop_assert_eq!(free, expected);
    }
}
