//! Tells a gRPC server from anything else by the first bytes it sends.
//!
//! An HTTP/2 server begins with a SETTINGS frame (RFC 9113, §3.4). An SSH server, a web server or
//! a metrics exporter on the daemon's port does not; what it says instead names it better than any
//! error of a protocol that it does not speak.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::dial::Io;

/// Bytes of an HTTP/2 frame's head before its type, and the type of SETTINGS.
const TYPE_AT: usize = 3;
const SETTINGS: u8 = 4;

/// Bytes of a stranger's words that are kept.
const KEPT: usize = 256;

/// What a stranger said first; empty while the other end speaks HTTP/2 or nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Stranger(Arc<OnceLock<String>>);

impl Stranger {
    /// The stranger's first words.
    pub(super) fn said(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// Passes everything through, and ends the stream when a stranger answers.
pub(super) struct Sniffed {
    io: Box<dyn Io>,
    /// The beginning, until it is known what it is.
    first: Option<Vec<u8>>,
    stranger: Stranger,
}

impl Sniffed {
    /// Wraps a stream that nothing has been read from.
    pub(super) fn new(io: Box<dyn Io>) -> (Self, Stranger) {
        let stranger = Stranger::default();
        let sniffed = Self {
            io,
            first: Some(Vec::new()),
            stranger: stranger.clone(),
        };
        (sniffed, stranger)
    }

    fn look(&mut self, read: &[u8]) -> io::Result<()> {
        let Some(first) = &mut self.first else {
            return Ok(());
        };
        first.extend_from_slice(&read[..read.len().min(KEPT)]);
        // An end before four bytes is a connection that broke.
        let Some(frame_type) = first.get(TYPE_AT) else {
            return Ok(());
        };
        if *frame_type != SETTINGS {
            let said = String::from_utf8_lossy(first).into_owned();
            // Set once: `first` is taken below.
            let _ = self.stranger.0.set(said);
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no HTTP/2"));
        }
        self.first = None;
        Ok(())
    }
}

impl AsyncRead for Sniffed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = read
            && self.first.is_some()
        {
            return Poll::Ready(self.look(&buffer.filled()[before..]));
        }
        read
    }
}

impl AsyncWrite for Sniffed {
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn sniff(chunks: &[&[u8]]) -> (io::Result<Vec<u8>>, Option<String>) {
        let (near, mut far) = tokio::io::duplex(64);
        let (mut sniffed, stranger) = Sniffed::new(Box::new(near));
        let mut read = Vec::new();
        let mut result = Ok(0);
        for chunk in chunks {
            far.write_all(chunk).await.unwrap();
            result = sniffed.read_buf(&mut read).await;
        }
        drop(far);
        if result.is_ok() {
            result = sniffed.read_to_end(&mut read).await;
        }
        (result.map(|_| read), stranger.said().map(str::to_owned))
    }

    #[tokio::test]
    async fn http2_passes_however_it_is_cut() {
        let hello = [0, 0, 6, 4, 0, 0, 0, 0, 0, 9, 9];
        for cut in 1..hello.len() {
            let (read, said) = sniff(&[&hello[..cut], &hello[cut..]]).await;
            assert_eq!(read.unwrap(), hello);
            assert_eq!(said, None);
        }
    }

    #[tokio::test]
    async fn anything_else_is_named_by_its_first_words() {
        let (read, said) = sniff(&[b"SSH-2.0-OpenSSH_9.6\r\n"]).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(said.as_deref(), Some("SSH-2.0-OpenSSH_9.6\r\n"));
        let (_, said) = sniff(&[b"HT", b"TP/1.1 400 Bad Request\r\n"]).await;
        assert_eq!(said.as_deref(), Some("HTTP/1.1 400 Bad Request\r\n"));
    }

    #[tokio::test]
    async fn an_early_end_is_no_stranger() {
        let (read, said) = sniff(&[b"x"]).await;
        assert_eq!(read.unwrap(), b"x");
        assert_eq!(said, None);
    }
}
