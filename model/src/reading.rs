//! A measurement that may be missing, and why: absent is not zero.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One measured value, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading<T> {
    /// Measured just now.
    Value(T),
    /// The card, driver or sharing mode has no such measurement; it will not appear later.
    Unsupported,
    /// Asked for, and not answered this time.
    Failed(Failure),
    /// The last value that was measured, no longer fresh.
    Stale {
        /// What was measured then.
        value: T,
        /// How long ago.
        age: Duration,
    },
}

/// Why a measurement is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Failure {
    /// Nobody has asked yet.
    NotMeasured,
    /// The operating system or the driver refused.
    NoPermission,
    /// The driver did not answer in time.
    Timeout,
    /// The GPU has fallen off the bus.
    GpuLost,
    /// What was asked for is not there (a socket, a file, a process that has ended).
    NotFound,
    /// Any other error, by the code of the library that reported it.
    Other(u32),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMeasured => f.write_str("not measured yet"),
            Self::NoPermission => f.write_str("no permission"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::GpuLost => f.write_str("GPU is lost"),
            Self::NotFound => f.write_str("not found"),
            Self::Other(code) => write!(f, "error {code}"),
        }
    }
}

impl<T> Reading<T> {
    /// The value if it is fresh.
    pub const fn fresh(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The value whether fresh or stale.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Value(value) | Self::Stale { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The age of a stale value; `None` for everything else.
    pub const fn age(&self) -> Option<Duration> {
        match self {
            Self::Stale { age, .. } => Some(*age),
            _ => None,
        }
    }

    /// Applies `f` to a fresh or stale value and keeps the reason of a missing one.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Value(value) => Reading::Value(f(value)),
            Self::Stale { value, age } => Reading::Stale {
                value: f(value),
                age,
            },
            Self::Unsupported => Reading::Unsupported,
            Self::Failed(code) => Reading::Failed(code),
        }
    }

    /// Borrows the value.
    pub const fn as_ref(&self) -> Reading<&T> {
        match self {
            Self::Value(value) => Reading::Value(value),
            Self::Stale { value, age } => Reading::Stale { value, age: *age },
            Self::Unsupported => Reading::Unsupported,
            Self::Failed(code) => Reading::Failed(*code),
        }
    }

    /// Whether both say the same, apart from how old it is.
    pub fn same_but_for_age(&self, other: &Self) -> bool
    where
        T: PartialEq,
    {
        match (self, other) {
            (Self::Stale { value: a, .. }, Self::Stale { value: b, .. }) => a == b,
            _ => self == other,
        }
    }

    /// The same reading `by` later: a value becomes stale, a stale one older.
    #[must_use]
    pub fn aged(self, by: Duration) -> Self {
        match self {
            Self::Value(value) => Self::Stale { value, age: by },
            Self::Stale { value, age } => Self::Stale {
                value,
                age: age.saturating_add(by),
            },
            missing => missing,
        }
    }
}

impl Reading<Duration> {
    /// Whether two idle times tell the same: idle both times, however long, or busy both times.
    #[must_use]
    pub fn same_idle(&self, other: &Self) -> bool {
        let idle = |reading: &Self| reading.as_ref().map(|time| !time.is_zero());
        idle(self).same_but_for_age(&idle(other))
    }
}

impl<T: Copy> Reading<T> {
    /// The value whether fresh or stale, copied.
    pub fn get(&self) -> Option<T> {
        self.known().copied()
    }
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self::Failed(Failure::NotMeasured)
    }
}

impl<T> From<T> for Reading<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ageing_keeps_the_value_and_adds_up() {
        let reading = Reading::Value(7)
            .aged(Duration::from_secs(2))
            .aged(Duration::from_secs(3));
        assert_eq!(
            reading,
            Reading::Stale {
                value: 7,
                age: Duration::from_secs(5)
            }
        );
        assert_eq!(reading.fresh(), None);
        assert_eq!(reading.known(), Some(&7));
    }

    #[test]
    fn a_missing_reading_never_becomes_a_value() {
        let missing: Reading<u32> = Reading::Failed(Failure::Timeout);
        assert_eq!(missing.clone().aged(Duration::from_secs(1)), missing);
        assert_eq!(missing.map(|v| v + 1), Reading::Failed(Failure::Timeout));
        assert_eq!(Reading::<u32>::default().get(), None);
    }
}
