//! Steps: what a client is told from second to second, and what it works out itself.

use std::time::Duration;

use gputop_model::{
    Bytes, Celsius, Device, DeviceKind, Failure, GpuProcess, Health, Holder, MegaHertz, MilliWatts,
    NodeSnapshot, Percent, ProcessKind, Reading,
};
use gputop_proto::{WireError, apply_step, pb, step};
use proptest::prelude::*;
use prost::Message as _;

use crate::{described, snapshot, snapshot_of};

const SECOND: Duration = Duration::from_secs(1);

/// Most bytes that a node with eight GPUs and 64 processes may send a second.
const BUDGET: usize = 4_000;

/// What gRPC and HTTP/2 put around a message: five and nine bytes.
const AROUND: usize = 14;

fn told(before: &NodeSnapshot, after: &NodeSnapshot) -> NodeSnapshot {
    // As bytes: what the wire does not carry must not matter.
    let bytes = step(before, after).encode_to_vec();
    let wire = pb::Step::decode(bytes.as_slice()).unwrap();
    apply_step(before, after.sequence, wire).unwrap()
}

/// The same time later: everything that ages by itself has aged.
fn later(snapshot: &NodeSnapshot, elapsed: Duration) -> NodeSnapshot {
    fn older<T: Clone>(reading: &Reading<T>, elapsed: Duration) -> Reading<T> {
        match reading {
            Reading::Stale { .. } => reading.clone().aged(elapsed),
            other => other.clone(),
        }
    }
    fn idle(reading: &Reading<Duration>, elapsed: Duration) -> Reading<Duration> {
        match reading {
            Reading::Value(time) if !time.is_zero() => Reading::Value(*time + elapsed),
            other => older(other, elapsed),
        }
    }
    let mut next = snapshot.clone();
    next.uptime += elapsed;
    next.sequence += 1;
    for device in &mut next.devices {
        device.power = older(&device.power, elapsed);
        device.clocks.sm = older(&device.clocks.sm, elapsed);
        device.idle_for = idle(&device.idle_for, elapsed);
    }
    for process in &mut next.processes {
        process.memory_used = older(&process.memory_used, elapsed);
        process.sm = older(&process.sm, elapsed);
        process.idle_for = idle(&process.idle_for, elapsed);
    }
    next
}

proptest! {
    #[test]
    fn a_step_leads_from_one_snapshot_to_the_next(before in snapshot().boxed(), after in snapshot().boxed()) {
        // A daemon does not change its name, version or protocol while it runs.
        prop_assert_eq!(told(&before, &after), after);
    }

    #[test]
    fn a_step_leads_on_when_little_changes(
        before in snapshot().boxed(),
        other in snapshot().boxed(),
        ms in 0_u64..10_000,
        devices in any::<bool>(),
        rotate in 0_usize..4,
    ) {
        let mut after = later(&before, Duration::from_millis(ms));
        if devices {
            after.devices = other.devices;
        } else {
            // Some stay, some are new, in another order.
            after.processes.truncate(2);
            after.processes.extend(other.processes);
            let count = after.processes.len().max(1);
            after.processes.rotate_left(rotate % count);
        }
        prop_assert_eq!(told(&before, &after), after);
    }
}

/// Eight cards at work with eight processes each; a fourth of both is idle.
fn busy_node() -> NodeSnapshot {
    let mut node = snapshot_of(described());
    node.devices.clear();
    for index in 0..8_u32 {
        let card = described();
        let uuid = format!("GPU-86054f06-0036-d39b-ece0-ff05001998{index:02x}").into();
        let mut device = Device {
            index,
            uuid,
            ..card
        };
        let idle = index >= 6;
        device.idle_for = Reading::Value(if idle { SECOND * 1000 } else { Duration::ZERO });
        for number in 0..8_u32 {
            let pid = 4_000_000 + index * 100 + number;
            let kind = ProcessKind::Compute;
            let mut process = GpuProcess::unmeasured(pid, device.uuid.clone(), kind);
            process.start_ticks = Some(812_345_678 + u64::from(number));
            "python3".clone_into(&mut process.name);
            process.user = Reading::Value("root".to_owned());
            process.memory_used = Bytes::from_gib(7).into();
            process.sm = Percent(if idle { 0 } else { 12 }).into();
            process.idle_for = device.idle_for.clone();
            process.holder = Holder::Pod {
                uid: Some("0b4d8f8e-1c0a-4b86-9d4e-3ba1b1c4f6f2".into()),
                container_id: Some("a".repeat(64)),
                namespace: Some("research".to_owned()),
                pod: Some("llama-70b-finetune-7c9d8b-x2x4z".to_owned()),
                container: Some("trainer".to_owned()),
            };
            node.processes.push(process);
        }
        node.devices.push(device);
    }
    node
}

/// A second later, in which each busy card and each busy process did something else.
fn a_second_of_work(before: &NodeSnapshot) -> NodeSnapshot {
    let mut after = later(before, SECOND);
    let busy = |idle: &Reading<Duration>| idle.get() == Some(Duration::ZERO);
    for device in &mut after.devices {
        device.power = MilliWatts(611_001 + device.index * 7).into();
        device.temperature = Celsius(71).into();
        if busy(&device.idle_for) {
            device.utilization = Percent(93).into();
            device.memory_utilization = Percent(51).into();
            device.memory_used = Bytes(61_203_283_968 + u64::from(device.index)).into();
            device.clocks.sm = MegaHertz(1815).into();
            device.activity.tensor = Percent(44).into();
            device.traffic.pcie_receive = gputop_model::BytesPerSecond(12_345_678_901).into();
            device.traffic.pcie_transmit = gputop_model::BytesPerSecond(9_345_678_901).into();
        }
    }
    for process in &mut after.processes {
        if busy(&process.idle_for) {
            process.sm = Percent(13).into();
            process.memory_used = Bytes(7_603_283_968 + u64::from(process.pid)).into();
            process.memory_busy = Percent(9).into();
        }
    }
    after
}

#[test]
fn eight_gpus_and_64_processes_stay_within_the_budget() {
    let before = busy_node();
    let after = a_second_of_work(&before);
    assert_eq!(told(&before, &after), after);
    let step = step(&before, &after);
    assert_eq!((step.devices.len(), step.processes.len()), (8, 48));
    let frame = pb::Frame {
        sequence: 100_000,
        content: Some(pb::frame::Content::Step(step)),
    };
    let size = frame.encoded_len() + AROUND;
    assert!(size <= BUDGET, "{size} bytes a second");
    // What an older client takes for the same.
    let delta = gputop_proto::delta(&before, &after).encoded_len();
    assert!(
        delta > 5 * size,
        "{delta} bytes as a delta, {size} as a step"
    );
}

#[test]
fn what_is_idle_costs_nothing_but_the_time() {
    let mut before = busy_node();
    for idle in before.devices.iter_mut().map(|device| &mut device.idle_for) {
        *idle = Reading::Value(SECOND);
    }
    for process in &mut before.processes {
        process.idle_for = Reading::Value(SECOND);
        process.sm = Reading::Stale {
            value: Percent(3),
            age: SECOND,
        };
    }
    let after = later(&before, SECOND);
    let expected = pb::Step {
        uptime_ms: 3_601_000,
        ..pb::Step::default()
    };
    assert_eq!(step(&before, &after), expected);
    assert_eq!(told(&before, &after), after);
}

#[test]
fn what_becomes_unknown_is_told() {
    let before = busy_node();
    let mut after = later(&before, SECOND);
    after.devices[3].power = Reading::default();
    after.devices[3].clocks = gputop_model::Clocks::default();
    after.devices[4].health = Reading::Failed(Failure::GpuLost);
    after.processes[5].sm = Reading::Unsupported;
    after.processes[6].user = Reading::Failed(Failure::Other(7));
    assert_eq!(told(&before, &after), after);
    let step = step(&before, &after);
    assert_eq!(step.device_at, [3, 4]);
    assert_eq!(step.process_at, [5, 6]);
    assert!(step.devices[0].uuid.is_empty() && step.processes[0].holder.is_none());
}

#[test]
fn processes_that_come_and_go_do_not_send_the_others_again() {
    let before = busy_node();
    let mut after = later(&before, SECOND);
    after.processes.remove(10);
    let mut new = after.processes[20].clone();
    new.pid = 5;
    after.processes.insert(30, new);
    assert_eq!(told(&before, &after), after);
    let step = step(&before, &after);
    assert_eq!(step.new_processes.len(), 1);
    assert!(step.processes.is_empty());
    let size = step.encoded_len();
    assert!(size < 500, "{size} bytes for one new process");
}

#[test]
fn a_pid_that_is_another_process_now_is_told_whole() {
    let before = busy_node();
    let mut after = later(&before, SECOND);
    after.processes[0].start_ticks = Some(1);
    after.processes[1].holder = Holder::Unknown;
    after.devices[0].kind = DeviceKind::Gpu { mig_enabled: true };
    assert_eq!(told(&before, &after), after);
    let step = step(&before, &after);
    assert_eq!(step.new_processes.len(), 2);
    assert_eq!(step.new_devices.len(), 1);
}

#[test]
fn a_step_about_what_the_client_does_not_have_is_refused() {
    let before = busy_node();
    let refused = |wire: pb::Step, field: &'static str| {
        assert_eq!(
            apply_step(&before, 2, wire),
            Err(WireError::Misfit { field })
        );
    };
    let at_device = pb::Step {
        device_at: vec![8],
        devices: vec![pb::Device::default()],
        ..pb::Step::default()
    };
    refused(at_device, "Step.devices");
    let order = pb::Step {
        process_order: Some(pb::Order { from: vec![65] }),
        ..pb::Step::default()
    };
    refused(order, "Step.processes");
}

#[test]
fn a_new_device_without_a_name_is_refused() {
    let wire = pb::Step {
        device_order: Some(pb::Order { from: vec![0] }),
        new_devices: vec![pb::Device::default()],
        ..pb::Step::default()
    };
    let missing = WireError::Missing {
        field: "Device.uuid",
    };
    assert_eq!(apply_step(&busy_node(), 2, wire), Err(missing));
}

#[test]
fn a_health_that_is_not_known_here_does_not_leave_the_old_one() {
    let mut before = snapshot_of(described());
    before.devices[0].health = Health::Ok.into();
    let strange = pb::Health {
        level: 9,
        why: "new".to_owned(),
    };
    let wire = pb::Step {
        device_at: vec![0],
        devices: vec![pb::Device {
            health: Some(strange),
            ..pb::Device::default()
        }],
        ..pb::Step::default()
    };
    let after = apply_step(&before, 2, wire).unwrap();
    assert_eq!(after.devices[0].health, Reading::Failed(Failure::Other(1)));
}
