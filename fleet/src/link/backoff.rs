//! Growing pauses between attempts.

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

    /// It worked: begin anew.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
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
