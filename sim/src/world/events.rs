//! Events: what controllers, scheduler and kubelets tell about objects.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::clock::{before, rfc3339};
use crate::identity::hash;
use crate::store::{Key, Kind, Object, ObjectExt, Store};

/// How long an event is kept.
const KEPT: Duration = Duration::from_secs(3600);

/// Records an event; the same one again only raises its count.
pub(crate) fn record_event(
    store: &mut Store,
    now: Timestamp,
    about: &Value,
    kind: &str,
    reason: &str,
    message: &str,
) {
    let id = hash(&[about.uid(), reason, message]);
    let name = format!("{}.{id:016x}", about.name());
    let component = match reason {
        "Scheduled" | "FailedScheduling" => "default-scheduler",
        _ => "kubelet",
    };
    let key = Key::new(about.namespace(), &name);
    if let Some(old) = store.get(Kind::Event, &key) {
        let mut event = Value::clone(old);
        event["count"] = (event.int("/count").unwrap_or(1) + 1).into();
        event["lastTimestamp"] = rfc3339(now).into();
        let _ = store.update(Kind::Event, event);
        return;
    }
    let event = json!({
        "metadata": {"name": name, "namespace": about.namespace()},
        "involvedObject": {
            "kind": about.text("/kind"),
            "apiVersion": about.text("/apiVersion"),
            "namespace": about.namespace(),
            "name": about.name(),
            "uid": about.uid(),
            "resourceVersion": about.text("/metadata/resourceVersion"),
        },
        "reason": reason,
        "message": message,
        "type": kind,
        "count": 1,
        "firstTimestamp": rfc3339(now),
        "lastTimestamp": rfc3339(now),
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
    });
    let _ = store.create(Kind::Event, event, now);
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
