//! Differences from protocol 1 on: only what a client can not work out itself.

use std::time::Duration;

use gputop_model::{Host, NodeSnapshot};

use super::list::ListChange;
use crate::convert::device::{device_from_wire, device_to_wire};
use crate::convert::event::{events_from_wire, events_to_wire};
use crate::convert::process::{process_from_wire, process_to_wire};
use crate::convert::reading::{Before, Group as _, is_expected, later, millis};
use crate::convert::snapshot::{
    allocations_from_wire, allocations_to_wire, limitations_from_wire, limitations_to_wire,
};
use crate::convert::{WireError, device, process};
use crate::pb;

/// What a client of protocol 1 that has `before` needs to get to `after`. Times are told in whole
/// milliseconds.
#[must_use]
pub fn step(before: &NodeSnapshot, after: &NodeSnapshot) -> pb::Step {
    let elapsed = elapsed(before.uptime, after.uptime);
    let devices = ListChange::between(
        &before.devices,
        &after.devices,
        |device| &device.uuid,
        device::is_same,
        |device, known| device_to_wire(device, Before::known(known, elapsed)),
    );
    let processes = ListChange::between(
        &before.processes,
        &after.processes,
        |process| (process.pid, process.start_ticks, &process.device),
        process::is_same,
        |process, known| process_to_wire(process, Before::known(known, elapsed)),
    );
    let host = after.host.write(Before::All(&before.host, elapsed));
    pb::Step {
        uptime_ms: millis(after.uptime),
        driver: (before.driver != after.driver).then(|| (&after.driver).into()),
        device_order: devices.order,
        new_devices: devices.new,
        device_at: devices.at,
        devices: devices.changed,
        process_order: processes.order,
        new_processes: processes.new,
        process_at: processes.at,
        processes: processes.changed,
        allocations: (!is_expected(&before.allocations, &after.allocations, elapsed))
            .then(|| allocations_to_wire(&after.allocations)),
        events: (before.events != after.events).then(|| events_to_wire(&after.events)),
        host: (host != pb::Host::default()).then_some(host),
        limitations: (before.limitations != after.limitations)
            .then(|| limitations_to_wire(&after.limitations)),
    }
}

/// Turns `snapshot` into the next one. On an error the snapshot is unchanged.
pub fn apply_step(
    snapshot: &NodeSnapshot,
    sequence: u64,
    step: pb::Step,
) -> Result<NodeSnapshot, WireError> {
    let uptime = Duration::from_millis(step.uptime_ms);
    let elapsed = elapsed(snapshot.uptime, uptime);
    let devices = ListChange {
        order: step.device_order,
        new: step.new_devices,
        at: step.device_at,
        changed: step.devices,
    };
    let devices = devices.apply(&snapshot.devices, "Step.devices", |wire, known| {
        device_from_wire(wire, Before::known(known, elapsed))
    })?;
    let processes = ListChange {
        order: step.process_order,
        new: step.new_processes,
        at: step.process_at,
        changed: step.processes,
    };
    let processes = processes.apply(&snapshot.processes, "Step.processes", |wire, known| {
        process_from_wire(wire, Before::known(known, elapsed))
    })?;
    let host = Before::All(&snapshot.host, elapsed);
    Ok(NodeSnapshot {
        node: snapshot.node.clone(),
        daemon_version: snapshot.daemon_version.clone(),
        sequence,
        driver: step
            .driver
            .map_or_else(|| snapshot.driver.clone(), Into::into),
        devices,
        processes,
        allocations: step.allocations.map_or_else(
            || later(&snapshot.allocations, elapsed),
            allocations_from_wire,
        ),
        uptime,
        events: step
            .events
            .map_or_else(|| snapshot.events.clone(), events_from_wire),
        host: Host::read(step.host.unwrap_or_default(), host),
        limitations: step
            .limitations
            .map_or_else(|| snapshot.limitations.clone(), limitations_from_wire),
        protocol: snapshot.protocol.clone(),
    })
}

/// By how much a client lets times grow, in whole milliseconds of the daemon's clock.
fn elapsed(before: Duration, after: Duration) -> Duration {
    Duration::from_millis(millis(after).saturating_sub(millis(before)))
}
