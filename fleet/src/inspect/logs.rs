//! A container's log, line by line.

use std::pin::Pin;
use std::time::Duration;

use futures::io::{AsyncBufRead, AsyncBufReadExt};
use kube::api::LogParams;
use kube::core::Request;
use kube::{Client, Error};
use tokio::time::{Instant, sleep_until, timeout};

use super::container::container_of;
use super::desk::Outlet;
use super::lines::Lines;
use super::problem::{about, problem, silent};
use super::{Answer, LOG_BATCH, LogRequest, Subject};
use crate::connect::Problem;

/// How long lines are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(50);

/// Bytes that are cut into lines at a time: bounds what is gathered beyond a batch.
const PIECE: usize = 64 * 1024;

/// Sends the lines and, when there are no more, why.
pub(super) async fn follow(
    client: &Client,
    request: LogRequest,
    patience: Duration,
    outlet: &Outlet,
) {
    let subject = Subject::Pod(request.pod.clone());
    let timestamps = request.timestamps;
    let opened = timeout(patience, open(client, request)).await;
    let ended = match opened {
        Err(_elapsed) => Some(silent(patience)),
        Ok(Err(error)) => Some(about(&error, &subject)),
        Ok(Ok(stream)) => match copy(stream, Lines::new(timestamps), outlet).await {
            Some(ended) => ended.err(),
            // Nobody listens any more.
            None => return,
        },
    };
    outlet.send(Answer::LogEnded(ended)).await;
}

async fn open(
    client: &Client,
    request: LogRequest,
) -> Result<Pin<Box<dyn AsyncBufRead + Send>>, Error> {
    let parameters = LogParams {
        container: container_of(client, &request.pod, request.container).await,
        follow: request.follow,
        previous: request.previous,
        tail_lines: Some(i64::from(request.tail)),
        timestamps: request.timestamps,
        ..LogParams::default()
    };
    let path = format!("/api/v1/namespaces/{}/pods", request.pod.namespace);
    let logs = Request::new(path).logs(&request.pod.name, &parameters);
    let stream = client
        .request_stream(logs.map_err(Error::BuildRequest)?)
        .await?;
    Ok(Box::pin(stream))
}

/// Until the stream ends; `None` when nobody listens any more.
async fn copy(
    mut stream: Pin<Box<dyn AsyncBufRead + Send>>,
    mut lines: Lines,
    outlet: &Outlet,
) -> Option<Result<(), Problem>> {
    let mut gathered: Vec<String> = Vec::new();
    let mut due: Option<Instant> = None;
    let ended = loop {
        let read = tokio::select! {
            read = stream.fill_buf() => read,
            () = until(due) => {
                due = None;
                send(&mut gathered, outlet).await?;
                continue;
            }
        };
        let bytes = match read {
            Ok([]) => break Ok(()),
            Ok(bytes) => bytes,
            Err(error) => {
                break Err(problem(
                    &format!("the connection of the log broke: {error}"),
                    "Open the log again.",
                ));
            }
        };
        let taken = bytes.len().min(PIECE);
        lines.feed(&bytes[..taken], &mut gathered);
        stream.as_mut().consume_unpin(taken);
        if gathered.len() >= LOG_BATCH {
            due = None;
            send(&mut gathered, outlet).await?;
        } else if !gathered.is_empty() && due.is_none() {
            due = Some(Instant::now() + GATHER);
        }
    };
    gathered.extend(lines.finish());
    send(&mut gathered, outlet).await?;
    Some(ended)
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Sends all that is gathered, in batches; `None` when nobody listens any more.
async fn send(gathered: &mut Vec<String>, outlet: &Outlet) -> Option<()> {
    while !gathered.is_empty() {
        let later = gathered.split_off(gathered.len().min(LOG_BATCH));
        let batch = std::mem::replace(gathered, later);
        if !outlet.send(Answer::LogLines(batch)).await {
            return None;
        }
    }
    Some(())
}
