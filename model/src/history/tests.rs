//! Packing, keeping and merging.

use proptest::prelude::*;

use super::*;
use crate::{Bytes, Celsius, DeviceKind, Percent, Reading};

const SECOND: Duration = Duration::from_secs(1);

fn gpu() -> Device {
    let kind = DeviceKind::Gpu { mig_enabled: false };
    let mut device = Device::unmeasured(0, "GPU-0".into(), String::new(), kind);
    device.utilization = Percent(42).into();
    device.memory_used = Bytes::from_gib(6).into();
    device.memory_total = Bytes::from_gib(24).into();
    device.power = MilliWatts(285_123).into();
    device.temperature = Celsius(71).into();
    device
}

/// A sample whose utilization tells where it comes from.
fn sample(tenths: u64, utilization: u8) -> Sample {
    Sample {
        at: Moment(Duration::from_millis(tenths * 100)),
        utilization: Some(utilization),
        memory: None,
        power: None,
        temperature: None,
    }
}

fn ring<const KEPT: usize>(tenths: &[u64]) -> Ring<KEPT> {
    let mut ring = Ring::default();
    for at in tenths {
        ring.push(&sample(*at, 1));
    }
    ring
}

fn packed(tenths: impl IntoIterator<Item = u64>) -> Vec<PackedSample> {
    let samples = tenths.into_iter().map(|at| (&sample(at, 2)).into());
    samples.collect()
}

/// Time in tenths of a second and where from: 1 own, 2 somebody else's.
fn shown<const KEPT: usize>(ring: &Ring<KEPT>) -> Vec<(u128, u8)> {
    let tenths = |sample: Sample| (sample.at.0.as_millis() / 100, sample.utilization.unwrap());
    ring.samples().map(tenths).collect()
}

#[test]
fn what_is_fresh_is_kept_and_what_is_not_is_a_hole() {
    let known = Sample {
        at: Moment(SECOND),
        utilization: Some(42),
        memory: Some(25),
        power: Some(MilliWatts(285_123)),
        temperature: Some(71),
    };
    assert_eq!(Sample::of(&gpu(), Moment(SECOND)), known);
    let mut old = gpu();
    old.utilization = old.utilization.aged(3 * SECOND);
    old.memory_used = Reading::Unsupported;
    let hole = Sample {
        utilization: None,
        memory: None,
        ..known
    };
    assert_eq!(Sample::of(&old, Moment(SECOND)), hole);
}

#[test]
fn a_ring_keeps_the_last_in_no_more_room_than_they_take() {
    let ring: Ring<300> = ring(&(0..1000).map(|second| second * 10).collect::<Vec<_>>());
    assert_eq!((ring.len(), ring.samples().len()), (300, 300));
    assert_eq!(ring.samples().next().unwrap().at, Moment(700 * SECOND));
    assert_eq!(ring.newest(), Some(Moment(999 * SECOND)));
    assert_eq!(ring.bytes(), 3000);
}

#[test]
fn a_part_is_found_by_time_and_what_is_old_goes() {
    let mut ring: Ring<10> = ring(&[10, 20, 30, 40]);
    let at = |tenths: u64| Moment(Duration::from_millis(tenths * 100));
    let found = |from, to| {
        let part = ring.between(at(from), at(to));
        part.iter().map(|s| s.at()).collect::<Vec<_>>()
    };
    assert_eq!(found(20, 30), [at(20), at(30)]);
    assert_eq!(found(0, 100).len(), 4);
    assert_eq!(found(30, 20), [], "the wrong way round");
    ring.expire(at(25));
    assert_eq!(shown(&ring), [(30, 1), (40, 1)]);
}

#[test]
fn a_gap_is_filled_and_ones_own_samples_stay_as_they_are() {
    // Heard from 100 s on, away from 102 s to 106 s.
    let mut ring: Ring<300> = ring(&[1000, 1010, 1020, 1060, 1070]);
    ring.fill(
        &packed([975, 985, 995, 1005, 1015, 1025, 1035, 1045, 1055, 1065]),
        SECOND,
    );
    assert_eq!(
        shown(&ring),
        [
            (975, 2),
            (985, 2),
            (1000, 1),
            (1010, 1),
            (1020, 1),
            (1035, 2),
            (1045, 2),
            (1060, 1),
            (1070, 1),
        ]
    );
    // The same once more changes nothing.
    let before = ring.clone();
    ring.fill(&packed([976, 986, 1034, 1044]), SECOND);
    assert_eq!(ring, before);
}

#[test]
fn what_is_newer_than_ones_own_comes_by_itself() {
    let mut ring: Ring<300> = ring(&[1000]);
    ring.fill(&packed([980, 1000, 1010, 1020]), SECOND);
    assert_eq!(shown(&ring), [(980, 2), (1000, 1)]);
    let mut empty = Ring::<300>::default();
    empty.fill(&packed([980]), SECOND);
    assert!(empty.is_empty(), "nobody has heard of that device");
}

#[test]
fn the_newest_stay_when_there_is_more_than_room() {
    let mut ring: Ring<4> = ring(&[100, 110]);
    ring.fill(&packed((0..9).map(|second| second * 10)), SECOND);
    assert_eq!(shown(&ring), [(70, 2), (80, 2), (100, 1), (110, 1)]);
    assert!(ring.bytes() <= 16 * 10);
}

proptest! {
    /// Packing loses nothing within the ranges, limits what is beyond them, and never makes a
    /// figure of a hole or a hole of a figure; nor does writing it down.
    #[test]
    fn packing_keeps_figures_and_holes(
        tenths in any::<u32>(),
        utilization in proptest::option::of(any::<u8>()),
        memory in proptest::option::of(any::<u8>()),
        power in proptest::option::of(any::<u32>()),
        temperature in proptest::option::of(any::<i16>()),
    ) {
        let sample = Sample {
            at: Moment(Duration::from_millis(u64::from(tenths) * TICK)),
            utilization,
            memory,
            power: power.map(MilliWatts),
            temperature,
        };
        let expected = Sample {
            at: sample.at,
            utilization: utilization.map(|value| value.min(100)),
            memory: memory.map(|value| value.min(100)),
            power: power.map(|value| MilliWatts(value.min(16_777_214))),
            temperature: temperature.map(|value| value.clamp(-127, 127)),
        };
        let packed = PackedSample::from(&sample);
        prop_assert_eq!(packed.sample(), expected);
        prop_assert_eq!(PackedSample::from(Row::from(packed)), packed);
    }

    /// Whatever somebody else claims: times rise, own samples stay, the room holds.
    #[test]
    fn filling_keeps_order_and_own_samples(
        own in proptest::collection::btree_set(0..2_000_u64, 0..30),
        past in proptest::collection::vec(0..2_000_u64, 0..60),
    ) {
        let own: Vec<u64> = own.into_iter().collect();
        let mut ring: Ring<40> = ring(&own);
        ring.fill(&packed(past), SECOND);
        let shown = shown(&ring);
        prop_assert!(shown.len() <= 40);
        prop_assert!(shown.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let kept: Vec<u64> = shown
            .iter()
            .filter(|(_, from)| *from == 1)
            .map(|(at, _)| u64::try_from(*at).unwrap())
            .collect();
        prop_assert!(own.ends_with(&kept));
        prop_assert!(kept.len() == own.len() || shown.len() == 40);
    }
}
