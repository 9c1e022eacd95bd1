//! HTTP over in-memory pipes: the connector for clients, and the server at the other end.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use futures::future::BoxFuture;
use http::{Request, Uri};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use crate::api::{Access, Faults};

/// Bytes that fit into a pipe before its writer waits.
const PIPE: usize = 256 * 1024;

/// The door of the simulated API server; open or shut.
#[derive(Debug)]
pub(crate) struct Door {
    router: Router,
    /// The connections of now; `None` while the server is away.
    open: watch::Sender<Option<CancellationToken>>,
    faults: Arc<Faults>,
    stop: CancellationToken,
}

impl Door {
    /// An open door.
    pub(crate) fn new(router: Router, stop: CancellationToken) -> Self {
        Self {
            router,
            open: watch::Sender::new(Some(stop.child_token())),
            faults: Arc::default(),
            stop,
        }
    }

    /// What is wrong with the server, and what it is asked.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Opens the door, or shuts it and cuts all connections.
    pub(crate) fn set_open(&self, open: bool) {
        self.open.send_if_modified(|state| match (&state, open) {
            (Some(connections), false) => {
                connections.cancel();
                *state = None;
                true
            }
            (None, true) => {
                *state = Some(self.stop.child_token());
                true
            }
            _ => false,
        });
    }

    /// A new connection to the server.
    fn connect(&self, access: Access) -> io::Result<SimStream> {
        let cut = self.open.borrow().clone().filter(|cut| !cut.is_cancelled());
        let Some(cut) = cut else {
            return Err(io::Error::new(
                io::ErrorKind::ConnectionRefused,
                "the simulated API server is not available",
            ));
        };
        let (client, server) = tokio::io::duplex(PIPE);
        let (router, faults) = (self.router.clone(), self.faults.clone());
        tokio::spawn(serve(server, router, faults, access, cut));
        Ok(client.into())
    }
}

async fn serve(
    io: DuplexStream,
    router: Router,
    faults: Arc<Faults>,
    access: Access,
    cut: CancellationToken,
) {
    let token = cut.clone();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(access);
        request.extensions_mut().insert(token.clone());
        let (router, faults) = (router.clone(), faults.clone());
        async move {
            let answer = match faults.pass(request).await {
                Ok(request) => router.oneshot(request).await,
                Err(answer) => Ok(answer),
            };
            Ok::<_, Infallible>(answer.unwrap_or_else(|never| match never {}))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    if let Some(Err(error)) = cut.run_until_cancelled(connection).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// Connects to the simulated API server, whatever the host in the address: for clients that build
/// their own stack.
#[derive(Debug, Clone)]
pub struct SimConnector {
    door: Arc<Door>,
    access: Access,
}

impl SimConnector {
    pub(crate) const fn new(door: Arc<Door>, access: Access) -> Self {
        Self { door, access }
    }
}

impl Service<Uri> for SimConnector {
    type Response = SimStream;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<SimStream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connection = self.door.connect(self.access);
        Box::pin(std::future::ready(connection))
    }
}

/// The client's end of a connection.
#[derive(Debug)]
pub struct SimStream(TokioIo<DuplexStream>);

impl From<DuplexStream> for SimStream {
    fn from(pipe: DuplexStream) -> Self {
        Self(TokioIo::new(pipe))
    }
}

impl Connection for SimStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for SimStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for SimStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// A kube client on top of a connector.
pub(crate) fn client(connector: SimConnector) -> kube::Client {
    use kube::client::ConfigExt;

    let config = kube::Config::new(Uri::from_static("http://simulated.invalid"));
    let http = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build::<_, kube::client::Body>(connector);
    let stack = tower::ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .service(http);
    kube::Client::new(stack, "default")
}
