//! Sums over the whole cluster.

use gputop_model::{Phase, Readiness};

use super::agent::AgentStatus;
use super::device_state::DeviceState;
use super::node_row::{device_counts, sums};
use super::rows::{NodeRow, Picture, Totals};
use super::store::Fleet;

/// The header's figures.
pub(super) fn totals(picture: &Picture, fleet: &Fleet) -> Totals {
    let ready = |row: &NodeRow| row.info.readiness == Readiness::Ready;
    let schedulable = |row: &NodeRow| ready(row) && !row.info.cordoned;
    let (memory, power) = sums(&picture.nodes);
    Totals {
        nodes: picture.nodes.len(),
        nodes_ready: picture.nodes.iter().filter(|row| ready(row)).count(),
        devices: device_counts(&picture.devices),
        devices_free: picture
            .devices
            .iter()
            .filter(|row| row.state == DeviceState::Free && row.schedulable)
            .count(),
        units_allocatable: picture
            .nodes
            .iter()
            .filter(|row| schedulable(row))
            .map(NodeRow::allocatable)
            .sum(),
        units_requested: picture
            .nodes
            .iter()
            .filter(|row| schedulable(row))
            .map(NodeRow::requested)
            .sum(),
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
        agents_live: picture
            .nodes
            .iter()
            .filter(|r| r.agent == AgentStatus::Live)
            .count(),
        agents_expected: picture
            .nodes
            .iter()
            .filter(|row| !matches!(row.agent, AgentStatus::Absent | AgentStatus::NotAsked))
            .count(),
    }
}
