//! Sums over the whole cluster.

use gputop_model::{Phase, Readiness};

use super::agent::AgentStatus;
use super::alerts::AlertCounts;
use super::device_state::DeviceState;
use super::node_row::{device_counts, sums};
use super::rows::{DeviceCounts, NodeRow, Picture, Totals};
use super::store::Fleet;

/// Devices by state. What a silent daemon said last is not counted as if it were so now, and what
/// nobody can see is not left out.
fn counts(picture: &Picture) -> DeviceCounts {
    let mut counts = device_counts(picture.devices.iter().filter(|row| !row.stale));
    let stale = picture
        .devices
        .iter()
        .filter(|row| row.stale && !row.device().is_partitioned());
    let unseen = picture
        .gaps
        .iter()
        .map(|gap| gap.devices.unwrap_or(1))
        .sum::<usize>();
    let unknown = stale.count() + unseen;
    if unknown > 0 {
        *counts.entry(DeviceState::Unknown).or_default() += unknown;
    }
    counts
}

/// The header's figures.
pub(super) fn totals(picture: &Picture, fleet: &Fleet) -> Totals {
    let ready = |row: &NodeRow| row.info.readiness == Readiness::Ready;
    let (memory, power) = sums(picture);
    Totals {
        nodes: picture.nodes.len(),
        nodes_ready: picture.nodes.iter().filter(|row| ready(row)).count(),
        nodes_away: picture
            .nodes
            .iter()
            .filter(|row| row.info.is_away())
            .count(),
        devices: counts(picture),
        devices_free: picture
            .devices
            .iter()
            .filter(|row| row.state == DeviceState::Free && row.closed.is_none() && !row.stale)
            .count(),
        units_allocatable: picture.nodes.iter().map(NodeRow::allocatable).sum(),
        units_requested: picture.nodes.iter().map(NodeRow::requested).sum(),
        pods_pending: fleet
            .pods()
            .values()
            .filter(|pod| {
                pod.phase == Phase::Pending
                    && pod.node.is_none()
                    && pod.deletion.is_none()
                    && pod.gpu_units() > 0
            })
            .count(),
        memory,
        power,
        agents_live: picture.nodes.iter().filter(|r| r.agent.delivers()).count(),
        agents_expected: picture
            .nodes
            .iter()
            .filter(|row| {
                let asked = !matches!(
                    row.agent,
                    AgentStatus::Absent | AgentStatus::Hidden | AgentStatus::NotAsked
                );
                asked && (row.agent.delivers() || !row.info.is_away())
            })
            .count(),
        alerts: AlertCounts::of(&picture.alerts),
    }
}
