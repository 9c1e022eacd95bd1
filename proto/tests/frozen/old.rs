//! A client from before protocol 1, as far as these tests look: the messages as they were then,
//! copied by hand and never to be changed, and how it applied what came.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Frame {
    #[prost(uint64, tag = "1")]
    pub(crate) sequence: u64,
    #[prost(oneof = "Content", tags = "2, 3")]
    pub(crate) content: Option<Content>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Content {
    #[prost(message, tag = "2")]
    Full(Snapshot),
    #[prost(message, tag = "3")]
    Delta(Delta),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Snapshot {
    #[prost(string, tag = "1")]
    pub(crate) node: String,
    #[prost(string, tag = "2")]
    pub(crate) daemon_version: String,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
    #[prost(message, optional, tag = "4")]
    pub(crate) driver: Option<Driver>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) devices: Vec<Device>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) processes: Vec<Process>,
    #[prost(message, optional, tag = "7")]
    pub(crate) allocations: Option<Allocations>,
    #[prost(uint64, tag = "8")]
    pub(crate) uptime_ms: u64,
    #[prost(message, optional, tag = "9")]
    pub(crate) events: Option<Events>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Delta {
    #[prost(message, optional, tag = "1")]
    driver: Option<Driver>,
    #[prost(message, repeated, tag = "2")]
    devices: Vec<Device>,
    #[prost(string, repeated, tag = "3")]
    gone_devices: Vec<String>,
    #[prost(message, optional, tag = "4")]
    processes: Option<Processes>,
    #[prost(message, optional, tag = "5")]
    allocations: Option<Allocations>,
    #[prost(uint64, optional, tag = "6")]
    uptime_ms: Option<u64>,
    #[prost(message, optional, tag = "7")]
    events: Option<Events>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Processes {
    #[prost(message, repeated, tag = "1")]
    items: Vec<Process>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Driver {
    #[prost(int32, tag = "1")]
    pub(crate) state: i32,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
    #[prost(string, optional, tag = "3")]
    pub(crate) cuda: Option<String>,
    #[prost(string, tag = "4")]
    pub(crate) why: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct NotFresh {
    #[prost(string, tag = "1")]
    pub(crate) metric: String,
    #[prost(int32, tag = "2")]
    pub(crate) kind: i32,
    #[prost(int32, tag = "3")]
    pub(crate) code: i32,
    #[prost(uint32, tag = "4")]
    pub(crate) other_code: u32,
    #[prost(uint64, tag = "5")]
    pub(crate) age_ms: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Device {
    #[prost(uint32, tag = "1")]
    pub(crate) index: u32,
    #[prost(string, tag = "2")]
    pub(crate) uuid: String,
    #[prost(string, tag = "3")]
    pub(crate) product: String,
    #[prost(bool, tag = "4")]
    pub(crate) mig_enabled: bool,
    #[prost(uint64, optional, tag = "7")]
    pub(crate) memory_used_bytes: Option<u64>,
    #[prost(uint32, optional, tag = "8")]
    pub(crate) utilization_percent: Option<u32>,
    #[prost(sint32, optional, tag = "10")]
    pub(crate) temperature_celsius: Option<i32>,
    #[prost(uint32, optional, tag = "11")]
    pub(crate) power_mw: Option<u32>,
    #[prost(message, optional, tag = "14")]
    pub(crate) health: Option<Health>,
    #[prost(uint64, optional, tag = "15")]
    pub(crate) idle_ms: Option<u64>,
    #[prost(message, repeated, tag = "16")]
    pub(crate) not_fresh: Vec<NotFresh>,
    #[prost(uint32, optional, tag = "17")]
    pub(crate) process_count: Option<u32>,
    #[prost(message, optional, tag = "21")]
    pub(crate) clocks: Option<Clocks>,
    #[prost(message, optional, tag = "29")]
    pub(crate) identity: Option<Identity>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Health {
    #[prost(int32, tag = "1")]
    pub(crate) level: i32,
    #[prost(string, tag = "2")]
    pub(crate) why: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Clocks {
    #[prost(uint32, optional, tag = "1")]
    pub(crate) sm_mhz: Option<u32>,
    #[prost(uint32, optional, tag = "2")]
    pub(crate) memory_mhz: Option<u32>,
    #[prost(message, repeated, tag = "15")]
    pub(crate) not_fresh: Vec<NotFresh>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Identity {
    #[prost(string, optional, tag = "1")]
    pub(crate) serial: Option<String>,
    #[prost(string, optional, tag = "2")]
    pub(crate) vbios: Option<String>,
    #[prost(message, repeated, tag = "15")]
    pub(crate) not_fresh: Vec<NotFresh>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Process {
    #[prost(uint32, tag = "1")]
    pub(crate) pid: u32,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) start_ticks: Option<u64>,
    #[prost(string, tag = "3")]
    pub(crate) device_uuid: String,
    #[prost(int32, tag = "4")]
    pub(crate) kind: i32,
    #[prost(string, tag = "5")]
    pub(crate) name: String,
    #[prost(string, optional, tag = "6")]
    pub(crate) user: Option<String>,
    #[prost(uint64, optional, tag = "7")]
    pub(crate) memory_used_bytes: Option<u64>,
    #[prost(uint32, optional, tag = "8")]
    pub(crate) sm_percent: Option<u32>,
    #[prost(uint64, optional, tag = "9")]
    pub(crate) idle_ms: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) not_fresh: Vec<NotFresh>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Allocations {
    #[prost(message, optional, tag = "1")]
    pub(crate) list: Option<AllocationList>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) not_fresh: Vec<NotFresh>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AllocationList {
    #[prost(message, repeated, tag = "1")]
    pub(crate) items: Vec<Allocation>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Allocation {
    #[prost(string, tag = "1")]
    pub(crate) namespace: String,
    #[prost(string, tag = "2")]
    pub(crate) pod: String,
    #[prost(string, tag = "5")]
    pub(crate) device_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Events {
    #[prost(message, repeated, tag = "1")]
    pub(crate) items: Vec<Event>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    #[prost(string, tag = "1")]
    pub(crate) device_uuid: String,
    #[prost(string, tag = "2")]
    pub(crate) kind: String,
    #[prost(uint32, optional, tag = "3")]
    pub(crate) xid: Option<u32>,
    #[prost(uint64, tag = "4")]
    pub(crate) at_ms: u64,
    #[prost(uint32, tag = "5")]
    pub(crate) count: u32,
}

/// What the client has after `frame`; it panics where that client would have given up.
pub(crate) fn fold(known: Option<Snapshot>, frame: Frame) -> Snapshot {
    let (delta, mut known) = match (frame.content, known) {
        (Some(Content::Full(full)), _) => return full,
        (Some(Content::Delta(delta)), Some(known)) => (delta, known),
        (content, known) => panic!("{content:?} after {known:?}"),
    };
    assert_eq!(frame.sequence, known.sequence + 1, "a gap");
    known.sequence = frame.sequence;
    known
        .devices
        .retain(|device| !delta.gone_devices.contains(&device.uuid));
    for new in delta.devices {
        match known.devices.iter_mut().find(|old| old.uuid == new.uuid) {
            Some(old) => {
                *old = Device {
                    // An absent group is unchanged; everything else is whole.
                    clocks: new.clocks.clone().or_else(|| old.clocks.clone()),
                    identity: new.identity.clone().or_else(|| old.identity.clone()),
                    ..new
                };
            }
            None => known.devices.push(new),
        }
    }
    known.devices.sort_by_key(|device| device.index);
    if let Some(processes) = delta.processes {
        known.processes = processes.items;
    }
    known.driver = delta.driver.or(known.driver);
    known.allocations = delta.allocations.or(known.allocations);
    known.events = delta.events.or(known.events);
    known.uptime_ms = delta.uptime_ms.unwrap_or(known.uptime_ms);
    known
}
