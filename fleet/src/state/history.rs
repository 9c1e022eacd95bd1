//! What daemons have reported of each device over the last minutes: short, packed rings for graphs.
//!
//! A sample takes ten bytes, so that 1,600 GPUs with five minutes each at one report a second stay
//! under 5 MB. What was measured while nobody here listened comes from the daemons' own rings and
//! fills the gaps.

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{
    DevicePast, DriverState, GpuUuid, Moment, NodeName, NodeSnapshot, Ring, Sample,
};

/// Samples that are kept of one device; the oldest goes first.
pub(crate) const KEPT: usize = 300;

/// How far back that goes at a report a second.
pub(crate) const SPAN: Duration = Duration::from_secs(300);

/// What lies before the first [`Moment`] on the scale of histories.
const LEAD: Duration = Duration::from_secs(600);

/// Samples of a daemon's that are closer than this to one that was reported are the same one: a
/// report comes up to a second after its measurement.
const APART: Duration = Duration::from_secs(1);

/// The last samples of one device, at most 300. Their times are on the scale of [`history_time`].
pub type Series = Ring<KEPT>;

/// `moment` on the scale of histories, which begins ten minutes before the first moment: what was
/// measured before this program began has a place there.
#[must_use]
pub const fn history_time(moment: Moment) -> Moment {
    Moment(moment.0.saturating_add(LEAD))
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
            let sample = Sample::of(device, history_time(at));
            series.entry(device.uuid.clone()).or_default().push(&sample);
        }
        if answers && series.len() > snapshot.devices.len() {
            series.retain(|uuid, _| snapshot.devices.iter().any(|d| d.uuid == *uuid));
        }
    }

    /// Fills the gaps of a node's devices with what its daemon has kept, on the scale of
    /// [`history_time`]. What was reported stays as it is, and a device that was never reported has
    /// no past.
    pub(super) fn fill(&mut self, node: &NodeName, past: &[DevicePast]) {
        let Some(series) = self.0.get_mut(node) else {
            return;
        };
        for past in past {
            if let Some(series) = series.get_mut(&past.device) {
                series.fill(&past.samples, APART);
            }
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
    use gputop_model::{Device, DeviceKind, PackedSample, Percent};

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    fn gpu(uuid: &str) -> Device {
        let kind = DeviceKind::Gpu { mig_enabled: false };
        let mut device = Device::unmeasured(0, uuid.into(), String::new(), kind);
        device.utilization = Percent(42).into();
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

    /// Seconds since the first moment.
    fn times(series: Option<&Series>) -> Vec<i128> {
        let samples = series.into_iter().flat_map(Series::samples);
        let seconds = |time: Duration| i128::from(time.as_secs());
        samples
            .map(|sample| seconds(sample.at.0) - seconds(LEAD))
            .collect()
    }

    #[test]
    fn a_series_keeps_its_last_samples_in_little_room() {
        let mut history = History::default();
        for second in 0..1000 {
            history.record(&"a".into(), &ready(vec![gpu("GPU-0")]), at(second));
        }
        let series = history.get(&"a".into(), &"GPU-0".into()).unwrap();
        assert_eq!(times(Some(series)), (700..1000).collect::<Vec<_>>());
        let bytes = series.bytes() + size_of::<(GpuUuid, Series)>();
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

    #[test]
    fn the_daemons_past_comes_before_what_was_heard_and_into_its_gaps() {
        let mut history = History::default();
        let node = NodeName::from("a");
        for second in [2, 3, 60, 61] {
            history.record(&node, &ready(vec![gpu("GPU-0")]), at(second));
        }
        let past = |device: &str, seconds: &mut dyn Iterator<Item = i64>| DevicePast {
            device: device.into(),
            samples: seconds
                .map(|second| LEAD.as_secs().saturating_add_signed(second))
                .map(|second| PackedSample::from(&Sample::of(&gpu(device), at(second))))
                .collect(),
        };
        let gone = past("GPU-1", &mut [0].into_iter());
        history.fill(&node, &[past("GPU-0", &mut (-5..70).step_by(10)), gone]);
        history.fill(&"b".into(), &[past("GPU-0", &mut [0].into_iter())]);
        assert_eq!(
            times(history.get(&node, &"GPU-0".into())),
            [-5, 2, 3, 5, 15, 25, 35, 45, 55, 60, 61]
        );
        assert_eq!(history.get(&node, &"GPU-1".into()), None);
        assert_eq!(history.get(&"b".into(), &"GPU-0".into()), None);
    }
}
