//! Events: what controllers, scheduler and kubelets tell about objects.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::{after, before, rfc3339};
use crate::identity::hash;
use crate::store::{Key, Kind, Object, ObjectExt, Store};

/// How long an event is kept.
const KEPT: Duration = Duration::from_secs(3600);

/// How often the scheduler tries a pod again that fits nowhere, and says so.
const RETRY: Duration = Duration::from_secs(5 * 60);

/// Records an event; the same one again only raises its count.
pub(crate) fn record_event(
    store: &mut Store,
    now: Timestamp,
    about: &Value,
    kind: &str,
    reason: &str,
    message: &str,
) {
    let event = Happening {
        about,
        kind,
        reason,
        message,
    };
    event.record(store, now, now, 1);
}

/// Something that has happened to an object.
struct Happening<'a> {
    about: &'a Value,
    kind: &'a str,
    reason: &'a str,
    message: &'a str,
}

impl Happening<'_> {
    fn key(&self) -> Key {
        let id = hash(&[self.about.uid(), self.reason, self.message]);
        // Events of what has no namespace are kept in this one.
        let namespace = match self.about.namespace() {
            "" => "default",
            namespace => namespace,
        };
        Key::new(namespace, &format!("{}.{id:016x}", self.about.name()))
    }

    /// Creates the event, as `count` times since `first`, or adds to the one that is there.
    fn record(&self, store: &mut Store, first: Timestamp, now: Timestamp, count: i64) {
        let key = self.key();
        if let Some(old) = store.get(Kind::Event, &key) {
            let mut event = Value::clone(old);
            event["count"] = (event.int("/count").unwrap_or(1) + 1).into();
            event["lastTimestamp"] = rfc3339(now).into();
            let _ = store.update(Kind::Event, event);
            return;
        }
        let about = self.about;
        let (component, host) = match (self.reason, about.text("/kind")) {
            ("Scheduled" | "FailedScheduling", _) => ("default-scheduler", ""),
            (_, "Node") => ("kubelet", about.name()),
            _ => ("kubelet", about.text("/spec/nodeName")),
        };
        // Kubelets know their node by its name only.
        let uid = match about.text("/kind") {
            "Node" => about.name(),
            _ => about.uid(),
        };
        let mut source = json!({"component": component});
        if !host.is_empty() {
            source["host"] = host.into();
        }
        let event = json!({
            "metadata": {"name": key.name, "namespace": key.namespace},
            "involvedObject": {
                "kind": about.text("/kind"),
                "apiVersion": about.text("/apiVersion"),
                "namespace": about.namespace(),
                "name": about.name(),
                "uid": uid,
                "resourceVersion": about.text("/metadata/resourceVersion"),
            },
            "reason": self.reason,
            "message": self.message,
            "type": self.kind,
            "count": count,
            "firstTimestamp": rfc3339(first),
            "lastTimestamp": rfc3339(now),
            "source": source,
            "reportingComponent": component,
            "reportingInstance": host,
        });
        let _ = store.create(Kind::Event, event, now);
    }
}

/// Says again what goes on: pods that still fit nowhere. What went on before anyone looked is
/// counted from its beginning.
pub(super) fn repeat(store: &mut Store, now: Timestamp) {
    for pod in store.copy(Kind::Pod) {
        let conditions = pod.items("/status/conditions").iter();
        let refused = conditions
            .into_iter()
            .find(|c| c.text("/type") == "PodScheduled" && c.text("/reason") == "Unschedulable");
        let Some(refused) = refused.filter(|_| !pod.is_terminating()) else {
            continue;
        };
        let event = Happening {
            about: &pod,
            kind: "Warning",
            reason: "FailedScheduling",
            message: refused.text("/message"),
        };
        let last = store
            .get(Kind::Event, &event.key())
            .and_then(|event| event.time("/lastTimestamp"));
        if last.is_some_and(|last| after(last, RETRY) > now) {
            continue;
        }
        let since = refused.time("/lastTransitionTime").unwrap_or(now);
        let retries =
            now.duration_since(since).as_secs() / i64::try_from(RETRY.as_secs()).unwrap_or(1);
        event.record(store, since, now, retries.max(0) + 1);
    }
}

/// Removes events that nobody needs any more.
pub(super) fn expire(store: &mut Store, now: Timestamp) {
    let oldest = before(now, KEPT);
    let old: Vec<Object> = store
        .list(Kind::Event)
        .filter(|event| event.time("/lastTimestamp").is_some_and(|at| at < oldest))
        .cloned()
        .collect();
    for event in old {
        let _ = store.remove(Kind::Event, &Key::of(&event));
    }
}
