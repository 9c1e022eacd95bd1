//! `/metrics` over HTTP/1.1, for Prometheus. Each connection answers one request and has ten
//! seconds for it; a handful are served at a time and others wait.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Format, Scrape, render};
use crate::sampler::SamplerHandle;

/// Connections that are served at a time.
const CONNECTIONS: usize = 8;

/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(5);

/// How long a connection may take in all: a client that does not read loses its answer.
const CONNECTION: Duration = Duration::from_secs(10);

/// Largest head of a request, in bytes.
const HEAD_SIZE: usize = 16 * 1024;

/// Fields in the head of a request.
const FIELDS: usize = 64;

/// Answers scrapes until `cancel`.
pub async fn serve(listener: TcpListener, sampler: SamplerHandle, cancel: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Waits for a place before it takes the next connection.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = cancel.cancelled() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            // The client is gone already, or the process has too many files open.
            Err(error) => {
                tracing::warn!(%error, "a connection for metrics could not be taken");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (sampler, cancel) = (sampler.clone(), cancel.clone());
        tokio::spawn(async move {
            let served = timeout(CONNECTION, serve_one(stream, sampler));
            match cancel.run_until_cancelled_owned(served).await {
                Some(Err(_elapsed)) => tracing::debug!("a scrape took too long"),
                Some(Ok(Err(error))) => tracing::debug!(%error, "a scrape failed"),
                Some(Ok(Ok(()))) | None => {}
            }
            drop(place);
        });
    }
}

async fn serve_one<IO>(io: IO, sampler: SamplerHandle) -> hyper::Result<()>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = answer(&request, || Scrape::of(&sampler));
        async move { Ok::<_, Infallible>(answer) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_SIZE)
        .max_headers(FIELDS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(io), service)
        .await
}

fn answer<B>(request: &Request<B>, scrape: impl FnOnce() -> Scrape) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "The metrics are at /metrics.\n");
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refused = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "Metrics can only be read.\n",
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, allowed);
        return refused;
    }
    // There may be several such fields.
    let accept = request.headers().get_all(http::header::ACCEPT).into_iter();
    let accept: Vec<_> = accept.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::accepted(&accept.join(","));
    let mut response = Response::new(Full::from(render(&scrape(), format)));
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static(format.content_type());
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    use super::super::tests::sampler;
    use super::*;

    /// What comes back on `request`, and how long it takes.
    async fn said(request: &[u8]) -> (String, Duration) {
        let sampler = sampler().await;
        let (mut client, server) = tokio::io::duplex(1024);
        let begun = Instant::now();
        let served = tokio::spawn(timeout(CONNECTION, serve_one(server, sampler)));
        let _ = client.write_all(request).await;
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer).await;
        let _ = served.await.unwrap();
        (String::from_utf8(answer).unwrap(), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn metrics_are_told_in_the_format_that_is_asked_for() {
        let (plain, _) = said(b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n").await;
        assert!(plain.starts_with("HTTP/1.1 200 OK\r\n"), "{plain}");
        assert!(plain.contains("content-type: text/plain; version=0.0.4"));
        assert!(plain.contains("\r\nconnection: close\r\n"), "{plain}");
        assert!(plain.contains("\ngputop_gpu_utilization_ratio{node=\"n\",gpu=\"0\""));
        let (open, _) = said(
            b"GET /metrics HTTP/1.1\r\nHost: n\r\nAccept: application/openmetrics-text;version=1.0.0\
              \r\n\r\n",
        )
        .await;
        assert!(open.contains("content-type: application/openmetrics-text; version=1.0.0"));
        assert!(open.ends_with("# EOF\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_else_is_there() {
        let (missing, _) = said(b"GET / HTTP/1.1\r\nHost: n\r\n\r\n").await;
        assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
        assert!(missing.ends_with("The metrics are at /metrics.\n"));
        let post = b"POST /metrics HTTP/1.1\r\nHost: n\r\nContent-Length: 0\r\n\r\n";
        let (refused, _) = said(post).await;
        assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
        assert!(refused.contains("allow: GET, HEAD"), "{refused}");
        let (head, _) = said(b"HEAD /metrics HTTP/1.1\r\nHost: n\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn heads_that_are_slow_or_large_end_the_connection() {
        // The other half never comes.
        let (mut client, server) = tokio::io::duplex(64);
        let sampler = sampler().await;
        let begun = Instant::now();
        client.write_all(b"GET /metr").await.unwrap();
        assert!(serve_one(server, sampler).await.is_err());
        assert_eq!(begun.elapsed().as_secs(), HEAD.as_secs());
        let mut large = b"GET /metrics HTTP/1.1\r\nHost: n\r\nX: ".to_vec();
        large.resize(64 * 1024, b'x');
        let (refused, took) = said(&large).await;
        assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");
        assert!(took < HEAD);
        let many = "X: y\r\n".repeat(FIELDS + 1);
        let many = format!("GET /metrics HTTP/1.1\r\nHost: n\r\n{many}\r\n");
        let (refused, _) = said(many.as_bytes()).await;
        assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_left() {
        let sampler = sampler().await;
        // Less than an answer fits in.
        let (mut client, server): (DuplexStream, _) = tokio::io::duplex(512);
        let request = b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n";
        client.write_all(request).await.unwrap();
        let begun = Instant::now();
        let served = timeout(CONNECTION, serve_one(server, sampler)).await;
        assert!(served.is_err(), "{served:?}");
        assert_eq!(begun.elapsed(), CONNECTION);
    }

    #[tokio::test]
    async fn a_scrape_is_no_subscriber_and_connections_are_bounded() {
        let sampler = sampler().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cancel = CancellationToken::new();
        let server = tokio::spawn(serve(listener, sampler.clone(), cancel.clone()));
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let request = b"GET /metrics HTTP/1.1\r\nHost: n\r\n\r\n";
        let mut late = TcpStream::connect(address).await.unwrap();
        late.write_all(request).await.unwrap();
        // All places are taken until one of the silent ones leaves.
        drop(silent.pop());
        let mut answer = String::new();
        late.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.contains("\ngputop_daemon_subscribers 0\n"),
            "{answer}"
        );
        assert_eq!(sampler.subscribers(), 0);
        cancel.cancel();
        server.await.unwrap();
    }
}
