//! Points in time that the pure parts work with; clocks are read elsewhere.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A point on this process's monotonic clock: time since the process began to count.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Moment(pub Duration);

impl Moment {
    /// Time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// "Now" on both clocks, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// For ages: never jumps.
    pub now: Moment,
    /// For dates: the wall clock, may jump.
    pub wall: Timestamp,
}

impl Clock {
    /// The date `ago` before now; saturates at the calendar's beginning.
    #[must_use]
    pub fn date(&self, ago: Duration) -> Timestamp {
        self.wall.checked_sub(ago).unwrap_or(Timestamp::MIN)
    }

    /// How long ago `date` was; zero for a date in the future.
    #[must_use]
    pub fn age(&self, date: Timestamp) -> Duration {
        Duration::try_from(self.wall.duration_since(date)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_never_go_below_zero() {
        let clock = Clock {
            now: Moment(Duration::from_secs(5)),
            wall: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(
            clock.now.since(Moment(Duration::from_secs(9))),
            Duration::ZERO
        );
        let later = Timestamp::from_second(10).unwrap();
        assert_eq!(clock.age(later), Duration::ZERO);
        assert_eq!(
            clock.age(clock.date(Duration::from_secs(3))),
            Duration::from_secs(3)
        );
    }
}
