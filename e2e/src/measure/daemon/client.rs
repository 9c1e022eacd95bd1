//! A client that counts the bytes of its line.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, bail, ensure};
use gputop_model::Protocol;
use gputop_proto::pb;
use gputop_proto::pb::telemetry_client::TelemetryClient;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tonic::Streaming;
use tonic::transport::Endpoint;

use super::machine::Machine;

/// An open stream.
pub(super) struct Watching {
    frames: Streaming<pb::Frame>,
    received: Arc<AtomicU64>,
    /// From the connection's beginning until the first frame was there.
    pub(super) first: Duration,
    /// Seconds that the cards have changed.
    seconds: u64,
}

impl Watching {
    /// `expected`: GPUs and processes that the daemon must see.
    pub(super) async fn open(
        address: SocketAddr,
        expected: Option<(usize, usize)>,
    ) -> Result<Self> {
        let began = Instant::now();
        let received = Arc::new(AtomicU64::new(0));
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let counted = Counted {
            stream,
            received: received.clone(),
        };
        let mut io = Some(TokioIo::new(counted));
        let channel = Endpoint::from_static("http://node")
            .connect_with_connector(tower::service_fn(move |_: http::Uri| {
                let io = io.take();
                async move { io.ok_or_else(|| io::Error::other("the connection is closed")) }
            }))
            .await?;
        let request = pb::WatchRequest {
            min_interval_ms: None,
            protocol: Protocol::VERSION,
        };
        let mut client = TelemetryClient::new(channel);
        let mut frames = client.watch(request).await?.into_inner();
        let first = frames.message().await?.ok_or_eyre("no frame came")?;
        let first_after = began.elapsed();
        let Some(pb::frame::Content::Full(snapshot)) = first.content else {
            bail!("the first frame is not a whole snapshot");
        };
        let seen = (snapshot.devices.len(), snapshot.processes.len());
        ensure!(
            expected.is_none_or(|expected| seen == expected),
            "the daemon sees {} GPUs and {} processes, not what there is",
            seen.0,
            seen.1
        );
        Ok(Self {
            frames,
            received,
            first: first_after,
            seconds: 0,
        })
    }

    /// Takes frames for so long, while the machine changes each second; the bytes that came.
    pub(super) async fn watch(&mut self, time: Duration, machine: Option<&Machine>) -> Result<u64> {
        let before = self.received.load(Ordering::Relaxed);
        let began = Instant::now();
        let mut next = began;
        loop {
            tokio::select! {
                frame = self.frames.message() => {
                    frame?.ok_or_eyre("the daemon has ended the stream")?;
                }
                () = sleep_until(next) => {
                    if began.elapsed() >= time {
                        break;
                    }
                    if let Some(machine) = machine {
                        self.seconds += 1;
                        machine.change(self.seconds)?;
                    }
                    next += Duration::from_secs(1);
                }
            }
        }
        Ok(self.received.load(Ordering::Relaxed) - before)
    }
}

/// A connection that counts what it receives.
struct Counted {
    stream: TcpStream,
    received: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let bytes = buffer.filled().len() - before;
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
