//! The stages of a pod's life on its node, as a pure function of plan and time.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::annotations as a;
use crate::clock::{after, earlier};
use crate::store::ObjectExt;

/// Longest wait between two restarts of a crashing container.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// A run this long makes the next wait a short one again.
const GOOD_RUN: Duration = Duration::from_secs(600);

/// How a pod is to live, from its annotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    create: Duration,
    inits: usize,
    init: Duration,
    ready: Option<Duration>,
    complete: Option<Duration>,
    crash: Option<Duration>,
    term: Duration,
    exit_code: i64,
    restarts: bool,
}

/// Where a pod is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its containers are being made.
    Creating { since: Timestamp },
    /// The init container with this index runs.
    Init { index: usize, since: Timestamp },
    /// Its containers run.
    Running { since: Timestamp },
    /// A container has crashed and waits for its restart.
    BackOff {
        ran_from: Timestamp,
        since: Timestamp,
    },
    /// Its containers have ended and stay so.
    Ended {
        ran_from: Option<Timestamp>,
        at: Timestamp,
        exit_code: i64,
    },
}

/// A pod's life so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    began: Timestamp,
    stage: Stage,
    /// Restarts of the containers.
    pub(super) restarts: u32,
    /// The last run that crashed: from, to.
    pub(super) last_crash: Option<(Timestamp, Timestamp)>,
    backoff: Duration,
}

impl Plan {
    /// The plan of a pod.
    pub(super) fn of(pod: &Value) -> Self {
        let never_ready = pod.annotation(a::NEVER_READY) == Some("true");
        let delay = |key, default| pod.duration(key).unwrap_or(Duration::from_millis(default));
        Self {
            create: delay(a::CREATE_DELAY, 200),
            inits: pod.items("/spec/initContainers").len(),
            init: delay(a::INIT_DELAY, 2000),
            ready: (!never_ready).then(|| delay(a::READY_DELAY, 500)),
            complete: pod.duration(a::COMPLETE_AFTER),
            crash: pod.duration(a::CRASH_AFTER),
            term: delay(a::TERM_DELAY, 2000),
            exit_code: pod
                .annotation(a::EXIT_CODE)
                .and_then(|text| text.parse().ok())
                .unwrap_or(143),
            restarts: pod.text("/spec/restartPolicy") != "Never",
        }
    }

    /// How long the containers go on after they were asked to end.
    pub(super) fn termination(&self, pod: &Value, stage: Stage) -> Duration {
        if !matches!(stage, Stage::Running { .. }) {
            return Duration::ZERO;
        }
        self.term.min(grace(pod))
    }

    /// Exit code of containers that were asked to end, or killed.
    pub(super) fn kill_code(&self, pod: &Value) -> i64 {
        if self.term > grace(pod) {
            137
        } else {
            self.exit_code
        }
    }
}

fn grace(pod: &Value) -> Duration {
    let seconds = pod
        .int("/metadata/deletionGracePeriodSeconds")
        .unwrap_or(30);
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

impl Life {
    /// Begins when the kubelet sees the pod.
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            began: now,
            stage: Stage::Creating { since: now },
            restarts: 0,
            last_crash: None,
            backoff: Duration::from_secs(10),
        }
    }

    pub(super) const fn began(&self) -> Timestamp {
        self.began
    }

    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether the pod is Ready at `now`.
    pub(super) fn is_ready(&self, plan: &Plan, now: Timestamp) -> bool {
        match (self.stage, plan.ready) {
            (Stage::Running { since }, Some(delay)) => after(since, delay) <= now,
            _ => false,
        }
    }

    /// The containers are dead.
    pub(super) fn kill(&mut self, exit_code: i64, now: Timestamp) {
        let ran_from = match self.stage {
            Stage::Running { since } => Some(since),
            Stage::BackOff { ran_from, .. } => Some(ran_from),
            _ => None,
        };
        self.stage = Stage::Ended {
            ran_from,
            at: now,
            exit_code,
        };
    }

    /// Goes on to where the pod is at `now`. Returns when something happens next.
    pub(super) fn advance(&mut self, plan: &Plan, now: Timestamp) -> Option<Timestamp> {
        loop {
            let (at, next) = match self.stage {
                Stage::Creating { since } => (after(since, plan.create), Next::Init(0)),
                Stage::Init { index, since } => (after(since, plan.init), Next::Init(index + 1)),
                Stage::BackOff { since, .. } => (after(since, self.backoff), Next::Restart),
                Stage::Ended { .. } => return None,
                Stage::Running { since } => {
                    let ready = plan.ready.map(|delay| after(since, delay));
                    let complete = ready.zip(plan.complete).map(|(at, by)| after(at, by));
                    let crash = plan.crash.map(|by| after(since, by));
                    let next = match (complete, crash) {
                        (Some(complete), crash) if crash.is_none_or(|at| complete <= at) => {
                            Some((complete, Next::Complete))
                        }
                        (_, Some(crash)) => Some((crash, Next::Crash)),
                        _ => None,
                    };
                    let ready = ready.filter(|at| *at > now);
                    match next {
                        Some((at, next)) if at <= now => (at, next),
                        other => return earlier(ready, other.map(|(at, _)| at)),
                    }
                }
            };
            if at > now {
                return Some(at);
            }
            self.enter(plan, next, at);
        }
    }

    fn enter(&mut self, plan: &Plan, next: Next, at: Timestamp) {
        self.stage = match (next, self.stage) {
            (Next::Init(index), _) if index < plan.inits => Stage::Init { index, since: at },
            (Next::Init(_), _) => Stage::Running { since: at },
            (Next::Restart, _) => {
                self.restarts += 1;
                Stage::Running { since: at }
            }
            (Next::Crash, Stage::Running { since }) if plan.restarts => {
                let doubled = (self.backoff * 2).min(LONGEST_BACKOFF);
                let good = after(since, GOOD_RUN) <= at;
                let first = self.last_crash.is_none() || good;
                self.backoff = if first {
                    Duration::from_secs(10)
                } else {
                    doubled
                };
                self.last_crash = Some((since, at));
                Stage::BackOff {
                    ran_from: since,
                    since: at,
                }
            }
            (next, stage) => Stage::Ended {
                ran_from: match stage {
                    Stage::Running { since } => Some(since),
                    _ => None,
                },
                at,
                exit_code: i64::from(next == Next::Crash),
            },
        };
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Init(usize),
    Restart,
    Crash,
    Complete,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(annotations: &Value, inits: usize) -> Value {
        let inits = vec![json!({"name": "init"}); inits];
        json!({"metadata": {"annotations": annotations}, "spec": {"initContainers": inits}})
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millis).unwrap()
    }

    #[test]
    fn a_job_runs_through_its_stages() {
        let pod = pod(
            &json!({"sim/complete-after": "60s", "sim/init-delay": "5s"}),
            2,
        );
        let plan = Plan::of(&pod);
        let mut life = Life::new(at(0));
        assert_eq!(life.advance(&plan, at(0)), Some(at(200)));
        assert_eq!(life.advance(&plan, at(200)), Some(at(5200)));
        assert_eq!(
            life.stage(),
            Stage::Init {
                index: 0,
                since: at(200)
            }
        );
        assert_eq!(life.advance(&plan, at(10_200)), Some(at(10_700)));
        assert!(!life.is_ready(&plan, at(10_200)) && life.is_ready(&plan, at(10_700)));
        assert_eq!(life.advance(&plan, at(10_700)), Some(at(70_700)));
        assert_eq!(life.advance(&plan, at(99_000)), None);
        let ended = Stage::Ended {
            ran_from: Some(at(10_200)),
            at: at(70_700),
            exit_code: 0,
        };
        assert_eq!(life.stage(), ended);
    }

    #[test]
    fn crashes_are_retried_ever_more_slowly() {
        let plan = Plan::of(&pod(&json!({"sim/crash-after": "1s"}), 0));
        let mut life = Life::new(at(0));
        let mut waits = Vec::new();
        let mut now = at(0);
        while waits.len() < 8 {
            let wake = life.advance(&plan, now).unwrap();
            if matches!(life.stage(), Stage::BackOff { .. }) {
                waits.push(wake.duration_since(now).as_secs());
            }
            now = wake;
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn one_leap_ends_where_many_steps_do() {
        let plan = Plan::of(&pod(&json!({"sim/crash-after": "7s"}), 1));
        let mut steps = Life::new(at(0));
        for millis in (0..3_000_000).step_by(250) {
            steps.advance(&plan, at(millis));
        }
        let mut leap = Life::new(at(0));
        leap.advance(&plan, at(2_999_750));
        assert_eq!(steps, leap);
    }
}
