//! What a healthy card says, number by number.

use gputop_model::{
    Activity, Bytes, BytesPerSecond, Celsius, Health, MegaHertz, MilliJoules, MilliWatts, PState,
    Percent, Reading,
};
use gputop_nvml_mock::scenario::{Link, Scenario};

use super::lab::Lab;

#[test]
fn sixteen_cards_are_read() {
    let mut scenario = Scenario::with_gpus(16);
    for (number, gpu) in (0..).zip(&mut scenario.gpus) {
        gpu.power_mw = 100_000 + number;
    }
    let lab = Lab::new(scenario);
    let sample = lab.until_all_answer();
    let powers: Vec<_> = sample.devices.iter().map(|d| d.power.get()).collect();
    let expected: Vec<_> = (0..16).map(|n| Some(MilliWatts(100_000 + n))).collect();
    assert_eq!(powers, expected);
    let mut uuids: Vec<_> = sample.devices.iter().map(|d| d.uuid.clone()).collect();
    uuids.dedup();
    assert_eq!(uuids.len(), 16);
}

#[test]
fn traffic_is_asked_only_while_somebody_looks() {
    const TRAFFIC: &str = "nvmlDeviceGetPcieThroughput";
    let mut scenario = Scenario::with_gpus(1);
    scenario.gpus[0].pcie_kb_s = (1_500, 12_000_000);
    let lab = Lab::new(scenario);
    for _ in 0..20 {
        lab.unwatched();
    }
    assert!(lab.calls("nvmlDeviceGetPowerUsage", Some(0)) > 10);
    assert_eq!(lab.calls(TRAFFIC, Some(0)), 0);
    let sample = lab.sample();
    let traffic = &sample.devices[0].traffic;
    assert_eq!(traffic.pcie_transmit, BytesPerSecond(1_500_000).into());
    assert_eq!(traffic.pcie_receive, BytesPerSecond(12_000_000_000).into());
    // Both directions, at once and then every five seconds.
    for _ in 0..10 {
        lab.sample();
    }
    assert_eq!(lab.calls(TRAFFIC, Some(0)), 6);
    let ages = [1, 2].map(|_| lab.unwatched().devices[0].traffic.pcie_receive.age());
    assert!(ages[0].is_some() && ages[0] < ages[1], "{ages:?}");
    assert_eq!(lab.calls(TRAFFIC, Some(0)), 6);
}

#[test]
fn the_hardwares_own_counters_are_read_where_there_are_some() {
    let mut scenario = Scenario::with_gpus(2);
    let counters = [("2", 86.4), ("3", 41.5), ("5", 33.0)];
    let counters = counters.map(|(metric, value)| (metric.to_owned(), value));
    scenario.gpus[0].gpm = Some(counters.into());
    let lab = Lab::new(scenario);
    let first = lab.until_all_answer();
    // They count from one look to the next.
    assert_eq!(first.devices[0].activity.sm_active.known(), None);
    lab.pass(5);
    let sample = lab.sample();
    let activity = &sample.devices[0].activity;
    assert_eq!(activity.sm_active, Percent(86).into());
    assert_eq!(activity.sm_occupancy, Percent(42).into());
    assert_eq!(activity.tensor, Percent(33).into());
    assert_eq!(activity.memory_bandwidth, Reading::Unsupported);
    assert_eq!(sample.devices[1].activity, Activity::unsupported());
    for _ in 0..20 {
        lab.sample();
    }
    assert_eq!(lab.calls("nvmlGpmQueryDeviceSupport", Some(0)), 1);
    assert_eq!(lab.calls("nvmlGpmQueryDeviceSupport", Some(1)), 1);
}

#[test]
fn every_number_arrives_where_it_belongs() {
    let mut scenario = Scenario::with_gpus(1);
    let gpu = &mut scenario.gpus[0];
    gpu.memory_used_mib = 4_000;
    gpu.utilization = 87;
    gpu.memory_utilization = 33;
    gpu.encoder = 12;
    gpu.decoder = 13;
    gpu.temperature = 71;
    gpu.throttle = 4;
    gpu.ecc_volatile = (5, 0);
    gpu.ecc_aggregate = (6, 7);
    gpu.retired = (2, 1);
    gpu.remapped = (3, 4);
    gpu.pcie_generation = 4;
    gpu.pcie_replays = 9;
    gpu.numa_node = Some(1);
    gpu.links = vec![
        Link {
            crc: 2,
            replay: 3,
            recovery: 4,
            ..Link::default()
        },
        Link {
            active: false,
            crc: 50,
            ..Link::default()
        },
        Link {
            crc: 20,
            ..Link::default()
        },
    ];
    let lab = Lab::new(scenario);
    let sample = lab.until_all_answer();
    let card = &sample.devices[0];
    assert_eq!(card.product, "NVIDIA H100 80GB HBM3");
    assert_eq!(card.memory_total, Bytes::from_mib(81_559).into());
    assert_eq!(card.memory_used, Bytes::from_mib(4_000).into());
    assert_eq!(card.memory.reserved, Bytes::from_mib(530).into());
    assert_eq!(card.memory.bar1_total, Bytes::from_mib(131_072).into());
    assert_eq!(card.utilization, Percent(87).into());
    assert_eq!(card.memory_utilization, Percent(33).into());
    assert_eq!(card.video.encoder, Percent(12).into());
    assert_eq!(card.video.decoder, Percent(13).into());
    assert_eq!(card.temperature, Celsius(71).into());
    assert_eq!(card.thermal.memory, Celsius(38).into());
    assert_eq!(card.thermal.slowdown, Celsius(89).into());
    assert_eq!(card.thermal.shutdown, Celsius(92).into());
    assert_eq!(card.thermal.max_operating, Celsius(87).into());
    assert_eq!(card.thermal.memory_max, Celsius(95).into());
    assert_eq!(card.power, MilliWatts(69_500).into());
    assert_eq!(card.power_limit, MilliWatts(700_000).into());
    assert_eq!(card.power_limits.min, MilliWatts(200_000).into());
    assert_eq!(card.energy, MilliJoules(1_000_000).into());
    assert_eq!(card.clocks.sm, MegaHertz(345).into());
    assert_eq!(card.clocks.sm_max, MegaHertz(1980).into());
    assert_eq!(card.p_state, PState(0).into());
    assert_eq!(card.throttle_reasons.known().map(Vec::len), Some(1));
    assert_eq!(card.ecc.volatile_corrected, 5.into());
    assert_eq!(card.ecc.volatile_uncorrected, 0.into());
    assert_eq!(card.ecc.aggregate_corrected, 6.into());
    assert_eq!(card.ecc.aggregate_uncorrected, 7.into());
    assert_eq!(card.ecc.retired_single_bit, 2.into());
    assert_eq!(card.ecc.retired_double_bit, 1.into());
    assert_eq!(card.ecc.remapped_correctable, 3.into());
    assert_eq!(card.ecc.remapped_uncorrectable, 4.into());
    assert_eq!(card.pcie.generation, 4.into());
    assert_eq!(card.pcie.generation_max, 5.into());
    assert_eq!(card.pcie.replays, 9.into());
    assert_eq!(card.nvlink.links, 3.into());
    assert_eq!(card.nvlink.active, 2.into());
    assert_eq!(card.nvlink.crc_errors, 22.into());
    assert_eq!(card.nvlink.replay_errors, 3.into());
    assert_eq!(card.nvlink.recovery_errors, 4.into());
    assert_eq!(card.identity.numa_node, 1.into());
    assert_eq!(
        card.identity.pci_bus_id,
        Reading::Value("00000000:01:00.0".to_owned())
    );
    assert_eq!(card.settings.persistence, true.into());
    assert_eq!(card.health, Health::Ok.into());
}
