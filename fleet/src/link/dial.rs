//! How a daemon is reached.

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

use super::DAEMON_PORT;
use crate::connect::api_problem;
use crate::watch::DaemonPod;

/// A byte stream to a daemon.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A way to reach daemons.
pub trait Dial: Send + Sync + 'static {
    /// Opens a stream to the daemon in that pod.
    fn dial(&self, daemon: &DaemonPod) -> BoxFuture<'static, Result<Box<dyn Io>, DialError>>;
}

/// Why a daemon can not be reached.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct DialError(pub String);

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
    fn dial(&self, daemon: &DaemonPod) -> BoxFuture<'static, Result<Box<dyn Io>, DialError>> {
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
            let refused = forward.take_error(DAEMON_PORT);
            // The forwarder has to be kept for as long as the stream is used.
            tokio::spawn(async move {
                if let Some(refused) = refused
                    && let Some(message) = refused.await
                {
                    tracing::debug!(pod = %name, %message, "port-forward ended");
                }
                if let Err(error) = forward.join().await {
                    tracing::debug!(pod = %name, %error, "port-forward ended");
                }
            });
            Ok(Box::new(stream) as Box<dyn Io>)
        })
    }
}
