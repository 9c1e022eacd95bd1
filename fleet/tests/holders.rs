//! Who holds what: when a list of holders may be believed, and what is said when it may not.

mod common;

use std::time::Duration;

use common::{Cluster, daemon, gpu, node, pod, process, snapshot};
use gputop_fleet::state::{
    AlertSubject, DeviceRow, DeviceState, Listing, Picture, Severity, Update,
};
use gputop_model::{
    Allocation, Bytes, DeviceHealth, DeviceId, DeviceKind, Failure, Limitation, MilliWatts,
    NodeSnapshot, PodDevice, PodInfo, Reading,
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

/// Node a with two quiet GPUs, and what its kubelet says.
fn two(said: Reading<Vec<Allocation>>) -> NodeSnapshot {
    NodeSnapshot {
        allocations: said,
        ..snapshot("a", vec![gpu(0, "GPU-0", 900), gpu(1, "GPU-1", 900)])
    }
}

fn stale(list: Vec<Allocation>, seconds: u64) -> Reading<Vec<Allocation>> {
    Reading::Stale {
        value: list,
        age: Duration::from_secs(seconds),
    }
}

fn cluster(said: Reading<Vec<Allocation>>, pods: Vec<PodInfo>) -> Picture {
    let mut cluster = Cluster::new();
    cluster.node(node("a", 2)).pod(daemon("a"));
    for pod in pods {
        cluster.pod(pod);
    }
    cluster.live(two(said));
    cluster.picture()
}

fn states(picture: &Picture) -> Vec<DeviceState> {
    picture.devices.iter().map(|row| row.state).collect()
}

#[test]
fn an_old_list_of_a_pod_that_is_gone_does_not_speak_for_one_that_came() {
    // As many units as were asked for, and not those of the pod that is there.
    let old = stale(vec![given("gone", "GPU-0")], 60);
    let picture = cluster(old, vec![pod("came", Some("a"), 1)]);
    assert_eq!(states(&picture)[1], DeviceState::Unknown);
    assert!(!picture.devices[1].holders_complete);

    // Of the pods that are there every unit is in it.
    let old = stale(vec![given("stays", "GPU-0")], 60);
    let picture = cluster(old, vec![pod("stays", Some("a"), 1)]);
    assert_eq!(states(&picture)[1], DeviceState::Free);

    let old = stale(vec![given("stays", "GPU-0")], 60);
    let picture = cluster(old, vec![pod("stays", Some("a"), 2)]);
    assert_eq!(
        states(&picture)[1],
        DeviceState::Unknown,
        "one unit is missing"
    );
}

#[test]
fn a_new_list_without_a_pod_that_runs_is_behind() {
    let said = || vec![given("train", "GPU-0")].into();
    let train = || pod("train", Some("a"), 1);
    let behind = cluster(said(), vec![train(), pod("came", Some("a"), 1)]);
    assert_eq!(states(&behind)[1], DeviceState::Unknown);

    // One that is still being started, or ends, or asks for nothing, need not be there.
    let mut starting = pod("came", Some("a"), 1);
    starting.phase = gputop_model::Phase::Pending;
    let mut ending = pod("came", Some("a"), 1);
    ending.deletion = Some(jiff::Timestamp::UNIX_EPOCH);
    for other in [starting, ending, pod("came", Some("a"), 0)] {
        let picture = cluster(said(), vec![train(), other]);
        assert_eq!(states(&picture)[1], DeviceState::Free);
    }
}

#[test]
fn a_pod_whose_status_names_fewer_devices_than_it_asks_for_is_not_known() {
    let named = |units: i64, ids: &[&str]| {
        let device = |id: &&str| PodDevice {
            container: "main".to_owned(),
            resource: "nvidia.com/gpu".to_owned(),
            device_id: DeviceId::new(*id),
            health: DeviceHealth::Healthy,
        };
        let pod = PodInfo {
            devices: ids.iter().map(device).collect(),
            ..pod("train", Some("a"), units)
        };
        states(&cluster(Reading::Failed(Failure::NotFound), vec![pod]))
    };
    assert_eq!(named(2, &["GPU-0"])[1], DeviceState::Unknown);
    assert_eq!(named(1, &["GPU-0"])[1], DeviceState::Free);
    // The container that prepared the pod had the same one.
    assert_eq!(named(2, &["GPU-0", "GPU-0"])[1], DeviceState::Unknown);
}

#[test]
fn an_old_list_is_marked_and_said_once() {
    let ages = |picture: &Picture| -> Vec<Option<u64>> {
        let ages = picture.devices.iter().map(|row| row.holders_age);
        ages.map(|age| age.map(|age| age.as_secs())).collect()
    };
    let of_kubelet = |picture: &Picture| {
        let about = |alert: &&gputop_fleet::state::Alert| alert.what.contains("kubelet");
        picture.alerts.iter().filter(about).count()
    };
    let list = vec![given("train", "GPU-0")];
    let old = cluster(stale(list.clone(), 60), vec![pod("train", Some("a"), 1)]);
    assert_eq!(ages(&old), [Some(60), Some(60)]);
    assert_eq!(of_kubelet(&old), 1);
    // The kubelet was asked a moment ago.
    let late = cluster(stale(list.clone(), 5), vec![pod("train", Some("a"), 1)]);
    assert_eq!((ages(&late), of_kubelet(&late)), (vec![None, None], 0));
    let fresh = cluster(list.into(), vec![pod("train", Some("a"), 1)]);
    assert_eq!((ages(&fresh), of_kubelet(&fresh)), (vec![None, None], 0));
}

#[test]
fn what_containers_hold_and_nobody_sees_is_a_gap() {
    let said = vec![given("one", "GPU-0"), given("two", "MIG-9")];
    let pods = vec![pod("one", Some("a"), 1), pod("two", Some("a"), 1)];
    let picture = cluster(said.into(), pods);
    let [gap] = picture.gaps.as_slice() else {
        panic!("{:?}", picture.gaps)
    };
    assert!(gap.is_part);
    assert_eq!(
        (gap.node.as_str(), gap.units, gap.devices),
        ("a", 1, Some(1))
    );
    let (uuid, holders) = &gap.named[0];
    assert_eq!((uuid.as_str(), &*holders[0].pod), ("MIG-9", "two"));
    assert_eq!(picture.totals.devices[&DeviceState::Unknown], 1);
    let alert = &picture.alerts[0];
    assert_eq!(alert.subject, AlertSubject::Node("a".into()));
    assert!(
        alert.what.contains("not shown by the driver"),
        "{}",
        alert.what
    );

    let said = vec![given("one", "GPU-0"), given("two", "GPU-1")];
    let pods = vec![pod("one", Some("a"), 1), pod("two", Some("a"), 1)];
    assert_eq!(cluster(said.into(), pods).gaps, []);
}

#[test]
fn sums_say_that_a_card_is_missing() {
    let powered = |index, uuid: &str| {
        let mut gpu = gpu(index, uuid, 900);
        gpu.power = MilliWatts(100_000).into();
        gpu
    };
    let mut cluster = Cluster::new();
    cluster
        .node(node("a", 2))
        .node(node("b", 1))
        .pod(daemon("a"));
    let lost = powered(1, "GPU-1").failed(Failure::GpuLost);
    cluster.live(snapshot("a", vec![powered(0, "GPU-0"), lost]));
    let picture = cluster.picture();
    let row = &picture.nodes[0];
    assert_eq!(
        (row.power.value, row.power.missing),
        (Some(MilliWatts(100_000)), 1)
    );
    let memory = (Bytes::from_mib(500), Bytes::from_gib(24));
    assert_eq!((row.memory.value, row.silent_gpus()), (Some(memory), 1));
    // Nobody sees the GPU of b either.
    let power = picture.totals.power;
    assert_eq!((power.value, power.missing), (Some(MilliWatts(100_000)), 2));
    assert!(picture.totals.memory.is_partial());

    cluster
        .fleet
        .apply(Update::Nodes(Listing::Gone("b".into())));
    cluster.live(NodeSnapshot {
        sequence: 2,
        ..snapshot("a", vec![powered(0, "GPU-0"), powered(1, "GPU-1")])
    });
    let totals = cluster.picture().totals;
    assert_eq!(
        (totals.power.value, totals.power.missing),
        (Some(MilliWatts(200_000)), 0)
    );
}

#[test]
fn what_a_daemon_can_not_see_is_a_notice() {
    let limitation = |lost: &str| Limitation {
        name: "no_host_root".to_owned(),
        lost: lost.to_owned(),
        fix: "mount it".to_owned(),
    };
    let mut cluster = Cluster::new();
    cluster.node(node("a", 2)).pod(daemon("a"));
    let mut said = two(Vec::new().into());
    said.limitations = vec![
        limitation("its disks are not known"),
        limitation("nor this"),
    ];
    said.host.reboot_required = true.into();
    cluster.live(said);
    let picture = cluster.picture();
    let [alert] = picture.alerts.as_slice() else {
        panic!("{:?}", picture.alerts)
    };
    assert_eq!(alert.severity, Severity::Notice);
    assert_eq!(alert.what, "a: not seen: its disks are not known (+1 more)");
    let row = &picture.nodes[0];
    assert_eq!(row.limitations().len(), 2);
    assert_eq!(
        row.host().and_then(|host| host.reboot_required.get()),
        Some(true)
    );
}

#[test]
fn instances_that_are_missing_leave_their_card_counted() {
    let mut card = gpu(0, "GPU-0", 900);
    card.kind = DeviceKind::Gpu { mig_enabled: true };
    let mut cluster = Cluster::new();
    cluster.node(node("a", 1)).pod(daemon("a"));
    cluster.pod(pod("one", Some("a"), 1));
    let mut said = snapshot("a", vec![card]);
    said.allocations = vec![given("one", "MIG-1")].into();
    said.processes = vec![process(10, "MIG-1", "one", 0)];
    cluster.live(said);
    let picture = cluster.picture();
    let rows: Vec<_> = picture.devices.iter().map(DeviceRow::label).collect();
    assert_eq!(rows, ["0"]);
    assert_eq!(picture.gaps.len(), 1);
    assert_eq!(picture.processes[0].allocated, Some(true));
    assert_eq!(picture.totals.memory.missing, 0);
}
