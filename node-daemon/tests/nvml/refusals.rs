//! Calls that answer with an error.

use gputop_model::{Device, Failure, Health, MilliWatts, Reading};
use gputop_nvml_mock::Code;
use gputop_nvml_mock::scenario::{Process, Rule, Scenario, Text};

use super::lab::{Lab, is_ready};

const POWER: &str = "nvmlDeviceGetPowerUsage";

fn level(device: &Device) -> Option<&'static str> {
    device.health.known().map(Health::name)
}

#[test]
fn a_lost_card_is_sick_keeps_its_name_and_comes_back() {
    let mut lab = Lab::with_gpus(2);
    let before = lab.until_all_answer();
    for calls in ["nvmlDevice*", POWER] {
        lab.rule(1, calls, Rule::code(Code::GpuIsLost));
        let sample = lab.sample();
        assert!(is_ready(&sample));
        let lost = &sample.devices[1];
        assert_eq!(lost.uuid, before.devices[1].uuid);
        assert_eq!(lost.product, before.devices[1].product);
        assert_eq!(lost.identity.serial, before.devices[1].identity.serial);
        assert_eq!(lost.power, Reading::Failed(Failure::GpuLost), "{calls}");
        assert_eq!(level(lost), Some("sick"), "{calls}");
        assert_eq!(level(&sample.devices[0]), Some("ok"));
        assert!(sample.devices[0].power.fresh().is_some());
        lab.card(1, |gpu| gpu.calls.clear());
        let back = lab.sample();
        assert_eq!(level(&back.devices[1]), Some("ok"), "{calls}");
        assert!(back.devices[1].power.fresh().is_some());
    }
}

#[test]
fn an_error_that_nobody_knows_costs_its_own_reading() {
    let mut lab = Lab::with_gpus(1);
    lab.until_all_answer();
    lab.rule(0, POWER, Rule::code(Code::Unknown));
    let sample = lab.sample();
    let card = &sample.devices[0];
    assert_eq!(card.power, Reading::Failed(Failure::Other(999)));
    assert!(card.temperature.fresh().is_some());
    assert_eq!(level(card), Some("ok"));
    lab.rule(0, "nvmlDevice*", Rule::code(Code::Unknown));
    let sample = lab.sample();
    assert!(is_ready(&sample));
    let failed = Reading::Failed(Failure::Other(999));
    assert_eq!(sample.devices[0].temperature, failed);
}

#[test]
fn what_is_not_supported_is_not_asked_again() {
    let mut scenario = Scenario::with_gpus(2);
    let rules = &mut scenario.gpus[1].calls;
    rules.insert(POWER.to_owned(), Rule::code(Code::NotSupported));
    let lab = Lab::new(scenario);
    lab.until_all_answer();
    let before = lab.calls(POWER, Some(0));
    for _ in 0..20 {
        let sample = lab.sample();
        assert_eq!(sample.devices[1].power, Reading::Unsupported);
        assert_eq!(sample.devices[0].power, Reading::Value(MilliWatts(69_500)));
    }
    assert_eq!(lab.calls(POWER, Some(0)), before + 20);
    assert_eq!(lab.calls(POWER, Some(1)), 1);
}

#[test]
fn each_tier_asks_at_its_own_pace() {
    let lab = Lab::with_gpus(1);
    lab.until_all_answer();
    let count = |function| lab.calls(function, Some(0));
    let functions = [
        POWER,
        "nvmlDeviceGetBAR1MemoryInfo",
        "nvmlDeviceGetTotalEnergyConsumption",
        "nvmlDeviceGetVbiosVersion",
    ];
    let before = functions.map(count);
    for _ in 0..60 {
        lab.sample();
    }
    let after = functions.map(count);
    let asked: Vec<_> = after.iter().zip(before).map(|(a, b)| a - b).collect();
    assert_eq!(asked, [60, 12, 2, 0]);
}

#[test]
fn a_list_that_may_not_be_read_is_not_empty() {
    let mut lab = Lab::with_gpus(1);
    lab.card(0, |gpu| gpu.processes.push(Process::compute(42)));
    let before = lab.until_all_answer();
    assert_eq!(before.processes.len(), 1);
    lab.rule(
        0,
        "nvmlDeviceGetComputeRunningProcesses*",
        Rule::code(Code::NoPermission),
    );
    let sample = lab.sample();
    assert_eq!(sample.processes.len(), 1, "the last list is kept");
    assert!(sample.processes[0].memory_used.age().is_some());
    let why = Reading::Failed(Failure::NoPermission);
    assert_eq!(sample.devices[0].process_count, why);
}

#[test]
fn a_card_that_lists_no_processes_is_not_said_to_have_none() {
    let lists = [
        "nvmlDeviceGetComputeRunningProcesses*",
        "nvmlDeviceGetGraphicsRunningProcesses*",
        "nvmlDeviceGetMPSComputeRunningProcesses*",
    ];
    // What is drawn and what is shared is a part of what there is; what computes is the most of it.
    for (missing, counted) in [(0..3, None), (0..1, None), (1..3, Some(1))] {
        let mut scenario = Scenario::with_gpus(1);
        let card = &mut scenario.gpus[0];
        card.processes.push(Process::compute(42));
        for function in &lists[missing] {
            let rule = Rule::code(Code::NotSupported);
            card.calls.insert((*function).to_owned(), rule);
        }
        let lab = Lab::new(scenario);
        let sample = lab.until("the card answers", |sample| {
            let card = sample.devices.first();
            card.is_some_and(|card| card.power.fresh().is_some())
        });
        let expected = counted.map_or(Reading::Unsupported, Reading::Value);
        assert_eq!(sample.devices[0].process_count, expected);
        assert_eq!(sample.processes.len(), counted.map_or(0, |_| 1));
    }
}

#[test]
fn a_consumer_card_says_what_it_does_not_have() {
    let mut scenario = Scenario::with_gpus(1);
    let card = &mut scenario.gpus[0];
    card.fans = vec![30, 41];
    card.mig_mode = None;
    card.memory_temperature = 0;
    card.serial = "0".into();
    for function in [
        "nvmlDeviceGetTotalEccErrors",
        "nvmlDeviceGetEccMode",
        "nvmlDeviceGetRetiredPages*",
        "nvmlDeviceGetSerial",
    ] {
        let rule = Rule::code(Code::NotSupported);
        card.calls.insert(function.to_owned(), rule);
    }
    let lab = Lab::new(scenario);
    let sample = lab.until_all_answer();
    let card = &sample.devices[0];
    assert_eq!(card.ecc.enabled, Reading::Unsupported);
    assert_eq!(card.ecc.volatile_uncorrected, Reading::Unsupported);
    assert_eq!(card.identity.serial, Reading::Unsupported);
    assert_eq!(card.thermal.memory, Reading::Unsupported);
    assert_eq!(card.thermal.fan.get().map(|fan| fan.0), Some(41));
    assert_eq!(level(card), Some("ok"));
}

#[test]
fn garbage_in_texts_moves_no_cursor_and_costs_no_card() {
    let mut scenario = Scenario::with_gpus(3);
    let broken = |bytes: &[u8], unterminated| Text::Broken {
        bytes: bytes.to_vec(),
        unterminated,
    };
    scenario.gpus[0].name = broken(b"\x1b[2J evil", false);
    scenario.gpus[0].vbios = broken(&[0xff, 0xfe, 0x41], false);
    scenario.gpus[1].name = broken(&[0xc3, 0x28, 0x80], false);
    scenario.gpus[2].name = broken(b"A", true);
    let lab = Lab::new(scenario);
    let sample = lab.until_all_answer();
    let names: Vec<_> = sample.devices.iter().map(|d| d.product.as_str()).collect();
    assert_eq!(names[0], "\u{fffd}[2J evil");
    assert_eq!(names[1], "GPU");
    assert!(names[2].starts_with("AAAA"), "{names:?}");
    assert!(names[2].len() < 128, "{names:?}");
    for device in &sample.devices {
        assert!(
            device.uuid.as_str().starts_with("GPU-5f1c1d2e"),
            "{device:?}"
        );
        assert!(device.power.fresh().is_some());
    }
    let vbios = &sample.devices[0].identity.vbios;
    assert_eq!(*vbios, Reading::Failed(Failure::Other(999)));
}

#[test]
fn a_card_with_a_broken_uuid_is_there_under_a_made_up_one() {
    let mut scenario = Scenario::with_gpus(2);
    scenario.gpus[1].uuid = Some(Text::Broken {
        bytes: vec![0xff; 8],
        unterminated: false,
    });
    let lab = Lab::new(scenario);
    let sample = lab.until_all_answer();
    let broken = &sample.devices[1];
    assert_eq!(broken.uuid.as_str(), "GPU-unknown-1");
    assert_eq!(broken.product, "NVIDIA H100 80GB HBM3");
    assert!(broken.power.fresh().is_some());
}
