//! The people of the lab: when one of their Jobs has ended, they start the next.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::job::finished_at;
use crate::annotations::{LOST_PODS, NEXT_AFTER, SERIES};
use crate::clock::{after, earlier};
use crate::store::{Kind, Object, ObjectExt, Store};

/// Starts what is due. Returns when the next start is.
pub(super) fn sync(store: &mut Store, now: Timestamp) -> Option<Timestamp> {
    let mut wake = None;
    for job in store.copy(Kind::Job) {
        let (Some(pause), Some(end)) = (job.duration(NEXT_AFTER), finished_at(&job)) else {
            continue;
        };
        let Some((series, number)) = series(&job) else {
            continue;
        };
        if has_successor(store, &job, series, number) {
            continue;
        }
        let at = after(end, pause);
        if at > now {
            wake = earlier(wake, Some(at));
            continue;
        }
        if let Err(error) = store.create(Kind::Job, next(&job, series, number + 1), now) {
            tracing::debug!(%error, "next job not created");
        }
    }
    wake
}

/// Name of the series and the Job's number in it.
fn series(job: &Value) -> Option<(&str, u64)> {
    let series = job.annotation(SERIES)?;
    let number = job.name().strip_prefix(series)?.strip_prefix('-')?;
    Some((series, number.parse().ok()?))
}

fn has_successor(store: &Store, job: &Object, name: &str, number: u64) -> bool {
    store.list(Kind::Job).any(|other| {
        other.namespace() == job.namespace()
            && series(other).is_some_and(|(other, later)| other == name && later > number)
    })
}

fn next(job: &Value, series: &str, number: u64) -> Value {
    let mut annotations = job["metadata"]["annotations"].clone();
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.remove(LOST_PODS);
    }
    let mut spec = job["spec"].clone();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("selector");
    }
    json!({
        "metadata": {
            "name": format!("{series}-{number}"),
            "namespace": job.namespace(),
            "labels": job["metadata"]["labels"],
            "annotations": annotations,
        },
        "spec": spec,
    })
}
