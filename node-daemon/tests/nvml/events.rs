//! What the driver reports by itself.

use gputop_model::{EventKind, Health};
use gputop_node::source::Sample;
use gputop_nvml_mock::Code;
use gputop_nvml_mock::scenario::{Event, EventType, Rule, Scenario};

use super::lab::{Lab, wait_until};

fn kinds(sample: &Sample) -> Vec<EventKind> {
    sample.events.iter().map(|event| event.kind).collect()
}

#[test]
fn an_xid_is_heard_and_judges_its_own_card() {
    let mut lab = Lab::with_gpus(2);
    let before = lab.until_all_answer();
    lab.card(1, |gpu| gpu.events.push(Event::xid(1, 79)));
    let sample = lab.until("the event is heard", |sample| !sample.events.is_empty());
    assert_eq!(kinds(&sample), [EventKind::Xid(79)]);
    assert_eq!(sample.events[0].device, before.devices[1].uuid);
    let level = |card: usize| sample.devices[card].health.known().map(Health::name);
    assert_eq!([level(0), level(1)], [Some("ok"), Some("sick")]);
    let why = sample.devices[1].health.known().and_then(Health::why);
    assert!(
        why.is_some_and(|why| why.starts_with("Xid 79: ")),
        "{why:?}"
    );
}

#[test]
fn every_kind_of_event_is_told_apart() {
    let mut lab = Lab::with_gpus(1);
    lab.until_all_answer();
    let all = [
        (EventType::SingleBitEcc, EventKind::CorrectedEcc),
        (EventType::DoubleBitEcc, EventKind::UncorrectedEcc),
        (EventType::PState, EventKind::PowerStateChange),
        (EventType::Clock, EventKind::ClockChange),
        (EventType::PowerSource, EventKind::PowerSourceChange),
        (EventType::MigConfig, EventKind::MigConfigChange),
    ];
    lab.card(0, |gpu| {
        let events = (0..)
            .zip(all)
            .map(|(id, (kind, _))| Event { id, kind, data: 0 });
        gpu.events.extend(events);
    });
    let sample = lab.until("all are heard", |sample| sample.events.len() == all.len());
    assert_eq!(kinds(&sample), all.map(|(_, kind)| kind));
}

#[test]
fn a_grave_event_has_error_counts_read_at_once() {
    let mut lab = Lab::with_gpus(1);
    let before = lab.until_all_answer();
    assert_eq!(before.devices[0].ecc.volatile_uncorrected.get(), Some(0));
    lab.card(0, |gpu| {
        gpu.ecc_volatile = (0, 2);
        gpu.events.push(Event {
            id: 1,
            kind: EventType::DoubleBitEcc,
            data: 0,
        });
    });
    let asked = lab.calls("nvmlDeviceGetVbiosVersion", Some(0));
    // Samples here are faster than the driver reports. The second wait that begins from now on does
    // so after whatever was reported to the first.
    let waits = || {
        let both = ["nvmlEventSetWait", "nvmlEventSetWait_v2"];
        both.iter().map(|name| lab.calls(name, Some(0))).sum()
    };
    let before: u64 = waits();
    wait_until("the event is heard", || waits() > before + 1);
    let sample = lab.until("the new count is read", |sample| {
        sample.devices[0].ecc.volatile_uncorrected.get() == Some(2)
    });
    // Not by waiting for half a minute of the daemon's clock: the inventory came with it, which is
    // due after five minutes only.
    assert!(lab.calls("nvmlDeviceGetVbiosVersion", Some(0)) > asked);
    assert_ne!(
        sample.devices[0].health.known().map(Health::name),
        Some("ok")
    );
}

#[test]
fn cards_without_events_and_lost_ones_do_not_silence_the_others() {
    let mut scenario = Scenario::with_gpus(3);
    scenario.gpus[0].calls.insert(
        "nvmlDeviceGetSupportedEventTypes".to_owned(),
        Rule::code(Code::NotSupported),
    );
    scenario.gpus[1].calls.insert(
        "nvmlDeviceRegisterEvents".to_owned(),
        Rule::code(Code::GpuIsLost),
    );
    let mut lab = Lab::new(scenario);
    lab.until_all_answer();
    lab.card(2, |gpu| gpu.events.push(Event::xid(1, 13)));
    let sample = lab.until("the event is heard", |sample| !sample.events.is_empty());
    assert_eq!(sample.events[0].device, sample.devices[2].uuid);
    assert_eq!(
        lab.calls("nvmlDeviceGetSupportedEventTypes", Some(0)),
        1,
        "not asked again"
    );
}
