//! The rows of one node's devices and of the processes on them.

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{Device, GpuProcess, GpuUuid, NodeName, NodeSnapshot};

use super::agent::Received;
use super::allocations::NodeAllocations;
use super::bound::place_of;
use super::device_state::{Use, device_state};
use super::join::Settings;
use super::process_owner::{Names, owner};
use super::rows::{Closed, DeviceRow, Picture, ProcessOwner, ProcessRow};
use super::telemetry::Telemetry;

/// Positions of a snapshot's devices by their names.
pub(super) fn positions(snapshot: &NodeSnapshot) -> BTreeMap<&GpuUuid, usize> {
    let devices = snapshot.devices.iter().enumerate();
    devices.map(|(at, device)| (&device.uuid, at)).collect()
}

/// Adds a row for each process of the node. Returns for each of the node's pods the positions of
/// its own.
pub(super) fn add_processes(
    rows: &mut Vec<ProcessRow>,
    received: &Received,
    telemetry: &Telemetry<'_>,
    held: &NodeAllocations,
    names: &Names<'_>,
) -> Vec<Vec<usize>> {
    let snapshot = &received.snapshot;
    let mut of_pods = vec![Vec::new(); names.here.len()];
    rows.reserve(snapshot.processes.len());
    for (position, process) in snapshot.processes.iter().enumerate() {
        let owner = owner(process, names);
        if let ProcessOwner::Pod { namespace, pod, .. } = &owner
            && let Some(place) = place_of(names.here, namespace, pod)
            && let Some(own) = of_pods.get_mut(place)
        {
            own.push(rows.len());
        }
        rows.push(ProcessRow {
            node: names.node.clone(),
            snapshot: snapshot.clone(),
            position,
            allocated: is_allocated(process, &owner, held),
            owner,
            age: telemetry.age,
            stale: telemetry.stale,
        });
    }
    of_pods
}

/// Whether the process's pod was given the device it runs on.
fn is_allocated(
    process: &GpuProcess,
    owner: &ProcessOwner,
    held: &NodeAllocations,
) -> Option<bool> {
    let ProcessOwner::Pod { namespace, pod, .. } = owner else {
        return None;
    };
    let holders = held.of(&process.device)?;
    let is_holder = holders
        .iter()
        .any(|to| to.pod == *pod && to.namespace == *namespace);
    Some(is_holder)
}

/// What the rows of one node's devices are made from.
pub(super) struct NodeDevices<'a> {
    pub(super) name: &'a NodeName,
    pub(super) received: &'a Received,
    pub(super) telemetry: &'a Telemetry<'a>,
    pub(super) positions: &'a BTreeMap<&'a GpuUuid, usize>,
    /// Why the node takes no pods.
    pub(super) closed: Option<Closed>,
    /// Where the node's processes begin in [`Picture::processes`].
    pub(super) first_process: usize,
}

impl NodeDevices<'_> {
    /// Adds a row for each device.
    pub(super) fn add(
        &self,
        picture: &mut Picture,
        held: &mut NodeAllocations,
        settings: &Settings,
    ) {
        let snapshot = &self.received.snapshot;
        let mut processes = vec![Vec::new(); snapshot.devices.len()];
        for (at, row) in picture
            .processes
            .iter()
            .enumerate()
            .skip(self.first_process)
        {
            let device = self.positions.get(&row.process().device);
            if let Some(on_device) = device.and_then(|device| processes.get_mut(*device)) {
                on_device.push(at);
            }
        }
        let rows = snapshot.devices.iter().enumerate().zip(processes);
        for ((position, device), processes) in rows {
            let allocated_to = held.take(&device.uuid);
            let busiest = processes
                .iter()
                .filter_map(|at| picture.processes[*at].process().idle_for.get())
                .min();
            let old = reading_age(device);
            let use_ = Use {
                allocated: allocated_to.as_ref().map(|holders| !holders.is_empty()),
                processes: processes.len(),
                idle_for: device.idle_for.get().or(busiest),
                looked: is_readable(device) && old <= settings.stale_after,
            };
            picture.devices.push(DeviceRow {
                node: self.name.clone(),
                snapshot: snapshot.clone(),
                position,
                state: device_state(device, use_, settings.idle_after),
                closed: self.closed,
                allocated_to,
                holders_complete: held.is_complete(),
                holders_age: held.age().filter(|age| *age > settings.stale_after),
                processes,
                age: self.telemetry.age + old,
                stale: self.telemetry.stale || old > settings.stale_after,
            });
        }
    }
}

/// Whether the driver answers for this device: it lists its processes and says its memory or its
/// utilisation.
fn is_readable(device: &Device) -> bool {
    let figures = device.memory_used.known().is_some() || device.utilization.known().is_some();
    figures && device.process_count.known().is_some()
}

/// Age of the oldest of the figures that the daemon itself calls old: those of a card whose driver
/// call hangs.
fn reading_age(device: &Device) -> Duration {
    let ages = [
        device.utilization.age(),
        device.memory_used.age(),
        device.temperature.age(),
        device.power.age(),
        device.process_count.age(),
    ];
    ages.into_iter().flatten().max().unwrap_or_default()
}
