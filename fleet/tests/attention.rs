//! What needs attention, what belongs together, and why something is not there.

mod common;

use std::time::Duration;

use common::{AT, Cluster, clock_at, daemon, gpu, node, pod, process, snapshot};
use gputop_fleet::state::{
    AgentReport, AlertCounts, AlertSubject, Closed, LinkState, Listing, NodeState, Picture,
    Received, Settings, Severity, Update, join,
};
use gputop_model::{
    Allocation, Celsius, DeviceId, DeviceKind, DriverState, Health, NodeCondition, NodeInfo, Phase,
    PodInfo, Readiness, ResourceCounts, ThrottleReason, Workload,
};

fn given(pod: &str, device: &str) -> Allocation {
    Allocation {
        namespace: "ml".to_owned(),
        pod: pod.to_owned(),
        container: "main".to_owned(),
        resource: "nvidia.com/gpu".to_owned(),
        device_id: DeviceId::new(device),
    }
}

fn not_ready(mut node: NodeInfo) -> NodeInfo {
    node.readiness = Readiness::NotReady {
        why: "kubelet stopped posting".to_owned(),
    };
    node
}

fn lose(cluster: &mut Cluster, node: &str) {
    let last = Some(Received {
        snapshot: snapshot(node, vec![gpu(0, "GPU-0", 0)]).into(),
        at: AT,
    });
    let link = LinkState::Lost {
        since: AT,
        why: "connection reset".to_owned(),
    };
    cluster
        .fleet
        .report(node.into(), AgentReport { link, last });
}

fn alerts(picture: &Picture) -> Vec<(Severity, &str)> {
    let alerts = picture.alerts.iter();
    alerts.map(|a| (a.severity, a.what.as_str())).collect()
}

#[test]
fn a_quiet_cluster_has_no_alerts() {
    let mut cluster = Cluster::new();
    cluster
        .node(node("a", 1))
        .pod(daemon("a"))
        .live(snapshot("a", vec![gpu(0, "GPU-0", 0)]));
    let picture = cluster.picture();
    assert_eq!(alerts(&picture), []);
    assert_eq!(picture.totals.alerts, AlertCounts::default());
}

#[test]
fn alerts_name_the_thing_and_come_gravest_first() {
    let mut cluster = Cluster::new();
    let mut full = node("a", 4);
    full.conditions = vec![NodeCondition {
        kind: "DiskPressure".to_owned(),
        reason: "KubeletHasDiskPressure".to_owned(),
        message: "kubelet has disk pressure".to_owned(),
        since: None,
    }];
    cluster
        .node(full)
        .node(not_ready(node("b", 1)))
        .pod(pod("notebook", Some("a"), 1))
        .pod(pod("jellyfin", Some("a"), 0));
    let mut sick = gpu(0, "GPU-0", 0);
    let why = "Xid 79: the GPU has fallen off the bus".to_owned();
    sick.health = Health::Sick { why }.into();
    let mut hot = gpu(1, "GPU-1", 0);
    hot.temperature = Celsius(93).into();
    hot.throttle_reasons = vec![ThrottleReason::HardwareThermalSlowdown].into();
    let mut worn = gpu(2, "GPU-2", 0);
    let why = "a row of memory waits to be remapped".to_owned();
    worn.health = Health::Degraded { why }.into();
    worn.throttle_reasons = vec![ThrottleReason::SoftwarePowerCap].into();
    worn.pcie.width = 4.into();
    worn.pcie.width_max = 16.into();
    let mut said = snapshot("a", vec![sick, hot, worn, gpu(3, "GPU-3", 7200)]);
    said.allocations = vec![given("notebook", "GPU-3")].into();
    said.processes = vec![process(10, "GPU-1", "jellyfin", 0)];
    cluster.live(said);
    let picture = cluster.picture();
    let expected = [
        (
            Severity::Critical,
            "b: node not ready: kubelet stopped posting",
        ),
        (
            Severity::Critical,
            "a GPU 0 (RTX 3090): sick: Xid 79: the GPU has fallen off the bus",
        ),
        (
            Severity::Critical,
            "a GPU 1 (RTX 3090): 90°C or hotter, and held back by the heat",
        ),
        (
            Severity::Warning,
            "a: DiskPressure: kubelet has disk pressure",
        ),
        (
            Severity::Warning,
            "a GPU 2 (RTX 3090): a row of memory waits to be remapped",
        ),
        (
            Severity::Warning,
            "ml/notebook: holds a GPU and does not use it",
        ),
        (Severity::Notice, "a GPU 2 (RTX 3090): PCIe link x4 of x16"),
        (
            Severity::Notice,
            "ml/jellyfin: uses a GPU that it was not given",
        ),
    ];
    assert_eq!(alerts(&picture), expected);
    let idle = &picture.alerts[5];
    assert_eq!(idle.since, picture.pods[1].idle_since);
    assert!(idle.since.is_some());
    assert!(matches!(&idle.subject, AlertSubject::Pod(key, _) if &*key.name == "notebook"));
    let counts = picture.totals.alerts;
    assert_eq!((counts.critical, counts.warning, counts.notice), (3, 3, 2));
    assert_eq!(counts.count(Severity::Warning), 3);
}

#[test]
fn the_daemons_and_the_drivers_troubles_are_alerts() {
    let mut cluster = Cluster::new();
    let mut starved = node("c", 2);
    let counts = ResourceCounts {
        capacity: 2,
        allocatable: 1,
    };
    starved
        .resources
        .insert("nvidia.com/gpu".to_owned(), counts);
    let mut image = daemon("d");
    image.phase = Phase::Pending;
    image.reason = Some("ImagePullBackOff".to_owned());
    cluster
        .node(node("a", 1))
        .node(node("b", 1))
        .node(starved)
        .node(node("d", 1))
        .pod(image);
    lose(&mut cluster, "a");
    let mut broken = snapshot("b", Vec::new());
    let why = "library 580.95, kernel 580.82".to_owned();
    broken.driver = DriverState::Mismatch { why };
    cluster.live(broken);
    let expected = [
        (
            Severity::Critical,
            "b: driver and library differ: library 580.95, kernel 580.82",
        ),
        (Severity::Warning, "a: daemon lost: connection reset"),
        (
            Severity::Warning,
            "c: the device plugin calls 1 of 2 nvidia.com/gpu unhealthy; it calls none well again \
             before it is restarted",
        ),
        (
            Severity::Warning,
            "d: the daemon's pod does not run: ImagePullBackOff",
        ),
    ];
    assert_eq!(alerts(&cluster.picture()), expected);
}

#[test]
fn what_was_said_long_ago_is_no_alarm() {
    let mut cluster = Cluster::new();
    let mut hot = gpu(0, "GPU-0", 0);
    hot.temperature = Celsius(97).into();
    cluster.node(node("a", 1)).live(snapshot("a", vec![hot]));
    assert_eq!(cluster.picture().alerts.len(), 1);
    let later = join(&cluster.fleet, clock_at(60), &Settings::default());
    let expected = [(
        Severity::Warning,
        "a: the daemon is connected and says nothing",
    )];
    assert_eq!(alerts(&later), expected);
}

#[test]
fn a_machine_that_comes_and_goes_is_away_and_no_alarm() {
    let mut cluster = Cluster::new();
    let mut notebook = not_ready(node("notebook", 1));
    notebook.expected_away = true;
    cluster.node(notebook.clone()).pod(daemon("notebook"));
    lose(&mut cluster, "notebook");
    let picture = cluster.picture();
    assert_eq!(alerts(&picture), []);
    let row = &picture.nodes[0];
    assert_eq!(row.state(), NodeState::Away);
    assert_eq!(
        row.reason.as_deref(),
        Some("away, as it is marked to be at times")
    );
    assert_eq!(picture.devices[0].closed, Some(Closed::Away));
    let totals = &picture.totals;
    assert_eq!((totals.nodes_ready, totals.nodes_away), (0, 1));
    assert_eq!((totals.agents_live, totals.agents_expected), (0, 0));

    // Back at home it is a node like others.
    notebook.readiness = Readiness::Ready;
    cluster.node(notebook);
    let picture = cluster.picture();
    assert_eq!(picture.nodes[0].state(), NodeState::Ready);
    assert_eq!(picture.totals.agents_expected, 1);
    assert_eq!(picture.alerts.len(), 1);
}

#[test]
fn a_mig_instance_does_not_repeat_its_cards_trouble() {
    let mut cluster = Cluster::new();
    let health = Health::Degraded {
        why: "pages wait to be retired".to_owned(),
    };
    let mut card = gpu(0, "GPU-0", 0);
    card.kind = DeviceKind::Gpu { mig_enabled: true };
    card.health = health.clone().into();
    let mut part = gpu(0, "MIG-0", 0);
    part.kind = DeviceKind::MigInstance {
        profile: "1g.10gb".to_owned(),
        parent: "GPU-0".into(),
    };
    part.health = health.into();
    cluster
        .node(node("a", 1))
        .live(snapshot("a", vec![card, part]));
    let expected = [(
        Severity::Warning,
        "a GPU 0 (RTX 3090): pages wait to be retired",
    )];
    assert_eq!(alerts(&cluster.picture()), expected);
}

#[test]
fn free_cards_of_different_kinds_are_named() {
    let mut cluster = Cluster::new();
    let mut p40 = gpu(1, "GPU-1", 900);
    p40.product = "Tesla P40".to_owned();
    let said = snapshot("a", vec![gpu(0, "GPU-0", 900), p40, gpu(2, "GPU-2", 900)]);
    cluster.node(node("a", 3)).live(said.clone());
    let picture = cluster.picture();
    assert_eq!(
        picture.nodes[0].mixed_free().as_deref(),
        Some("3 free: 2× RTX 3090, P40; the kubelet picks")
    );
    // Cards of one kind need no words, nor do those that nobody may take.
    let mut cordoned = node("a", 3);
    cordoned.cordoned = true;
    cluster.node(cordoned);
    assert_eq!(cluster.picture().nodes[0].mixed_free(), None);
    let alike = snapshot("a", vec![gpu(0, "GPU-0", 900), gpu(2, "GPU-2", 900)]);
    cluster.node(node("a", 2)).live(alike);
    let row = &cluster.picture().nodes[0];
    assert_eq!(row.mixed_free(), None);
    assert_eq!(
        row.free_products,
        [("NVIDIA GeForce RTX 3090".to_owned(), 2)]
    );
}

fn of(workload: (&str, &str), pod: PodInfo) -> PodInfo {
    PodInfo {
        workload: Workload {
            kind: workload.0.to_owned(),
            name: workload.1.to_owned(),
        },
        ..pod
    }
}

#[test]
fn workloads_sum_up_their_pods_and_count_a_shared_device_once() {
    let mut cluster = Cluster::new();
    let web = ("Deployment", "web");
    let mut waiting = of(web, pod("web-3", None, 1));
    waiting.phase = Phase::Pending;
    let mut over = of(("Job", "train"), pod("train-x", Some("a"), 2));
    over.phase = Phase::Succeeded;
    cluster
        .node(node("a", 4))
        .pod(of(web, pod("web-1", Some("a"), 1)))
        .pod(of(web, pod("web-2", Some("a"), 1)))
        .pod(waiting)
        .pod(over)
        .pod(pod("solo", Some("a"), 0));
    let mut said = snapshot("a", vec![gpu(0, "GPU-0", 0)]);
    said.allocations = vec![given("web-1", "GPU-0::0"), given("web-2", "GPU-0::1")].into();
    said.processes = vec![
        process(10, "GPU-0", "web-1", 0),
        process(11, "GPU-0", "web-2", 0),
    ];
    cluster.live(said);
    let picture = cluster.picture();
    let names: Vec<_> = picture
        .workloads
        .iter()
        .map(|row| (row.kind.as_str(), row.name.as_str(), row.pods.len()))
        .collect();
    let expected = [
        ("Pod", "solo", 1),
        ("Job", "train", 1),
        ("Deployment", "web", 3),
    ];
    assert_eq!(names, expected);
    let [solo, train, web] = picture.workloads.as_slice() else {
        panic!("{names:?}")
    };
    assert_eq!((web.requested, web.pending), (3, 1));
    assert_eq!((web.devices, web.in_use), (Some(1), Some(1)));
    assert_eq!(web.memory_used, Some(gputop_model::Bytes::from_gib(2)));
    assert!(web.concerns_gpus && !solo.concerns_gpus);
    // What is over asks for nothing.
    assert_eq!((train.requested, train.devices), (0, Some(0)));
    let pods = web.pods.iter().map(|at| &picture.pods[*at]);
    let pods: Vec<_> = pods.map(|row| &*row.info.key.name).collect();
    assert_eq!(pods, ["web-1", "web-2", "web-3"]);
}

#[test]
fn a_workload_is_idle_since_its_longest_idle_pod_and_unknown_where_one_is() {
    let mut cluster = Cluster::new();
    let lab = ("StatefulSet", "lab");
    cluster
        .node(node("a", 2))
        .node(node("dark", 1))
        .pod(of(lab, pod("lab-0", Some("a"), 1)))
        .pod(of(lab, pod("lab-1", Some("a"), 1)));
    let mut said = snapshot("a", vec![gpu(0, "GPU-0", 7200), gpu(1, "GPU-1", 3600)]);
    said.allocations = vec![given("lab-0", "GPU-0"), given("lab-1", "GPU-1")].into();
    cluster.live(said);
    let row = &cluster.picture().workloads[0];
    let since = clock_at(0).date(Duration::from_secs(7200));
    assert_eq!(row.idle_since, Some(since));
    assert_eq!((row.devices, row.in_use), (Some(2), Some(0)));

    cluster.pod(of(lab, pod("lab-2", Some("dark"), 1)));
    let row = &cluster.picture().workloads[0];
    assert_eq!(
        (row.devices, row.in_use, row.memory_used),
        (None, None, None)
    );
    assert_eq!(row.requested, 3);
}

#[test]
fn a_pod_that_waits_says_why_in_plain_words() {
    let mut cluster = Cluster::new();
    let mut waiting = pod("train", None, 2);
    waiting.phase = Phase::Pending;
    waiting.reason = Some("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.".to_owned());
    cluster.pod(waiting.clone());
    let row = cluster.picture().pods.remove(0);
    assert_eq!(
        row.why().as_deref(),
        Some("needs 2 GPUs: 1 node has too few free")
    );
    assert!(row.pending().unwrap().fix().is_some());
    assert_eq!(row.status(), "Pending");

    waiting.reason = Some("Scheduling is blocked due to non-empty scheduling gates".to_owned());
    cluster.pod(waiting.clone());
    let row = cluster.picture().pods.remove(0);
    assert_eq!(row.why().as_deref(), Some("held back by a scheduling gate"));
    assert_eq!(row.status(), "SchedulingGated");

    waiting.reason = None;
    cluster.pod(waiting);
    let row = cluster.picture().pods.remove(0);
    assert_eq!(
        row.why().as_deref(),
        Some("the scheduler has not said why it waits")
    );
}

#[test]
fn a_pod_that_was_refused_or_can_not_start_says_why() {
    let mut cluster = Cluster::new();
    let mut refused = pod("a", Some("n"), 1);
    refused.phase = Phase::Failed;
    refused.reason = Some("UnexpectedAdmissionError".to_owned());
    refused.message = Some(
        "Allocate failed due to requested number of devices unavailable for nvidia.com/gpu. \
         Requested: 1, Available: 0, which is unexpected"
            .to_owned(),
    );
    let mut pulling = pod("b", Some("n"), 1);
    pulling.phase = Phase::Pending;
    pulling.reason = Some("ImagePullBackOff".to_owned());
    pulling.message = Some("Back-off pulling image".to_owned());
    cluster
        .pod(refused)
        .pod(pulling)
        .pod(pod("c", Some("n"), 0));
    let pods = cluster.picture().pods;
    assert!(
        pods[0]
            .why()
            .unwrap()
            .starts_with("the kubelet refused it: too few GPUs")
    );
    assert_eq!(
        pods[1].why().as_deref(),
        Some("ImagePullBackOff: Back-off pulling image")
    );
    assert_eq!(pods[2].why(), None);
}

#[test]
fn a_device_has_a_history_that_goes_with_its_node() {
    let mut cluster = Cluster::new();
    let mut report = |second: u64| {
        let last = Some(Received {
            snapshot: snapshot("a", vec![gpu(0, "GPU-0", 0)]).into(),
            at: clock_at(second).now,
        });
        let link = LinkState::Live;
        cluster.fleet.report("a".into(), AgentReport { link, last });
    };
    // The second one is the first again: only the link has changed.
    for second in [0, 0, 1] {
        report(second);
    }
    let history = |cluster: &Cluster| {
        let series = cluster.fleet.history(&"a".into(), &"GPU-0".into());
        series.map(|series| series.samples().map(|s| s.utilization).collect::<Vec<_>>())
    };
    assert_eq!(history(&cluster), Some(vec![Some(90), Some(90)]));
    cluster
        .fleet
        .apply(Update::Nodes(Listing::Gone("a".into())));
    assert_eq!(history(&cluster), None);
}
