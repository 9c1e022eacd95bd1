//! Growing pauses between attempts.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// Doubles from `first` to at most `longest`; starts anew after a success.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// A backoff between the two; `longest` below `first` is taken as `first`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest: longest.max(first),
            next: first,
        }
    }

    /// How long to wait now; the next wait will be longer.
    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends, so it is no iterator"
    )]
    pub fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = now.saturating_mul(2).min(self.longest);
        now
    }

    /// As [`Self::next`], shortened by up to half at random: what was lost together does not come
    /// back together.
    pub fn next_jittered(&mut self) -> Duration {
        jittered(self.next(), random())
    }

    /// It worked: begin anew.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

/// Between half of `wait` and all of it; `random`: 0 to 1.
#[must_use]
pub(crate) fn jittered(wait: Duration, random: f64) -> Duration {
    wait.mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0))
}

/// A number from 0 to 1 that is another one on each call and in each process.
#[must_use]
pub(crate) fn random() -> f64 {
    // The standard library seeds its hashers from the system.
    let bits = RandomState::new().build_hasher().finish();
    bits as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_to_the_bound_and_resets() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let waits: Vec<u64> = (0..5).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        backoff.reset();
        assert_eq!(backoff.next(), Duration::from_secs(1));
    }

    #[test]
    fn randomness_shortens_by_half_at_most() {
        let second = Duration::from_secs(1);
        assert_eq!(jittered(second, 0.0), second / 2);
        assert_eq!(jittered(second, 1.0), second);
        let drawn: Vec<f64> = (0..64).map(|_| random()).collect();
        assert!(drawn.iter().all(|random| (0.0..=1.0).contains(random)));
        assert!(drawn.iter().any(|random| *random < 0.5));
        assert!(drawn.iter().any(|random| *random > 0.5));
    }

    proptest! {
        #[test]
        fn never_outside_its_bounds(first in 0_u64..10_000, longest in 0_u64..10_000, n in 1..200) {
            let (first, longest) = (Duration::from_millis(first), Duration::from_millis(longest));
            let mut backoff = Backoff::new(first, longest);
            for _ in 0..n {
                let wait = backoff.next();
                prop_assert!(wait >= first && wait <= longest.max(first));
            }
        }
    }
}
