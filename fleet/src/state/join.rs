//! The join: nodes, pods and snapshots become one [`Picture`].

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{Clock, NodeName};

use super::alerts::alerts;
use super::allocations::{NodeAllocations, node_allocations};
use super::bound::BoundPods;
use super::device_rows::{NodeDevices, add_processes, positions};
use super::node_row::node_row;
use super::pod_rows::{NodePods, fill_alone, unplaced};
use super::process_owner::Names;
use super::rows::{Closed, Gap, NodeRow, Picture};
use super::store::Fleet;
use super::telemetry::{Telemetry, agent_status};
use super::totals::totals;
use super::workloads::workloads;

/// What the operator can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A device that was given to a container and has been quiet for this long is idle.
    pub idle_after: Duration,
    /// Telemetry older than this is stale even when the link is up.
    pub stale_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        // Ten minutes: longer than a model takes to load, shorter than a lunch break.
        // Fifteen seconds: three missed heartbeats of the daemon.
        Self {
            idle_after: Duration::from_secs(600),
            stale_after: Duration::from_secs(15),
        }
    }
}

/// Makes the tables.
#[must_use]
pub fn join(fleet: &Fleet, clock: Clock, settings: &Settings) -> Picture {
    let mut picture = Picture {
        pods: fleet.pods_by_name().map(unplaced).collect(),
        ..Picture::default()
    };
    let mut bound = BoundPods::new(fleet);
    for (name, info) in fleet.nodes() {
        let here = &bound.take(name)[..];
        let telemetry = Telemetry::of(fleet, name, clock, settings);
        let mut held = node_allocations(&telemetry, here, fleet);
        let positions = telemetry.snapshot().map_or_else(BTreeMap::new, positions);
        let (first, first_process) = (picture.devices.len(), picture.processes.len());
        let of_pods = telemetry.received.map_or_else(Vec::new, |received| {
            let by_uid = fleet.pods();
            let names = Names {
                node: name,
                here,
                by_uid,
            };
            let rows = &mut picture.processes;
            add_processes(rows, received, &telemetry, &held, &names)
        });
        let pods = NodePods {
            held: &held,
            telemetry: &telemetry,
            positions: &positions,
            processes: &picture.processes,
            of_pods: &of_pods,
        };
        for (place, pod) in here.iter().enumerate() {
            if let Some(row) = picture.pods.get_mut(pod.at) {
                pods.fill(row, place, clock, settings);
            }
        }
        if let Some(received) = telemetry.received {
            let devices = NodeDevices {
                name,
                received,
                telemetry: &telemetry,
                positions: &positions,
                closed: Closed::of(info),
                first_process,
            };
            devices.add(&mut picture, &mut held, settings);
        }
        let agent = agent_status(fleet, name, here, clock);
        let devices = &picture.devices[first..];
        let row = node_row(info, here, agent, &telemetry, devices, fleet, settings);
        let gap = if devices.is_empty() {
            gap(&row, held)
        } else {
            hidden(name, held)
        };
        picture.gaps.extend(gap);
        picture.nodes.push(row);
    }
    for pod in bound.rest() {
        if let Some(row) = picture.pods.get_mut(pod.at) {
            fill_alone(row);
        }
    }
    picture.workloads = workloads(&picture.pods);
    picture.alerts = alerts(&picture);
    picture.totals = totals(&picture, fleet);
    picture
}

/// What stands for the devices of a node that shows none; `None`: it has none.
fn gap(row: &NodeRow, held: NodeAllocations) -> Option<Gap> {
    let reason = row.reason.clone().or_else(|| row.agent.reason())?;
    if row.capacity() == 0 && row.driver_version.is_none() {
        return None;
    }
    let label = |name: &str| row.info.labels.get(name);
    let number = |name: &str| label(name).and_then(|text| text.parse::<usize>().ok());
    // Shares are units and no devices: without GPU feature discovery nobody knows the devices.
    Some(Gap {
        node: row.info.name.clone(),
        is_part: false,
        units: row.capacity(),
        devices: number("nvidia.com/gpu.count"),
        product: label("nvidia.com/gpu.product").cloned(),
        named: held.into_all(),
        reason,
    })
}

/// What stands for devices that containers were given and the node's daemon does not show, though it
/// shows others: a card that has fallen off the bus, instances that the driver does not list.
fn hidden(node: &NodeName, held: NodeAllocations) -> Option<Gap> {
    let named = held.into_all();
    if named.is_empty() {
        return None;
    }
    let units: usize = named.iter().map(|(_, holders)| holders.len()).sum();
    Some(Gap {
        node: node.clone(),
        is_part: true,
        units: i64::try_from(units).unwrap_or(i64::MAX),
        devices: Some(named.len()),
        product: None,
        named,
        reason: "given to containers, and the driver does not show them".to_owned(),
    })
}
