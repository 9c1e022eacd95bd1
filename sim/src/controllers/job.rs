//! Jobs: run pods until enough of them have ended well.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::losses::Losses;
use super::pods::{controlled, create, delete, from_template, is_active, is_ready, set_status};
use crate::clock::{after, earlier, rfc3339};
use crate::store::{Delete, Key, Kind, Object, ObjectExt, Store};

/// How long a Job waits with the next pod after one has failed.
const BACKOFF: Duration = Duration::from_secs(10);

/// Brings each on. Returns when a wait ends.
pub(super) fn sync(store: &mut Store, now: Timestamp) -> Option<Timestamp> {
    let mut wake = None;
    for job in store.copy(Kind::Job) {
        if job.is_terminating() {
            continue;
        }
        let next = if finished_at(&job).is_some() {
            expire(store, &job, now)
        } else {
            run(store, &job, now)
        };
        wake = earlier(wake, next);
    }
    wake
}

/// When a Job ended, well or not.
pub(super) fn finished_at(job: &Value) -> Option<Timestamp> {
    let mut conditions = job.items("/status/conditions").iter();
    conditions
        .find(|item| {
            matches!(item.text("/type"), "Complete" | "Failed") && item.text("/status") == "True"
        })?
        .time("/lastTransitionTime")
}

fn expire(store: &mut Store, job: &Value, now: Timestamp) -> Option<Timestamp> {
    let ttl = u64::try_from(job.int("/spec/ttlSecondsAfterFinished")?).unwrap_or_default();
    let at = after(finished_at(job)?, Duration::from_secs(ttl));
    if at > now {
        return Some(at);
    }
    let _ = store.delete(Kind::Job, &Key::of(job), &Delete::default(), now);
    None
}

fn run(store: &mut Store, job: &Object, now: Timestamp) -> Option<Timestamp> {
    let pods = controlled(store, Kind::Pod, job);
    let suspended = job.flag("/spec/suspend");
    let active: Vec<&Object> = pods.iter().filter(|pod| is_active(pod)).collect();
    let succeeded = count(&pods, "Succeeded");
    let losses = Losses::of(job, &pods);
    let failed = count(&pods, "Failed") + losses.count(&pods);
    let completions = number(job, "/spec/completions", 1);
    let parallelism = number(job, "/spec/parallelism", 1);
    let limit = number(job, "/spec/backoffLimit", 6);
    let (mut wake, mut started) = (None, 0);
    let verdict = if succeeded >= completions {
        Some((
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
        ))
    } else if failed > limit {
        Some((
            "Failed",
            "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        ))
    } else {
        None
    };
    if verdict.is_some() || suspended {
        for pod in &active {
            delete(store, pod, now);
        }
    } else {
        let wanted = parallelism.min(completions - succeeded);
        let missing = wanted.saturating_sub(active.len());
        let ready_at = last_end(&pods)
            .max(losses.last())
            .map(|at| after(at, BACKOFF))
            .filter(|at| *at > now);
        losses.note(store, job);
        let leaving = pods.iter().any(|pod| pod.is_terminating());
        if missing > 0 && !leaving {
            match ready_at.filter(|_| failed > 0) {
                Some(at) => wake = Some(at),
                None => {
                    for _ in 0..missing {
                        create(store, new_pod(job), now);
                        started += 1;
                    }
                }
            }
        }
    }
    let counts = Counts {
        active: if verdict.is_some() || suspended {
            0
        } else {
            active.len() + started
        },
        ready: active.iter().filter(|pod| is_ready(pod)).count(),
        succeeded,
        failed,
    };
    let noted = store.get(Kind::Job, &Key::of(job)).cloned();
    report(store, noted.as_ref().unwrap_or(job), &counts, verdict, now);
    wake
}

fn number(job: &Value, pointer: &str, default: i64) -> usize {
    usize::try_from(job.int(pointer).unwrap_or(default)).unwrap_or_default()
}

fn count(pods: &[Object], phase: &str) -> usize {
    pods.iter()
        .filter(|pod| pod.text("/status/phase") == phase)
        .count()
}

/// When the last pod failed.
fn last_end(pods: &[Object]) -> Option<Timestamp> {
    let failed = pods
        .iter()
        .filter(|pod| pod.text("/status/phase") == "Failed");
    failed
        .filter_map(|pod| pod.time("/status/containerStatuses/0/state/terminated/finishedAt"))
        .max()
}

fn new_pod(job: &Value) -> Value {
    let mut pod = from_template(job, &format!("{}-", job.name()));
    for (key, value) in [
        ("batch.kubernetes.io/job-name", job.name()),
        ("batch.kubernetes.io/controller-uid", job.uid()),
        ("job-name", job.name()),
        ("controller-uid", job.uid()),
    ] {
        pod["metadata"]["labels"][key] = value.into();
    }
    if pod.text("/spec/restartPolicy").is_empty() {
        pod["spec"]["restartPolicy"] = "Never".into();
    }
    pod
}

struct Counts {
    active: usize,
    ready: usize,
    succeeded: usize,
    failed: usize,
}

fn report(
    store: &mut Store,
    job: &Object,
    counts: &Counts,
    verdict: Option<(&str, &str, &str)>,
    now: Timestamp,
) {
    let suspended = job.flag("/spec/suspend");
    let was_suspended = job.condition("Suspended", "True");
    let mut conditions = job.items("/status/conditions").to_vec();
    let mut set = |kind: &str, status: &str, reason: &str, message: &str| {
        let known = conditions
            .iter()
            .any(|old| old.text("/type") == kind && old.text("/status") == status);
        if !known {
            conditions.retain(|old| old.text("/type") != kind);
            conditions.push(json!({
                "type": kind, "status": status, "reason": reason, "message": message,
                "lastProbeTime": rfc3339(now), "lastTransitionTime": rfc3339(now),
            }));
        }
    };
    if suspended {
        set("Suspended", "True", "JobSuspended", "Job suspended");
    } else if was_suspended {
        set("Suspended", "False", "JobResumed", "Job resumed");
    }
    if let Some((kind, reason, message)) = verdict {
        set(kind, "True", reason, message);
    }
    let mut status =
        json!({"ready": counts.ready, "uncountedTerminatedPods": {}, "terminating": 0});
    for (key, value) in [
        ("active", counts.active),
        ("succeeded", counts.succeeded),
        ("failed", counts.failed),
    ] {
        if value > 0 {
            status[key] = value.into();
        }
    }
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    if !suspended {
        let started = job.pointer("/status/startTime").cloned();
        let restarted = started.is_none() || was_suspended;
        status["startTime"] = match started {
            Some(started) if !restarted => started,
            _ => rfc3339(now).into(),
        };
    }
    if matches!(verdict, Some(("Complete", ..))) {
        status["completionTime"] = rfc3339(now).into();
    }
    set_status(store, Kind::Job, job, status);
}
