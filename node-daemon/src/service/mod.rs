//! Hands snapshots to clients over gRPC: Telemetry, health and reflection.
//!
//! Converts and calls, nothing else. A client pulls: a slow one skips the snapshots in between
//! and holds up neither the sampler nor other clients; nothing is queued for it.

mod telemetry;
mod tracked;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use gputop_proto::pb;
use gputop_proto::pb::telemetry_server::TelemetryServer;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService as _;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::sampler::Feed;
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

/// How soon a change of the daemon's health is told on a connection that is open.
const HEALTH_INTERVAL: Duration = Duration::from_secs(5);

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

/// Serves one connection until its other end closes it or `cancel`.
///
/// It counts as a subscriber of the sampler from the client's first look until its end.
pub async fn serve_one<IO>(
    io: IO,
    feed: impl Into<Feed>,
    cancel: CancellationToken,
) -> Result<(), ServeError>
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    // The connection's end is the server's end.
    let done = cancel.child_token();
    let io = Tracked::new(io, Some(SILENCE), done.clone());
    serve(io, feed.into(), true, done).await
}

/// Serves a connection for which there is no room, for ten seconds at most: tells a probe whether
/// the daemon is well, and every other client why it gets nothing.
pub async fn serve_guest<IO>(
    io: IO,
    feed: impl Into<Feed>,
    cancel: CancellationToken,
) -> Result<(), ServeError>
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let done = cancel.child_token();
    let io = Tracked::new(io, None, done.clone());
    serve(io, feed.into(), false, done).await
}

async fn serve<IO>(
    io: IO,
    feed: Feed,
    admitted: bool,
    cancel: CancellationToken,
) -> Result<(), ServeError>
where
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let (reporter, health) = tonic_health::server::health_reporter();
    let feed = Arc::new(feed);
    let alive = feed.is_alive();
    report(&reporter, alive).await;
    let reporting = keep_reporting(reporter, Arc::clone(&feed), alive);
    let telemetry = TelemetryServer::new(TelemetryService::new(feed, admitted, cancel.clone()));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(ServeError::Reflection)?;
    let incoming = stream::iter([Ok::<_, std::io::Error>(io)]).chain(stream::pending());
    let served = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .max_concurrent_streams(STREAMS)
        .add_service(telemetry)
        .add_service(health)
        .add_service(reflection)
        .serve_with_incoming_shutdown(incoming, cancel.cancelled_owned());
    tokio::select! {
        served = served => served.map_err(ServeError::Transport),
        never = reporting => match never {},
    }
}

/// Tells those who ask for the daemon's health when it changes.
async fn keep_reporting(reporter: HealthReporter, feed: Arc<Feed>, mut alive: bool) -> Infallible {
    loop {
        sleep(HEALTH_INTERVAL).await;
        if feed.is_alive() != alive {
            alive = !alive;
            report(&reporter, alive).await;
        }
    }
}

async fn report(reporter: &HealthReporter, alive: bool) {
    let status = if alive {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    // The process as a whole, and the service by its name.
    for service in ["", TelemetryServer::<TelemetryService>::NAME] {
        reporter.set_service_status(service, status).await;
    }
}

#[cfg(test)]
mod tests;
