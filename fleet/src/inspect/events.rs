//! Events of the API, old and new fields, made into [`EventInfo`].

use gputop_model::printable;
use jiff::Timestamp;
use serde_json::Value;

use super::EventInfo;
use super::json::Json;

/// Events that are kept; the oldest go first.
const KEPT: usize = 500;

/// The events of the object with this uid, newest last. Those of an earlier object of the same
/// name are left out; without a uid all are taken.
pub(super) fn event_infos(events: &[Value], uid: Option<&str>) -> Vec<EventInfo> {
    let own = |event: &&Value| {
        let of = event.text("/involvedObject/uid");
        // Kubelets write a node's name in place of its uid.
        uid.is_none_or(|uid| of.is_empty() || of == uid)
    };
    let mut infos: Vec<EventInfo> = events.iter().filter(own).map(event_info).collect();
    // Stable: what happened within the same second stays in the order of the list.
    infos.sort_by_key(|info| info.last);
    let surplus = infos.len().saturating_sub(KEPT);
    infos.drain(..surplus);
    infos
}

/// One event. A reporter fills in the old fields, the new ones, or both.
fn event_info(event: &Value) -> EventInfo {
    let text = |pointer: &str| printable(event.text(pointer).trim().to_owned());
    let times = [
        event.time("/series/lastObservedTime"),
        event.time("/lastTimestamp"),
        event.time("/eventTime"),
        event.time("/firstTimestamp"),
        event.time("/metadata/creationTimestamp"),
    ];
    let first = event
        .time("/firstTimestamp")
        .or_else(|| event.time("/eventTime"))
        .or_else(|| event.time("/metadata/creationTimestamp"));
    let counts = [event.int("/series/count"), event.int("/count")];
    let count = counts.into_iter().flatten().max().unwrap_or(1);
    EventInfo {
        kind: text("/type"),
        reason: text("/reason"),
        source: printable(source(event)),
        // A message may have several lines; a list shows one.
        message: printable(one_line(event.text("/message"))),
        count: u32::try_from(count.max(1)).unwrap_or(u32::MAX),
        first,
        last: latest(&times),
    }
}

fn latest(times: &[Option<Timestamp>]) -> Option<Timestamp> {
    times.iter().flatten().max().copied()
}

/// `component, host`, of the old fields or else of the new ones.
fn source(event: &Value) -> String {
    let either = |old: &str, new: &str| {
        let old = event.text(old);
        if old.is_empty() { event.text(new) } else { old }.to_owned()
    };
    let component = either("/source/component", "/reportingComponent");
    // The new field holds the component's own instance, which is its pod or its host.
    let host = either("/source/host", "/reportingInstance");
    match (component.is_empty(), host.is_empty() || host == component) {
        (_, true) => component,
        (true, false) => host,
        (false, false) => format!("{component}, {host}"),
    }
}

/// White space of any kind becomes single spaces.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn old(second: u32, uid: &str) -> Value {
        json!({
            "type": "Warning", "reason": "BackOff", "count": 7,
            "message": "Back-off restarting\n  failed container",
            "firstTimestamp": "2026-03-01T10:00:00Z",
            "lastTimestamp": format!("2026-03-01T10:00:{second:02}Z"),
            "source": {"component": "kubelet", "host": "rig.lab"},
            "involvedObject": {"kind": "Pod", "name": "p", "uid": uid},
            "eventTime": null, "reportingComponent": "", "reportingInstance": "",
        })
    }

    fn new(second: u32) -> Value {
        json!({
            "type": "Normal", "reason": "Scheduled", "message": "Successfully assigned",
            "eventTime": "2026-03-01T10:00:01.000004Z",
            "series": {"count": 3, "lastObservedTime": format!("2026-03-01T10:00:{second:02}.5Z")},
            "reportingComponent": "default-scheduler",
            "reportingInstance": "default-scheduler-cp-1",
            "firstTimestamp": null, "lastTimestamp": null, "source": {},
            "involvedObject": {"kind": "Pod", "name": "p", "uid": "u1"},
        })
    }

    #[test]
    fn old_and_new_fields_say_the_same() {
        let infos = event_infos(&[old(30, "u1")], Some("u1"));
        let expected = EventInfo {
            kind: "Warning".into(),
            reason: "BackOff".into(),
            source: "kubelet, rig.lab".into(),
            message: "Back-off restarting failed container".into(),
            count: 7,
            first: "2026-03-01T10:00:00Z".parse().ok(),
            last: "2026-03-01T10:00:30Z".parse().ok(),
        };
        assert_eq!(infos, [expected]);
        let infos = event_infos(&[new(9)], Some("u1"));
        assert_eq!(infos[0].count, 3);
        assert_eq!(infos[0].source, "default-scheduler, default-scheduler-cp-1");
        assert_eq!(infos[0].last, "2026-03-01T10:00:09.5Z".parse().ok());
        assert_eq!(infos[0].first, "2026-03-01T10:00:01.000004Z".parse().ok());
    }

    #[test]
    fn the_newest_is_last_and_a_namesake_is_left_out() {
        let infos = event_infos(&[old(30, "u1"), new(9), old(5, "u0")], Some("u1"));
        let reasons: Vec<&str> = infos.iter().map(|info| info.reason.as_str()).collect();
        assert_eq!(reasons, ["Scheduled", "BackOff"]);
        assert_eq!(event_infos(&[old(30, "u1"), old(5, "u0")], None).len(), 2);
    }

    #[test]
    fn an_event_without_anything_has_happened_once_at_an_unknown_time() {
        let infos = event_infos(&[json!({})], Some("u1"));
        assert_eq!((infos[0].count, infos[0].last), (1, None));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let many: Vec<Value> = (0..KEPT + 10)
            .map(|number| {
                let at =
                    Timestamp::from_second(1_000_000 + i64::try_from(number).unwrap()).unwrap();
                json!({"reason": number.to_string(), "lastTimestamp": at.to_string()})
            })
            .collect();
        let infos = event_infos(&many, None);
        assert_eq!(infos.len(), KEPT);
        assert_eq!(infos[0].reason, "10");
    }
}
