//! Bounds and consistency of simulated samples.

use gputop_model::{
    Activity, BytesPerSecond, Celsius, Device, DriverState, EventKind, Health, MemoryKind, PState,
    Percent, Reading, ThrottleReason,
};
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
        .sample(Round::watched(Duration::from_secs(seconds)))
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
                prop_assert!(device.clocks.sm.get() <= device.clocks.sm_max.get());
                prop_assert!(device.clocks.memory.get() <= device.clocks.memory_max.get());
                prop_assert!(device.pcie.generation.get() <= device.pcie.generation_max.get());
                prop_assert!(device.pcie_degraded().is_none());
                prop_assert!(!device.is_slowed_down());
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

/// A node with one card of a product.
fn one(product: &str) -> NodeSpec {
    let mut spec = builtin_node("n".into());
    spec.gpus.truncate(1);
    product.clone_into(&mut spec.gpus[0].product);
    spec
}

/// What the card says after half an hour of work, and after a pause.
fn worked_and_rested(spec: NodeSpec) -> [Device; 2] {
    let uuid = spec.gpu_uuid(0);
    let source = SimulatedSource::new(spec, 1);
    source.set_tenants(vec![tenant(1, uuid, Behaviour::Training, 10)]);
    let mut busiest: Option<Device> = None;
    for second in 0..1800 {
        let device = sample(&source, second).devices.remove(0);
        // Not in a checkpoint, and with the warmth of work.
        if second > 600 && device.utilization.get() > Some(Percent(90)) {
            busiest = Some(device);
        }
    }
    source.set_tenants(Vec::new());
    let rested = sample(&source, 3600).devices.remove(0);
    [busiest.unwrap(), rested]
}

#[test]
fn a_card_for_desktops_rests_and_has_a_fan_and_no_ecc() {
    let [worked, rested] = worked_and_rested(one("NVIDIA GeForce RTX 3090"));
    assert_eq!(
        (worked.p_state.get(), rested.p_state.get()),
        (Some(PState(2)), Some(PState(8)))
    );
    assert!(worked.clocks.sm.get() > rested.clocks.sm.get());
    assert!(worked.thermal.fan.get() > Some(Percent(30)));
    assert_eq!(rested.thermal.fan, Reading::Value(Percent(0)));
    assert_eq!(rested.pcie.generation, Reading::Value(1));
    assert_eq!(rested.pcie_degraded(), None, "it rests");
    assert_eq!(worked.ecc.volatile_corrected, Reading::Unsupported);
    assert_eq!(worked.identity.serial, Reading::Unsupported);
    assert!(rested.energy.get() > worked.energy.get());
    assert!(worked.temperature_margin() > Some(Celsius(0)));
}

#[test]
fn a_card_for_servers_has_ecc_and_no_fan() {
    let [worked, rested] = worked_and_rested(one("Tesla P40"));
    assert_eq!(worked.thermal.fan, Reading::Unsupported);
    assert_eq!(rested.p_state, Reading::Value(PState(0)));
    assert_eq!(worked.ecc.volatile_uncorrected, Reading::Value(0));
    assert_eq!(worked.ecc.retirement_pending, Reading::Value(false));
    assert_eq!(worked.ecc.remap_pending, Reading::Unsupported);
    assert_eq!(worked.nvlink.links, Reading::Unsupported);
    let [worked, _] = worked_and_rested(one("NVIDIA H100 80GB HBM3"));
    assert_eq!(worked.ecc.remap_pending, Reading::Value(false));
    assert_eq!(worked.ecc.retirement_pending, Reading::Unsupported);
    assert_eq!(worked.nvlink.active, Reading::Value(18));
    assert!(worked.thermal.memory.get() > worked.temperature.get());
    assert!(worked.identity.serial.known().is_some());
}

#[test]
fn hot_memory_holds_the_clocks_back_and_changes_nothing_else() {
    let cool = one("NVIDIA A100-SXM4-80GB");
    let mut hot = cool.clone();
    hot.gpus[0].hot_memory = true;
    let [cool, _] = worked_and_rested(cool);
    let [hot, rested] = worked_and_rested(hot);
    assert!(!cool.is_slowed_down() && hot.is_slowed_down() && !rested.is_slowed_down());
    let reasons = hot.throttle_reasons.known().unwrap();
    assert!(reasons.contains(&ThrottleReason::SoftwareThermalSlowdown));
    assert!(hot.thermal.memory.get() >= hot.thermal.memory_max.get());
    assert!(hot.clocks.sm.get() < cool.clocks.sm.get());
    assert_eq!(
        (
            &hot.utilization,
            &hot.temperature,
            &hot.power,
            &hot.memory_used
        ),
        (
            &cool.utilization,
            &cool.temperature,
            &cool.power,
            &cool.memory_used
        )
    );
}

#[test]
fn unified_memory_is_said_and_not_made_up() {
    let [worked, _] = worked_and_rested(one("NVIDIA GB10"));
    assert_eq!(worked.memory_kind, Reading::Value(MemoryKind::Unified));
    assert_eq!(worked.memory_total, Reading::Unsupported);
    assert_eq!(worked.memory_used, Reading::Unsupported);
    assert_eq!(worked.clocks.memory, Reading::Unsupported);
    assert!(worked.power.get().is_some());
    let [dedicated, _] = worked_and_rested(one("NVIDIA GeForce RTX 3090"));
    assert_eq!(dedicated.memory_kind, Reading::Value(MemoryKind::Dedicated));
}

#[test]
fn xids_are_reported_once_and_judge_the_card() {
    let mut spec = builtin_node("n".into());
    spec.gpus[0].xids = vec![13, 48];
    let source = SimulatedSource::new(spec, 1);
    let level = |sample: &Sample| {
        let health = sample.devices[0].health.known();
        health.map(Health::name)
    };
    let early = sample(&source, 30);
    assert_eq!((early.events.len(), level(&early)), (1, Some("ok")));
    let late = sample(&source, 90);
    assert_eq!((late.events.len(), level(&late)), (2, Some("sick")));
    assert_eq!(late.events[1].kind, EventKind::Xid(48));
    assert_eq!(late.events[1].at, Duration::from_secs(40));
    assert_eq!(sample(&source, 500).events, late.events);
}

#[test]
fn a_card_that_falls_off_the_bus_is_reported() {
    let source = SimulatedSource::new(builtin_node("n".into()), 3);
    sample(&source, 1);
    source.set_fault(Some(Fault::Lost(1)));
    let lost = sample(&source, 2);
    let kinds: Vec<_> = lost.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Xid(79)]);
    // What it is stays known: the number on the label is what one needs now.
    assert!(lost.devices[1].identity.vbios.known().is_some());
    assert_eq!(sample(&source, 3).events[0].count, 1);
    source.set_fault(None);
    let back = sample(&source, 4);
    assert_eq!(back.devices[1].health, Reading::Value(Health::Ok));
}

#[test]
fn cards_from_hopper_on_count_what_their_multiprocessors_do() {
    let [worked, rested] = worked_and_rested(one("NVIDIA H100 80GB HBM3"));
    let activity = &worked.activity;
    assert!(activity.sm_active.get() > Some(Percent(60)));
    assert!(activity.sm_occupancy.get() < activity.sm_active.get());
    assert!(activity.tensor.get() > Some(Percent(0)));
    assert!(activity.memory_bandwidth.get() <= worked.utilization.get());
    assert_eq!(rested.activity.sm_active, Reading::Value(Percent(0)));
    let [older, _] = worked_and_rested(one("NVIDIA A100-SXM4-80GB"));
    assert_eq!(older.activity, Activity::unsupported());
    let mut split = one("NVIDIA H100 80GB HBM3");
    split.gpus[0].mig = vec!["1g.10gb".to_owned()];
    let card = sample(&SimulatedSource::new(split, 1), 1).devices.remove(0);
    assert_eq!(card.activity, Activity::unsupported());
}

#[test]
fn traffic_is_measured_while_somebody_looks() {
    let source = SimulatedSource::new(one("NVIDIA GeForce RTX 3090"), 1);
    let receive = |seconds, watched| {
        let now = Duration::from_secs(seconds);
        let round = source.sample(Round { now, watched });
        let device = round.now_or_never().unwrap().devices.remove(0);
        device.traffic.pcie_receive
    };
    assert_eq!(receive(0, false).known(), None);
    let watched = receive(5, true);
    assert!(watched.fresh() > Some(&BytesPerSecond(0)));
    let unwatched = receive(10, false);
    assert_eq!(unwatched.get(), watched.get());
    assert_eq!(unwatched.age(), Some(Duration::from_secs(5)));
}

#[test]
fn processes_use_what_their_work_needs() {
    let spec = one("NVIDIA GeForce RTX 3090");
    let uuid = spec.gpu_uuid(0);
    let source = SimulatedSource::new(spec, 1);
    source.set_tenants(vec![
        tenant(1, uuid.clone(), Behaviour::Inference, 4),
        tenant(2, uuid, Behaviour::Media, 1),
    ]);
    let mut transcoded = false;
    for second in 0..300 {
        let [serving, media] = sample(&source, second).processes.try_into().unwrap();
        assert!(serving.memory_busy.get() <= serving.sm.get());
        assert_eq!(serving.encoder, Reading::Value(Percent(0)));
        assert!(media.decoder.get() <= media.encoder.get());
        assert_eq!(
            media.encoder.get() > Some(Percent(0)),
            media.sm.get() > Some(Percent(0))
        );
        transcoded |= media.encoder.get() > Some(Percent(20));
        let command = serving.command.known().unwrap();
        assert!(command.ends_with("--api-key •••"), "{command}");
    }
    assert!(transcoded);
}

#[test]
fn on_an_instance_the_driver_knows_no_shares_of_processes() {
    let spec = spec();
    let place = spec.mig_uuid(1, 0);
    let source = SimulatedSource::new(spec, 1);
    source.set_tenants(vec![tenant(1, place, Behaviour::Training, 2)]);
    let process = sample(&source, 60).processes.remove(0);
    let shares = [
        process.sm,
        process.memory_busy,
        process.encoder,
        process.decoder,
    ];
    assert!(shares.iter().all(|share| *share == Reading::Unsupported));
}
