//! One node's row.

use std::collections::BTreeMap;
use std::sync::Arc;

use gputop_model::{Bytes, DeviceKind, DriverState, MilliWatts, NodeInfo};

use super::agent::AgentStatus;
use super::bound::Bound;
use super::device_state::DeviceState;
use super::join::Settings;
use super::no_gpu::no_gpu;
use super::node_reason::node_reason;
use super::rows::{DeviceCounts, DeviceRow, NodeRow, Picture, ResourceRow};
use super::store::Fleet;
use super::sum::{Sum, node_sums, physical};
use super::telemetry::Telemetry;

/// The row of one node; `devices` are its device rows.
pub(super) fn node_row(
    info: &Arc<NodeInfo>,
    pods: &[Bound<'_>],
    agent: AgentStatus,
    telemetry: &Telemetry<'_>,
    devices: &[DeviceRow],
    fleet: &Fleet,
    settings: &Settings,
) -> NodeRow {
    let snapshot = telemetry.snapshot();
    let sums = node_sums(physical(devices), settings.stale_after);
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
        products: products(physical(devices).map(|device| device.product.as_str())),
        memory: sums.memory,
        utilization: sums.utilization,
        power: sums.power,
        temperature: sums.temperature,
        snapshot: telemetry.received.map(|received| received.snapshot.clone()),
        holders_age: devices.iter().filter_map(|row| row.holders_age).max(),
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

/// Memory and power over the nodes whose daemons deliver. What the others have is missing, unless
/// they are away as it was said that they would be.
pub(super) fn sums(picture: &Picture) -> (Sum<(Bytes, Bytes)>, Sum<MilliWatts>) {
    let (mut memory, mut power) = (Sum::default(), Sum::default());
    for row in picture.nodes.iter().filter(|row| !row.stale) {
        memory.add(row.memory, |a, b| (a.0 + b.0, a.1 + b.1));
        power.add(row.power, |a, b| a + b);
    }
    let silent = picture
        .nodes
        .iter()
        .filter(|row| row.stale && !row.info.is_away());
    let silent = silent.map(|row| row.products.iter().map(|(_, count)| count).sum::<usize>());
    // A part may be instances, whose card is counted.
    let unseen = picture.gaps.iter().filter(|gap| !gap.is_part);
    let unseen = unseen.filter_map(|gap| {
        let row = picture.node(&gap.node)?;
        (!row.info.is_away()).then(|| gap.devices.unwrap_or(1))
    });
    let missing: usize = silent.chain(unseen).sum();
    memory.missing += missing;
    power.missing += missing;
    (memory, power)
}
