//! What sampling costs, counted for the daemon's own metrics.

use std::time::Duration;

/// Upper ends of the ranges that samples are counted in, by how long they took.
pub(crate) const RANGES: [Duration; 9] = [
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
];

/// What was counted since the daemon's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SamplerStats {
    /// Samples taken.
    pub samples: u64,
    /// Time that they took together; most of it is spent waiting for the driver.
    pub spent: Duration,
    /// Samples by how long they took, each counted in the first range that it fits in; those that
    /// took longer are counted in none.
    pub(crate) ranges: [u64; RANGES.len()],
    /// When the last one was taken, since the daemon's start; `None`: none yet.
    pub last: Option<Duration>,
}

impl SamplerStats {
    /// Counts a sample that was begun at `at` and took `spent`.
    pub(crate) fn note(&mut self, at: Duration, spent: Duration) {
        self.samples += 1;
        self.spent += spent;
        self.last = Some(at);
        let place = RANGES.iter().position(|end| spent <= *end);
        if let Some(count) = place.and_then(|place| self.ranges.get_mut(place)) {
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_counted_in_the_range_that_it_fits_in() {
        let mut stats = SamplerStats::default();
        let millis = Duration::from_millis;
        for (second, spent) in [(0, 0), (1, 1), (2, 2), (3, 600), (4, 3_000)] {
            stats.note(Duration::from_secs(second), millis(spent));
        }
        assert_eq!(stats.ranges, [2, 1, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((stats.samples, stats.spent), (5, millis(3_603)));
        assert_eq!(stats.last, Some(Duration::from_secs(4)));
    }
}
