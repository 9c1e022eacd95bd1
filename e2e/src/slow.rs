//! A long, bad line to the simulated API server: everything takes its time, and some of it is lost
//! on the way and sent again.

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use gputop_sim::{SimConnector, SimStream};
use http::Uri;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::client::{Body, ConfigExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tower::{Service, ServiceBuilder};

/// Bytes that are on the way in one piece.
const SEGMENT: usize = 1_400;

/// Segments that are on the way at the same time: a window of 360 kB.
const WINDOW: usize = 256;

/// How bad the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Time from one end to the other and back.
    pub round_trip: Duration,
    /// One segment of this many is lost; 0: none. What comes after it waits until it has been sent
    /// again, as in TCP.
    pub lost_one_in: u32,
}

impl Line {
    /// A kube client at the other end of the line.
    #[must_use]
    pub fn client(self, to: SimConnector) -> kube::Client {
        let config = kube::Config::new(Uri::from_static("http://simulated.invalid"));
        let connector = SlowConnector { to, line: self };
        let http = HttpClient::builder(TokioExecutor::new()).build::<_, Body>(connector);
        let stack = ServiceBuilder::new()
            .layer(config.base_uri_layer())
            .service(http);
        kube::Client::new(stack, "default")
    }

    /// Carries bytes one way, until either end is gone.
    async fn carry(
        self,
        mut from: impl AsyncRead + Unpin + Send + 'static,
        mut to: impl AsyncWrite + Unpin + Send + 'static,
        mut number: u32,
    ) {
        let (sender, mut segments) = mpsc::channel::<(Instant, Vec<u8>)>(WINDOW);
        let one_way = self.round_trip / 2;
        let read = async move {
            let mut last = Instant::now();
            let mut buffer = vec![0; SEGMENT];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                number = number.wrapping_add(1);
                let lost = self.lost_one_in > 0 && number.is_multiple_of(self.lost_one_in);
                // Noticed after a round trip, and then on its way once more.
                let late = if lost {
                    self.round_trip * 2
                } else {
                    Duration::ZERO
                };
                last = last.max(Instant::now() + one_way + late);
                if sender.send((last, buffer[..count].to_vec())).await.is_err() {
                    return;
                }
            }
        };
        let write = async move {
            while let Some((at, segment)) = segments.recv().await {
                sleep_until(at).await;
                if to.write_all(&segment).await.is_err() {
                    return;
                }
            }
            // The other end may be gone already.
            let _ = to.shutdown().await;
        };
        futures::future::join(read, write).await;
    }
}

/// Connects over the line.
#[derive(Debug, Clone)]
struct SlowConnector {
    to: SimConnector,
    line: Line,
}

impl Service<Uri> for SlowConnector {
    type Response = SimStream;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<SimStream>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.to.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connect = self.to.call(uri);
        let line = self.line;
        Box::pin(async move {
            // The handshake: there and back.
            tokio::time::sleep(line.round_trip).await;
            let server = TokioIo::new(connect.await?);
            let (near, far) = tokio::io::duplex(SEGMENT);
            let (from_server, to_server) = tokio::io::split(server);
            let (from_client, to_client) = tokio::io::split(far);
            tokio::spawn(line.carry(from_client, to_server, 0));
            tokio::spawn(line.carry(from_server, to_client, line.lost_one_in / 2));
            Ok(near.into())
        })
    }
}
