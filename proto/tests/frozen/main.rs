//! Clients and daemons of different age understand each other.
//!
//! `daemon.bin` holds the frames that a daemon from before protocol 1 sent, each after its length:
//! a whole snapshot, a second later, an event, the end of a process, a lost GPU, the end of the
//! driver. It is not made anew: if these tests fail, it is the program that has to change.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here fails rightly"
)]

mod old;

use std::time::Duration;

use gputop_model::{
    Bytes, DriverState, EventKind, Failure, Health, Limitation, MegaHertz, MilliWatts,
    NodeSnapshot, Percent, Protocol, Reading,
};
use gputop_proto::{apply, delta, pb};
use prost::Message as _;

const RECORDED: &[u8] = include_bytes!("daemon.bin");

fn frames<F: prost::Message + Default>() -> Vec<F> {
    let mut bytes = RECORDED;
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        frames.push(F::decode_length_delimited(&mut bytes).unwrap());
    }
    frames
}

/// What a client of today makes of the old daemon's frames, one after the other.
fn heard() -> Vec<NodeSnapshot> {
    let mut heard: Vec<NodeSnapshot> = Vec::new();
    for frame in frames::<pb::Frame>() {
        let next = match (frame.content.unwrap(), heard.last()) {
            (pb::frame::Content::Full(full), None) => full.try_into().unwrap(),
            (pb::frame::Content::Delta(delta), Some(known)) => {
                assert_eq!(frame.sequence, known.sequence + 1);
                apply(known, frame.sequence, delta).unwrap()
            }
            (content, known) => panic!("{content:?} after {known:?}"),
        };
        heard.push(next);
    }
    heard
}

/// A whole snapshot as the old client reads it.
fn as_read(snapshot: &NodeSnapshot) -> old::Snapshot {
    let bytes = pb::Snapshot::from(snapshot).encode_to_vec();
    old::Snapshot::decode(bytes.as_slice()).unwrap()
}

#[test]
fn a_client_of_today_understands_an_old_daemon() {
    let heard = heard();
    let numbers: Vec<_> = heard.iter().map(|snapshot| snapshot.sequence).collect();
    assert_eq!(numbers, [41, 42, 43, 44, 45, 46]);
    for snapshot in &heard {
        assert_eq!(snapshot.protocol, Protocol::default());
        assert!(!snapshot.protocol.can(Protocol::HISTORY));
        assert_eq!(snapshot.host, gputop_model::Host::default());
    }
    let powers: Vec<_> = heard[..4]
        .iter()
        .map(|s| s.devices[0].power.get())
        .collect();
    let expected = [323_735, 321_228, 309_058, 25_746].map(|mw| Some(MilliWatts(mw)));
    assert_eq!(powers, expected);
    let counts: Vec<_> = heard.iter().map(|s| s.processes.len()).collect();
    assert_eq!(counts, [3, 3, 3, 2, 1, 0]);
    let second = &heard[1];
    assert_eq!(second.processes[0].pid, 20_117);
    assert_eq!(
        second.processes[0].memory_used.get(),
        Some(Bytes::from_gib(18))
    );
    assert_eq!(second.processes[0].sm, Reading::Value(Percent(96)));
    assert_eq!(
        second.devices[1].idle_for,
        Reading::Value(Duration::from_secs(1))
    );
    // A group that was not sent again.
    assert_eq!(heard[4].devices[1].product, "NVIDIA GeForce RTX 4060 Ti");
    assert_eq!(
        heard[4].devices[1].power_limits,
        heard[0].devices[1].power_limits
    );
    let lost = &heard[4].devices[0];
    assert_eq!(lost.power, Reading::Failed(Failure::GpuLost));
    assert_eq!(lost.health.known().map(Health::name), Some("sick"));
    let last = &heard[5];
    assert!(last.devices.is_empty());
    assert!(matches!(last.driver, DriverState::NoDriver { .. }));
    let kinds: Vec<_> = last.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Xid(31), EventKind::Xid(79)]);
    assert_eq!(last.uptime, Duration::from_millis(23_007));
}

#[test]
fn both_clients_see_the_same() {
    let mut known = None;
    let of_today = heard();
    let frames = frames::<old::Frame>();
    assert_eq!(frames.len(), of_today.len());
    for (frame, of_today) in frames.into_iter().zip(&of_today) {
        let next = old::fold(known.take(), frame);
        assert_eq!(next, as_read(of_today));
        known = Some(next);
    }
}

/// The same node as a daemon of today sees it, with what the old client never heard of.
fn of_today(mut snapshot: NodeSnapshot) -> NodeSnapshot {
    snapshot.protocol = Protocol::current();
    snapshot.host.cpu = Percent((snapshot.sequence % 100) as u8).into();
    snapshot.limitations = vec![Limitation {
        name: "hidden_processes".to_owned(),
        lost: "some".to_owned(),
        fix: "none".to_owned(),
    }];
    for device in &mut snapshot.devices {
        device.activity.tensor = Percent(7).into();
        device.traffic.pcie_receive = Reading::Failed(Failure::Other(999));
    }
    for process in &mut snapshot.processes {
        process.command = Reading::Value("python3 train.py".to_owned());
        process.encoder = Reading::Unsupported;
    }
    snapshot
}

#[test]
fn an_old_client_understands_a_daemon_of_today() {
    let mut snapshots: Vec<_> = heard().into_iter().map(of_today).collect();
    // And what the recording does not have: a group that changes, a device that comes back.
    let mut back = snapshots[3].clone();
    back.sequence = 47;
    back.devices[1].clocks.sm = MegaHertz(5).into();
    back.devices[1].identity.serial = Reading::Unsupported;
    let mut stale = back.clone();
    stale.sequence = 48;
    stale.devices[0] = stale.devices[0].clone().aged(Duration::from_secs(3));
    stale.processes.reverse();
    snapshots.extend([back, stale]);
    let mut known: Option<(old::Snapshot, NodeSnapshot)> = None;
    for snapshot in snapshots {
        let content = match &known {
            None => pb::frame::Content::Full((&snapshot).into()),
            Some((_, before)) => pb::frame::Content::Delta(delta(before, &snapshot)),
        };
        let frame = pb::Frame {
            sequence: snapshot.sequence,
            content: Some(content),
        };
        let frame = old::Frame::decode(frame.encode_to_vec().as_slice()).unwrap();
        let next = old::fold(known.take().map(|(client, _)| client), frame);
        assert_eq!(next, as_read(&snapshot));
        known = Some((next, snapshot));
    }
}
