//! The driver, and the machine around the GPUs.

use gputop_model::{Disk, DriverState, Host, NodeSnapshot};

use super::text::{Exposition, Labels, Unit};
use super::{flag, ratio, told, whole};

/// Name without its unit, unit, meaning, value.
pub(super) type Measure = (&'static str, Unit, &'static str, fn(&Host) -> Option<f64>);

pub(super) const GAUGES: &[Measure] = &[
    (
        "gputop_node_cpu_utilization",
        Unit::Ratio,
        "Share of all processors' time in which they worked",
        |h| told(&h.cpu).map(ratio),
    ),
    (
        "gputop_node_cpus",
        Unit::None,
        "Logical processors that are online",
        |h| told(&h.cpus).map(f64::from),
    ),
    (
        "gputop_node_load1",
        Unit::None,
        "Processes that run or wait for disk, on average over the last minute",
        |h| told(&h.load).map(|v| f64::from(v.0) / 100.0),
    ),
    (
        "gputop_node_memory_total",
        Unit::Bytes,
        "Memory that the kernel manages",
        |h| told(&h.memory_total).map(|v| whole(v.0)),
    ),
    (
        "gputop_node_memory_available",
        Unit::Bytes,
        "Memory that programs can have without swapping",
        |h| told(&h.memory_available).map(|v| whole(v.0)),
    ),
    (
        "gputop_node_network_receive",
        Unit::BytesPerSecond,
        "Received over all physical network interfaces",
        |h| told(&h.network_receive).map(|v| whole(v.0)),
    ),
    (
        "gputop_node_network_transmit",
        Unit::BytesPerSecond,
        "Sent over all physical network interfaces",
        |h| told(&h.network_transmit).map(|v| whole(v.0)),
    ),
    (
        "gputop_node_uptime",
        Unit::Seconds,
        "Time since the machine was started",
        |h| told(&h.uptime).map(|v| v.as_secs_f64()),
    ),
    (
        "gputop_node_reboot_required",
        Unit::None,
        "Whether packages wait for a restart of the machine",
        |h| told(&h.reboot_required).map(flag),
    ),
];

/// What is known of the driver and of the machine.
pub(super) fn write(text: &mut Exposition, snapshot: &NodeSnapshot) {
    let node = || Labels::default().with("node", snapshot.node.as_str());
    let driver = &snapshot.driver;
    text.states(
        "gputop_driver_state",
        "Whether the driver can be asked",
        &["ready", "no_driver", "no_gpu", "mismatch", "failed"],
        [(node(), vec![driver.name()])].into_iter(),
    );
    let version = match driver {
        DriverState::Ready { version, cuda } => Some((version, cuda.as_deref())),
        DriverState::NoGpu { version } => Some((version, None)),
        _ => None,
    };
    text.info(
        "gputop_driver",
        "Version of the driver, and the newest CUDA that it serves",
        version
            .into_iter()
            .map(|(version, cuda)| node().with("version", version).with_some("cuda", cuda)),
    );
    text.gauge(
        "gputop_node_devices",
        Unit::None,
        "Physical GPUs and MIG instances",
        version
            .iter()
            .map(|_| (node(), snapshot.devices.len() as f64)),
    );
    for (name, unit, help, value) in GAUGES {
        let value = value(&snapshot.host);
        text.gauge(name, *unit, help, value.into_iter().map(|v| (node(), v)));
    }
    let disks = told(&snapshot.host.disks).unwrap_or_default();
    let sizes = |size: fn(&Disk) -> u64| {
        let of = |disk: &Disk| (node().with("mount", &disk.mount), whole(size(disk)));
        disks.iter().map(of).collect::<Vec<_>>().into_iter()
    };
    text.gauge(
        "gputop_node_disk_total",
        Unit::Bytes,
        "Size of the file system",
        sizes(|disk| disk.total.0),
    );
    text.gauge(
        "gputop_node_disk_available",
        Unit::Bytes,
        "What programs can still write to the file system",
        sizes(|disk| disk.available.0),
    );
    text.gauge(
        "gputop_node_limitation",
        Unit::None,
        "1 for each thing that the daemon can not see",
        snapshot
            .limitations
            .iter()
            .map(|limitation| (node().with("limitation", &limitation.name), 1.0)),
    );
}
