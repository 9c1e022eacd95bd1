//! A cluster made by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_fleet::state::{
    AgentReport, Fleet, LinkState, Listing, Picture, Received, Settings, Update, WatchState,
    Watched, join,
};
use gputop_model::{
    Bytes, Celsius, Clock, Device, DeviceKind, DriverState, GpuProcess, Health, Holder, Moment,
    NodeInfo, NodeSnapshot, Percent, Phase, PodInfo, PodKey, ProcessKind, Readiness, Reading,
    ResourceCounts,
};
use jiff::Timestamp;

/// When the snapshots arrived.
pub(crate) const AT: Moment = Moment(Duration::from_secs(100));

/// `seconds` after [`AT`].
pub(crate) fn clock_at(seconds: u64) -> Clock {
    let wall = Timestamp::UNIX_EPOCH;
    Clock {
        now: Moment(AT.0 + Duration::from_secs(seconds)),
        wall,
    }
}

pub(crate) struct Cluster {
    pub(crate) fleet: Fleet,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let mut fleet = Fleet::new();
        fleet.apply(Update::Pods(Listing::Whole(Vec::new())));
        for watched in [Watched::Nodes, Watched::Pods] {
            fleet.apply(Update::Watch(watched, WatchState::Live));
        }
        Self { fleet }
    }

    pub(crate) fn node(&mut self, node: NodeInfo) -> &mut Self {
        self.fleet
            .apply(Update::Nodes(Listing::Changed(Box::new(node))));
        self
    }

    pub(crate) fn pod(&mut self, pod: PodInfo) -> &mut Self {
        self.fleet
            .apply(Update::Pods(Listing::Changed(Box::new(pod))));
        self
    }

    pub(crate) fn live(&mut self, snapshot: NodeSnapshot) -> &mut Self {
        let node = snapshot.node.clone();
        let last = Some(Received {
            snapshot: snapshot.into(),
            at: AT,
        });
        self.fleet.report(
            node,
            AgentReport {
                link: LinkState::Live,
                last,
            },
        );
        self
    }

    pub(crate) fn picture(&self) -> Picture {
        join(&self.fleet, clock_at(0), &Settings::default())
    }
}

pub(crate) fn node(name: &str, gpus: i64) -> NodeInfo {
    let counts = ResourceCounts {
        capacity: gpus,
        allocatable: gpus,
    };
    NodeInfo {
        readiness: Readiness::Ready,
        resources: BTreeMap::from([("nvidia.com/gpu".to_owned(), counts)]),
        kubelet_version: "v1.36.3+k3s1".to_owned(),
        architecture: "amd64".to_owned(),
        ..NodeInfo::unknown(name.into())
    }
}

/// A pod in `ml` whose uid is its name.
pub(crate) fn pod(name: &str, node: Option<&str>, units: i64) -> PodInfo {
    let requests = BTreeMap::from([("nvidia.com/gpu".to_owned(), units)]);
    PodInfo {
        node: node.map(Into::into),
        phase: Phase::Running,
        ready: true,
        requests: requests
            .into_iter()
            .filter(|(_, units)| *units != 0)
            .collect(),
        ..PodInfo::unknown(PodKey::new("ml", name), name.into())
    }
}

pub(crate) fn daemon(node: &str) -> PodInfo {
    let name = format!("gputop-node-{node}");
    PodInfo {
        key: PodKey::new("gputop-k3s", name.as_str()),
        is_daemon: true,
        ..pod(&name, Some(node), 0)
    }
}

/// A GPU that has been quiet for `idle` seconds.
pub(crate) fn gpu(index: u32, uuid: &str, idle: u64) -> Device {
    let busy = if idle == 0 { 90 } else { 0 };
    Device {
        memory_total: Bytes::from_gib(24).into(),
        memory_used: Bytes::from_mib(500).into(),
        utilization: Percent(busy).into(),
        temperature: Celsius(60).into(),
        health: Health::Ok.into(),
        process_count: 0.into(),
        idle_for: Duration::from_secs(idle).into(),
        ..Device::unmeasured(
            index,
            uuid.into(),
            "NVIDIA GeForce RTX 3090".to_owned(),
            DeviceKind::Gpu { mig_enabled: false },
        )
    }
}

/// A process of pod `ml/<pod>` with 1 GiB that has been quiet for `idle` seconds.
pub(crate) fn process(pid: u32, device: &str, pod: &str, idle: u64) -> GpuProcess {
    GpuProcess {
        start_ticks: Some(1),
        name: "python3".to_owned(),
        user: "ada".to_owned().into(),
        memory_used: Bytes::from_gib(1).into(),
        sm: Reading::Unsupported,
        idle_for: Duration::from_secs(idle).into(),
        holder: Holder::Pod {
            uid: Some(pod.into()),
            container_id: None,
            namespace: None,
            pod: None,
            container: None,
        },
        ..GpuProcess::unmeasured(pid, device.into(), ProcessKind::Compute)
    }
}

pub(crate) fn snapshot(node: &str, devices: Vec<Device>) -> NodeSnapshot {
    NodeSnapshot {
        daemon_version: "0.1.0".to_owned(),
        sequence: 1,
        driver: DriverState::Ready {
            version: "580.95.05".to_owned(),
            cuda: None,
        },
        devices,
        allocations: Vec::new().into(),
        ..NodeSnapshot::unsampled(node.into())
    }
}
