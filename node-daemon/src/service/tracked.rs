//! A connection that tells when it is closed, and that somebody must use.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::server::Connected;

/// How long a client may take until it says its first word: before that there are no pings.
const FIRST_WORD: Duration = Duration::from_secs(10);

/// Passes everything through and cancels a token when dropped. Fails when nothing has come for too
/// long.
///
/// The pings of HTTP/2 find out that nobody answers, but the server then wants to say goodbye
/// first. On a line that is full it would wait for that for ever, and the connection would keep its
/// place among those that are allowed.
pub(super) struct Tracked<IO> {
    io: IO,
    /// How long a client may be silent once it has said something; `None`: whatever it says, the
    /// connection lives no longer than [`FIRST_WORD`].
    silence: Option<Duration>,
    patience: Pin<Box<Sleep>>,
    _closed: DropGuard,
}

impl<IO> Tracked<IO> {
    pub(super) fn new(io: IO, silence: Option<Duration>, closed: CancellationToken) -> Self {
        Self {
            io,
            silence,
            patience: Box::pin(sleep(FIRST_WORD)),
            _closed: closed.drop_guard(),
        }
    }

    /// What came of an attempt to read or write; an error when it waits for somebody who has been
    /// silent for too long.
    fn unless_silent<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_pending() && self.patience.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        result
    }
}

impl<IO: Connected> Connected for Tracked<IO> {
    type ConnectInfo = IO::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.io.connect_info()
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Tracked<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if read.is_ready()
            && let Some(silence) = self.silence
        {
            let until = Instant::now() + silence;
            self.patience.as_mut().reset(until);
        }
        self.unless_silent(context, read)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Tracked<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.io).poll_write(context, buffer);
        self.unless_silent(context, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.io).poll_flush(context);
        self.unless_silent(context, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.io).poll_shutdown(context);
        self.unless_silent(context, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.io).poll_write_vectored(context, buffers);
        self.unless_silent(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
