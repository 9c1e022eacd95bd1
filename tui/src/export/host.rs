//! The machine around a node's GPUs, and what its daemon can not see.

use gputop_fleet::state::NodeRow;
use gputop_model::Limitation;
use serde::Serialize;

use super::column::{Column, Datum, several};
use super::node::NodeItem;

/// What is measured of the machine; `null`: the daemon does not know it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostItem {
    /// Of all processors, 0..=100.
    pub cpu_percent: Option<u8>,
    /// Logical processors.
    pub cpus: Option<u32>,
    /// Load average of the last minute, in hundredths.
    pub load_hundredths: Option<u32>,
    /// Memory of the machine.
    pub memory_total_bytes: Option<u64>,
    /// What programs can have of it without swapping.
    pub memory_available_bytes: Option<u64>,
    /// The file systems that fill up.
    pub disks: Option<Vec<DiskItem>>,
    /// Over all physical network interfaces.
    pub network_receive_bytes_per_second: Option<u64>,
    /// Over all physical network interfaces.
    pub network_transmit_bytes_per_second: Option<u64>,
    /// Since the machine was started.
    pub uptime_ms: Option<u64>,
    /// Packages wait for a restart.
    pub reboot_required: Option<bool>,
    /// Release of the running kernel.
    pub kernel: Option<String>,
}

/// A file system of the machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiskItem {
    /// Where it is mounted.
    pub mount: String,
    /// Its size.
    pub total_bytes: u64,
    /// What programs without privileges can still write.
    pub available_bytes: u64,
}

/// Something that the daemon can not see.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitationItem {
    /// Stable name, such as `foreign_pid_namespace`.
    pub name: String,
    /// Why, and what is lost by it.
    pub lost: String,
    /// What mends it; `null`: nothing does.
    pub fix: Option<String>,
}

/// The machine of `row`; `None`: its daemon has not spoken.
pub(super) fn host(row: &NodeRow) -> Option<HostItem> {
    let host = row.host()?;
    let disks = host.disks.known().map(|disks| {
        disks
            .iter()
            .map(|disk| DiskItem {
                mount: disk.mount.clone(),
                total_bytes: disk.total.0,
                available_bytes: disk.available.0,
            })
            .collect()
    });
    Some(HostItem {
        cpu_percent: host.cpu.get().map(|share| share.0),
        cpus: host.cpus.get(),
        load_hundredths: host.load.get().map(|load| load.0),
        memory_total_bytes: host.memory_total.get().map(|bytes| bytes.0),
        memory_available_bytes: host.memory_available.get().map(|bytes| bytes.0),
        disks,
        network_receive_bytes_per_second: host.network_receive.get().map(|rate| rate.0),
        network_transmit_bytes_per_second: host.network_transmit.get().map(|rate| rate.0),
        uptime_ms: host.uptime.get().map(super::millis),
        reboot_required: host.reboot_required.get(),
        kernel: host.kernel.known().cloned(),
    })
}

/// What the daemon of `row` can not see.
pub(super) fn limitations(row: &NodeRow) -> Vec<LimitationItem> {
    let item = |Limitation { name, lost, fix }: &Limitation| LimitationItem {
        name: name.clone(),
        lost: lost.clone(),
        fix: (!fix.is_empty()).then(|| fix.clone()),
    };
    row.limitations().iter().map(item).collect()
}

fn of<T: Into<Datum>>(node: &NodeItem, value: impl Fn(&HostItem) -> Option<T>) -> Datum {
    node.host.as_ref().and_then(value).into()
}

fn disks(host: &HostItem) -> Option<String> {
    let disks = host.disks.as_ref()?.iter();
    Some(several(disks.map(|disk| {
        let (available, total) = (disk.available_bytes, disk.total_bytes);
        format!("{}={available}/{total}", disk.mount)
    })))
}

/// The machine's columns, which tables do not show. What moves all the time is no change of its
/// node.
pub(super) const COLUMNS: &[Column<NodeItem>] = &[
    Column::of("host_cpu_percent", |n| of(n, |h| h.cpu_percent)).ages(),
    Column::of("host_cpus", |n| of(n, |h| h.cpus)),
    Column::of("host_load_hundredths", |n| of(n, |h| h.load_hundredths)).ages(),
    Column::of("host_memory_total_bytes", |n| {
        of(n, |h| h.memory_total_bytes)
    }),
    Column::of("host_memory_available_bytes", |n| {
        of(n, |h| h.memory_available_bytes)
    })
    .ages(),
    // available/total of each mount.
    Column::of("host_disks", |n| of(n, disks)).ages(),
    Column::of("host_network_receive_bytes_per_second", |n| {
        of(n, |h| h.network_receive_bytes_per_second)
    })
    .ages(),
    Column::of("host_network_transmit_bytes_per_second", |n| {
        of(n, |h| h.network_transmit_bytes_per_second)
    })
    .ages(),
    Column::of("host_uptime_ms", |n| of(n, |h| h.uptime_ms)).ages(),
    Column::of("host_reboot_required", |n| of(n, |h| h.reboot_required)),
    Column::of("host_kernel", |n| of(n, |h| h.kernel.clone())),
];
