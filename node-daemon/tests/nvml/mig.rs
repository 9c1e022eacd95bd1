//! Cards in instances.

use gputop_model::{Bytes, DeviceKind, Failure, Reading};
use gputop_node::source::Sample;
use gputop_nvml_mock::Code;
use gputop_nvml_mock::scenario::{Event, EventType, Mig, Process, Rule, Scenario};

use super::lab::Lab;

fn in_two() -> Scenario {
    let mut scenario = Scenario::with_gpus(2);
    let card = &mut scenario.gpus[0];
    card.mig_mode = Some(true);
    card.mig = vec![
        Mig {
            gi: 7,
            memory_used_mib: 100,
            ..Mig::default()
        },
        Mig {
            // Slots between them are empty.
            slot: Some(4),
            gi: 2,
            profile: "3g.40gb".to_owned(),
            slices: 3,
            memory_total_mib: 40_448,
            memory_used_mib: 2_000,
            ..Mig::default()
        },
    ];
    card.processes = vec![Process {
        instance: Some((2, 0)),
        ..Process::compute(11)
    }];
    scenario
}

fn profiles(sample: &Sample) -> Vec<&str> {
    let devices = sample.devices.iter();
    let profiles = devices.filter_map(|device| match &device.kind {
        DeviceKind::MigInstance { profile, .. } => Some(profile.as_str()),
        DeviceKind::Gpu { .. } => None,
    });
    profiles.collect()
}

#[test]
fn instances_have_their_own_memory_and_processes() {
    let lab = Lab::new(in_two());
    let sample = lab.until_all_answer();
    assert_eq!(sample.devices.len(), 4);
    assert_eq!(profiles(&sample), ["1g.10gb", "3g.40gb"]);
    let [card, small, large, other] = sample.devices.as_slice() else {
        panic!("{:?}", sample.devices);
    };
    assert_eq!(card.kind, DeviceKind::Gpu { mig_enabled: true });
    assert_eq!(other.kind, DeviceKind::Gpu { mig_enabled: false });
    assert_eq!(small.memory_total, Bytes::from_mib(9_856).into());
    assert_eq!(small.memory_used, Bytes::from_mib(100).into());
    assert_eq!(large.memory_total, Bytes::from_mib(40_448).into());
    assert_eq!(large.memory_used, Bytes::from_mib(2_000).into());
    assert_eq!((small.index, large.index), (0, 0));
    let counts = [card, small, large].map(|device| device.process_count.get());
    assert_eq!(counts, [Some(0), Some(0), Some(1)]);
    assert_eq!(sample.processes[0].device, large.uuid);
    assert_eq!(card.utilization, Reading::Unsupported);
}

#[test]
fn a_profile_is_known_without_its_name() {
    let mut scenario = in_two();
    scenario.gpus[0].calls.insert(
        "nvmlDeviceGetName".to_owned(),
        Rule::code(Code::NotSupported),
    );
    let lab = Lab::new(scenario);
    let sample = lab.until_all_answer();
    // 40,448 MiB round up to 40 GB.
    assert_eq!(profiles(&sample), ["1g.10gb", "3g.40gb"]);
}

#[test]
fn a_change_of_the_layout_is_seen_with_its_event() {
    let mut lab = Lab::new(in_two());
    lab.until_all_answer();
    lab.card(0, |gpu| {
        gpu.mig_mode = Some(false);
        gpu.mig.clear();
        gpu.processes.clear();
        gpu.events.push(Event {
            id: 1,
            kind: EventType::MigConfig,
            data: 0,
        });
    });
    let sample = lab.until("the card is whole", |sample| {
        sample.devices[0].kind == DeviceKind::Gpu { mig_enabled: false }
    });
    assert_eq!(sample.devices.len(), 2);
    assert!(sample.devices[0].utilization.fresh().is_some());
}

#[test]
fn an_instance_that_does_not_answer_costs_itself_alone() {
    let mut lab = Lab::new(in_two());
    lab.until_all_answer();
    lab.rule(
        0,
        "nvmlDeviceGetComputeRunningProcesses*",
        Rule::code(Code::NoPermission),
    );
    let sample = lab.sample();
    assert_eq!(profiles(&sample).len(), 2);
    for device in &sample.devices[..3] {
        assert_eq!(device.process_count.known(), None, "{:?}", device.kind);
    }
    assert_eq!(sample.devices[3].process_count, Reading::Value(0));
}

#[test]
fn instances_that_the_driver_hides_are_said_to_be_hidden() {
    for function in [
        "nvmlDeviceGetMigDeviceHandleByIndex",
        "nvmlDeviceGetMemoryInfo*",
    ] {
        let mut lab = Lab::new(in_two());
        lab.until_all_answer();
        lab.rule(0, function, Rule::code(Code::NoPermission));
        let sample = lab.sample();
        let said = gputop_node::procs::no_mig_rights(&sample.devices);
        let name = said.map(|limitation| limitation.name);
        assert_eq!(name.as_deref(), Some("no_mig_rights"), "{function}");
    }
}

#[test]
fn instances_that_fail_for_a_moment_stay_where_they_are() {
    let mut lab = Lab::new(in_two());
    let before = lab.until_all_answer();
    let uuids = |sample: &Sample| -> Vec<_> {
        let devices = sample.devices.iter();
        devices.map(|device| device.uuid.clone()).collect()
    };
    for (function, code, failure) in [
        (
            "nvmlDeviceGetMigDeviceHandleByIndex",
            Code::Unknown,
            Failure::Other(999),
        ),
        (
            "nvmlDeviceGetMaxMigDeviceCount",
            Code::Timeout,
            Failure::Timeout,
        ),
        ("nvmlDevice*", Code::GpuIsLost, Failure::GpuLost),
    ] {
        lab.rule(0, function, Rule::code(code));
        let sample = lab.sample();
        assert_eq!(uuids(&sample), uuids(&before), "{function}");
        assert_eq!(profiles(&sample), ["1g.10gb", "3g.40gb"], "{function}");
        for (device, known) in sample.devices[1..3].iter().zip(&before.devices[1..3]) {
            assert_eq!((device.index, &device.kind), (0, &known.kind));
            assert_eq!(device.memory_used, Reading::Failed(failure), "{function}");
            assert_eq!(device.process_count, Reading::Failed(failure), "{function}");
            assert_eq!(device.utilization, Reading::Unsupported, "{function}");
        }
        // Its process is listed with the card's and is still its own.
        let on = sample.processes.iter().map(|process| &process.device);
        assert!(
            on.eq(before.processes.iter().map(|process| &process.device))
                || failure == Failure::GpuLost
        );
        lab.card(0, |gpu| gpu.calls.clear());
        let back = lab.sample();
        assert_eq!(back.devices[1..3], before.devices[1..3], "{function}");
    }
    // A slot that is empty is no error.
    lab.card(0, |gpu| {
        gpu.mig.remove(0);
    });
    assert_eq!(profiles(&lab.sample()), ["3g.40gb"]);
}
