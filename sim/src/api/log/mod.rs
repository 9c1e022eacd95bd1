//! `GET pods/NAME/log`: lines that fit what the container does, and what it will do.

mod run;
mod text;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::container;
use super::path::Target;
use super::query::Query;
use super::status::Failure;
use super::write::key_of;
use crate::store::{Key, Kind, Object, ObjectExt, Shared, Store};
use run::{NoRun, Run};

/// Lines that a node keeps of a run; older ones were rotated away.
const KEPT: u64 = 2000;

/// Lines of one piece of a followed log.
const PIECE: u64 = 500;

/// Answers the request.
pub(crate) fn log(
    shared: &Arc<Shared>,
    target: &Target,
    query: &Query,
) -> Result<Response, Failure> {
    let opened = shared.with(|store, now| Log::open(store, target, query, now))?;
    let Some(mut log) = opened else {
        return Ok(Body::empty().into_response());
    };
    let content = [(http::header::CONTENT_TYPE, "text/plain")];
    if !query.flag("follow") {
        let now = shared.clock().now();
        return Ok((content, log.until(now, u64::MAX)).into_response());
    }
    let follow = Follow {
        log,
        revisions: shared.revisions(),
        shared: shared.clone(),
    };
    let body = Body::from_stream(stream::unfold(follow, Follow::next));
    Ok((content, body).into_response())
}

/// A run of a container, and up to where its log was read.
#[derive(Debug)]
struct Log {
    key: Key,
    pod: Object,
    container: String,
    run: Run,
    every: Duration,
    next: u64,
    timestamps: bool,
}

impl Log {
    /// From the first wanted line; `None`: the pod has no node, and so an empty log.
    fn open(
        store: &Store,
        target: &Target,
        query: &Query,
        now: Timestamp,
    ) -> Result<Option<Self>, Failure> {
        let key = key_of(target);
        let pod = store.require(Kind::Pod, &key)?.clone();
        let container = container::named(&pod, query)?;
        if pod.text("/spec/nodeName").is_empty() {
            return Ok(None);
        }
        let run = Run::of(container::status(&pod, &container), query.flag("previous"));
        let run = run.map_err(|why| refusal(&why, &container, pod.name()))?;
        let every = text::interval(&pod);
        let written = run.lines(every, now);
        let wanted = query.number("tailLines")?.unwrap_or(u64::MAX).min(KEPT);
        let mut next = written.saturating_sub(wanted);
        if let Some(seconds) = query.number("sinceSeconds")? {
            let since = crate::clock::before(now, Duration::from_secs(seconds));
            while next < written && run.time_of(next, next + 1 == written, every) < since {
                next += 1;
            }
        }
        Ok(Some(Self {
            key,
            container,
            run,
            every,
            next,
            timestamps: query.flag("timestamps"),
            pod,
        }))
    }

    /// The lines that are written by `now`, at most so many.
    fn until(&mut self, now: Timestamp, limit: u64) -> String {
        let written = self.run.lines(self.every, now);
        let mut lines = String::new();
        for number in (self.next..written).take(usize::try_from(limit).unwrap_or(usize::MAX)) {
            self.next = number + 1;
            let last = number + 1 == written;
            if self.timestamps {
                let at = self.run.time_of(number, last, self.every);
                let _ = write!(lines, "{} ", at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ"));
            }
            lines += &text::line(&self.pod, &self.container, &self.run, number, last);
            lines.push('\n');
        }
        lines
    }

    /// Looks whether the run has ended meanwhile.
    fn look(&mut self, store: &Store, now: Timestamp) {
        let pod = store.get(Kind::Pod, &self.key);
        let pod = pod.filter(|pod| pod.uid() == self.pod.uid());
        let status = pod.and_then(|pod| container::status(pod, &self.container));
        let seen = [false, true].map(|previous| Run::of(status, previous));
        let same = seen.into_iter().flatten().find(|run| self.run.is_same(run));
        // A pod that is gone takes its containers with it.
        let ended = self.run.ended.or(Some((now, 143)));
        self.run.ended = same.map_or(ended, |run| run.ended);
    }
}

/// A log that is followed.
struct Follow {
    log: Log,
    shared: Arc<Shared>,
    revisions: watch::Receiver<u64>,
}

impl Follow {
    /// The next lines; `None` after the last line of a run that has ended.
    async fn next(mut self) -> Option<(Result<String, std::convert::Infallible>, Self)> {
        loop {
            self.revisions.mark_unchanged();
            let log = &mut self.log;
            let lines = self.shared.with(|store, now| {
                log.look(store, now);
                log.until(now, PIECE)
            });
            if !lines.is_empty() {
                return Some((Ok(lines), self));
            }
            if self.log.run.ended.is_some() {
                return None;
            }
            let due = self.log.run.time_of(self.log.next, false, self.log.every);
            tokio::select! {
                () = sleep_until(self.shared.clock().instant(due)) => {}
                changed = self.revisions.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
            }
        }
    }
}

/// What a kubelet says.
fn refusal(why: &NoRun, container: &str, pod: &str) -> Failure {
    Failure::bad_request(match why {
        NoRun::NoPrevious => {
            format!("previous terminated container \"{container}\" in pod \"{pod}\" not found")
        }
        NoRun::Waiting(reason) => {
            format!("container \"{container}\" in pod \"{pod}\" is waiting to start: {reason}")
        }
    })
}
