//! One run of a container, from its status.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::after;
use crate::store::ObjectExt;

/// From a start to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) started: Timestamp,
    /// When, and with which code; absent while it runs.
    pub(super) ended: Option<(Timestamp, i64)>,
}

/// Why there is no run to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoRun {
    /// There was no earlier one.
    NoPrevious,
    /// None has begun, and what it waits for.
    Waiting(String),
}

impl Run {
    /// The run whose log a kubelet shows.
    pub(super) fn of(status: Option<&Value>, previous: bool) -> Result<Self, NoRun> {
        let at = |field| status.and_then(|status| status.get(field));
        let last = || Self::ended(at("lastState").and_then(|state| state.get("terminated")));
        if previous {
            return last().ok_or(NoRun::NoPrevious);
        }
        let state = at("state");
        if let Some(started) = state.and_then(|state| state.time("/running/startedAt")) {
            return Ok(Self {
                started,
                ended: None,
            });
        }
        let ended = Self::ended(state.and_then(|state| state.get("terminated")));
        ended.or_else(last).ok_or_else(|| {
            let why = state.map_or("", |state| state.text("/waiting/reason"));
            let why = if why.is_empty() {
                "ContainerCreating"
            } else {
                why
            };
            NoRun::Waiting(why.to_owned())
        })
    }

    fn ended(terminated: Option<&Value>) -> Option<Self> {
        let terminated = terminated?;
        let code = terminated.int("/exitCode").unwrap_or_default();
        Some(Self {
            started: terminated.time("/startedAt")?,
            ended: Some((terminated.time("/finishedAt")?, code)),
        })
    }

    /// Whether `later` is this run, seen later.
    pub(super) fn is_same(&self, later: &Self) -> bool {
        self.started == later.started
    }

    /// Lines that are written by `now`: one at the start, one after each interval, and a last one
    /// at the end.
    pub(super) fn lines(&self, every: Duration, now: Timestamp) -> u64 {
        let until = self.ended.map_or(now, |(at, _)| at);
        let millis = u128::try_from(until.duration_since(self.started).as_millis());
        let passed = millis.unwrap_or_default() / every.as_millis().max(1);
        let passed = u64::try_from(passed).unwrap_or_default();
        passed + 1 + u64::from(self.ended.is_some())
    }

    /// When a line was written; `last`: the one at the end.
    pub(super) fn time_of(&self, number: u64, last: bool, every: Duration) -> Timestamp {
        if last && let Some((ended, _)) = self.ended {
            return ended;
        }
        let by = every.as_millis().saturating_mul(u128::from(number));
        let by = Duration::from_millis(u64::try_from(by).unwrap_or(u64::MAX));
        after(self.started, by)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENDED: &str = r#"{"terminated": {"exitCode": 1,
        "startedAt": "2026-03-01T10:00:00Z", "finishedAt": "2026-03-01T10:00:10Z"}}"#;

    #[test]
    fn the_run_is_the_one_that_a_kubelet_shows() {
        let ended: Value = serde_json::from_str(ENDED).unwrap();
        let crash = Run {
            started: "2026-03-01T10:00:00Z".parse().unwrap(),
            ended: Some(("2026-03-01T10:00:10Z".parse().unwrap(), 1)),
        };
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let backing_off = json!({"state": waiting, "lastState": ended});
        assert_eq!(Run::of(Some(&backing_off), false), Ok(crash));
        assert_eq!(Run::of(Some(&backing_off), true), Ok(crash));

        let running = json!({"state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}}});
        assert_eq!(Run::of(Some(&running), false).unwrap().ended, None);
        assert_eq!(Run::of(Some(&running), true), Err(NoRun::NoPrevious));

        let fresh = json!({"state": {"waiting": {"reason": "PodInitializing"}}, "lastState": {}});
        let waits = NoRun::Waiting("PodInitializing".into());
        assert_eq!(Run::of(Some(&fresh), false), Err(waits));
        assert!(matches!(Run::of(None, false), Err(NoRun::Waiting(_))));
    }

    #[test]
    fn lines_are_counted_from_the_start() {
        let mut run = Run {
            started: "2026-03-01T10:00:00Z".parse().unwrap(),
            ended: None,
        };
        let every = Duration::from_secs(3);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(run.lines(every, at("2026-03-01T10:00:00Z")), 1);
        assert_eq!(run.lines(every, at("2026-03-01T10:00:08Z")), 3);
        assert_eq!(run.lines(every, at("2026-03-01T09:00:00Z")), 1);
        assert_eq!(run.time_of(2, true, every), at("2026-03-01T10:00:06Z"));
        run.ended = Some((at("2026-03-01T10:00:08Z"), 0));
        assert_eq!(run.lines(every, at("2026-03-01T11:00:00Z")), 4);
        assert_eq!(run.time_of(3, true, every), at("2026-03-01T10:00:08Z"));
    }
}
