//! What goes over the wire comes back the same, whole or as a delta.

use std::time::Duration;

use gputop_model::{
    Allocation, Bytes, Celsius, Device, DeviceId, DeviceKind, DriverState, Failure, GpuProcess,
    Health, Holder, MilliWatts, NodeSnapshot, OutsideKind, Percent, ProcessKind, Reading,
    ThrottleReason,
};
use gputop_proto::{WireError, apply, delta, pb};
use proptest::prelude::*;

fn reading<T: Clone + std::fmt::Debug + 'static>(
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

fn percent() -> impl Strategy<Value = Percent> + Clone {
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
    ) -> Device {
        let kind = if mig {
            DeviceKind::MigInstance { profile: "1g.10gb".to_owned(), parent: "GPU-p".into() }
        } else {
            DeviceKind::Gpu { mig_enabled: index.is_multiple_of(2) }
        };
        Device {
            memory_total, memory_used, utilization, memory_utilization, temperature,
            power_limit: power.clone(), power, throttle_reasons, health, process_count, idle_for: idle,
            ..Device::unmeasured(index, format!("GPU-{index}").into(), "card".to_owned(), kind)
        }
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
        idle_for in reading((0_u64..1_000_000).prop_map(Duration::from_millis)),
        holder in holder(),
    ) -> GpuProcess {
        GpuProcess {
            pid, start_ticks, device: "GPU-1".into(), kind: ProcessKind::ComputeAndGraphics,
            name: "python3".to_owned(), user, memory_used, sm, idle_for, holder,
        }
    }
}

prop_compose! {
    fn snapshot()(
        sequence in 1_u64..1000,
        devices in prop_oneof![
            (device(0).boxed(), device(1).boxed()).prop_map(|(a, b)| vec![a, b]).boxed(),
            device(1).boxed().prop_map(|a| vec![a]).boxed(),
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
    ) -> NodeSnapshot {
        let driver = if ready {
            DriverState::Ready { version: "580.1".to_owned(), cuda: Some("13.0".to_owned()) }
        } else {
            DriverState::NoDriver { why }
        };
        NodeSnapshot {
            node: "a".into(), daemon_version: "0.1.0".to_owned(), sequence, driver, devices,
            processes, allocations,
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
        node: "a".into(),
        daemon_version: String::new(),
        sequence: 1,
        driver: DriverState::NoGpu {
            version: "1".to_owned(),
        },
        devices: vec![device],
        processes: Vec::new(),
        allocations: Reading::Failed(Failure::NotFound),
    };
    assert_eq!(delta(&snapshot, &snapshot), pb::Delta::default());
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
