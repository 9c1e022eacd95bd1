//! Drivers that do not fit, go away and come back; cards that are pulled.

use std::fs;
use std::path::PathBuf;

use gputop_model::{DriverState, EventKind, Failure, Health, Reading};
use gputop_node::source::nvml::NvmlSource;
use gputop_node::source::{Round, Sample, Source as _};
use gputop_nvml_mock::Code;
use gputop_nvml_mock::scenario::{Event, Rule, Scenario};
use rstest::rstest;

use super::lab::{Lab, is_mapped, is_ready};

fn version(sample: &Sample) -> Option<&str> {
    match &sample.driver {
        DriverState::Ready { version, .. } => Some(version),
        _ => None,
    }
}

#[rstest]
#[case(Code::LibRmVersionMismatch, "mismatch")]
#[case(Code::DriverNotLoaded, "no_driver")]
#[case(Code::LibraryNotFound, "no_driver")]
#[case(Code::NoPermission, "failed")]
fn a_library_that_can_not_be_opened_says_why(#[case] code: Code, #[case] state: &str) {
    let mut scenario = Scenario::with_gpus(1);
    let rule = Rule::code(code);
    scenario.calls.insert("nvmlInit*".to_owned(), rule);
    let mut lab = Lab::new(scenario);
    let sample = lab.sample();
    assert_eq!(sample.driver.name(), state);
    assert!(sample.driver.reason().is_some_and(|why| !why.is_empty()));
    assert_eq!(sample.devices, []);
    // Mended, and found within the ten seconds between attempts.
    lab.change(|scenario| scenario.calls.clear());
    assert!(!is_ready(&lab.sample()));
    lab.pass(10);
    assert!(is_ready(&lab.sample()));
}

#[tokio::test]
async fn without_a_library_it_is_said_which_is_missing() {
    let source = NvmlSource::of(PathBuf::from("/nowhere/libnvidia-ml.so.1"));
    let round = Round::watched(std::time::Duration::ZERO);
    let sample = source.sample(round).await;
    assert_eq!(sample.driver.name(), "no_driver");
    let why = sample.driver.reason().unwrap_or_default();
    assert!(why.contains("/nowhere/libnvidia-ml.so.1"), "{why}");
}

#[test]
fn a_machine_without_a_card_is_no_failure() {
    let mut lab = Lab::with_gpus(0);
    assert_eq!(lab.sample().driver.name(), "no_gpu");
    lab.change(|scenario| *scenario = Scenario::with_gpus(2));
    lab.pass(10);
    assert_eq!(lab.until_all_answer().devices.len(), 2);
}

#[test]
fn a_new_driver_on_a_host_is_found_by_loading_the_library_anew() {
    let mut lab = Lab::with_gpus(2);
    let before = lab.until_all_answer();
    assert_eq!(version(&before), Some("570.133.20"));
    lab.change(|scenario| scenario.driver = "580.95.05".to_owned());
    let mismatch = lab.sample();
    assert_eq!(mismatch.driver.name(), "mismatch");
    assert_eq!(mismatch.devices, []);
    // The old library refuses the new driver for as long as it stays loaded.
    let after = lab.until("the new driver answers", is_ready);
    assert_eq!(version(&after), Some("580.95.05"));
    let after = lab.until_all_answer();
    assert_eq!(after.devices[1].uuid, before.devices[1].uuid);
}

#[test]
fn a_library_replaced_on_disk_is_the_one_that_is_loaded() {
    let mut lab = Lab::with_gpus(1);
    lab.until_all_answer();
    // As a package manager does it: another file under the same name.
    let next = lab.library().with_extension("next");
    fs::copy(lab.library(), &next).unwrap();
    fs::rename(&next, lab.library()).unwrap();
    assert!(!is_mapped(&lab.library()), "the new file is not loaded yet");
    lab.change(|scenario| scenario.driver = "580.95.05".to_owned());
    let after = lab.until("the new driver answers", |sample| {
        version(sample) == Some("580.95.05")
    });
    assert!(is_ready(&after));
    assert!(is_mapped(&lab.library()));
}

#[test]
fn a_driver_that_was_loaded_anew_is_initialised_again() {
    let mut lab = Lab::with_gpus(1);
    lab.card(0, |gpu| gpu.events.push(Event::xid(1, 48)));
    let sick = lab.until("the event is heard", |sample| !sample.events.is_empty());
    assert_eq!(
        sick.devices[0].health.known().map(Health::name),
        Some("sick")
    );
    lab.change(|scenario| {
        scenario.epoch = 1;
        scenario.gpus[0].events.clear();
    });
    let gone = lab.sample();
    assert!(!is_ready(&gone));
    assert_eq!(gone.devices, []);
    let back = lab.until_all_answer();
    assert_eq!(back.devices.len(), 1);
    // The card was reset with its driver; what happened stays in the list.
    assert_eq!(back.devices[0].health, Reading::Value(Health::Ok));
    assert_eq!(back.events[0].kind, EventKind::Xid(48));
}

#[test]
fn a_card_that_is_pulled_is_lost_until_the_driver_is_loaded_anew() {
    let mut lab = Lab::with_gpus(3);
    let before = lab.until_all_answer();
    lab.card(1, |gpu| gpu.plugged = false);
    for _ in 0..5 {
        let sample = lab.sample();
        assert_eq!(sample.devices.len(), 3);
        let pulled = &sample.devices[1];
        assert_eq!(pulled.uuid, before.devices[1].uuid);
        assert_eq!(pulled.power, Reading::Failed(Failure::GpuLost));
        assert!(sample.devices[2].power.fresh().is_some());
    }
    lab.change(|scenario| scenario.epoch = 1);
    let after = lab.until("two cards are left", |sample| {
        sample.devices.len() == 2 && sample.devices.iter().all(|d| d.power.fresh().is_some())
    });
    let uuids: Vec<_> = after.devices.iter().map(|d| &d.uuid).collect();
    assert_eq!(uuids, [&before.devices[0].uuid, &before.devices[2].uuid]);
}
