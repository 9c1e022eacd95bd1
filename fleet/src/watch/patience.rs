//! How long to wait after a failure, and with what to go on. Pure.
//!
//! A watch that broke off goes on from where it was: that costs the server nothing. The list is
//! taken anew only when it has to be: when the revision is too old, when what came was nonsense,
//! or after a long time without the server, which may have been restored from a backup.

use std::time::Duration;

use gputop_model::Moment;

use super::wire::Kind;
use crate::link::{Backoff, jittered};

/// A watch that has delivered for this long was a good one.
const STEADY: Duration = Duration::from_secs(5);

/// The first failure of a good watch is met at once, but not by all clients at the same time.
const AT_ONCE: Duration = Duration::from_millis(300);

/// The same for a list, which costs more.
const LIST_SOON: Duration = Duration::from_secs(1);

/// A server that was away for longer may not be as it was.
const LONG_AWAY: Duration = Duration::from_secs(30);

/// What the server may ask to wait without being called lost.
const SHORT_PAUSE: Duration = Duration::from_secs(2);

/// Longest pause that a server can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    /// Wait so long.
    pub(super) wait: Duration,
    /// Then take the whole list, not only what is new.
    pub(super) list: bool,
    /// Say that the watch is lost.
    pub(super) tell: bool,
}

/// What has happened to one watch.
#[derive(Debug)]
pub(super) struct Patience {
    /// Nobody answers: that costs nobody anything.
    quick: Backoff,
    /// Somebody answers, and it is no use.
    slow: Backoff,
    /// Between two lists.
    lists: Backoff,
    /// The last watch was a good one.
    steady: bool,
    /// Since when there is no good one.
    down: Option<Moment>,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            quick: Backoff::new(Duration::from_millis(500), seconds(5)),
            slow: Backoff::new(seconds(1), seconds(30)),
            lists: Backoff::new(seconds(2), seconds(60)),
            steady: false,
            down: None,
        }
    }
}

impl Patience {
    /// A watch has ended, or goes on, after `time`.
    pub(super) fn lived(&mut self, time: Duration) {
        if time >= STEADY {
            self.quick.reset();
            self.slow.reset();
            self.steady = true;
            self.down = None;
        }
        if time >= LONG_AWAY {
            self.lists.reset();
        }
    }

    /// A watch that the server has ended in good order, but hardly begun: how long to wait before
    /// the next.
    pub(super) fn hurried(&mut self, random: f64) -> Duration {
        jittered(self.quick.next(), random)
    }

    /// What to do after a failure; `random`: 0 to 1.
    pub(super) fn failed(&mut self, kind: Kind, now: Moment, random: f64) -> Next {
        let first = std::mem::take(&mut self.steady);
        let down = now.since(*self.down.get_or_insert(now));
        let (wait, tell) = match kind {
            Kind::Broken if first => (jittered(AT_ONCE, random), false),
            Kind::Broken => (jittered(self.quick.next(), random), true),
            Kind::Busy(asked) => {
                let asked = asked.unwrap_or_default().min(LONGEST_PAUSE);
                let wait = asked.max(self.slow.next());
                // Never sooner than asked.
                let wait = wait + jittered(wait, random) / 4;
                (wait, !first || asked > SHORT_PAUSE)
            }
            Kind::Expired if first => (jittered(LIST_SOON, random), false),
            Kind::Expired => (jittered(self.lists.next(), random), true),
            Kind::Refused | Kind::Forbidden => (jittered(self.slow.next(), random), true),
        };
        let anew = matches!(kind, Kind::Expired | Kind::Refused | Kind::Forbidden);
        Next {
            wait,
            list: anew || down >= LONG_AWAY,
            tell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    fn good() -> Patience {
        let mut patience = Patience::default();
        patience.lived(Duration::from_secs(60));
        patience
    }

    #[test]
    fn a_watch_that_drops_goes_on_at_once_and_says_nothing() {
        let mut patience = good();
        let next = patience.failed(Kind::Broken, at(100), 1.0);
        assert_eq!(
            next,
            Next {
                wait: AT_ONCE,
                list: false,
                tell: false
            }
        );
        // It did not help.
        let next = patience.failed(Kind::Broken, at(101), 1.0);
        assert_eq!(next.wait, Duration::from_millis(500));
        assert!(next.tell && !next.list);
    }

    #[test]
    fn watches_that_drop_at_once_are_no_hot_loop() {
        let mut patience = good();
        let mut waited = Duration::ZERO;
        for _ in 0..20 {
            patience.lived(Duration::from_millis(10));
            waited += patience.failed(Kind::Broken, at(100), 0.0).wait;
        }
        assert!(waited > Duration::from_secs(40), "{waited:?}");
    }

    #[test]
    fn after_a_long_time_away_the_list_is_taken_anew() {
        let mut patience = good();
        let mut lists = Vec::new();
        for second in [0, 5, 20, 29, 30, 60] {
            lists.push(patience.failed(Kind::Broken, at(100 + second), 0.5).list);
        }
        assert_eq!(lists, [false, false, false, false, true, true]);
        patience.lived(Duration::from_secs(6));
        assert!(!patience.failed(Kind::Broken, at(200), 0.5).list);
    }

    #[test]
    fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
        let mut patience = good();
        let seven = Kind::Busy(Some(Duration::from_secs(7)));
        for random in [0.0, 0.5, 1.0] {
            let next = patience.failed(seven, at(1), random);
            assert!(next.wait >= Duration::from_secs(7) && next.tell && !next.list);
        }
        let mut patience = good();
        let blink = patience.failed(Kind::Busy(Some(Duration::from_secs(1))), at(1), 0.5);
        assert!(!blink.tell, "a second is not worth a word");
        let hour = Kind::Busy(Some(Duration::from_secs(3_600)));
        assert!(patience.failed(hour, at(1), 1.0).wait < Duration::from_secs(400));
        // Without a wish it gets rarer by itself.
        let waits: Vec<_> = (0..8)
            .map(|_| patience.failed(Kind::Busy(None), at(1), 0.0).wait)
            .collect();
        assert!(
            waits.is_sorted() && waits[7] >= Duration::from_secs(30),
            "{waits:?}"
        );
    }

    #[test]
    fn lists_that_are_always_too_old_get_rare() {
        let mut patience = good();
        let soon = patience.failed(Kind::Expired, at(0), 1.0);
        assert_eq!(
            soon,
            Next {
                wait: LIST_SOON,
                list: true,
                tell: false
            }
        );
        let mut now = 0;
        let mut lists = 0;
        while now < 600 {
            now += patience
                .failed(Kind::Expired, at(now), 1.0)
                .wait
                .as_secs()
                .max(1);
            lists += 1;
        }
        assert!(lists < 20, "{lists} lists in ten minutes");
    }

    #[test]
    fn a_failure_before_anything_worked_is_said() {
        for kind in [Kind::Broken, Kind::Busy(None), Kind::Refused, Kind::Expired] {
            assert!(
                Patience::default().failed(kind, at(0), 0.0).tell,
                "{kind:?}"
            );
        }
    }
}
