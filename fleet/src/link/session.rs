//! One connection to one daemon: frames in, whole snapshots out.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use gputop_model::{NodeSnapshot, PastQuery, PastStep, Protocol};
use gputop_proto::{WireError, apply, apply_step, pb};
use hyper_util::rt::TokioIo;
use pb::frame::Content;
use pb::telemetry_client::TelemetryClient;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

use super::dial::{Dial, Io, Place};
use super::failure::SessionError;
use super::sniff::{Sniffed, Stranger};
use crate::watch::DaemonPod;

/// How long the API server may take to open a tunnel: links wait for each other here.
const DIAL: Duration = Duration::from_secs(3);

/// How long the daemon's first answer may take.
const OPEN: Duration = Duration::from_secs(10);

/// A daemon sends a frame at least every five seconds, or ten when it is asked for a calm pace;
/// after that it is lost.
const SILENCE: Duration = Duration::from_secs(15);

/// Shortest time between two frames that are taken: whatever a daemon sends, it costs its own
/// connection and not the screen.
const FASTEST: Duration = Duration::from_millis(100);

/// Largest message: a node with sixteen cards and a thousand processes needs a tenth of it.
const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;

/// Largest answer about the past: that of a node with 128 devices needs half of it.
const PAST_LIMIT: usize = 1024 * 1024;

/// An open stream and the snapshot that it has led to.
pub(super) struct Session {
    // The connection ends with it.
    _channel: Channel,
    client: TelemetryClient<Channel>,
    frames: Streaming<pb::Frame>,
    current: Option<Arc<NodeSnapshot>>,
    /// Gaps since the last good frame.
    gaps: u32,
    interval: Duration,
    /// The stream is to be opened anew before the next frame.
    reopen: bool,
    /// When the next frame may be taken.
    not_before: Instant,
    stranger: Stranger,
}

impl Session {
    /// Opens a byte stream to the daemon.
    pub(super) async fn dial(
        dial: &dyn Dial,
        daemon: &DaemonPod,
        place: Place,
    ) -> Result<Box<dyn Io>, SessionError> {
        let dialled = timeout(DIAL, dial.dial(daemon, place)).await;
        Ok(dialled.map_err(|_| SessionError::DialTimeout)??)
    }

    /// Opens the telemetry stream on it; the daemon is asked for a frame each `interval` at most.
    pub(super) async fn open(io: Box<dyn Io>, interval: Duration) -> Result<Self, SessionError> {
        let (io, stranger) = Sniffed::new(io);
        let open = async {
            let channel = channel(io).await?;
            let mut client =
                TelemetryClient::new(channel.clone()).max_decoding_message_size(MESSAGE_LIMIT);
            let frames = watch(&mut client, interval).await?;
            Ok(Self {
                _channel: channel,
                client,
                frames,
                current: None,
                gaps: 0,
                interval,
                reopen: false,
                not_before: Instant::now(),
                stranger: stranger.clone(),
            })
        };
        timeout(OPEN, open)
            .await
            .unwrap_or(Err(SessionError::OpenTimeout))
            .map_err(|error| or_stranger(error, &stranger))
    }

    /// The time between frames that the daemon was asked for.
    pub(super) const fn interval(&self) -> Duration {
        self.interval
    }

    /// Asks for another pace, from the next frame on.
    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.reopen |= self.interval != interval;
        self.interval = interval;
    }

    /// Asks for what was measured in the last `time`; at the side of the stream, which goes on.
    pub(super) fn past(
        &self,
        time: Duration,
        limit: Duration,
    ) -> BoxFuture<'static, Result<pb::HistoryReply, SessionError>> {
        let mut client = self.client.clone().max_decoding_message_size(PAST_LIMIT);
        let query = PastQuery {
            devices: Vec::new(),
            from_ago: time,
            to_ago: Duration::ZERO,
            step: PastStep::Second,
        };
        async move {
            let reply = timeout(limit, client.history(pb::HistoryRequest::from(&query))).await;
            let reply = reply.map_err(|_| SessionError::Silent)?;
            let reply = reply.map_err(|status| SessionError::Rpc(Box::new(status)))?;
            Ok(reply.into_inner())
        }
        .boxed()
    }

    /// The node's state after the next frame. A gap in the sequence is mended by opening the
    /// stream anew, which begins with a whole snapshot. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Arc<NodeSnapshot>, SessionError> {
        let next = self.next_frame().await;
        next.map_err(|error| or_stranger(error, &self.stranger))
    }

    async fn next_frame(&mut self) -> Result<Arc<NodeSnapshot>, SessionError> {
        sleep_until(self.not_before).await;
        loop {
            if self.reopen {
                let again = timeout(OPEN, watch(&mut self.client, self.interval)).await;
                self.frames = again.map_err(|_| SessionError::OpenTimeout)??;
                self.current = None;
                self.reopen = false;
            }
            let frame = timeout(SILENCE, self.frames.message())
                .await
                .map_err(|_| SessionError::Silent)?
                .map_err(|status| SessionError::Rpc(Box::new(status)))?
                .ok_or(SessionError::Ended)?;
            if let Some(next) = fold(self.current.as_deref(), frame)? {
                let next = Arc::new(next);
                self.current = Some(next.clone());
                self.gaps = 0;
                self.not_before = Instant::now() + FASTEST;
                return Ok(next);
            }
            self.gaps += 1;
            if self.gaps > 1 {
                return Err(SessionError::Gaps);
            }
            tracing::debug!("gap in the telemetry: asking for the whole picture");
            self.reopen = true;
        }
    }
}

/// Whatever broke: a stranger at the other end is the reason.
fn or_stranger(error: SessionError, stranger: &Stranger) -> SessionError {
    match stranger.said() {
        Some(said) => SessionError::Stranger(said.to_owned()),
        None => error,
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
            // From a daemon that does not know steps yet.
            Ok(Some(apply(current, frame.sequence, delta)?))
        }
        (Some(Content::Step(step)), Some(current))
            if frame.sequence == current.sequence.wrapping_add(1) =>
        {
            Ok(Some(apply_step(current, frame.sequence, step)?))
        }
        (Some(Content::Delta(_) | Content::Step(_)), _) => Ok(None),
        (None, _) => Err(WireError::Missing {
            field: "Frame.content",
        }),
    }
}

async fn watch(
    client: &mut TelemetryClient<Channel>,
    interval: Duration,
) -> Result<Streaming<pb::Frame>, SessionError> {
    let request = pb::WatchRequest {
        min_interval_ms: u32::try_from(interval.as_millis()).ok(),
        protocol: Protocol::VERSION,
    };
    let response = client.watch(request).await;
    Ok(response
        .map_err(|status| SessionError::Rpc(Box::new(status)))?
        .into_inner())
}

/// A gRPC channel over one stream that is already open.
async fn channel(io: Sniffed) -> Result<Channel, SessionError> {
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
    use super::*;

    fn full(sequence: u64) -> pb::Frame {
        let snapshot = pb::Snapshot {
            node: "a".to_owned(),
            sequence,
            driver: Some(pb::Driver {
                state: pb::driver::State::NoGpu.into(),
                ..pb::Driver::default()
            }),
            allocations: Some(pb::Allocations::default()),
            ..pb::Snapshot::default()
        };
        pb::Frame {
            sequence,
            content: Some(Content::Full(snapshot)),
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
        let first = fold(None, full(7)).unwrap().unwrap();
        assert_eq!(first.sequence, 7);
        let second = fold(Some(&first), delta(8)).unwrap().unwrap();
        assert_eq!(second.sequence, 8);
        assert_eq!(second.driver, first.driver);
        assert_eq!(fold(Some(&second), delta(10)).unwrap(), None);
        assert_eq!(fold(None, delta(1)).unwrap(), None);
        // A whole picture is always taken: the stream was opened anew.
        let anew = fold(Some(&second), full(3)).unwrap().unwrap();
        assert_eq!(anew.sequence, 3);
    }

    #[test]
    fn steps_are_applied_like_deltas() {
        let step = |sequence, uptime_ms| pb::Frame {
            sequence,
            content: Some(Content::Step(pb::Step {
                uptime_ms,
                ..pb::Step::default()
            })),
        };
        let first = fold(None, full(7)).unwrap().unwrap();
        let second = fold(Some(&first), step(8, 2_000)).unwrap().unwrap();
        assert_eq!(second.sequence, 8);
        assert_eq!(second.uptime, Duration::from_secs(2));
        assert_eq!(second.driver, first.driver);
        assert_eq!(fold(Some(&second), step(10, 3_000)).unwrap(), None);
        assert_eq!(fold(None, step(1, 1_000)).unwrap(), None);
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
