//! Differences before protocol 1: devices whole but for their groups, processes all together.
//!
//! Frozen: clients and daemons that know nothing else are out there.

use std::collections::BTreeSet;
use std::time::Duration;

use gputop_model::{Device, GpuUuid, Host, NodeSnapshot, printable};

use crate::convert::WireError;
use crate::convert::device::{device_from_wire, device_to_wire};
use crate::convert::event::{events_from_wire, events_to_wire};
use crate::convert::reading::{Before, Group as _, millis};
use crate::convert::snapshot::{
    allocations_from_wire, allocations_to_wire, limitations_from_wire, limitations_to_wire,
};
use crate::pb;

/// What a client from before protocol 1 that has `before` needs to get to `after`.
#[must_use]
pub fn delta(before: &NodeSnapshot, after: &NodeSnapshot) -> pb::Delta {
    let kept: BTreeSet<_> = after.devices.iter().map(|device| &device.uuid).collect();
    pb::Delta {
        driver: (before.driver != after.driver).then(|| (&after.driver).into()),
        devices: after
            .devices
            .iter()
            .filter_map(|device| {
                let old = before.devices.iter().find(|old| old.uuid == device.uuid);
                (old != Some(device)).then(|| device_to_wire(device, groups(old)))
            })
            .collect(),
        gone_devices: before
            .devices
            .iter()
            .filter(|device| !kept.contains(&device.uuid))
            .map(|device| device.uuid.to_string())
            .collect(),
        processes: (before.processes != after.processes).then(|| pb::Processes {
            items: after.processes.iter().map(Into::into).collect(),
        }),
        allocations: (before.allocations != after.allocations)
            .then(|| allocations_to_wire(&after.allocations)),
        uptime_ms: (before.uptime != after.uptime).then(|| millis(after.uptime)),
        events: (before.events != after.events).then(|| events_to_wire(&after.events)),
        host: (before.host != after.host).then(|| after.host.write(Before::Nothing)),
        limitations: (before.limitations != after.limitations)
            .then(|| limitations_to_wire(&after.limitations)),
    }
}

/// Turns `snapshot` into the next one. On an error the snapshot is unchanged.
pub fn apply(
    snapshot: &NodeSnapshot,
    sequence: u64,
    delta: pb::Delta,
) -> Result<NodeSnapshot, WireError> {
    let mut next = snapshot.clone();
    next.sequence = sequence;
    next.devices.retain(|device| {
        !delta
            .gone_devices
            .iter()
            .any(|id| id == device.uuid.as_str())
    });
    for wire in delta.devices {
        let uuid = GpuUuid::new(printable(wire.uuid.clone()));
        match next.devices.iter_mut().find(|old| old.uuid == uuid) {
            Some(old) => *old = device_from_wire(wire, Before::Groups(old))?,
            None => next.devices.push(device_from_wire(wire, Before::Nothing)?),
        }
    }
    // NVML's order, each GPU before its instances.
    next.devices.sort_by_key(|device| {
        (
            device.index,
            matches!(device.kind, gputop_model::DeviceKind::MigInstance { .. }),
        )
    });
    if let Some(driver) = delta.driver {
        next.driver = driver.into();
    }
    if let Some(processes) = delta.processes {
        next.processes = processes
            .items
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<_, _>>()?;
    }
    if let Some(allocations) = delta.allocations {
        next.allocations = allocations_from_wire(allocations);
    }
    if let Some(uptime) = delta.uptime_ms {
        next.uptime = Duration::from_millis(uptime);
    }
    if let Some(host) = delta.host {
        next.host = Host::read(host, Before::Nothing);
    }
    if let Some(limitations) = delta.limitations {
        next.limitations = limitations_from_wire(limitations);
    }
    if let Some(events) = delta.events {
        next.events = events_from_wire(events);
    }
    Ok(next)
}

fn groups(before: Option<&Device>) -> Before<'_, Device> {
    before.map_or(Before::Nothing, Before::Groups)
}
