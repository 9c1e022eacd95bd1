//! How long something has been idle, counted from what was seen of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// When each of a set of things was last seen busy.
///
/// Nothing is known of the time before a thing was first seen, so that its idle time is a lower
/// bound.
#[derive(Debug)]
pub(crate) struct IdleClock<K> {
    last_busy: HashMap<K, Duration>,
}

impl<K> Default for IdleClock<K> {
    fn default() -> Self {
        Self {
            last_busy: HashMap::new(),
        }
    }
}

impl<K: Hash + Eq> IdleClock<K> {
    /// Notes whether `key` is busy at `now` and tells how long it has not been.
    ///
    /// `before`: when it was last busy, as far as is known, if this is the first look at it;
    /// `now` where nothing is known.
    pub(crate) fn observe(
        &mut self,
        key: K,
        busy: bool,
        now: Duration,
        before: Duration,
    ) -> Duration {
        let last = self.last_busy.entry(key).or_insert(before);
        if busy {
            *last = now;
        }
        now.saturating_sub(*last)
    }

    /// Forgets what `keep` does not want, such as processes that have ended.
    pub(crate) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.last_busy.retain(|key, _| keep(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn idle_time_starts_at_zero_and_ends_with_work() {
        let mut clock = IdleClock::default();
        assert_eq!(clock.observe("a", false, s(10), s(10)), s(0));
        assert_eq!(clock.observe("a", false, s(14), s(14)), s(4));
        assert_eq!(clock.observe("a", true, s(15), s(15)), s(0));
        assert_eq!(clock.observe("a", false, s(17), s(17)), s(2));
    }

    #[test]
    fn what_is_forgotten_starts_anew() {
        let mut clock = IdleClock::default();
        clock.observe("a", false, s(1), s(1));
        clock.retain(|key| *key != "a");
        assert_eq!(clock.observe("a", false, s(9), s(9)), s(0));
    }
}
