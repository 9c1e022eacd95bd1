//! Figures of several GPUs taken together.

use std::time::Duration;

use gputop_model::{Bytes, Device, MilliWatts, Reading};

use super::rows::DeviceRow;

/// A figure over several GPUs, and how many of them it is without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum<T> {
    /// The figure over those that say theirs; `None`: none of them does.
    pub value: Option<T>,
    /// GPUs that have such a figure and do not say it now, and those of which nothing is known.
    pub missing: usize,
}

impl<T> Default for Sum<T> {
    fn default() -> Self {
        Self {
            value: None,
            missing: 0,
        }
    }
}

impl<T: Copy> Sum<T> {
    /// Whether it is not the figure of all of them.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.missing > 0
    }

    /// Takes `more` in.
    pub(super) fn add(&mut self, more: Self, join: impl FnOnce(T, T) -> T) {
        self.missing += more.missing;
        self.value = match (self.value, more.value) {
            (Some(a), Some(b)) => Some(join(a, b)),
            (a, b) => a.or(b),
        };
    }

    fn over(readings: impl Iterator<Item = Now<T>>, join: impl Fn(T, T) -> T) -> Self {
        let mut sum = Self::default();
        for reading in readings {
            let one = match reading {
                Now::Never => continue,
                Now::Missing => Self {
                    value: None,
                    missing: 1,
                },
                Now::Value(value) => Self {
                    value: Some(value),
                    missing: 0,
                },
            };
            sum.add(one, &join);
        }
        sum
    }
}

/// What a GPU says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now<T> {
    Value(T),
    /// It does not answer, or has not for too long.
    Missing,
    /// It has no such figure.
    Never,
}

impl<T> Now<T> {
    fn map<U>(self, make: impl FnOnce(T) -> U) -> Now<U> {
        match self {
            Self::Value(value) => Now::Value(make(value)),
            Self::Missing => Now::Missing,
            Self::Never => Now::Never,
        }
    }

    fn zip<U>(self, other: Now<U>) -> Now<(T, U)> {
        match (self, other) {
            (Self::Value(a), Now::Value(b)) => Now::Value((a, b)),
            (Self::Never, _) | (_, Now::Never) => Now::Never,
            (Self::Missing, _) | (_, Now::Missing) => Now::Missing,
        }
    }
}

/// What the physical GPUs of one node say together.
pub(super) struct NodeSums {
    pub(super) memory: Sum<(Bytes, Bytes)>,
    pub(super) utilization: Sum<u8>,
    pub(super) power: Sum<MilliWatts>,
    pub(super) temperature: Sum<i32>,
}

/// Of `gpus`, by figures that their daemon has no older than `limit`.
pub(super) fn node_sums<'a>(
    gpus: impl Iterator<Item = &'a Device> + Clone,
    limit: Duration,
) -> NodeSums {
    let memory = gpus.clone().map(|gpu| {
        let used = now(&gpu.memory_used, limit);
        used.zip(now(&gpu.memory_total, limit))
    });
    // The mean is taken of a sum and a count.
    let shares = gpus.clone().map(|gpu| {
        let share = now(&gpu.utilization, limit);
        share.map(|percent| (u64::from(percent.0), 1_u64))
    });
    let shares = Sum::over(shares, |a, b| (a.0 + b.0, a.1 + b.1));
    let mean = shares
        .value
        .and_then(|(sum, count)| sum.checked_div(count))
        .and_then(|mean| u8::try_from(mean).ok());
    let power = gpus.clone().map(|gpu| now(&gpu.power, limit));
    let degrees = gpus.map(|gpu| now(&gpu.temperature, limit).map(|celsius| celsius.0));
    NodeSums {
        memory: Sum::over(memory, |a, b| (a.0 + b.0, a.1 + b.1)),
        utilization: Sum {
            value: mean,
            missing: shares.missing,
        },
        power: Sum::over(power, |a, b| a + b),
        temperature: Sum::over(degrees, i32::max),
    }
}

/// The physical GPUs among `devices`.
pub(super) fn physical(devices: &[DeviceRow]) -> impl Iterator<Item = &Device> + Clone {
    let devices = devices.iter().map(DeviceRow::device);
    devices.filter(|device| matches!(device.kind, gputop_model::DeviceKind::Gpu { .. }))
}

fn now<T: Copy>(reading: &Reading<T>, limit: Duration) -> Now<T> {
    match reading {
        Reading::Value(value) => Now::Value(*value),
        Reading::Stale { value, age } if *age <= limit => Now::Value(*value),
        Reading::Stale { .. } | Reading::Failed(_) => Now::Missing,
        Reading::Unsupported => Now::Never,
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::{Celsius, DeviceKind, Failure, Percent};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    fn gpu(watts: u32) -> Device {
        let kind = DeviceKind::Gpu { mig_enabled: false };
        Device {
            memory_total: Bytes::from_gib(24).into(),
            memory_used: Bytes::from_gib(6).into(),
            utilization: Percent(40).into(),
            temperature: Celsius(70).into(),
            power: MilliWatts(watts * 1000).into(),
            ..Device::unmeasured(0, "GPU-0".into(), String::new(), kind)
        }
    }

    #[test]
    fn a_lost_card_does_not_lower_a_sum_in_silence() {
        let lost = gpu(0).failed(Failure::GpuLost);
        let all = [gpu(100), lost, gpu(200)];
        let sums = node_sums(all.iter(), LIMIT);
        assert_eq!(sums.power.value, Some(MilliWatts(300_000)));
        assert_eq!(sums.power.missing, 1);
        assert_eq!(sums.utilization.value, Some(40));
        assert_eq!(sums.utilization.missing, 1);
        assert!(sums.memory.is_partial() && sums.temperature.is_partial());
        let whole = node_sums(all[..1].iter(), LIMIT);
        assert_eq!(whole.power.missing, 0);
        assert!(!whole.memory.is_partial());
    }

    #[test]
    fn what_a_hung_card_said_last_is_not_its_power_now() {
        let hung = gpu(300).aged(LIMIT + Duration::from_secs(1));
        let sums = node_sums([gpu(100), hung].iter(), LIMIT);
        assert_eq!(sums.power.value, Some(MilliWatts(100_000)));
        assert_eq!(sums.power.missing, 1);
        // Between two samples figures are some seconds old.
        let late = gpu(300).aged(Duration::from_secs(3));
        let sums = node_sums([gpu(100), late].iter(), LIMIT);
        assert_eq!(
            (sums.power.value, sums.power.missing),
            (Some(MilliWatts(400_000)), 0)
        );
    }

    #[test]
    fn a_card_without_such_a_figure_does_not_lack_it() {
        let mut split = gpu(100);
        split.utilization = Reading::Unsupported;
        split.memory_total = Reading::Unsupported;
        let sums = node_sums([gpu(100), split].iter(), LIMIT);
        assert_eq!(
            (sums.utilization.value, sums.utilization.missing),
            (Some(40), 0)
        );
        let memory = (Bytes::from_gib(6), Bytes::from_gib(24));
        assert_eq!((sums.memory.value, sums.memory.missing), (Some(memory), 0));
    }

    #[test]
    fn without_an_answer_there_is_no_figure() {
        let sums = node_sums([gpu(1).failed(Failure::Timeout)].iter(), LIMIT);
        assert_eq!((sums.power.value, sums.power.missing), (None, 1));
        assert_eq!(node_sums([].iter(), LIMIT).power, Sum::default());
    }
}
