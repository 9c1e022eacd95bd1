//! Who was given the devices, and whose processes are on them.

use gputop_model::{Device, GpuProcess, Holder, NodeSnapshot, PodUid, Reading};

use super::devices;
use super::text::{Exposition, Labels, Unit};
use super::{flag, ratio, told, whole};

/// Allocations and processes.
pub(super) fn write(text: &mut Exposition, snapshot: &NodeSnapshot) {
    allocations(text, snapshot);
    let processes = || {
        snapshot.processes.iter().map(|process| {
            let labels = process_labels(snapshot, process);
            (process, labels)
        })
    };
    text.gauge(
        "gputop_process_memory_used",
        Unit::Bytes,
        "Device memory that the process holds",
        processes().filter_map(|(p, labels)| Some((labels, whole(told(&p.memory_used)?.0)))),
    );
    text.gauge(
        "gputop_process_utilization",
        Unit::Ratio,
        "Share of the time in which a kernel of the process ran",
        processes().filter_map(|(p, labels)| Some((labels, ratio(told(&p.sm)?)))),
    );
}

fn allocations(text: &mut Exposition, snapshot: &NodeSnapshot) {
    let asked = match &snapshot.allocations {
        // There is no kubelet.
        Reading::Unsupported => None,
        reading => Some(reading.fresh()),
    };
    let node = || Labels::default().with("node", snapshot.node.as_str());
    text.gauge(
        "gputop_kubelet_up",
        Unit::None,
        "Whether the kubelet says who was given which device",
        asked.iter().map(|list| (node(), flag(list.is_some()))),
    );
    // Nobody is said to hold nothing because the kubelet is silent.
    let Some(list) = asked.flatten() else { return };
    let of = |device: &Device| {
        let uuid = device.uuid.clone();
        list.iter().filter(move |a| a.device_id.device() == uuid)
    };
    text.gauge(
        "gputop_gpu_holders",
        Unit::None,
        "Containers that were given the device or a share of it",
        snapshot.devices.iter().map(|device| {
            let count = of(device).count() as f64;
            (devices::labels(snapshot, device), count)
        }),
    );
    text.gauge(
        "gputop_gpu_held",
        Unit::None,
        "1 for each container that was given the device or a share of it",
        snapshot.devices.iter().flat_map(|device| {
            of(device).map(|to| {
                let holder = devices::labels(snapshot, device)
                    .with("namespace", &to.namespace)
                    .with("pod", &to.pod)
                    .with("container", &to.container)
                    .with("device_id", to.device_id.as_str());
                (holder, 1.0)
            })
        }),
    );
}

fn process_labels(snapshot: &NodeSnapshot, process: &GpuProcess) -> Labels {
    let device = snapshot.devices.iter().find(|d| d.uuid == process.device);
    let index = device.map(|device| device.index.to_string());
    let labels = Labels::default()
        .with("node", snapshot.node.as_str())
        .with_some("gpu", index.as_deref())
        .with("uuid", process.device.as_str())
        .with("pid", &process.pid.to_string())
        .with("process", &process.name);
    match &process.holder {
        Holder::Pod {
            uid,
            namespace,
            pod,
            container,
            ..
        } => labels
            .with_some("namespace", namespace.as_deref())
            .with_some("pod", pod.as_deref())
            .with_some("container", container.as_deref())
            .with_some("pod_uid", uid.as_ref().map(PodUid::as_str)),
        Holder::Outside { kind, name } => {
            labels.with("outside", &format!("{}: {name}", kind.name()))
        }
        Holder::Unknown => labels,
    }
}
