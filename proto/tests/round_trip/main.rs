//! What goes over the wire comes back the same, whole, as a delta or as a step.

#![expect(clippy::unwrap_used, reason = "a test that fails here fails rightly")]

mod parts;
mod steps;

use std::time::Duration;

use gputop_model::{
    Allocation, Bytes, Celsius, Clocks, Device, DeviceEvent, DeviceId, DeviceKind, DriverState,
    EventKind, Failure, GpuProcess, Health, Holder, Limitation, MegaHertz, MilliJoules, MilliWatts,
    NodeSnapshot, OutsideKind, PState, Percent, ProcessKind, Protocol, Reading, ThrottleReason,
};
use gputop_proto::{WireError, apply, delta, pb};
use parts::{host, hot, parts};
use proptest::prelude::*;
use prost::Message as _;

pub(crate) fn reading<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + Clone + 'static,
) -> BoxedStrategy<Reading<T>> {
    let failure = prop_oneof![
        Just(Failure::NotMeasured),
        Just(Failure::NoPermission),
        Just(Failure::Timeout),
        Just(Failure::GpuLost),
        Just(Failure::NotFound),
        (1_u32..1000).prop_map(Failure::Other),
    ];
    prop_oneof![
        value.clone().prop_map(Reading::Value),
        (value, 0_u64..100_000).prop_map(|(value, ms)| Reading::Stale {
            value,
            age: Duration::from_millis(ms)
        }),
        Just(Reading::Unsupported),
        failure.prop_map(Reading::Failed),
    ]
    .boxed()
}

fn event() -> impl Strategy<Value = DeviceEvent> + Clone {
    let kind = prop_oneof![
        (0_u32..200).prop_map(EventKind::Xid),
        proptest::sample::select(&EventKind::PLAIN[..]),
    ];
    (kind, 0_u64..1_000_000, 1_u32..100).prop_map(|(kind, at, count)| DeviceEvent {
        device: "GPU-0".into(),
        kind,
        at: Duration::from_millis(at),
        count,
    })
}

fn limitation() -> impl Strategy<Value = Limitation> + Clone {
    ("[a-z_]{1,12}", "[a-z ]{1,20}", "[a-z ]{0,20}").prop_map(|(name, lost, fix)| Limitation {
        name,
        lost,
        fix,
    })
}

pub(crate) fn percent() -> impl Strategy<Value = Percent> + Clone {
    (0_u8..=100).prop_map(Percent)
}

fn health() -> impl Strategy<Value = Health> + Clone {
    prop_oneof![
        Just(Health::Ok),
        "[a-z ]{1,20}".prop_map(|why| Health::Degraded { why }),
        "[a-z ]{1,20}".prop_map(|why| Health::Sick { why }),
    ]
}

prop_compose! {
    fn device(index: u32)(
        mig in any::<bool>(),
        memory_total in reading(any::<u64>().prop_map(Bytes)),
        memory_used in reading(any::<u64>().prop_map(Bytes)),
        utilization in reading(percent()),
        memory_utilization in reading(percent()),
        temperature in reading((-40_i32..150).prop_map(Celsius)),
        power in reading(any::<u32>().prop_map(MilliWatts)),
        throttle_reasons in reading(Just(vec![ThrottleReason::SoftwarePowerCap])),
        health in reading(health()),
        process_count in reading(any::<u32>()),
        idle in reading((0_u64..1_000_000).prop_map(Duration::from_millis)),
        (p_state, energy, memory_kind) in hot(),
    ) -> Device {
        let kind = if mig {
            DeviceKind::MigInstance { profile: "1g.10gb".to_owned(), parent: "GPU-p".into() }
        } else {
            DeviceKind::Gpu { mig_enabled: index.is_multiple_of(2) }
        };
        Device {
            memory_total, memory_used, utilization, memory_utilization, temperature,
            power_limit: power.clone(), power, throttle_reasons, health, process_count, idle_for: idle,
            p_state, energy, memory_kind,
            ..Device::unmeasured(index, format!("GPU-{index}").into(), "card".to_owned(), kind)
        }
    }
}

prop_compose! {
    /// A device with all its groups.
    fn whole_device(index: u32)(
        device in device(index).boxed(),
        parts in parts(),
    ) -> Device {
        parts.put_into(device)
    }
}

fn holder() -> impl Strategy<Value = Holder> {
    prop_oneof![
        Just(Holder::Unknown),
        "[a-z]{1,8}".prop_map(|name| Holder::Outside {
            kind: OutsideKind::Desktop,
            name
        }),
        (
            proptest::option::of("[a-f0-9]{8}"),
            proptest::option::of("[a-z]{1,8}")
        )
            .prop_map(|(uid, pod)| Holder::Pod {
                uid: uid.map(Into::into),
                container_id: None,
                namespace: pod.clone(),
                pod,
                container: None,
            }),
    ]
}

prop_compose! {
    fn process()(
        pid in 1_u32..100_000,
        start_ticks in proptest::option::of(any::<u64>()),
        user in reading("[a-z]{1,8}"),
        memory_used in reading(any::<u64>().prop_map(Bytes)),
        sm in reading(percent()),
        (memory_busy, encoder, decoder) in (reading(percent()), reading(percent()), reading(percent())),
        command in reading("[a-z -]{1,20}"),
        idle_for in reading((0_u64..1_000_000).prop_map(Duration::from_millis)),
        holder in holder(),
    ) -> GpuProcess {
        GpuProcess {
            pid, start_ticks, device: "GPU-1".into(), kind: ProcessKind::ComputeAndGraphics,
            name: "python3".to_owned(), command, user, memory_used, sm, memory_busy, encoder,
            decoder, idle_for, holder,
        }
    }
}

prop_compose! {
    pub(crate) fn snapshot()(
        sequence in 1_u64..1000,
        devices in prop_oneof![
            (whole_device(0).boxed(), whole_device(1).boxed()).prop_map(|(a, b)| vec![a, b]).boxed(),
            whole_device(1).boxed().prop_map(|a| vec![a]).boxed(),
            Just(Vec::new()),
        ],
        processes in proptest::collection::vec(process().boxed(), 0..4),
        allocations in reading(proptest::collection::vec("[a-z]{1,8}", 0..3).prop_map(|pods| {
            pods.into_iter().map(|pod| Allocation {
                namespace: "ml".to_owned(), pod, container: "main".to_owned(),
                resource: "nvidia.com/gpu".to_owned(), device_id: DeviceId::new("GPU-1::2"),
            }).collect()
        })),
        why in "[a-z ]{0,12}",
        ready in any::<bool>(),
        uptime in (0_u64..10_000_000).prop_map(Duration::from_millis),
        events in proptest::collection::vec(event(), 0..3),
        host in host(),
        limitations in proptest::collection::vec(limitation(), 0..2),
    ) -> NodeSnapshot {
        let driver = if ready {
            DriverState::Ready { version: "580.1".to_owned(), cuda: Some("13.0".to_owned()) }
        } else {
            DriverState::NoDriver { why }
        };
        NodeSnapshot {
            node: "a".into(), daemon_version: "0.1.0".to_owned(), sequence, driver, devices,
            processes, allocations, uptime, events, host, limitations,
            protocol: Protocol::current(),
        }
    }
}

proptest! {
    #[test]
    fn a_snapshot_survives_the_wire(snapshot in snapshot().boxed()) {
        let wire = pb::Snapshot::from(&snapshot);
        prop_assert_eq!(NodeSnapshot::try_from(wire).unwrap(), snapshot);
    }

    #[test]
    fn a_delta_leads_from_one_snapshot_to_the_next(before in snapshot().boxed(), after in snapshot().boxed()) {
        let got = apply(&before, after.sequence, delta(&before, &after)).unwrap();
        prop_assert_eq!(got, after);
    }
}

#[test]
fn an_unchanged_snapshot_has_an_empty_delta() {
    let device = Device::unmeasured(
        0,
        "GPU-0".into(),
        String::new(),
        DeviceKind::Gpu { mig_enabled: false },
    );
    let snapshot = NodeSnapshot {
        sequence: 1,
        devices: vec![device],
        allocations: Reading::Failed(Failure::NotFound),
        uptime: Duration::from_secs(7),
        ..NodeSnapshot::unsampled("a".into())
    };
    assert_eq!(delta(&snapshot, &snapshot), pb::Delta::default());
}

/// A card as a daemon describes it that knows everything about it.
pub(crate) fn described() -> Device {
    let kind = DeviceKind::Gpu { mig_enabled: false };
    let uuid = "GPU-86054f06-0036-d39b-ece0-ff050019988e".into();
    let mut device = Device::unmeasured(0, uuid, "NVIDIA H100 80GB HBM3".to_owned(), kind);
    device.utilization = Percent(96).into();
    device.memory_used = Bytes::from_gib(61).into();
    device.power = MilliWatts(612_345).into();
    device.p_state = PState(0).into();
    device.energy = MilliJoules(812_000_000_000).into();
    device.clocks = Clocks {
        sm: MegaHertz(1830).into(),
        memory: MegaHertz(2619).into(),
        sm_max: MegaHertz(1980).into(),
        memory_max: MegaHertz(2619).into(),
    };
    device.identity.serial = Reading::Value("1324721008461".to_owned());
    device.identity.vbios = Reading::Value("96.00.74.00.1A".to_owned());
    device.ecc = gputop_model::Ecc::unsupported();
    device.nvlink = gputop_model::NvLink::unsupported();
    device
}

pub(crate) fn snapshot_of(device: Device) -> NodeSnapshot {
    NodeSnapshot {
        daemon_version: "0".to_owned(),
        sequence: 1,
        driver: DriverState::Ready {
            version: "1".to_owned(),
            cuda: None,
        },
        devices: vec![device],
        allocations: Reading::Unsupported,
        uptime: Duration::from_secs(3600),
        ..NodeSnapshot::unsampled("a".into())
    }
}

#[test]
fn a_second_of_work_is_a_small_delta() {
    let before = snapshot_of(described());
    let mut after = before.clone();
    after.uptime += Duration::from_secs(1);
    let device = &mut after.devices[0];
    device.power = MilliWatts(611_001).into();
    device.clocks.sm = MegaHertz(1815).into();
    let delta = delta(&before, &after);
    let sent = &delta.devices[0];
    assert!(sent.clocks.is_some());
    assert_eq!(
        (&sent.identity, &sent.ecc, &sent.nvlink),
        (&None, &None, &None)
    );
    let size = delta.encoded_len();
    assert!(
        size < 160,
        "{size} bytes for a card that did its work for a second"
    );
    let whole = pb::Snapshot::from(&after).encoded_len();
    assert!(whole > 4 * size, "{whole} bytes whole, {size} as a delta");
}

#[test]
fn a_group_that_becomes_unknown_is_told() {
    let before = snapshot_of(described());
    let mut after = before.clone();
    after.devices[0].identity = gputop_model::Identity::default();
    let told = apply(&before, 2, delta(&before, &after)).unwrap();
    assert_eq!(told.devices, after.devices);
}

#[test]
fn a_daemon_without_groups_leaves_them_unknown() {
    let old = pb::Device {
        uuid: "GPU-0".to_owned(),
        power_mw: Some(5),
        ..pb::Device::default()
    };
    let device = Device::try_from(old).unwrap();
    assert_eq!(device.identity.serial, Reading::default());
    assert_eq!(device.memory_kind, Reading::default());
}

#[test]
fn an_event_of_a_new_kind_is_passed_over() {
    let mut wire = pb::Snapshot::from(&snapshot_of(described()));
    let event = |kind: &str, xid| pb::Event {
        device_uuid: "GPU-0".to_owned(),
        kind: kind.to_owned(),
        xid,
        at_ms: 5,
        count: 1,
    };
    wire.events = Some(pb::Events {
        items: vec![event("moon_phase", None), event("xid", Some(79))],
    });
    let events = NodeSnapshot::try_from(wire).unwrap().events;
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Xid(79)]);
}

#[test]
fn what_makes_no_sense_in_a_group_costs_only_itself() {
    let wire = pb::Device {
        uuid: "GPU-0".to_owned(),
        performance_state: Some(32),
        memory_kind: Some("quantum".to_owned()),
        thermal: Some(pb::Thermal {
            fan_percent: Some(300),
            memory_celsius: Some(88),
            ..pb::Thermal::default()
        }),
        settings: Some(pb::Settings {
            compute_mode: Some("shared".to_owned()),
            persistence: Some(true),
            ..pb::Settings::default()
        }),
        ..pb::Device::default()
    };
    let device = Device::try_from(wire).unwrap();
    let wrong = Failure::Other(1);
    assert_eq!(device.p_state, Reading::Failed(wrong));
    assert_eq!(device.memory_kind, Reading::Failed(wrong));
    assert_eq!(device.thermal.fan, Reading::Failed(wrong));
    assert_eq!(device.thermal.memory, Reading::Value(Celsius(88)));
    assert_eq!(device.settings.compute_mode, Reading::Failed(wrong));
    assert_eq!(device.settings.persistence, Reading::Value(true));
}

#[test]
fn a_number_out_of_range_costs_only_itself() {
    let wire = pb::Device {
        uuid: "GPU-0".to_owned(),
        utilization_percent: Some(101),
        temperature_celsius: Some(60),
        ..pb::Device::default()
    };
    let device = Device::try_from(wire).unwrap();
    assert!(matches!(
        device.utilization,
        Reading::Failed(Failure::Other(_))
    ));
    assert_eq!(device.temperature, Reading::Value(Celsius(60)));
}

#[test]
fn a_device_without_a_name_is_refused() {
    assert_eq!(
        Device::try_from(pb::Device::default()),
        Err(WireError::Missing {
            field: "Device.uuid"
        })
    );
}
