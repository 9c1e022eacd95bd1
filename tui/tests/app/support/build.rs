//! Short ways to make the parts of a cluster.

use std::sync::Arc;
use std::time::Duration;

use gputop_fleet::state::{AgentReport, LinkState, Received};
use gputop_model::{
    Allocation, Bytes, Celsius, ContainerInfo, Device, DeviceId, DeviceKind, DriverState,
    GpuProcess, Health, Holder, MilliWatts, Moment, NodeInfo, NodeSnapshot, Percent, Phase,
    PodInfo, PodKey, ProcessKind, Readiness, Reading, ResourceCounts, Workload,
};
use jiff::Timestamp;

use super::NOW;

pub(crate) fn node(name: &str, resources: &[(&str, i64)]) -> NodeInfo {
    let counts = |units: i64| ResourceCounts {
        capacity: units,
        allocatable: units,
    };
    NodeInfo {
        created: Timestamp::from_second(1_780_000_000).ok(),
        readiness: Readiness::Ready,
        resources: resources
            .iter()
            .map(|(name, units)| (format!("nvidia.com/{name}"), counts(*units)))
            .collect(),
        kubelet_version: "v1.36.3+k3s1".to_owned(),
        os_image: "Ubuntu 26.04 LTS".to_owned(),
        architecture: "amd64".to_owned(),
        ..NodeInfo::unknown(name.into())
    }
}

pub(crate) fn pod(name: &str, node: Option<&str>, resource: Option<&str>) -> PodInfo {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    let requests = resource.map(|name| (format!("nvidia.com/{name}"), 1));
    PodInfo {
        node: node.map(Into::into),
        phase: Phase::Running,
        created: Timestamp::from_second(1_789_900_000).ok(),
        ready: true,
        workload: Workload {
            kind: "Deployment".to_owned(),
            name: name.to_owned(),
        },
        requests: requests.into_iter().collect(),
        containers: vec![ContainerInfo::unknown("main")],
        ..PodInfo::unknown(PodKey::new(namespace, name), format!("uid-{name}").into())
    }
}

/// The daemon's pod on a node.
pub(crate) fn daemon(node: &str) -> PodInfo {
    let mut pod = pod(&format!("gputop-k3s/gputop-node-{node}"), Some(node), None);
    pod.workload = Workload {
        kind: "DaemonSet".to_owned(),
        name: "gputop-node".to_owned(),
    };
    pod.is_daemon = true;
    pod
}

pub(crate) struct Gpu {
    pub(crate) percent: u8,
    pub(crate) used: f64,
    pub(crate) total: u64,
    pub(crate) celsius: i32,
    pub(crate) watts: (u32, u32),
    pub(crate) idle: u64,
}

pub(crate) fn gpu(index: u32, node: &str, product: &str, gpu: &Gpu) -> Device {
    let kind = DeviceKind::Gpu { mig_enabled: false };
    let mut device = Device::unmeasured(index, uuid(node, index), product.to_owned(), kind);
    let used = mebibytes(gpu.used);
    device.memory_total = Bytes::from_gib(gpu.total).into();
    device.memory_used = Bytes::from_mib(used).into();
    device.utilization = Percent(gpu.percent).into();
    device.memory_utilization = Percent(gpu.percent / 2).into();
    device.temperature = Celsius(gpu.celsius).into();
    device.power = MilliWatts(gpu.watts.0 * 1000).into();
    device.power_limit = MilliWatts(gpu.watts.1 * 1000).into();
    device.throttle_reasons = Vec::new().into();
    device.health = Health::Ok.into();
    device.process_count = 0.into();
    device.idle_for = Duration::from_secs(gpu.idle).into();
    device
}

pub(crate) fn instance(parent: &Device, number: u32, profile: &str, gib: u64, used: u64) -> Device {
    let uuid = format!("MIG-{}-{number}", parent.uuid);
    let kind = DeviceKind::MigInstance {
        profile: profile.to_owned(),
        parent: parent.uuid.clone(),
    };
    let mut device = Device::unmeasured(parent.index, uuid.into(), parent.product.clone(), kind);
    device.memory_total = Bytes::from_gib(gib).into();
    device.memory_used = Bytes::from_gib(used).into();
    device.utilization = Reading::Unsupported;
    device.health = Health::Ok.into();
    device.process_count = 0.into();
    device
}

pub(crate) fn uuid(node: &str, index: u32) -> gputop_model::GpuUuid {
    format!("GPU-{node}-{index}").into()
}

pub(crate) fn process(
    pid: u32,
    device: &Device,
    name: &str,
    gib: f64,
    holder: Holder,
) -> GpuProcess {
    let used = mebibytes(gib);
    GpuProcess {
        start_ticks: Some(u64::from(pid) * 10),
        name: name.to_owned(),
        user: "root".to_owned().into(),
        memory_used: Bytes::from_mib(used).into(),
        sm: device.utilization.clone(),
        idle_for: device.idle_for.clone(),
        holder,
        ..GpuProcess::unmeasured(pid, device.uuid.clone(), ProcessKind::Compute)
    }
}

pub(crate) fn in_pod(name: &str) -> Holder {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    Holder::Pod {
        uid: Some(format!("uid-{name}").into()),
        container_id: None,
        namespace: Some(namespace.to_owned()),
        pod: Some(name.to_owned()),
        container: Some("main".to_owned()),
    }
}

pub(crate) fn given(name: &str, resource: &str, device: &str) -> Allocation {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    Allocation {
        namespace: namespace.to_owned(),
        pod: name.to_owned(),
        container: "main".to_owned(),
        resource: format!("nvidia.com/{resource}"),
        device_id: DeviceId::new(device),
    }
}

pub(crate) fn snapshot(
    node: &str,
    devices: Vec<Device>,
    processes: Vec<GpuProcess>,
    allocations: Vec<Allocation>,
) -> NodeSnapshot {
    NodeSnapshot {
        daemon_version: "0.1.0".to_owned(),
        sequence: 7,
        driver: DriverState::Ready {
            version: "580.95.05".to_owned(),
            cuda: Some("13.0".to_owned()),
        },
        devices,
        processes,
        allocations: allocations.into(),
        ..NodeSnapshot::unsampled(node.into())
    }
}

/// What the link to a daemon has delivered, `age` seconds ago.
pub(crate) fn report(snapshot: NodeSnapshot, age: u64, link: LinkState) -> AgentReport {
    let at = Moment(Duration::from_secs(NOW - age));
    AgentReport {
        link,
        last: Some(Received {
            snapshot: Arc::new(snapshot),
            at,
        }),
    }
}

/// The figures of the fixture have one decimal.
fn mebibytes(gib: f64) -> u64 {
    let tenths = (0_u32..2000)
        .find(|tenths| f64::from(*tenths) / 10.0 >= gib - 0.01)
        .unwrap_or(0);
    u64::from(tenths) * 1024 / 10
}
