//! The keyboard as a stream of bytes that can be dropped at any time without swallowing a key.
//!
//! Tokio's standard input reads on a thread of its own and keeps reading after it was dropped: the
//! next key would be lost. This one reads only when something is there and somebody asks.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::OFlags;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, ReadBuf};

/// The terminal that the program was started in.
#[derive(Debug)]
pub(super) struct Keyboard {
    terminal: AsyncFd<File>,
}

impl Keyboard {
    /// Opens the terminal a second time, so that what is set on it does not concern others.
    pub(super) fn open() -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open("/dev/tty")?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe; the file stays open and the same in here"
        )]
        let terminal = AsyncFd::new(file)?;
        Ok(Self { terminal })
    }
}

impl AsyncRead for Keyboard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.terminal.poll_read_ready(cx))?;
            let unfilled = buf.initialize_unfilled();
            match ready.try_io(|terminal| terminal.get_ref().read(unfilled)) {
                Ok(Ok(read)) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}
