//! Watches: a stream of JSON lines.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Instant, sleep_until};

use super::query::{Filter, Query};
use super::status::Failure;
use crate::store::{Change, ChangeKind, Kind, ObjectExt, Shared, Store};

/// Time between two bookmarks.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// How long before the end of the watch the last bookmark comes.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);
/// How long a watch lasts that names no end.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(45 * 60);
/// Shorter watches get no bookmark.
const SHORTEST_WITH_BOOKMARKS: Duration = Duration::from_secs(4);

/// Answers a watch request.
pub(crate) fn watch(
    shared: &Shared,
    kind: Kind,
    filter: Filter,
    query: &Query,
) -> Result<Response, Failure> {
    let bookmarks = query.flag("allowWatchBookmarks");
    let streaming = query.flag("sendInitialEvents");
    check_streaming(query, streaming)?;
    let from = query.revision()?.filter(|&revision| revision > 0);
    let timeout = query.timeout()?.unwrap_or(DEFAULT_TIMEOUT);

    let (begin, changes) = shared.subscribe(|store| {
        if streaming || from.is_none() {
            Begin::with_current(store, kind, &filter, streaming && bookmarks)
        } else {
            Begin::after(store, kind, &filter, from.unwrap_or_default())
        }
    });
    let now = Instant::now();
    let deadline = now + timeout;
    let watch = Watch {
        kind,
        filter,
        pending: begin.lines,
        ended: begin.ended,
        seen: begin.revision,
        // A revision of the future: silent until it comes.
        not_before: from.unwrap_or_default(),
        changes,
        next_bookmark: (bookmarks && timeout >= SHORTEST_WITH_BOOKMARKS)
            .then(|| bookmark_time(now, deadline)),
        deadline,
    };
    let body = Body::from_stream(stream(watch));
    Ok(([(http::header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn check_streaming(query: &Query, streaming: bool) -> Result<(), Failure> {
    let matching = query.get("resourceVersionMatch");
    let forbidden = |field: &str, why: &str| {
        Err(Failure::new(
            422,
            "Invalid",
            format!("ListOptions.meta.k8s.io \"\" is invalid: {field}: Forbidden: {why}"),
        ))
    };
    if streaming && matching != Some("NotOlderThan") {
        return forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        );
    }
    if !streaming && matching.is_some() {
        return forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        );
    }
    Ok(())
}

/// What a watch says first.
struct Begin {
    lines: VecDeque<Bytes>,
    revision: u64,
    ended: bool,
}

impl Begin {
    fn with_current(store: &Store, kind: Kind, filter: &Filter, mark_end: bool) -> Self {
        let objects = store.list(kind).filter(|object| filter.matches(object));
        let mut lines: VecDeque<_> = objects.map(|object| line("ADDED", object)).collect();
        if mark_end {
            let marks = json!({"k8s.io/initial-events-end": "true"});
            lines.push_back(bookmark(kind, store.revision(), Some(marks)));
        }
        Self {
            lines,
            revision: store.revision(),
            ended: false,
        }
    }

    fn after(store: &Store, kind: Kind, filter: &Filter, from: u64) -> Self {
        match store.changes_after(kind, from) {
            Ok(changes) => Self {
                lines: changes
                    .iter()
                    .filter_map(|change| event(change, filter))
                    .collect(),
                revision: store.revision().max(from),
                ended: false,
            },
            Err(expired) => Self {
                lines: VecDeque::from([too_old(from, expired.oldest)]),
                revision: from,
                ended: true,
            },
        }
    }
}

struct Watch {
    kind: Kind,
    filter: Filter,
    pending: VecDeque<Bytes>,
    ended: bool,
    seen: u64,
    not_before: u64,
    changes: broadcast::Receiver<Arc<Change>>,
    next_bookmark: Option<Instant>,
    deadline: Instant,
}

impl Watch {
    /// The next line; `None` at the end of the watch.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            let alarm = self.next_bookmark.unwrap_or(self.deadline);
            tokio::select! {
                biased;
                change = self.changes.recv() => self.take(change),
                () = sleep_until(alarm) => self.ring(),
            }
        }
    }

    fn take(&mut self, change: Result<Arc<Change>, RecvError>) {
        match change {
            Ok(change) => {
                self.seen = self.seen.max(change.revision);
                if change.kind == self.kind && change.revision > self.not_before {
                    self.pending.extend(event(&change, &self.filter));
                }
            }
            Err(RecvError::Lagged(_)) => {
                // The client reads too slowly: it has to list again.
                self.pending.push_back(too_old(self.seen, self.seen + 1));
                self.ended = true;
            }
            Err(RecvError::Closed) => self.ended = true,
        }
    }

    fn ring(&mut self) {
        let now = Instant::now();
        if now >= self.deadline {
            self.ended = true;
        } else if self.next_bookmark.is_some_and(|at| now >= at) {
            self.pending.push_back(bookmark(self.kind, self.seen, None));
            let next = bookmark_time(now, self.deadline);
            self.next_bookmark = (next > now).then_some(next);
        }
    }
}

fn stream(watch: Watch) -> impl Stream<Item = Result<Bytes, Infallible>> {
    futures::stream::unfold(watch, |mut watch| async move {
        let line = watch.next().await?;
        Some((Ok(line), watch))
    })
}

/// A minute from now, or shortly before the end.
fn bookmark_time(now: Instant, deadline: Instant) -> Instant {
    let last = deadline.checked_sub(BOOKMARK_BEFORE_END).unwrap_or(now);
    (now + BOOKMARK_EVERY).min(last)
}

/// The line for a change; `None` when it does not concern the watch. An object that begins or
/// ceases to match comes and goes.
fn event(change: &Change, filter: &Filter) -> Option<Bytes> {
    let was = change
        .previous
        .as_ref()
        .is_some_and(|object| filter.matches(object));
    let is = change.what != ChangeKind::Deleted && filter.matches(&change.object);
    match (was, is) {
        (false, false) => None,
        (false, true) => Some(line("ADDED", &change.object)),
        (true, true) => Some(line("MODIFIED", &change.object)),
        (true, false) => {
            let mut object = Value::clone(change.previous.as_ref()?);
            let revision = change.object.text("/metadata/resourceVersion");
            object["metadata"]["resourceVersion"] = revision.into();
            Some(line("DELETED", &object))
        }
    }
}

fn line(what: &str, object: &Value) -> Bytes {
    let mut text = json!({"type": what, "object": object}).to_string();
    text.push('\n');
    text.into()
}

fn bookmark(kind: Kind, revision: u64, annotations: Option<Value>) -> Bytes {
    let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
    if let Some(annotations) = annotations {
        metadata["annotations"] = annotations;
    }
    line(
        "BOOKMARK",
        &json!({
            "kind": kind.info().kind,
            "apiVersion": kind.api_version(),
            "metadata": metadata,
        }),
    )
}

fn too_old(wanted: u64, oldest: u64) -> Bytes {
    let message = format!("too old resource version: {wanted} ({oldest})");
    line("ERROR", &Failure::expired(message).body())
}
