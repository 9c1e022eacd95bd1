//! Pods that a Job has lost to deletion or eviction: they count as failed, and the next one waits
//! for a while, although nothing is left of them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::annotations::LOST_PODS;
use crate::clock::{before, rfc3339};
use crate::store::{Kind, Object, ObjectExt, Store};

/// When each lost pod was asked to go, by uid.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Losses(BTreeMap<String, Timestamp>);

impl Losses {
    /// What the Job has noted before, and what it sees now. While the Job itself takes its pods
    /// down nothing is lost.
    pub(super) fn of(job: &Value, pods: &[Object]) -> Self {
        let noted = job.annotation(LOST_PODS).unwrap_or("").split(',');
        let mut losses: BTreeMap<String, Timestamp> = noted
            .filter_map(|entry| {
                let (uid, at) = entry.split_once('=')?;
                Some((uid.to_owned(), at.parse().ok()?))
            })
            .collect();
        let started = job.time("/status/startTime");
        if !job.flag("/spec/suspend") {
            for pod in pods {
                let asked = asked_to_go(pod);
                if let Some(at) = asked.filter(|at| started.is_none_or(|start| *at >= start)) {
                    losses.entry(pod.uid().to_owned()).or_insert(at);
                }
            }
        }
        Self(losses)
    }

    /// How many there are whose objects do not say themselves that they failed.
    pub(super) fn count(&self, pods: &[Object]) -> usize {
        let failed = |uid: &String| {
            let mut pods = pods.iter();
            pods.any(|pod| pod.uid() == uid && pod.text("/status/phase") == "Failed")
        };
        self.0.keys().filter(|uid| !failed(uid)).count()
    }

    /// The time of the last.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.0.values().max().copied()
    }

    /// Notes them on the Job.
    pub(super) fn note(&self, store: &mut Store, job: &Object) {
        let entries = self
            .0
            .iter()
            .map(|(uid, at)| format!("{uid}={}", rfc3339(*at)));
        let text = entries.collect::<Vec<_>>().join(",");
        if text == job.annotation(LOST_PODS).unwrap_or("") {
            return;
        }
        let mut job = Value::clone(job);
        if !job["metadata"]["annotations"].is_object() {
            job["metadata"]["annotations"] = json!({});
        }
        job["metadata"]["annotations"][LOST_PODS] = text.into();
        let _ = store.update(Kind::Job, job);
    }
}

/// When deletion began: its end less the grace period.
fn asked_to_go(pod: &Value) -> Option<Timestamp> {
    let end = pod.time("/metadata/deletionTimestamp")?;
    let grace = pod
        .int("/metadata/deletionGracePeriodSeconds")
        .unwrap_or_default();
    let grace = Duration::from_secs(u64::try_from(grace).unwrap_or_default());
    (!pod.is_finished()).then(|| before(end, grace))
}
