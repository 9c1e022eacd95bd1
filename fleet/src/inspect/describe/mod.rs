//! An object in words, as `kubectl describe` does it, with what concerns GPUs first.
//!
//! Times are those of the API server and the kubelets, as they wrote them: they are not compared
//! with this machine's clock.

mod container;
mod node;
mod page;
mod placement;
mod pod;

use jiff::Timestamp;
use serde_json::Value;

use super::json::Json;
use super::mask::mask;
use super::{EventInfo, Subject};
use crate::connect::Problem;
use page::Page;

/// The object with its events, or why there are none to show.
pub(super) fn describe(
    subject: &Subject,
    mut object: Value,
    events: &Result<Vec<EventInfo>, Problem>,
) -> String {
    mask(&mut object);
    let mut page = Page::default();
    match subject {
        Subject::Node(_) => node::describe(&mut page, &object),
        Subject::Pod(_) => pod::describe(&mut page, &object),
    }
    events_of(&mut page, events);
    page.finish()
}

fn events_of(page: &mut Page, events: &Result<Vec<EventInfo>, Problem>) {
    page.section("Events");
    let events = match events {
        Ok(events) if events.is_empty() => {
            return page.line("none (the server keeps them an hour)");
        }
        Ok(events) => events,
        Err(problem) => return page.line(&format!("not known: {}", problem.what)),
    };
    let head = ["TYPE", "REASON", "LAST SEEN", "COUNT", "FROM", "MESSAGE"].map(str::to_owned);
    let rows = events.iter().map(|event| {
        [
            event.kind.clone(),
            event.reason.clone(),
            event.last.map_or_else(|| "–".to_owned(), whole_seconds),
            event.count.to_string(),
            event.source.clone(),
            event.message.clone(),
        ]
    });
    page.table(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
}

/// RFC 3339 in UTC, without fractions.
fn whole_seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Labels and annotations.
fn metadata(page: &mut Page, object: &Value) {
    page.list("Labels", &equals(&object.pairs("/metadata/labels")));
    page.list(
        "Annotations",
        &equals(&object.pairs("/metadata/annotations")),
    );
}

/// Conditions with their reasons; those of a node and of a pod have the same form.
fn conditions(page: &mut Page, object: &Value) {
    let conditions = object.items("/status/conditions");
    if conditions.is_empty() {
        return;
    }
    page.section("Conditions");
    let rows: Vec<[String; 5]> = conditions
        .iter()
        .map(|condition| {
            [
                condition.text("/type").to_owned(),
                condition.text("/status").to_owned(),
                condition.text("/lastTransitionTime").to_owned(),
                condition.text("/reason").to_owned(),
                condition.text("/message").to_owned(),
            ]
        })
        .collect();
    page.table(&rows);
}

fn equals(pairs: &[(String, String)]) -> Vec<String> {
    let line = |(key, value): &(String, String)| format!("{key}={value}");
    pairs.iter().map(line).collect()
}

/// Resources of devices: those that a vendor's name is before.
fn is_extended(resource: &str) -> bool {
    resource.contains('/')
        && !resource.contains("kubernetes.io/")
        && !resource.starts_with("requests.")
}

#[cfg(test)]
mod tests;
