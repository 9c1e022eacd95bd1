//! Hands snapshots to clients over gRPC: Telemetry, health and reflection.
//!
//! Converts and calls, nothing else. A client pulls: a slow one skips the snapshots in between
//! and holds up neither the sampler nor other clients; nothing is queued for it.

mod telemetry;
mod tracked;

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use gputop_model::NodeSnapshot;
use gputop_proto::pb;
use gputop_proto::pb::telemetry_server::TelemetryServer;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use telemetry::TelemetryService;
use tracked::Tracked;

/// Time between keep-alive pings of a quiet connection: below the 30 s after which some
/// port-forwarders and NAT tables drop one.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// How long a ping may remain unanswered before the client counts as gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may be silent that answers pings, and a little more.
const SILENCE: Duration = Duration::from_secs(35);

/// Streams of one connection; a client needs one or two, and each may have some hundred kilobytes on
/// its way.
const STREAMS: u32 = 16;

/// Why the service ended.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The transport failed.
    #[error("the gRPC server failed")]
    Transport(#[source] tonic::transport::Error),
    /// The descriptors that were compiled in can not be read; a defect of the build.
    #[error("the reflection service can not be built")]
    Reflection(#[source] tonic_reflection::server::Error),
}

/// Serves all connections of `incoming` until `cancel`, then ends their streams and returns.
///
/// `snapshots` counts as a subscriber of the sampler as long as this runs; a daemon that is to
/// slow down when nobody looks calls [`serve_one`] for each connection instead.
pub async fn serve<I, IO, E>(
    incoming: I,
    snapshots: watch::Receiver<Arc<NodeSnapshot>>,
    cancel: CancellationToken,
) -> Result<(), ServeError>
where
    I: Stream<Item = Result<IO, E>>,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (reporter, health) = tonic_health::server::health_reporter();
    let telemetry = TelemetryServer::new(TelemetryService::new(snapshots, cancel.clone()));
    reporter
        .set_serving::<TelemetryServer<TelemetryService>>()
        .await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(ServeError::Reflection)?;
    Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(STREAMS)
        .add_service(telemetry)
        .add_service(health)
        .add_service(reflection)
        .serve_with_incoming_shutdown(incoming, cancel.cancelled_owned())
        .await
        .map_err(ServeError::Transport)
}

/// Serves one connection until its other end closes it or `cancel`.
pub async fn serve_one<IO>(
    io: IO,
    snapshots: watch::Receiver<Arc<NodeSnapshot>>,
    cancel: CancellationToken,
) -> Result<(), ServeError>
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    // The connection's end is the server's end.
    let done = cancel.child_token();
    let io = Tracked::new(io, SILENCE, done.clone());
    let incoming = stream::iter([Ok::<_, std::io::Error>(io)]).chain(stream::pending());
    serve(incoming, snapshots, done).await
}

#[cfg(test)]
mod tests;
