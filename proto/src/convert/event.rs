//! What the driver reported.

use std::time::Duration;

use gputop_model::{DeviceEvent, EventKind, printable};

use super::reading::millis;
use crate::pb;

/// Events for the wire.
pub(crate) fn events_to_wire(events: &[DeviceEvent]) -> pb::Events {
    let items = events.iter().map(|event| pb::Event {
        device_uuid: event.device.to_string(),
        kind: event.kind.name().to_owned(),
        xid: event.kind.xid_number(),
        at_ms: millis(event.at),
        count: event.count,
    });
    pb::Events {
        items: items.collect(),
    }
}

/// Events from the wire; those of a kind that this client does not know are left out.
pub(crate) fn events_from_wire(events: pb::Events) -> Vec<DeviceEvent> {
    let events = events.items.into_iter().filter_map(|event| {
        Some(DeviceEvent {
            kind: EventKind::from_name(&event.kind, event.xid)?,
            device: printable(event.device_uuid).into(),
            at: Duration::from_millis(event.at_ms),
            count: event.count,
        })
    });
    events.collect()
}
