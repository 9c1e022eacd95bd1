//! Made-up clusters: every GPU but each fourth is held by a pod and used by one process, the other
//! pods ask for nothing, each node has a daemon that delivers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use gputop_fleet::state::{
    AgentReport, Fleet, LinkState, Listing, Received, Update, WatchState, Watched,
};
use gputop_model::{
    Allocation, Bytes, Celsius, Clock, ContainerInfo, ContainerState, Device, DeviceId, DeviceKind,
    DriverState, GpuProcess, Health, Holder, MilliWatts, Moment, NodeInfo, NodeSnapshot, Percent,
    Phase, PodInfo, PodKey, ProcessKind, Readiness, Reading, ResourceCounts, Workload,
};
use jiff::Timestamp;

/// Size of a made-up cluster.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    pub(crate) gpus_per_node: usize,
    pub(crate) pods: usize,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gpus = self.nodes * self.gpus_per_node;
        write!(f, "{} nodes {gpus} GPUs {} pods", self.nodes, self.pods)
    }
}

/// A homelab, and a large lab.
pub(crate) const SIZES: [Size; 2] = [
    Size {
        nodes: 23,
        gpus_per_node: 8,
        pods: 1000,
    },
    Size {
        nodes: 200,
        gpus_per_node: 8,
        pods: 4000,
    },
];

/// When everything was reported.
const AT: Moment = Moment(Duration::from_secs(100));

/// The time at which it is looked at.
pub(crate) const CLOCK: Clock = Clock {
    now: AT,
    wall: Timestamp::UNIX_EPOCH,
};

/// A cluster of that size, as the watches and the daemons told of it.
pub(crate) fn fleet(size: Size) -> Fleet {
    let mut fleet = Fleet::new();
    let nodes = (0..size.nodes).map(|at| node(at, size)).collect();
    let pods = (0..size.pods).map(|at| pod(at, size)).collect();
    fleet.apply(Update::Nodes(Listing::Whole(nodes)));
    fleet.apply(Update::Pods(Listing::Whole(pods)));
    for watched in [Watched::Nodes, Watched::Pods] {
        fleet.apply(Update::Watch(watched, WatchState::Live));
    }
    for at in 0..size.nodes {
        let last = Some(Received {
            snapshot: snapshot(at, size).into(),
            at: AT,
        });
        let link = LinkState::Live;
        fleet.report(node_name(at).into(), AgentReport { link, last });
    }
    fleet
}

fn node_name(at: usize) -> String {
    format!("worker-{at:03}.lab.example.org")
}

fn uuid(node: usize, gpu: usize) -> String {
    format!("GPU-8f2c1a3e-{node:04}-{gpu:04}-9d7b-5e6a4c3b2a10")
}

/// Whether that GPU of that node was given to a pod.
fn is_held(gpu: usize) -> bool {
    gpu % 4 != 3
}

fn node(at: usize, size: Size) -> NodeInfo {
    let gpus = i64::try_from(size.gpus_per_node).unwrap_or_default();
    let counts = ResourceCounts {
        capacity: gpus,
        allocatable: gpus,
    };
    NodeInfo {
        readiness: Readiness::Ready,
        resources: BTreeMap::from([("nvidia.com/gpu".to_owned(), counts)]),
        labels: BTreeMap::from([("kubernetes.io/hostname".to_owned(), node_name(at))]),
        kubelet_version: "v1.36.3+k3s1".to_owned(),
        ..NodeInfo::unknown(node_name(at).into())
    }
}

fn pod_name(at: usize) -> String {
    format!("serve-{}-6d4b9c7f58-{at:05}", at / 50)
}

fn pod_uid(at: usize) -> String {
    // The API's order of uids is not that of names.
    let mixed = at.wrapping_mul(2_654_435_761) % 4_294_967_296;
    format!("{mixed:08x}-0000-4000-8000-{at:012}")
}

/// The pod on place `at`: they go round the nodes; the first round are the daemons, the next
/// rounds hold a GPU each.
fn pod(at: usize, size: Size) -> PodInfo {
    let (node, round) = (at % size.nodes, at / size.nodes);
    let name = pod_name(at);
    let holds = round > 0 && round <= size.gpus_per_node && is_held(round - 1);
    let requests = holds.then(|| ("nvidia.com/gpu".to_owned(), 1));
    let container = ContainerInfo {
        image: "registry.example.org/serve:1.4.2".to_owned(),
        ready: true,
        state: ContainerState::Running { since: None },
        ..ContainerInfo::unknown("main")
    };
    PodInfo {
        node: Some(node_name(node).into()),
        phase: Phase::Running,
        ready: true,
        workload: Workload {
            kind: "Deployment".to_owned(),
            name: format!("serve-{}", at / 50),
        },
        requests: requests.into_iter().collect(),
        labels: [("app", "serve"), ("pod-template-hash", "6d4b9c7f58")]
            .into_iter()
            .collect(),
        containers: vec![container],
        is_daemon: round == 0,
        ..PodInfo::unknown(
            PodKey::new(format!("team-{}", at % 7), name),
            pod_uid(at).into(),
        )
    }
}

fn snapshot(node: usize, size: Size) -> NodeSnapshot {
    let held = || (0..size.gpus_per_node).filter(|gpu| is_held(*gpu));
    let holder = |gpu: usize| node + (gpu + 1) * size.nodes;
    let allocations: Vec<Allocation> = held()
        .map(|gpu| Allocation {
            namespace: format!("team-{}", holder(gpu) % 7),
            pod: pod_name(holder(gpu)),
            container: "main".to_owned(),
            resource: "nvidia.com/gpu".to_owned(),
            device_id: DeviceId::new(uuid(node, gpu)),
        })
        .collect();
    NodeSnapshot {
        daemon_version: "0.1.0".to_owned(),
        sequence: 1,
        driver: DriverState::Ready {
            version: "580.95.05".to_owned(),
            cuda: None,
        },
        devices: (0..size.gpus_per_node)
            .map(|gpu| device(node, gpu))
            .collect(),
        processes: held()
            .map(|gpu| process(gpu, &uuid(node, gpu), &pod_uid(holder(gpu))))
            .collect(),
        allocations: allocations.into(),
        ..NodeSnapshot::unsampled(node_name(node).into())
    }
}

fn device(node: usize, gpu: usize) -> Device {
    let kind = DeviceKind::Gpu { mig_enabled: false };
    let index = u32::try_from(gpu).unwrap_or_default();
    let product = "NVIDIA H100 80GB HBM3".to_owned();
    Device {
        memory_total: Bytes::from_gib(80).into(),
        memory_used: Bytes::from_gib(30).into(),
        utilization: Percent(90).into(),
        temperature: Celsius(60).into(),
        power: MilliWatts(412_000).into(),
        health: Health::Ok.into(),
        process_count: 1.into(),
        idle_for: Duration::ZERO.into(),
        ..Device::unmeasured(index, uuid(node, gpu).into(), product, kind)
    }
}

fn process(gpu: usize, device: &str, pod: &str) -> GpuProcess {
    GpuProcess {
        start_ticks: Some(1),
        name: "python3".to_owned(),
        user: "ada".to_owned().into(),
        memory_used: Bytes::from_gib(30).into(),
        sm: Reading::Unsupported,
        idle_for: Duration::ZERO.into(),
        holder: Holder::Pod {
            uid: Some(pod.into()),
            container_id: None,
            namespace: None,
            pod: None,
            container: None,
        },
        ..GpuProcess::unmeasured(
            u32::try_from(4000 + gpu).unwrap_or_default(),
            device.into(),
            ProcessKind::Compute,
        )
    }
}
