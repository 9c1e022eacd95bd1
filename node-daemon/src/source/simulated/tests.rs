//! Bounds and consistency of simulated samples.

use gputop_model::{DriverState, Health, Percent, Reading};
use proptest::prelude::*;

use super::*;

const BEHAVIOURS: [Behaviour; 7] = [
    Behaviour::Training,
    Behaviour::Inference,
    Behaviour::QuietServer,
    Behaviour::Notebook,
    Behaviour::Media,
    Behaviour::Desktop,
    Behaviour::Loading,
];

fn spec() -> NodeSpec {
    let mut spec = builtin_node("n".into());
    spec.gpus[1].mig = vec!["1g.5gb".to_owned(), "2g.10gb".to_owned()];
    spec
}

fn tenant(pid: u32, device: GpuUuid, behaviour: Behaviour, gib: u64) -> Tenant {
    Tenant {
        pid,
        start_ticks: Some(1),
        name: "python3".to_owned(),
        user: "root".to_owned(),
        kind: ProcessKind::Compute,
        device,
        holder: Holder::Unknown,
        behaviour,
        memory: Bytes::from_gib(gib),
        since: Duration::ZERO,
        age_before: Duration::from_secs(3600),
        idle_before: Duration::ZERO,
    }
}

fn sample(source: &SimulatedSource, seconds: u64) -> Sample {
    source
        .sample(Duration::from_secs(seconds))
        .now_or_never()
        .unwrap()
}

proptest! {
    #[test]
    fn values_stay_within_their_bounds(
        seed: u64,
        at in prop::collection::vec(0u64..100_000, 1..8),
        who in prop::collection::vec((0usize..7, 0usize..3, 0u64..64), 0..6),
    ) {
        let spec = spec();
        let places = [spec.gpu_uuid(0), spec.mig_uuid(1, 0), spec.mig_uuid(1, 1)];
        let source = SimulatedSource::new(spec, seed);
        source.set_tenants(
            (1u32..)
                .zip(who)
                .map(|(pid, (b, place, gib))| tenant(pid, places[place].clone(), BEHAVIOURS[b], gib))
                .collect(),
        );
        for seconds in at {
            let sample = sample(&source, seconds);
            prop_assert_eq!(sample.devices.len(), 4);
            for device in &sample.devices {
                let total = *device.memory_total.fresh().unwrap();
                prop_assert!(*device.memory_used.fresh().unwrap() <= total);
                let held: Bytes = sample
                    .processes
                    .iter()
                    .filter(|process| process.device == device.uuid)
                    .filter_map(|process| process.memory_used.get())
                    .sum();
                prop_assert!(held <= *device.memory_used.fresh().unwrap());
                if let Some(power) = device.power.get() {
                    prop_assert!(power <= device.power_limit.get().unwrap());
                }
                if let Some(celsius) = device.temperature.get() {
                    prop_assert!((20..=90).contains(&celsius.0));
                }
            }
            let shares = sample.processes.iter().filter_map(|process| process.sm.get());
            // Each share is rounded by itself.
            prop_assert!(shares.map(|share| u32::from(share.0)).sum::<u32>() <= 103);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_values(seed: u64, at in 0u64..100_000) {
        let run = || {
            let source = SimulatedSource::new(spec(), seed);
            source.set_tenants(builtin_tenants(&spec()));
            (sample(&source, 0), sample(&source, at))
        };
        prop_assert_eq!(run(), run());
    }
}

#[test]
fn instances_follow_their_card_and_have_no_utilization() {
    let source = SimulatedSource::new(spec(), 1);
    let devices = sample(&source, 1).devices;
    let order: Vec<_> = devices.iter().map(|device| device.index).collect();
    assert_eq!(order, [0, 1, 1, 1]);
    assert!(devices[1].is_partitioned());
    assert!(
        devices[1..]
            .iter()
            .all(|device| device.utilization == Reading::Unsupported)
    );
}

#[test]
fn a_forgotten_notebook_has_been_idle_since_before_the_daemon() {
    let spec = spec();
    let mut notebook = tenant(1, spec.gpu_uuid(0), Behaviour::Notebook, 10);
    notebook.idle_before = Duration::from_secs(5 * 3600);
    let source = SimulatedSource::new(spec, 1);
    source.set_tenants(vec![notebook]);
    let sample = sample(&source, 60);
    let expected = Reading::Value(Duration::from_secs(5 * 3600 + 60));
    assert_eq!(sample.processes[0].idle_for, expected);
    assert_eq!(sample.devices[0].idle_for, expected);
    assert_eq!(sample.devices[0].utilization, Reading::Value(Percent(0)));
}

#[test]
fn work_ends_idle_time() {
    let spec = spec();
    let training = tenant(1, spec.gpu_uuid(0), Behaviour::Training, 10);
    let source = SimulatedSource::new(spec, 1);
    assert_eq!(
        sample(&source, 30).devices[0].idle_for,
        Reading::Value(Duration::from_secs(30))
    );
    source.set_tenants(vec![training]);
    assert_eq!(
        sample(&source, 31).devices[0].idle_for,
        Reading::Value(Duration::ZERO)
    );
    source.set_tenants(vec![]);
    assert_eq!(
        sample(&source, 35).devices[0].idle_for,
        Reading::Value(Duration::from_secs(4))
    );
}

#[test]
fn a_hung_card_is_stale_and_the_others_are_not() {
    let source = SimulatedSource::new(builtin_node("n".into()), 3);
    source.set_tenants(builtin_tenants(&source.spec()));
    let before = sample(&source, 10);
    source.set_fault(Some(Fault::Hung(0)));
    let after = sample(&source, 14);
    let age = Duration::from_secs(4);
    assert_eq!(
        after.devices[0].power.known(),
        before.devices[0].power.known()
    );
    assert_eq!(after.devices[0].power.age(), Some(age));
    assert_eq!(after.processes[0].sm.age(), Some(age));
    assert!(after.devices[1].power.fresh().is_some());
    source.set_fault(None);
    assert!(sample(&source, 15).devices[0].power.fresh().is_some());
}

#[test]
fn a_lost_card_is_sick_and_its_values_are_gone() {
    let source = SimulatedSource::new(builtin_node("n".into()), 3);
    source.set_fault(Some(Fault::Lost(1)));
    let device = &sample(&source, 1).devices[1];
    assert!(matches!(device.health.fresh(), Some(Health::Sick { .. })));
    assert_eq!(device.power.known(), None);
}

#[test]
fn the_driver_may_be_absent() {
    let mut spec = spec();
    let source = SimulatedSource::new(spec.clone(), 3);
    source.set_fault(Some(Fault::NoDriver));
    assert!(matches!(
        sample(&source, 1).driver,
        DriverState::NoDriver { .. }
    ));
    spec.gpus.clear();
    let source = SimulatedSource::new(spec.clone(), 3);
    assert!(matches!(
        sample(&source, 1).driver,
        DriverState::NoGpu { .. }
    ));
    spec.driver = None;
    let source = SimulatedSource::new(spec, 3);
    assert!(matches!(
        sample(&source, 1).driver,
        DriverState::NoDriver { .. }
    ));
}
