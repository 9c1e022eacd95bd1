//! Clients in memory: the good one, and what a bad line makes of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use gputop_model::NodeSnapshot;
use gputop_node::service::{ServeError, serve_one};
use gputop_proto::pb;
use gputop_proto::pb::frame::Content;
use gputop_proto::pb::telemetry_client::TelemetryClient;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

/// Bytes that a line holds.
pub(crate) const LINE: usize = 16 * 1024;

/// What a client takes before it has read what came: HTTP/2's least.
const WINDOW: u32 = 65_535;

/// A client's end of a line.
pub(crate) struct Line {
    io: DuplexStream,
    /// Nothing is read any more, and nothing is closed.
    dead: Arc<AtomicBool>,
}

/// A connection that is served.
pub(crate) struct Connection {
    pub(crate) client: TelemetryClient<Channel>,
    /// Ends with the connection.
    pub(crate) served: JoinHandle<Result<(), ServeError>>,
    dead: Arc<AtomicBool>,
}

impl Connection {
    pub(crate) async fn open(snapshots: watch::Receiver<Arc<NodeSnapshot>>) -> Self {
        let (near, far) = tokio::io::duplex(LINE);
        let served = tokio::spawn(serve_one(far, snapshots, CancellationToken::new()));
        let dead = Arc::new(AtomicBool::new(false));
        let line = Line {
            io: near,
            dead: dead.clone(),
        };
        Self {
            client: TelemetryClient::new(channel(line).await),
            served,
            dead,
        }
    }

    /// From now on the client reads nothing and never closes.
    pub(crate) fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    pub(crate) async fn watch(&mut self, protocol: u32) -> Watcher {
        Watcher::open(&mut self.client, protocol).await
    }
}

/// A gRPC channel over something that is connected already.
pub(crate) async fn channel(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Channel {
    let mut io = Some(TokioIo::new(io));
    Endpoint::from_static("http://node")
        .initial_stream_window_size(WINDOW)
        .connect_with_connector(tower::service_fn(move |_| {
            let io = io.take();
            async move { io.ok_or_else(|| io::Error::other("connected twice")) }
        }))
        .await
        .unwrap()
}

/// A stream, and what it has led to.
pub(crate) struct Watcher {
    frames: Streaming<pb::Frame>,
    pub(crate) known: Option<NodeSnapshot>,
    /// Frames that came.
    pub(crate) frames_read: u64,
    steps: bool,
}

impl Watcher {
    pub(crate) async fn open(client: &mut TelemetryClient<Channel>, protocol: u32) -> Self {
        let request = pb::WatchRequest {
            min_interval_ms: None,
            protocol,
        };
        Self {
            frames: client.watch(request).await.unwrap().into_inner(),
            known: None,
            frames_read: 0,
            steps: protocol > 0,
        }
    }

    /// The node after the next frame. Frames have no gap and are of the protocol that was asked for.
    pub(crate) async fn next(&mut self) -> &NodeSnapshot {
        let frame = self.frames.message().await.unwrap().unwrap();
        let next = match (self.known.take(), frame.content.unwrap()) {
            (None, Content::Full(full)) => full.try_into().unwrap(),
            (Some(known), Content::Delta(delta)) if !self.steps => {
                assert_eq!(frame.sequence, known.sequence + 1, "a gap");
                gputop_proto::apply(&known, frame.sequence, delta).unwrap()
            }
            (Some(known), Content::Step(step)) if self.steps => {
                assert_eq!(frame.sequence, known.sequence + 1, "a gap");
                gputop_proto::apply_step(&known, frame.sequence, step).unwrap()
            }
            (known, content) => panic!("{content:?} after {:?}", known.map(|k| k.sequence)),
        };
        assert_eq!(next.sequence, frame.sequence);
        self.frames_read += 1;
        self.known.insert(next)
    }

    /// Whether the daemon has ended the stream in good order.
    pub(crate) async fn has_ended(&mut self) -> bool {
        loop {
            match self.frames.message().await {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Dead for good, so that nobody needs to be woken.
        if self.dead.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
