//! Whole snapshots, the driver's state and allocations.

use std::time::Duration;

use gputop_model::{
    Allocation, DeviceId, DriverState, Host, Limitation, NodeSnapshot, Protocol, Reading, printable,
};

use super::WireError;
use super::event::{events_from_wire, events_to_wire};
use super::reading::{Before, Group as _, Reader, Writer, millis};
use crate::pb;
use crate::pb::driver::State;

impl From<&NodeSnapshot> for pb::Snapshot {
    fn from(snapshot: &NodeSnapshot) -> Self {
        Self {
            node: snapshot.node.to_string(),
            daemon_version: snapshot.daemon_version.clone(),
            sequence: snapshot.sequence,
            driver: Some((&snapshot.driver).into()),
            devices: snapshot.devices.iter().map(Into::into).collect(),
            processes: snapshot.processes.iter().map(Into::into).collect(),
            allocations: Some(allocations_to_wire(&snapshot.allocations)),
            uptime_ms: millis(snapshot.uptime),
            events: Some(events_to_wire(&snapshot.events)),
            host: Some(snapshot.host.write(Before::Nothing)),
            limitations: Some(limitations_to_wire(&snapshot.limitations)),
            protocol: snapshot.protocol.version,
            capabilities: snapshot.protocol.capabilities.clone(),
        }
    }
}

impl TryFrom<pb::Snapshot> for NodeSnapshot {
    type Error = WireError;

    fn try_from(wire: pb::Snapshot) -> Result<Self, WireError> {
        let driver = wire.driver.ok_or(WireError::Missing {
            field: "Snapshot.driver",
        })?;
        Ok(Self {
            node: printable(wire.node).into(),
            daemon_version: printable(wire.daemon_version),
            sequence: wire.sequence,
            driver: driver.into(),
            devices: wire
                .devices
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            processes: wire
                .processes
                .into_iter()
                .map(TryInto::try_into)
                .collect::<Result<_, _>>()?,
            allocations: allocations_from_wire(wire.allocations.unwrap_or_default()),
            uptime: Duration::from_millis(wire.uptime_ms),
            events: events_from_wire(wire.events.unwrap_or_default()),
            host: Host::read(wire.host.unwrap_or_default(), Before::Nothing),
            limitations: limitations_from_wire(wire.limitations.unwrap_or_default()),
            protocol: Protocol {
                version: wire.protocol,
                capabilities: wire.capabilities.into_iter().map(printable).collect(),
            },
        })
    }
}

impl From<&DriverState> for pb::Driver {
    fn from(driver: &DriverState) -> Self {
        let mut wire = Self::default();
        let state = match driver.clone() {
            DriverState::Ready { version, cuda } => {
                wire.version = version;
                wire.cuda = cuda;
                State::Ready
            }
            DriverState::NoDriver { why } => {
                wire.why = why;
                State::NoDriver
            }
            DriverState::NoGpu { version } => {
                wire.version = version;
                State::NoGpu
            }
            DriverState::Mismatch { why } => {
                wire.why = why;
                State::Mismatch
            }
            DriverState::Failed { why } => {
                wire.why = why;
                State::Failed
            }
        };
        wire.state = state.into();
        wire
    }
}

impl From<pb::Driver> for DriverState {
    fn from(wire: pb::Driver) -> Self {
        match wire.state() {
            State::Ready => Self::Ready {
                version: printable(wire.version),
                cuda: wire.cuda.map(printable),
            },
            State::NoDriver => Self::NoDriver {
                why: printable(wire.why),
            },
            State::NoGpu => Self::NoGpu {
                version: printable(wire.version),
            },
            State::Mismatch => Self::Mismatch {
                why: printable(wire.why),
            },
            State::Failed => Self::Failed {
                why: printable(wire.why),
            },
            State::Unspecified => Self::Failed {
                why: "the daemon reports a state that this client does not know".to_owned(),
            },
        }
    }
}

/// What the daemon can not see, for the wire.
pub(crate) fn limitations_to_wire(list: &[Limitation]) -> pb::Limitations {
    let wire = |item: &Limitation| pb::Limitation {
        name: item.name.clone(),
        lost: item.lost.clone(),
        fix: item.fix.clone(),
    };
    pb::Limitations {
        items: list.iter().map(wire).collect(),
    }
}

/// What the daemon can not see, from the wire.
pub(crate) fn limitations_from_wire(wire: pb::Limitations) -> Vec<Limitation> {
    let items = wire.items.into_iter();
    items
        .map(|item| Limitation {
            name: printable(item.name),
            lost: printable(item.lost),
            fix: printable(item.fix),
        })
        .collect()
}

/// Allocations for the wire.
pub(crate) fn allocations_to_wire(reading: &Reading<Vec<Allocation>>) -> pb::Allocations {
    let item = |item: &Allocation| pb::Allocation {
        namespace: item.namespace.clone(),
        pod: item.pod.clone(),
        container: item.container.clone(),
        resource: item.resource.clone(),
        device_id: item.device_id.to_string(),
    };
    let mut out = Writer::new(reading, Before::Nothing);
    let list = |items: &Vec<Allocation>| pb::AllocationList {
        items: items.iter().map(item).collect(),
    };
    pb::Allocations {
        list: out.put("list", |reading| reading, list),
        not_fresh: out.into_reasons(),
    }
}

/// Allocations from the wire.
pub(crate) fn allocations_from_wire(wire: pb::Allocations) -> Reading<Vec<Allocation>> {
    let item = |item: pb::Allocation| Allocation {
        namespace: printable(item.namespace),
        pod: printable(item.pod),
        container: printable(item.container),
        resource: printable(item.resource),
        device_id: DeviceId::new(printable(item.device_id)),
    };
    let said = Reader::new(&wire.not_fresh, Before::Nothing);
    said.take(
        "list",
        wire.list,
        |reading| reading,
        |list| list.map(|list| list.items.into_iter().map(item).collect()),
    )
}
