//! The rings of each device, and what goes into them.

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{Device, DriverState, GpuUuid, Moment, PackedSample, PastStep, Ring, Sample};

/// Samples a second apart that are kept: ten minutes.
const FINE: usize = 600;

/// Samples five seconds apart that are kept: an hour.
const COARSE: usize = 720;

/// A sample that comes this much early still counts: they are taken about once a second.
const SLACK: Duration = Duration::from_millis(100);

/// What is kept of one device.
#[derive(Debug, Default)]
struct Kept {
    fine: Ring<FINE>,
    coarse: Ring<COARSE>,
}

impl Kept {
    fn push(&mut self, sample: &Sample) {
        self.fine
            .expire(earliest(sample.at, FINE, PastStep::Second));
        if is_due(&self.fine, sample.at, PastStep::Second) {
            self.fine.push(sample);
        }
        let step = PastStep::FiveSeconds;
        self.coarse.expire(earliest(sample.at, COARSE, step));
        if is_due(&self.coarse, sample.at, step) {
            self.coarse.push(sample);
        }
    }
}

fn length(step: PastStep) -> Duration {
    Duration::from_millis(step.millis().into())
}

/// The moment before which nothing is kept.
fn earliest(now: Moment, count: usize, step: PastStep) -> Moment {
    let reach = length(step).saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
    Moment(now.0.saturating_sub(reach))
}

fn is_due<const KEPT: usize>(ring: &Ring<KEPT>, at: Moment, step: PastStep) -> bool {
    ring.newest()
        .is_none_or(|newest| at.since(newest) + SLACK >= length(step))
}

/// What is kept of all devices.
#[derive(Debug, Default)]
pub(super) struct Rings(BTreeMap<GpuUuid, Kept>);

impl Rings {
    /// Adds what was measured at `at`; devices that the driver does not list any more are
    /// forgotten.
    pub(super) fn record(&mut self, driver: &DriverState, devices: &[Device], at: Moment) {
        for device in devices {
            let sample = Sample::of(device, at);
            self.0.entry(device.uuid.clone()).or_default().push(&sample);
        }
        // A driver that fails lists nothing, and its devices have not gone for that.
        let answers = matches!(
            driver,
            DriverState::Ready { .. } | DriverState::NoGpu { .. }
        );
        if answers && self.0.len() > devices.len() {
            self.0
                .retain(|uuid, _| devices.iter().any(|device| device.uuid == *uuid));
        }
    }

    /// The devices of which something is kept.
    pub(super) fn devices(&self) -> Vec<GpuUuid> {
        self.0.keys().cloned().collect()
    }

    /// The samples of a device between two moments, oldest first.
    pub(super) fn between(
        &self,
        device: &GpuUuid,
        step: PastStep,
        from: Moment,
        to: Moment,
    ) -> Vec<PackedSample> {
        let Some(kept) = self.0.get(device) else {
            return Vec::new();
        };
        match step {
            PastStep::Second => kept.fine.between(from, to),
            PastStep::FiveSeconds => kept.coarse.between(from, to),
        }
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::{Celsius, DeviceKind, MilliWatts, Percent, Reading};

    use super::*;

    fn gpu(uuid: &str) -> Device {
        let kind = DeviceKind::Gpu { mig_enabled: false };
        let mut device = Device::unmeasured(0, uuid.into(), String::new(), kind);
        device.utilization = Percent(42).into();
        device.power = MilliWatts(285_123).into();
        device.temperature = Celsius(71).into();
        device
    }

    fn ready() -> DriverState {
        DriverState::Ready {
            version: "580".to_owned(),
            cuda: None,
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    /// Seconds of the samples of `GPU-0`.
    fn times(rings: &Rings, step: PastStep) -> Vec<u64> {
        let samples = rings.between(&"GPU-0".into(), step, at(0), at(1_000_000));
        samples.iter().map(|s| s.at().0.as_secs()).collect()
    }

    #[test]
    fn ten_minutes_a_second_and_an_hour_in_fives() {
        let mut rings = Rings::default();
        for second in 0..=7_200 {
            // A timer that is a little late each time.
            let now = Moment(Duration::from_millis(second * 1_000 + second % 7));
            rings.record(&ready(), &[gpu("GPU-0")], now);
        }
        let fine = times(&rings, PastStep::Second);
        assert_eq!((fine[0], fine.len()), (6_601, FINE));
        let coarse = times(&rings, PastStep::FiveSeconds);
        assert_eq!((coarse[0], coarse.len()), (3_605, COARSE));
        assert!(coarse.windows(2).all(|pair| pair[1] - pair[0] == 5));
    }

    #[test]
    fn an_unwatched_time_has_what_was_sampled_and_nothing_in_between() {
        let mut rings = Rings::default();
        let unwatched = (0..3_600).step_by(5);
        for second in unwatched.chain(3_600..3_660) {
            rings.record(&ready(), &[gpu("GPU-0")], at(second));
        }
        let fine = times(&rings, PastStep::Second);
        assert_eq!(fine[0], 3_060, "no older than ten minutes");
        assert_eq!(fine.len(), 540 / 5 + 60);
        let gaps = |from: usize| fine[from + 1] - fine[from];
        assert_eq!((gaps(0), gaps(fine.len() - 2)), (5, 1));
        assert_eq!(times(&rings, PastStep::FiveSeconds).len(), COARSE);
    }

    #[test]
    fn a_faster_sampler_fills_no_more() {
        let mut rings = Rings::default();
        for tenth in 0..1_000 {
            let now = Moment(Duration::from_millis(tenth * 100));
            rings.record(&ready(), &[gpu("GPU-0")], now);
        }
        let kept = times(&rings, PastStep::Second).len();
        assert!((100..=112).contains(&kept), "{kept} samples of 100 s");
    }

    #[test]
    fn what_is_not_known_is_a_hole() {
        let mut rings = Rings::default();
        let mut instance = gpu("GPU-0");
        instance.power = Reading::Unsupported;
        instance.utilization = instance.utilization.aged(Duration::from_secs(2));
        rings.record(&ready(), &[instance], at(0));
        let samples = rings.between(&"GPU-0".into(), PastStep::Second, at(0), at(1));
        let sample = samples[0].sample();
        let figures = (sample.utilization, sample.power, sample.temperature);
        assert_eq!(figures, (None, None, Some(71)));
    }

    #[test]
    fn a_device_is_forgotten_when_the_driver_no_longer_lists_it_and_not_when_it_fails() {
        let mut rings = Rings::default();
        let both = [gpu("GPU-0"), gpu("GPU-1")];
        rings.record(&ready(), &both, at(0));
        let why = "no answer".to_owned();
        rings.record(&DriverState::Failed { why }, &[], at(1));
        assert_eq!(rings.devices().len(), 2);
        rings.record(&ready(), &[gpu("GPU-0"), gpu("GPU-2")], at(2));
        let left: Vec<_> = rings.devices().iter().map(ToString::to_string).collect();
        assert_eq!(left, ["GPU-0", "GPU-2"]);
        assert_eq!(times(&rings, PastStep::Second), [0, 2]);
    }

    #[test]
    fn sixteen_gpus_with_seven_instances_each_take_two_megabytes() {
        let devices: Vec<Device> = (0..16 * 8).map(|i| gpu(&format!("MIG-{i:036}"))).collect();
        let mut rings = Rings::default();
        for second in 0..4_000 {
            rings.record(&ready(), &devices, at(second));
        }
        let of = |(uuid, kept): (&GpuUuid, &Kept)| {
            size_of::<(GpuUuid, Kept)>()
                + uuid.as_str().len()
                + kept.fine.bytes()
                + kept.coarse.bytes()
        };
        let bytes: usize = rings.0.iter().map(of).sum();
        assert!(
            bytes / devices.len() < 13_500,
            "{} bytes a device",
            bytes / devices.len()
        );
        assert!(bytes < 2_000_000, "{bytes} bytes");
    }
}
