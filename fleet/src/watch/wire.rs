//! Lists and watches on the wire.
//!
//! kube's own functions drop the server's `Retry-After`, take lines of any length and do not tell
//! a server that refuses from one that talks nonsense; here a [`Failure`] says all three.

use std::time::Duration;

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use kube::api::{ListParams, WatchParams};
use kube::client::Body;
use kube::core::response::Status;
use kube::core::{Request, WatchEvent};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::nullable::or_default;
use crate::connect::{Problem, api_problem};

/// How long the server may take to begin an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// How long a page may take to arrive once its head is there: megabytes over a slow line.
const PAGE_ARRIVES: Duration = Duration::from_secs(60);

/// Most bytes of a page: a list of the largest objects that there can be is cut off before it
/// fills the memory.
const PAGE_LIMIT: usize = 100 * 1024 * 1024;

/// Most bytes of one event: etcd takes objects of up to 1.5 MiB.
const EVENT_LIMIT: usize = 8 * 1024 * 1024;

/// Most bytes of a refusal that are read.
const REFUSAL_LIMIT: usize = 64 * 1024;

/// What kind of failure it was, and so what may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No answer, or it broke off: the same may be tried again.
    Broken,
    /// The server has too much to do, or does not know the user at the moment; after a pause the
    /// same may be tried again.
    Busy(Option<Duration>),
    /// The user may not.
    Forbidden,
    /// The revision is too old: the list has to be taken anew.
    Expired,
    /// The server refuses, or talks nonsense.
    Refused,
}

/// Why a list or a watch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    /// In the operator's words.
    pub(super) why: Problem,
}

impl Failure {
    fn broken(error: &kube::Error) -> Self {
        Self {
            kind: Kind::Broken,
            why: api_problem(Some(error)),
        }
    }

    pub(super) fn silent(what: &str) -> Self {
        Self {
            kind: Kind::Broken,
            why: Problem {
                what: what.to_owned(),
                fix: "It is tried again by itself.".to_owned(),
            },
        }
    }

    fn nonsense(what: &str) -> Self {
        Self {
            kind: Kind::Refused,
            why: Problem {
                what: format!("what answers is not the Kubernetes API: {what}"),
                fix: "Check that no proxy or login page stands in front of the API server."
                    .to_owned(),
            },
        }
    }

    fn refused(status: Status, headers: Option<&HeaderMap>) -> Self {
        let pause = headers.and_then(retry_after).or_else(|| {
            let seconds = status.details.as_ref()?.retry_after_seconds;
            (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
        });
        let kind = match status.code {
            403 => Kind::Forbidden,
            410 => Kind::Expired,
            // 401: a credential plug-in may yet bring a new token.
            401 | 429 | 502..=504 => Kind::Busy(pause),
            _ if status.reason == "Expired" || status.reason == "Gone" => Kind::Expired,
            _ if pause.is_some() => Kind::Busy(pause),
            _ => Kind::Refused,
        };
        Self {
            kind,
            why: api_problem(Some(&kube::Error::Api(Box::new(status)))),
        }
    }
}

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "O: DeserializeOwned"))]
pub(super) struct Page<O> {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) items: Vec<O>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    #[serde(default, deserialize_with = "or_default")]
    resource_version: String,
    #[serde(default, rename = "continue", deserialize_with = "or_default")]
    more: String,
}

impl<O> Page<O> {
    /// What to ask for the next page with; `None`: this was the last.
    pub(super) fn more(&self) -> Option<String> {
        Some(self.metadata.more.clone()).filter(|more| !more.is_empty())
    }

    /// From where a watch goes on.
    pub(super) fn version(&self) -> Result<String, Failure> {
        if self.metadata.resource_version.is_empty() {
            return Err(Failure::nonsense("a list without a resource version"));
        }
        Ok(self.metadata.resource_version.clone())
    }
}

/// Where lists and watches of one kind are asked.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) client: Client,
    /// Such as `/api/v1/pods`.
    pub(super) path: String,
}

impl Place {
    /// Asks for a page.
    pub(super) async fn page<O>(&self, params: &ListParams) -> Result<Page<O>, Failure>
    where
        O: DeserializeOwned,
    {
        let request = Request::new(&self.path).list(params).map_err(bad_request)?;
        let response = self.send(request).await?;
        let body = Limited::new(response.into_body(), PAGE_LIMIT).collect();
        let body = timeout(PAGE_ARRIVES, body)
            .await
            .map_err(|_| Failure::silent("the API server stopped in the middle of a list"))?
            .map_err(|error| Failure::silent(&format!("a list broke off: {error}")))?;
        serde_json::from_slice(&body.to_bytes()).map_err(|error| not_json(&error))
    }

    /// Opens a watch; it delivers from the moment this returns.
    pub(super) async fn watch<O>(
        &self,
        params: &WatchParams,
        version: &str,
    ) -> Result<Events<O>, Failure>
    where
        O: DeserializeOwned + Send + 'static,
    {
        let request = Request::new(&self.path)
            .watch(params, version)
            .map_err(bad_request)?;
        let response = self.send(request).await?;
        let chunks = response.into_body().into_data_stream();
        let chunks = chunks
            .map_ok(|chunk| chunk.to_vec())
            .map_err(|error| Failure::broken(&error));
        Ok(Events {
            lines: Lines::new(chunks.boxed()),
            objects: std::marker::PhantomData,
        })
    }

    /// Sends a request; anything but success is a [`Failure`].
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<Response<Body>, Failure> {
        let sent = self.client.send(request.map(Body::from));
        let response = timeout(ANSWER, sent)
            .await
            .map_err(|_| Failure::silent("the API server does not answer"))?
            .map_err(|error| Failure::broken(&error))?;
        if response.status() == StatusCode::OK {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let body = timeout(ANSWER, Limited::new(body, REFUSAL_LIMIT).collect()).await;
        let text = match body {
            Ok(Ok(body)) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            // The code says enough.
            Ok(Err(_)) | Err(_) => String::new(),
        };
        let status = serde_json::from_str::<Status>(&text).ok();
        let status = status.filter(|status| status.code != 0);
        let status = status.unwrap_or_else(|| {
            let words = gputop_model::printable(text.lines().next().unwrap_or_default().to_owned());
            Status::failure(words.trim(), "").with_code(head.status.as_u16())
        });
        Err(Failure::refused(status, Some(&head.headers)))
    }
}

/// The events of one watch.
pub(super) struct Events<O> {
    lines: Lines,
    objects: std::marker::PhantomData<fn() -> O>,
}

impl<O: DeserializeOwned> Events<O> {
    /// The next event; `None`: the server has ended the watch in good order. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Result<WatchEvent<O>, Failure>> {
        let line = match self.lines.next().await? {
            Ok(line) => line,
            Err(failure) => return Some(Err(failure)),
        };
        Some(match serde_json::from_slice::<WatchEvent<O>>(&line) {
            Ok(WatchEvent::Error(status)) => Err(Failure::refused(*status, None)),
            Ok(event) => Ok(event),
            Err(error) => match serde_json::from_slice::<Status>(&line) {
                Ok(status) if status.code != 0 => Err(Failure::refused(status, None)),
                _ => Err(not_json(&error)),
            },
        })
    }
}

/// Cuts a body into lines.
struct Lines {
    chunks: BoxStream<'static, Result<Vec<u8>, Failure>>,
    buffer: Vec<u8>,
    /// Bytes of the buffer that hold no end of a line.
    scanned: usize,
}

impl Lines {
    fn new(chunks: BoxStream<'static, Result<Vec<u8>, Failure>>) -> Self {
        Self {
            chunks,
            buffer: Vec::new(),
            scanned: 0,
        }
    }

    /// The next line that is not empty; what comes after the last end of a line is dropped: the
    /// connection broke in the middle of it.
    async fn next(&mut self) -> Option<Result<Vec<u8>, Failure>> {
        loop {
            let fresh = self.buffer.get(self.scanned..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(self.scanned + at + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                self.scanned = 0;
                line.pop();
                if line.iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Some(Ok(line));
            }
            self.scanned = self.buffer.len();
            if self.buffer.len() > EVENT_LIMIT {
                return Some(Err(Failure::nonsense("an event larger than any object")));
            }
            match self.chunks.next().await? {
                Ok(chunk) => self.buffer.extend_from_slice(&chunk),
                Err(failure) => return Some(Err(failure)),
            }
        }
    }
}

/// Seconds of a `Retry-After`; the form with a date is not used by API servers.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

fn not_json(error: &serde_json::Error) -> Failure {
    Failure::nonsense(&error.to_string())
}

fn bad_request(error: kube::core::request::Error) -> Failure {
    Failure::broken(&kube::Error::BuildRequest(error))
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use rstest::rstest;

    use super::*;

    fn status(code: u16, reason: &str) -> Status {
        Status::failure("words", reason).with_code(code)
    }

    #[rstest]
    #[case(403, "Forbidden", Kind::Forbidden)]
    #[case(410, "Expired", Kind::Expired)]
    #[case(410, "Gone", Kind::Expired)]
    #[case(429, "TooManyRequests", Kind::Busy(None))]
    #[case(503, "ServiceUnavailable", Kind::Busy(None))]
    #[case(401, "Unauthorized", Kind::Busy(None))]
    #[case(500, "InternalError", Kind::Refused)]
    fn the_code_says_what_may_come_next(
        #[case] code: u16,
        #[case] reason: &str,
        #[case] expected: Kind,
    ) {
        let failure = Failure::refused(status(code, reason), None);
        assert_eq!(failure.kind, expected);
    }

    #[test]
    fn the_server_says_how_long_to_wait_in_the_head_or_in_the_body() {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::RETRY_AFTER, "7".parse().unwrap());
        let failure = Failure::refused(status(429, ""), Some(&headers));
        assert_eq!(failure.kind, Kind::Busy(Some(Duration::from_secs(7))));
        let body = r#"{"kind":"Status","code":500,"details":{"retryAfterSeconds":3}}"#;
        let failure = Failure::refused(serde_json::from_str(body).unwrap(), None);
        assert_eq!(failure.kind, Kind::Busy(Some(Duration::from_secs(3))));
        headers.insert(http::header::RETRY_AFTER, "tomorrow".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }

    #[test]
    fn a_page_may_lack_what_go_leaves_out() {
        let page: Page<u32> = serde_json::from_str(r#"{"items":null,"metadata":{}}"#).unwrap();
        assert!(page.items.is_empty() && page.more().is_none() && page.version().is_err());
        let page: Page<u32> =
            serde_json::from_str(r#"{"metadata":{"resourceVersion":"5","continue":"x"}}"#).unwrap();
        assert_eq!(
            (page.version().unwrap(), page.more()),
            ("5".into(), Some("x".into()))
        );
    }

    async fn lines(chunks: &[&str]) -> Vec<String> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|text| Ok(text.as_bytes().to_vec()))
            .collect();
        let mut lines = Lines::new(stream::iter(chunks).boxed());
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(String::from_utf8(line.unwrap()).unwrap());
        }
        all
    }

    #[tokio::test]
    async fn lines_are_whole_however_they_arrive() {
        assert_eq!(
            lines(&["a\nb", "b\n", "\n \nc", "", "c\nhalf"]).await,
            ["a", "bb", "cc"]
        );
        assert!(lines(&[]).await.is_empty());
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused() {
        let chunk = vec![b'x'; 1024 * 1024];
        let endless = stream::repeat_with(move || Ok(chunk.clone()));
        let mut lines = Lines::new(endless.boxed());
        let failure = lines.next().await.unwrap().unwrap_err();
        assert_eq!(failure.kind, Kind::Refused);
    }
}
