//! The difference between two snapshots of a node, and its application.

use std::collections::BTreeSet;

use gputop_model::{Device, NodeSnapshot};

use crate::convert::WireError;
use crate::convert::snapshot::{allocations_from_wire, allocations_to_wire};
use crate::pb;

/// What a client that has `before` needs to get to `after`.
#[must_use]
pub fn delta(before: &NodeSnapshot, after: &NodeSnapshot) -> pb::Delta {
    let kept: BTreeSet<_> = after.devices.iter().map(|device| &device.uuid).collect();
    pb::Delta {
        driver: (before.driver != after.driver).then(|| (&after.driver).into()),
        devices: after
            .devices
            .iter()
            .filter(|device| !before.devices.contains(device))
            .map(Into::into)
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
        let device = Device::try_from(wire)?;
        match next.devices.iter_mut().find(|old| old.uuid == device.uuid) {
            Some(old) => *old = device,
            None => next.devices.push(device),
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
    Ok(next)
}
