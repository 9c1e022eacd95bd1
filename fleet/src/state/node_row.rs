//! One node's row.

use gputop_model::{
    Bytes, DeviceKind, DriverState, MilliWatts, NodeInfo, PodInfo, is_gpu_resource,
};

use super::agent::AgentStatus;
use super::join::Telemetry;
use super::node_reason::node_reason;
use super::rows::{DeviceCounts, DeviceRow, NodeRow, ResourceRow};
use super::store::Fleet;

/// The row of one node; `devices` are its device rows.
pub(super) fn node_row(
    info: &NodeInfo,
    pods: &[&PodInfo],
    agent: AgentStatus,
    telemetry: &Telemetry<'_>,
    devices: &[DeviceRow],
    fleet: &Fleet,
) -> NodeRow {
    let snapshot = telemetry.snapshot();
    let physical = || {
        devices
            .iter()
            .map(DeviceRow::device)
            .filter(|device| matches!(device.kind, DeviceKind::Gpu { .. }))
    };
    let memory = physical()
        .filter_map(|d| d.memory_used.get().zip(d.memory_total.get()))
        .reduce(|a, b| (a.0 + b.0, a.1 + b.1));
    NodeRow {
        resources: resources(info, pods, fleet),
        reason: node_reason(info, &agent, snapshot),
        agent,
        agent_version: snapshot.map(|s| s.daemon_version.clone()),
        driver_version: snapshot.and_then(|s| match &s.driver {
            DriverState::Ready { version, .. } | DriverState::NoGpu { version } => {
                Some(version.clone())
            }
            _ => None,
        }),
        devices: snapshot
            .filter(|s| {
                matches!(
                    s.driver,
                    DriverState::Ready { .. } | DriverState::NoGpu { .. }
                )
            })
            .map(|_| device_counts(devices)),
        products: products(physical().map(|device| device.product.as_str())),
        memory,
        utilization: mean(physical().filter_map(|d| d.utilization.get()).map(|u| u.0)),
        power: physical()
            .filter_map(|d| d.power.get())
            .reduce(|a, b| a + b),
        temperature: physical()
            .filter_map(|d| d.temperature.get())
            .map(|t| t.0)
            .max(),
        age: snapshot.map(|_| telemetry.age),
        stale: snapshot.is_some() && telemetry.stale,
        info: info.clone(),
    }
}

/// Devices by state, partitioned parents left out: their instances are counted.
pub(super) fn device_counts<'a>(rows: impl IntoIterator<Item = &'a DeviceRow>) -> DeviceCounts {
    let mut counts = DeviceCounts::new();
    for row in rows
        .into_iter()
        .filter(|row| !row.device().is_partitioned())
    {
        *counts.entry(row.state).or_default() += 1;
    }
    counts
}

fn resources(info: &NodeInfo, pods: &[&PodInfo], fleet: &Fleet) -> Vec<ResourceRow> {
    let all_pods_seen = fleet.knows_all_pods();
    let requested = |name: &str| {
        pods.iter()
            .filter(|pod| pod.holds_resources())
            .filter_map(|pod| pod.requests.get(name))
            .sum::<i64>()
    };
    let mut names: Vec<&str> = info.resources.keys().map(String::as_str).collect();
    // A resource that pods hold and the node has no longer.
    names.extend(
        pods.iter()
            .filter(|pod| pod.holds_resources())
            .flat_map(|pod| pod.requests.keys())
            .map(String::as_str)
            .filter(|name| is_gpu_resource(name)),
    );
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let counts = info.resources.get(name).copied().unwrap_or_default();
            ResourceRow {
                name: name.to_owned(),
                capacity: counts.capacity,
                allocatable: counts.allocatable,
                requested: all_pods_seen.then(|| requested(name)),
            }
        })
        .collect()
}

fn products<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut products: Vec<(String, usize)> = Vec::new();
    for name in names {
        match products.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => products.push((name.to_owned(), 1)),
        }
    }
    products
}

fn mean(values: impl Iterator<Item = u8>) -> Option<u8> {
    let (sum, count) = values.fold((0_u64, 0_u64), |(sum, n), v| (sum + u64::from(v), n + 1));
    sum.checked_div(count)
        .and_then(|mean| u8::try_from(mean).ok())
}

/// Memory and power over the nodes whose daemons deliver.
pub(super) fn sums(rows: &[NodeRow]) -> (Option<(Bytes, Bytes)>, Option<MilliWatts>) {
    let fresh = || rows.iter().filter(|row| !row.stale);
    let memory = fresh()
        .filter_map(|row| row.memory)
        .reduce(|a, b| (a.0 + b.0, a.1 + b.1));
    (
        memory,
        fresh().filter_map(|row| row.power).reduce(|a, b| a + b),
    )
}
