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

/// What a process used of each part of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) sm: Percent,
    /// Of the memory's bandwidth.
    pub(super) memory: Percent,
    pub(super) encoder: Percent,
    pub(super) decoder: Percent,
}

impl Shares {
    const NONE: Self = Self {
        sm: Percent(0),
        memory: Percent(0),
        encoder: Percent(0),
        decoder: Percent(0),
    };

    /// `None`: drivers are known to report values of some thousand percent now and then.
    fn of(sample: &ProcessUtilizationSample) -> Option<Self> {
        let share = |value| match u8::try_from(value) {
            Ok(share @ 0..=100) => Some(Percent(share)),
            _ => None,
        };
        Some(Self {
            sm: share(sample.sm_util)?,
            memory: share(sample.mem_util)?,
            encoder: share(sample.enc_util)?,
            decoder: share(sample.dec_util)?,
        })
    }
}

/// The newest sample of each process.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Newest time stamp seen, in NVML's microseconds; what to ask for the next samples with.
    newest: u64,
    by_pid: BTreeMap<u32, (Shares, Duration)>,
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
            let (Some(shares), true) = (
                Shares::of(sample),
                sample.timestamp.saturating_add(FIRST_LOOK_MICROS) >= newest,
            ) else {
                continue;
            };
            let entry = taken
                .entry(sample.pid)
                .or_insert((sample.timestamp, shares));
            if sample.timestamp >= entry.0 {
                *entry = (sample.timestamp, shares);
            }
        }
        for (pid, (_, shares)) in taken {
            self.by_pid.insert(pid, (shares, now));
        }
        self.newest = self.newest.max(newest);
    }

    /// What `pid` uses of a device with the utilization `device`.
    ///
    /// No sample is not zero: only a device that does nothing says that its processes do nothing.
    pub(super) fn of(&self, pid: u32, device: &Reading<Percent>, now: Duration) -> Reading<Shares> {
        let sample = self.by_pid.get(&pid);
        match sample.map(|&(shares, at)| (shares, now.saturating_sub(at))) {
            Some((shares, age)) if age <= FRESH => Reading::Value(shares),
            _ if device.fresh() == Some(&Percent(0)) => Reading::Value(Shares::NONE),
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

    fn sm(usage: &Usage, pid: u32, device: &Reading<Percent>, now: Duration) -> Reading<Percent> {
        usage.of(pid, device, now).map(|shares| shares.sm)
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
        assert_eq!(sm(&usage, 1, &BUSY, s(1)), Reading::Value(Percent(40)));
    }

    #[test]
    fn history_in_the_buffer_is_not_the_present() {
        let mut usage = Usage::default();
        usage.update(&[sample(1, 1_000, 90), sample(2, 60_000_000, 10)], s(1));
        assert_eq!(
            sm(&usage, 1, &BUSY, s(1)),
            Reading::Failed(Failure::NotMeasured)
        );
        assert_eq!(sm(&usage, 2, &BUSY, s(1)), Reading::Value(Percent(10)));
    }

    #[test]
    fn without_a_newer_sample_the_last_is_kept_and_then_old() {
        let mut usage = Usage::default();
        usage.update(&[sample(1, 1, 40)], s(1));
        usage.update(&[], s(3));
        assert_eq!(sm(&usage, 1, &BUSY, s(4)), Reading::Value(Percent(40)));
        let old = Reading::Stale {
            value: Percent(40),
            age: s(5),
        };
        assert_eq!(sm(&usage, 1, &BUSY, s(6)), old);
        assert_eq!(sm(&usage, 1, &QUIET, s(6)), Reading::Value(Percent(0)));
        assert_eq!(sm(&usage, 1, &Reading::Unsupported, s(6)), old);
    }

    #[test]
    fn each_part_of_the_card_is_told_apart() {
        let mut usage = Usage::default();
        let all = ProcessUtilizationSample {
            mem_util: 20,
            enc_util: 3,
            dec_util: 4,
            ..sample(1, 1, 40)
        };
        usage.update(&[all], s(1));
        let shares = Shares {
            sm: Percent(40),
            memory: Percent(20),
            encoder: Percent(3),
            decoder: Percent(4),
        };
        assert_eq!(usage.of(1, &BUSY, s(1)), Reading::Value(shares));
    }

    #[test]
    fn nonsense_is_left_out_and_the_dead_are_forgotten() {
        let mut usage = Usage::default();
        usage.update(&[sample(1, 1, 4000), sample(2, 1, 100)], s(1));
        assert_eq!(sm(&usage, 1, &BUSY, s(1)).known(), None);
        assert_eq!(sm(&usage, 2, &BUSY, s(1)), Reading::Value(Percent(100)));
        usage.retain(&BTreeSet::new());
        assert_eq!(sm(&usage, 2, &BUSY, s(1)).known(), None);
    }
}
