//! How often what is asked, by what it costs.
//!
//! On an H100 most of NVML's calls take 2 to 10 µs, ECC counters and the MIG mode about 160 µs and
//! the energy 4.6 ms. PCIe throughput takes 21 ms a direction.
//!
//! | tier | every | what |
//! |---|---|---|
//! | fast | sample | utilization, memory, temperature, power, clocks, performance state, what holds them back, the PCIe link's state, processes |
//! | normal | 5 s | video engines, fan, memory's temperature, BAR1, PCIe replays, the power limit |
//! | traffic | 5 s while somebody looks, at once when somebody comes | PCIe throughput |
//! | slow | 30 s | ECC, retired pages, remapped rows, MIG mode, energy, NVLink |
//! | inventory | 5 min | highest clocks, limits and thresholds, serial number, settings |
//!
//! Slow and inventory are also due when the driver reports a change.

use std::time::Duration;

use super::Round;

const NORMAL: Duration = Duration::from_secs(5);
const SLOW: Duration = Duration::from_secs(30);
const INVENTORY: Duration = Duration::from_secs(300);

/// A sample that comes this much early still counts: samples are taken about once a second.
const SLACK: Duration = Duration::from_millis(250);

/// What is to be asked now, besides the fast tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one a tier")]
pub(crate) struct Due {
    pub(crate) round: Round,
    pub(crate) normal: bool,
    pub(crate) traffic: bool,
    pub(crate) slow: bool,
    pub(crate) inventory: bool,
}

/// When each tier is due next. At the first sample all are.
#[derive(Debug, Default)]
pub(crate) struct Tiers {
    normal: Duration,
    slow: Duration,
    inventory: Duration,
    traffic: Duration,
    /// Somebody looked at the last round.
    watched: bool,
}

impl Tiers {
    /// What is due in `round`; everything, when something has `changed`.
    pub(crate) fn due(&mut self, round: Round, changed: bool) -> Due {
        let now = round.now;
        let came = round.watched && !self.watched;
        self.watched = round.watched;
        let due = |at: &mut Duration, period: Duration| {
            let is_due = changed || now + SLACK >= *at;
            if is_due {
                *at = now + period;
            }
            is_due
        };
        let traffic = round.watched && (came || now + SLACK >= self.traffic);
        if traffic {
            self.traffic = now + NORMAL;
        }
        Due {
            round,
            traffic,
            normal: due(&mut self.normal, NORMAL),
            slow: due(&mut self.slow, SLOW),
            inventory: due(&mut self.inventory, INVENTORY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(from: u64, to: u64, tiers: &mut Tiers, changed_at: Option<u64>) -> (u32, u32, u32) {
        let mut counts = (0, 0, 0);
        for second in from..to {
            // A timer that is a little late each time.
            let now = Duration::from_millis(1000 * second + second % 7);
            let due = tiers.due(Round::watched(now), changed_at == Some(second));
            counts.0 += u32::from(due.normal);
            counts.1 += u32::from(due.slow);
            counts.2 += u32::from(due.inventory);
        }
        counts
    }

    #[test]
    fn each_tier_keeps_its_pace() {
        let mut tiers = Tiers::default();
        assert_eq!(count(0, 600, &mut tiers, None), (120, 20, 2));
    }

    #[test]
    fn traffic_is_asked_only_while_somebody_looks() {
        let mut tiers = Tiers::default();
        let looks = |second| (10..20).contains(&second) || second >= 22;
        let asked: Vec<_> = (0..30)
            .filter(|second| {
                let round = Round {
                    now: Duration::from_secs(*second),
                    watched: looks(*second),
                };
                tiers.due(round, false).traffic
            })
            .collect();
        assert_eq!(asked, [10, 15, 22, 27]);
    }

    #[test]
    fn a_change_brings_everything_forward() {
        let mut tiers = Tiers::default();
        assert_eq!(count(0, 5, &mut tiers, None), (1, 1, 1));
        assert_eq!(count(5, 30, &mut tiers, Some(12)), (6, 1, 1));
    }
}
