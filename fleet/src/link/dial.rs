//! How a daemon is reached.

use std::time::Duration;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Portforwarder;
use kube::{Api, Client};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::DAEMON_PORT;
use super::tunnel::Tunnel;
use crate::connect::api_problem;
use crate::watch::DaemonPod;

/// A byte stream to a daemon.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// The right to one of the tunnels that may be open at a time ([`super::MAX_OPEN`]); given back
/// when dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Place {
    pub(super) const fn new(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit }
    }
}

/// A way to reach daemons.
pub trait Dial: Send + Sync + 'static {
    /// Opens a stream to the daemon in that pod. `place` is kept until nothing of it is left.
    fn dial(
        &self,
        daemon: &DaemonPod,
        place: Place,
    ) -> BoxFuture<'static, Result<Box<dyn Io>, DialError>>;
}

/// Why a daemon can not be reached.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DialError(pub String);

/// Time for the closing message to get out before a tunnel is cut: some servers never answer it.
const FAREWELL: Duration = Duration::from_millis(50);

/// Through the API server (`pods/portforward`): works wherever kubectl works, with the user's
/// own rights and nothing else.
pub struct PortForward {
    client: Client,
}

impl PortForward {
    /// Dials with the rights of `client`.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Dial for PortForward {
    fn dial(
        &self,
        daemon: &DaemonPod,
        place: Place,
    ) -> BoxFuture<'static, Result<Box<dyn Io>, DialError>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &daemon.namespace);
        let name = daemon.name.clone();
        Box::pin(async move {
            let mut forward = pods
                .portforward(&name, &[DAEMON_PORT])
                .await
                .map_err(|error| DialError(api_problem(Some(&error)).what))?;
            let stream = forward
                .take_stream(DAEMON_PORT)
                .ok_or_else(|| DialError("the API server opened no stream".to_owned()))?;
            let closed = CancellationToken::new();
            tokio::spawn(carry(name, forward, closed.clone(), place));
            Ok(Box::new(Tunnel::new(stream, closed.drop_guard())) as Box<dyn Io>)
        })
    }
}

/// Keeps the forwarder for as long as its stream is used, and its place until it has ended.
async fn carry(pod: String, mut forward: Portforwarder, closed: CancellationToken, _place: Place) {
    if let Some(refused) = forward.take_error(DAEMON_PORT)
        && let Some(Some(message)) = closed.run_until_cancelled(refused).await
    {
        tracing::debug!(%pod, %message, "port-forward ended");
    }
    closed.cancelled().await;
    tokio::time::sleep(FAREWELL).await;
    forward.abort();
}
