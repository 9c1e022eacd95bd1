//! One connection to one daemon: frames in, whole snapshots out.

use std::sync::Arc;
use std::time::Duration;

use gputop_model::{NodeSnapshot, printable};
use gputop_proto::{WireError, apply, pb};
use hyper_util::rt::TokioIo;
use pb::frame::Content;
use pb::telemetry_client::TelemetryClient;
use thiserror::Error;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

use super::dial::{Dial, DialError, Io};
use crate::watch::DaemonPod;

/// How long the API server may take to open a tunnel: links wait for each other here.
const DIAL: Duration = Duration::from_secs(3);

/// How long the daemon's first answer may take.
const OPEN: Duration = Duration::from_secs(10);

/// A daemon sends a frame at least every five seconds; after three missed ones it is lost.
const SILENCE: Duration = Duration::from_secs(15);

/// Why a session ended.
#[derive(Debug, Error)]
pub(super) enum SessionError {
    #[error("can not be reached: {0}")]
    Dial(#[from] DialError),
    #[error("it does not answer")]
    DialTimeout,
    #[error("the telemetry has gaps")]
    Gaps,
    #[error("it does not answer")]
    OpenTimeout,
    #[error("it does not answer")]
    Silent,
    #[error("it does not answer")]
    Transport(String),
    #[error("{}", rpc_words(.0))]
    Rpc(Box<tonic::Status>),
    #[error("it does not answer")]
    Ended,
    #[error("unreadable telemetry: {0}")]
    Wire(#[from] WireError),
}

/// A daemon's own refusal in its words; everything that only says how a connection broke in one
/// sentence that does not change from attempt to attempt.
fn rpc_words(status: &tonic::Status) -> String {
    match status.code() {
        Code::Unknown | Code::Unavailable | Code::Cancelled | Code::Internal => {
            "it does not answer".to_owned()
        }
        _ => printable(status.message().to_owned()),
    }
}

/// An open stream and the snapshot that it has led to.
pub(super) struct Session {
    // The connection ends with it.
    _channel: Channel,
    client: TelemetryClient<Channel>,
    frames: Streaming<pb::Frame>,
    current: Option<Arc<NodeSnapshot>>,
    /// Gaps since the last good frame.
    gaps: u32,
}

impl Session {
    /// Opens a byte stream to the daemon.
    pub(super) async fn dial(
        dial: &dyn Dial,
        daemon: &DaemonPod,
    ) -> Result<Box<dyn Io>, SessionError> {
        let dialled = tokio::time::timeout(DIAL, dial.dial(daemon)).await;
        Ok(dialled.map_err(|_| SessionError::DialTimeout)??)
    }

    /// Opens the telemetry stream on it.
    pub(super) async fn open(io: Box<dyn Io>) -> Result<Self, SessionError> {
        let open = async {
            let channel = channel(io).await?;
            let mut client = TelemetryClient::new(channel.clone());
            let frames = watch(&mut client).await?;
            Ok(Self {
                _channel: channel,
                client,
                frames,
                current: None,
                gaps: 0,
            })
        };
        tokio::time::timeout(OPEN, open)
            .await
            .unwrap_or(Err(SessionError::OpenTimeout))
    }

    /// The node's state after the next frame. A gap in the sequence is mended by opening the
    /// stream anew, which begins with a whole snapshot.
    pub(super) async fn next(&mut self) -> Result<Arc<NodeSnapshot>, SessionError> {
        loop {
            let frame = tokio::time::timeout(SILENCE, self.frames.message())
                .await
                .map_err(|_| SessionError::Silent)?
                .map_err(|status| SessionError::Rpc(Box::new(status)))?
                .ok_or(SessionError::Ended)?;
            if let Some(next) = fold(self.current.as_deref(), frame)? {
                let next = Arc::new(next);
                self.current = Some(next.clone());
                self.gaps = 0;
                return Ok(next);
            }
            self.gaps += 1;
            if self.gaps > 1 {
                return Err(SessionError::Gaps);
            }
            tracing::debug!("gap in the telemetry: asking for the whole picture");
            self.current = None;
            let again = tokio::time::timeout(OPEN, watch(&mut self.client)).await;
            self.frames = again.map_err(|_| SessionError::OpenTimeout)??;
        }
    }
}

/// The snapshot after `frame`; `None`: a frame is missing in between.
fn fold(
    current: Option<&NodeSnapshot>,
    frame: pb::Frame,
) -> Result<Option<NodeSnapshot>, WireError> {
    match (frame.content, current) {
        (Some(Content::Full(full)), _) => {
            let mut snapshot = NodeSnapshot::try_from(full)?;
            snapshot.sequence = frame.sequence;
            Ok(Some(snapshot))
        }
        (Some(Content::Delta(delta)), Some(current))
            if frame.sequence == current.sequence.wrapping_add(1) =>
        {
            Ok(Some(apply(current, frame.sequence, delta)?))
        }
        (Some(Content::Delta(_)), _) => Ok(None),
        (None, _) => Err(WireError::Missing {
            field: "Frame.content",
        }),
    }
}

async fn watch(
    client: &mut TelemetryClient<Channel>,
) -> Result<Streaming<pb::Frame>, SessionError> {
    let response = client.watch(pb::WatchRequest {}).await;
    Ok(response
        .map_err(|status| SessionError::Rpc(Box::new(status)))?
        .into_inner())
}

/// A gRPC channel over one stream that is already open.
async fn channel(io: Box<dyn Io>) -> Result<Channel, SessionError> {
    let mut io = Some(TokioIo::new(io));
    let connector = tower::service_fn(move |_: http::Uri| {
        // A second call means that the stream is lost; the session then ends and dials anew.
        let io = io
            .take()
            .ok_or_else(|| std::io::Error::other("the stream is closed"));
        async move { io }
    });
    // Port-forward has no pings of its own: a silently dead tunnel is noticed here.
    Endpoint::from_static("http://gputop-node")
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .connect_with_connector(connector)
        .await
        .map_err(|error| SessionError::Transport(root_cause(&error)))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use gputop_model::{DriverState, Reading};

    use super::*;

    fn snapshot(sequence: u64) -> NodeSnapshot {
        NodeSnapshot {
            node: "a".into(),
            daemon_version: String::new(),
            sequence,
            driver: DriverState::NoGpu {
                version: "1".to_owned(),
            },
            devices: Vec::new(),
            processes: Vec::new(),
            allocations: Reading::default(),
        }
    }

    fn delta(sequence: u64) -> pb::Frame {
        pb::Frame {
            sequence,
            content: Some(Content::Delta(pb::Delta::default())),
        }
    }

    #[test]
    fn frames_are_applied_in_order_and_a_gap_is_seen() {
        let full = pb::Frame {
            sequence: 7,
            content: Some(Content::Full((&snapshot(7)).into())),
        };
        let first = fold(None, full).unwrap().unwrap();
        assert_eq!(first.sequence, 7);
        let second = fold(Some(&first), delta(8)).unwrap().unwrap();
        assert_eq!(second, snapshot(8));
        assert_eq!(fold(Some(&second), delta(10)).unwrap(), None);
        assert_eq!(fold(None, delta(1)).unwrap(), None);
    }

    #[test]
    fn an_empty_frame_is_refused() {
        let frame = pb::Frame {
            sequence: 1,
            content: None,
        };
        assert_eq!(
            fold(None, frame),
            Err(WireError::Missing {
                field: "Frame.content"
            })
        );
    }
}
