//! What daemons have reported of each device over the last minutes: short, packed rings for graphs.
//!
//! A sample takes ten bytes, so that 1,600 GPUs with five minutes each at one report a second stay
//! under 5 MB. Only fresh readings are kept: what was old or missing then is a hole, never a zero
//! and never a repetition.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use gputop_model::{Device, DriverState, GpuUuid, MilliWatts, Moment, NodeName, NodeSnapshot};

/// Samples that are kept of one device; the oldest goes first.
const KEPT: usize = 300;

/// The figures of one device at one moment; `None`: not known then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When the report arrived, to a tenth of a second (rounded down).
    pub at: Moment,
    /// Share of time in which a kernel ran, in percent.
    pub utilization: Option<u8>,
    /// Memory in use, in percent of the device's memory.
    pub memory: Option<u8>,
    /// Power drawn by the board, up to 16.7 kW.
    pub power: Option<MilliWatts>,
    /// Core temperature in °C, −127 to 127.
    pub temperature: Option<i16>,
}

impl Sample {
    fn of(device: &Device, at: Moment) -> Self {
        let memory = device
            .memory_used
            .fresh()
            .zip(device.memory_total.known())
            .and_then(|(used, total)| used.share_of(*total));
        Self {
            at,
            utilization: device.utilization.fresh().map(|percent| percent.0),
            memory: memory.map(|percent| percent.0),
            power: device.power.fresh().copied(),
            temperature: device.temperature.fresh().map(|celsius| {
                let limit = i32::from(HOTTEST);
                i16::try_from(celsius.0.clamp(-limit, limit)).unwrap_or(HOTTEST)
            }),
        }
    }
}

/// Unit of a packed sample's time in milliseconds: 32 bits of it are 13 years.
const TICK: u64 = 100;

/// A percentage that is not known; known ones end at 100.
const NO_PERCENT: u8 = u8::MAX;

/// A power that is not known, in the three bytes that it has; known ones end one below.
const NO_POWER: u32 = 0x00ff_ffff;

/// A temperature that is not known; known ones go from −127 to 127 °C.
const NO_TEMPERATURE: i8 = i8::MIN;

/// The highest temperature that can be kept, in °C; no chip lives there.
const HOTTEST: i16 = 127;

/// A sample in ten bytes: time (4, little-endian), utilisation, memory, power (3), temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Packed([u8; 10]);

impl Packed {
    fn new(sample: &Sample) -> Self {
        let ticks = u32::try_from(sample.at.0.as_millis() / u128::from(TICK)).unwrap_or(u32::MAX);
        let [t0, t1, t2, t3] = ticks.to_le_bytes();
        let percent = |value: Option<u8>| value.map_or(NO_PERCENT, |value| value.min(100));
        let power = sample.power.map_or(NO_POWER, |p| p.0.min(NO_POWER - 1));
        let [p0, p1, p2, _] = power.to_le_bytes();
        let temperature = sample.temperature.map_or(NO_TEMPERATURE, |celsius| {
            i8::try_from(celsius.clamp(-HOTTEST, HOTTEST)).unwrap_or(NO_TEMPERATURE)
        });
        let [t] = temperature.to_le_bytes();
        let (utilization, memory) = (percent(sample.utilization), percent(sample.memory));
        Self([t0, t1, t2, t3, utilization, memory, p0, p1, p2, t])
    }

    fn sample(self) -> Sample {
        let [t0, t1, t2, t3, utilization, memory, p0, p1, p2, t] = self.0;
        let ticks = u64::from(u32::from_le_bytes([t0, t1, t2, t3]));
        let percent = |value: u8| (value != NO_PERCENT).then_some(value);
        let power = u32::from_le_bytes([p0, p1, p2, 0]);
        let temperature = i8::from_le_bytes([t]);
        Sample {
            at: Moment(Duration::from_millis(ticks * TICK)),
            utilization: percent(utilization),
            memory: percent(memory),
            power: (power != NO_POWER).then_some(MilliWatts(power)),
            temperature: (temperature != NO_TEMPERATURE).then_some(i16::from(temperature)),
        }
    }
}

/// The last samples of one device, at most 300.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series(VecDeque<Packed>);

impl Series {
    fn push(&mut self, sample: &Sample) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        } else if self.0.len() == self.0.capacity() {
            // Doubling, but never past what is kept: the usual growth would end at 512.
            let more = self.0.len().clamp(16, KEPT);
            self.0.reserve_exact(more.min(KEPT - self.0.len()));
        }
        self.0.push_back(Packed::new(sample));
    }

    /// The samples, oldest first.
    #[must_use]
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = Sample> + ExactSizeIterator + '_ {
        self.0.iter().map(|packed| packed.sample())
    }

    /// Number of samples, 0 to 300.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The series of all devices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct History(BTreeMap<NodeName, BTreeMap<GpuUuid, Series>>);

impl History {
    /// Adds what a node's daemon said; devices that it does not list any more are forgotten.
    pub(super) fn record(&mut self, node: &NodeName, snapshot: &NodeSnapshot, at: Moment) {
        // A driver that fails lists nothing, and its devices have not gone for that.
        let answers = matches!(
            snapshot.driver,
            DriverState::Ready { .. } | DriverState::NoGpu { .. }
        );
        if snapshot.devices.is_empty() && !self.0.contains_key(node) {
            return;
        }
        let series = self.0.entry(node.clone()).or_default();
        for device in &snapshot.devices {
            let sample = Sample::of(device, at);
            series.entry(device.uuid.clone()).or_default().push(&sample);
        }
        if answers && series.len() > snapshot.devices.len() {
            series.retain(|uuid, _| snapshot.devices.iter().any(|d| d.uuid == *uuid));
        }
    }

    /// Forgets the nodes that are not kept.
    pub(super) fn retain(&mut self, keep: impl Fn(&NodeName) -> bool) {
        self.0.retain(|node, _| keep(node));
    }

    pub(super) fn get(&self, node: &NodeName, device: &GpuUuid) -> Option<&Series> {
        self.0.get(node)?.get(device)
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::{Bytes, Celsius, DeviceKind, Percent, Reading};
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    fn gpu(uuid: &str) -> Device {
        let kind = DeviceKind::Gpu { mig_enabled: false };
        let mut device = Device::unmeasured(0, uuid.into(), String::new(), kind);
        device.utilization = Percent(42).into();
        device.memory_used = Bytes::from_gib(6).into();
        device.memory_total = Bytes::from_gib(24).into();
        device.power = MilliWatts(285_123).into();
        device.temperature = Celsius(71).into();
        device
    }

    fn snapshot(driver: DriverState, devices: Vec<Device>) -> NodeSnapshot {
        NodeSnapshot {
            sequence: 1,
            driver,
            devices,
            ..NodeSnapshot::unsampled("a".into())
        }
    }

    fn ready(devices: Vec<Device>) -> NodeSnapshot {
        let version = "580".to_owned();
        let cuda = None;
        snapshot(DriverState::Ready { version, cuda }, devices)
    }

    fn times(series: Option<&Series>) -> Vec<u64> {
        let samples = series.into_iter().flat_map(Series::samples);
        samples.map(|sample| sample.at.0.as_secs()).collect()
    }

    #[test]
    fn what_is_fresh_is_kept_and_what_is_not_is_a_hole() {
        let mut old = gpu("GPU-0");
        old.utilization = old.utilization.aged(Duration::from_secs(3));
        old.memory_used = Reading::Unsupported;
        let mut history = History::default();
        history.record(&"a".into(), &ready(vec![gpu("GPU-0")]), at(1));
        history.record(&"a".into(), &ready(vec![old]), at(2));
        let series = history.get(&"a".into(), &"GPU-0".into()).unwrap();
        let known = Sample {
            at: at(1),
            utilization: Some(42),
            memory: Some(25),
            power: Some(MilliWatts(285_123)),
            temperature: Some(71),
        };
        let hole = Sample {
            at: at(2),
            utilization: None,
            memory: None,
            ..known
        };
        assert_eq!(series.samples().collect::<Vec<_>>(), [known, hole]);
        assert_eq!(series.samples().next_back(), Some(hole));
    }

    #[test]
    fn a_series_keeps_its_last_samples_in_little_room() {
        let mut history = History::default();
        for second in 0..1000 {
            history.record(&"a".into(), &ready(vec![gpu("GPU-0")]), at(second));
        }
        let series = history.get(&"a".into(), &"GPU-0".into()).unwrap();
        assert_eq!((series.len(), series.samples().len()), (KEPT, KEPT));
        assert_eq!(series.samples().next().unwrap().at, at(700));
        let bytes = series.0.capacity() * size_of::<Packed>() + size_of::<(GpuUuid, Series)>();
        assert!(bytes * 1600 < 5_000_000, "{bytes} bytes a device");
    }

    #[test]
    fn a_device_is_forgotten_when_the_driver_no_longer_lists_it_and_not_when_it_fails() {
        let mut history = History::default();
        let node = NodeName::from("a");
        history.record(&node, &ready(vec![gpu("GPU-0"), gpu("GPU-1")]), at(1));
        let why = "no answer".to_owned();
        history.record(&node, &snapshot(DriverState::Failed { why }, vec![]), at(2));
        assert_eq!(times(history.get(&node, &"GPU-1".into())), [1]);
        history.record(&node, &ready(vec![gpu("GPU-0"), gpu("GPU-2")]), at(3));
        assert_eq!(times(history.get(&node, &"GPU-0".into())), [1, 3]);
        assert_eq!(history.get(&node, &"GPU-1".into()), None);
        assert_eq!(times(history.get(&node, &"GPU-2".into())), [3]);
        history.retain(|node| node.as_str() != "a");
        assert_eq!(history.get(&node, &"GPU-0".into()), None);
    }

    proptest! {
        /// Packing loses nothing within the ranges, limits what is beyond them, and never makes a
        /// figure of a hole or a hole of a figure.
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
            prop_assert_eq!(Packed::new(&sample).sample(), expected);
        }
    }
}
