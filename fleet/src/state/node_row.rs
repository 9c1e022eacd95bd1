//! One node's row.

use std::collections::BTreeMap;
use std::sync::Arc;

use gputop_model::{Bytes, DeviceKind, DriverState, MilliWatts, NodeInfo};

use super::agent::AgentStatus;
use super::bound::Bound;
use super::device_state::DeviceState;
use super::no_gpu::no_gpu;
use super::node_reason::node_reason;
use super::rows::{DeviceCounts, DeviceRow, NodeRow, ResourceRow};
use super::store::Fleet;
use super::telemetry::Telemetry;

/// The row of one node; `devices` are its device rows.
pub(super) fn node_row(
    info: &Arc<NodeInfo>,
    pods: &[Bound<'_>],
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
    let no_gpu = no_gpu(info, &agent, snapshot);
    NodeRow {
        resources: resources(info, pods, fleet),
        reason: node_reason(info, &agent, no_gpu.as_ref(), snapshot.is_some()),
        no_gpu,
        free_products: free_products(devices),
        agent,
        agent_version: snapshot.map(|s| s.daemon_version.clone()),
        driver_version: snapshot.and_then(|s| match &s.driver {
            DriverState::Ready { version, .. } | DriverState::NoGpu { version } => {
                Some(version.clone())
            }
            _ => None,
        }),
        cuda_version: snapshot.and_then(|s| match &s.driver {
            DriverState::Ready { cuda, .. } => cuda.clone(),
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

fn resources(info: &NodeInfo, pods: &[Bound<'_>], fleet: &Fleet) -> Vec<ResourceRow> {
    let all_pods_seen = fleet.knows_all_pods();
    // With those that pods hold and the node has no longer.
    let mut requested: BTreeMap<&str, i64> = BTreeMap::new();
    for name in info.resources.keys() {
        requested.insert(name, 0);
    }
    for pod in pods.iter().filter(|pod| pod.info.holds_resources()) {
        for (name, units) in &pod.info.requests {
            *requested.entry(name).or_default() += units;
        }
    }
    requested
        .into_iter()
        .map(|(name, requested)| {
            let counts = info.resources.get(name).copied().unwrap_or_default();
            ResourceRow {
                name: name.to_owned(),
                capacity: counts.capacity,
                allocatable: counts.allocatable,
                requested: all_pods_seen.then_some(requested),
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

/// Whole GPUs that may be taken, by product.
fn free_products(devices: &[DeviceRow]) -> Vec<(String, usize)> {
    let free = devices.iter().filter(|row| {
        let whole = matches!(row.device().kind, DeviceKind::Gpu { .. });
        whole && row.state == DeviceState::Free && row.closed.is_none() && !row.stale
    });
    products(free.map(|row| row.device().product.as_str()))
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
