//! Calls that do not return.

use std::cell::{Cell, RefCell};

use gputop_model::{DriverState, Health, Reading};
use gputop_nvml_mock::scenario::{Event, Rule, Scenario};

use super::lab::{Lab, is_ready, threads, wait_until};

const POWER: &str = "nvmlDeviceGetPowerUsage";

#[test]
fn a_hung_call_makes_its_card_stale_and_the_others_keep_their_pace() {
    let mut lab = Lab::alone(Scenario::with_gpus(3));
    let before = lab.until_all_answer();
    let at_work = threads();
    assert_eq!(
        at_work,
        ["nvml-events", "nvml-gpu-0", "nvml-gpu-1", "nvml-gpu-2"]
    );
    lab.rule(1, POWER, Rule::hang());
    let count = |card| lab.calls(POWER, Some(card));
    let (hung_before, others_before) = (count(1), count(0));
    let mut ages = Vec::new();
    for _ in 0..20 {
        let sample = lab.sample();
        assert!(is_ready(&sample));
        let [one, hung, two] = sample.devices.as_slice() else {
            panic!("three cards, not {:?}", sample.devices);
        };
        assert!(one.power.fresh().is_some() && two.power.fresh().is_some());
        assert_eq!(hung.uuid, before.devices[1].uuid);
        assert_eq!(hung.power.known(), before.devices[1].power.known());
        ages.push(hung.power.age());
    }
    assert!(
        ages.iter().all(Option::is_some) && ages.is_sorted(),
        "{ages:?}"
    );
    assert_eq!(lab.calls(POWER, Some(0)), others_before + 20);
    assert_eq!(lab.calls(POWER, Some(1)), hung_before + 1);
    assert_eq!(threads(), at_work, "one thread is parked, none was added");
    lab.rule(1, POWER, Rule::default());
    lab.until("the card is back", |sample| {
        sample.devices[1].power.fresh().is_some()
    });
    assert_eq!(threads(), at_work);
}

#[test]
fn a_card_that_hangs_from_the_start_is_shown_and_the_others_work() {
    let mut scenario = Scenario::with_gpus(2);
    scenario.gpus[0]
        .calls
        .insert("nvmlDevice*".to_owned(), Rule::hang());
    let lab = Lab::new(scenario);
    let sample = lab.until("the other card answers", |sample| {
        let second = sample.devices.get(1);
        second.is_some_and(|card| card.power.fresh().is_some())
    });
    assert_eq!(sample.devices.len(), 2);
    assert_eq!(sample.devices[0].power.known(), None);
    assert_eq!(
        sample.devices[0]
            .health
            .known()
            .map(gputop_model::Health::name),
        Some("sick")
    );
}

#[test]
fn a_library_that_hangs_when_opened_is_said_and_opened_once() {
    let mut scenario = Scenario::with_gpus(1);
    scenario.calls.insert("nvmlInit*".to_owned(), Rule::hang());
    let mut lab = Lab::alone(scenario);
    for _ in 0..30 {
        let sample = lab.sample();
        // The first sample waited long enough for all of them.
        lab.pass(3);
        let DriverState::Failed { why } = &sample.driver else {
            panic!("{:?}", sample.driver);
        };
        assert!(why.contains("opening"), "{why}");
    }
    assert_eq!(threads(), ["nvml-open"]);
    lab.change(|scenario| scenario.calls.clear());
    let sample = lab.until_all_answer();
    assert!(is_ready(&sample));
    assert_eq!(lab.calls("nvmlInit_v2", None), 1);
}

#[test]
fn a_wait_for_events_that_hangs_costs_the_events_alone() {
    let mut lab = Lab::new(Scenario::with_gpus(1));
    lab.until_all_answer();
    lab.rule(0, "nvmlEventSetWait*", Rule::hang());
    lab.card(0, |gpu| gpu.events.push(Event::xid(1, 31)));
    for _ in 0..20 {
        let sample = lab.sample();
        assert!(matches!(sample.devices[0].power, Reading::Value(_)));
    }
    lab.rule(0, "nvmlEventSetWait*", Rule::default());
    lab.until("the event is heard in the end", |sample| {
        !sample.events.is_empty()
    });
}

#[test]
fn a_driver_that_flaps_adds_no_thread_to_one_that_hangs() {
    let mut lab = Lab::alone(Scenario::with_gpus(2));
    lab.until_all_answer();
    let at_work = threads();
    lab.rule(1, POWER, Rule::hang());
    lab.rule(1, "nvmlEventSetWait*", Rule::hang());
    lab.until("the card hangs", |sample| {
        sample.devices[1].power.age().is_some()
    });
    for _ in 0..4 {
        // Loaded anew.
        lab.change(|scenario| scenario.epoch += 1);
        lab.until("the driver is gone", |sample| !is_ready(sample));
        lab.pass(10);
        let sample = lab.until("the other card answers", |sample| {
            let first = sample.devices.first();
            first.is_some_and(|card| card.power.fresh().is_some())
        });
        let health = sample.devices[1].health.known();
        let why = health.and_then(Health::why).unwrap_or_default();
        assert!(why.contains("earlier"), "{why}");
        wait_until("one thread for each card", || threads() == at_work);
    }
    lab.card(1, |gpu| gpu.calls.clear());
    lab.until("the card is back", |sample| {
        sample.devices[1].power.fresh().is_some()
    });
    // What the thread that hung hears when it returns is lost.
    let (lab, next) = (RefCell::new(lab), Cell::new(0));
    wait_until("an event is heard", || {
        let mut lab = lab.borrow_mut();
        if next.get() % 50 == 0 {
            lab.card(1, |gpu| gpu.events.push(Event::xid(1 + next.get(), 31)));
        }
        next.set(next.get() + 1);
        !lab.sample().events.is_empty()
    });
    wait_until("the threads are those of the beginning", || {
        threads() == at_work
    });
}
