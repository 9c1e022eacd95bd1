//! Utilization of single processes, from NVML's samples.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gputop_model::{Failure, Percent, Reading};
use nvml_wrapper::struct_wrappers::device::ProcessUtilizationSample;

/// How long a sample counts as fresh. NVML has new ones at most about once a second, and none for
/// a process that did nothing since.
const FRESH: Duration = Duration::from_secs(3);

/// How far back in NVML's buffer the first look goes, in microseconds: older samples are history.
const FIRST_LOOK_MICROS: u64 = 2_000_000;

/// The newest sample of each process.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Newest time stamp seen, in NVML's microseconds; what to ask for the next samples with.
    newest: u64,
    by_pid: BTreeMap<u32, (Percent, Duration)>,
}

impl Usage {
    /// The time stamp from which on NVML should answer.
    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Takes in new samples, in any order.
    pub(super) fn update(&mut self, samples: &[ProcessUtilizationSample], now: Duration) {
        let Some(newest) = samples.iter().map(|sample| sample.timestamp).max() else {
            return;
        };
        let mut taken = BTreeMap::new();
        for sample in samples {
            // Drivers are known to report values of some thousand percent now and then.
            let (Ok(sm @ 0..=100), true) = (
                u8::try_from(sample.sm_util),
                sample.timestamp.saturating_add(FIRST_LOOK_MICROS) >= newest,
            ) else {
                continue;
            };
            let entry = taken.entry(sample.pid).or_insert((sample.timestamp, sm));
            if sample.timestamp >= entry.0 {
                *entry = (sample.timestamp, sm);
            }
        }
        for (pid, (_, sm)) in taken {
            self.by_pid.insert(pid, (Percent(sm), now));
        }
        self.newest = self.newest.max(newest);
    }

    /// Utilization by `pid` on a device with the utilization `device`.
    ///
    /// No sample is not zero: only a device that does nothing says that its processes do nothing.
    pub(super) fn of(
        &self,
        pid: u32,
        device: &Reading<Percent>,
        now: Duration,
    ) -> Reading<Percent> {
        let sample = self.by_pid.get(&pid);
        match sample.map(|&(sm, at)| (sm, now.saturating_sub(at))) {
            Some((sm, age)) if age <= FRESH => Reading::Value(sm),
            _ if device.fresh() == Some(&Percent(0)) => Reading::Value(Percent(0)),
            Some((value, age)) => Reading::Stale { value, age },
            None => Reading::Failed(Failure::NotMeasured),
        }
    }

    /// Forgets processes that have ended.
    pub(super) fn retain(&mut self, alive: &BTreeSet<u32>) {
        self.by_pid.retain(|pid, _| alive.contains(pid));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Reading<Percent> = Reading::Value(Percent(50));
    const QUIET: Reading<Percent> = Reading::Value(Percent(0));

    fn sample(pid: u32, timestamp: u64, sm_util: u32) -> ProcessUtilizationSample {
        ProcessUtilizationSample {
            pid,
            timestamp,
            sm_util,
            mem_util: 0,
            enc_util: 0,
            dec_util: 0,
        }
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_newest_sample_counts() {
        let mut usage = Usage::default();
        let at = |seconds: u64| 1_000_000 * (1000 + seconds);
        usage.update(&[sample(1, at(5), 40), sample(1, at(4), 90)], s(1));
        assert_eq!(usage.newest(), at(5));
        assert_eq!(usage.of(1, &BUSY, s(1)), Reading::Value(Percent(40)));
    }

    #[test]
    fn history_in_the_buffer_is_not_the_present() {
        let mut usage = Usage::default();
        usage.update(&[sample(1, 1_000, 90), sample(2, 60_000_000, 10)], s(1));
        assert_eq!(
            usage.of(1, &BUSY, s(1)),
            Reading::Failed(Failure::NotMeasured)
        );
        assert_eq!(usage.of(2, &BUSY, s(1)), Reading::Value(Percent(10)));
    }

    #[test]
    fn without_a_newer_sample_the_last_is_kept_and_then_old() {
        let mut usage = Usage::default();
        usage.update(&[sample(1, 1, 40)], s(1));
        usage.update(&[], s(3));
        assert_eq!(usage.of(1, &BUSY, s(4)), Reading::Value(Percent(40)));
        let old = Reading::Stale {
            value: Percent(40),
            age: s(5),
        };
        assert_eq!(usage.of(1, &BUSY, s(6)), old);
        assert_eq!(usage.of(1, &QUIET, s(6)), Reading::Value(Percent(0)));
        assert_eq!(usage.of(1, &Reading::Unsupported, s(6)), old);
    }

    #[test]
    fn nonsense_is_left_out_and_the_dead_are_forgotten() {
        let mut usage = Usage::default();
        usage.update(&[sample(1, 1, 4000), sample(2, 1, 100)], s(1));
        assert_eq!(usage.of(1, &BUSY, s(1)).known(), None);
        assert_eq!(usage.of(2, &BUSY, s(1)), Reading::Value(Percent(100)));
        usage.retain(&BTreeSet::new());
        assert_eq!(usage.of(2, &BUSY, s(1)).known(), None);
    }
}
