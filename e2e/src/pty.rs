//! A program in a pseudo-terminal: keys in, screen out.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr as _, bail, ensure, eyre};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::Instant;
use vt100::{MouseProtocolMode, Parser};

use crate::shown::Shown;

/// Time after which something that has not come is not awaited any longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a program's end is looked for while it prints nothing.
const LOOK: Duration = Duration::from_millis(20);

/// Chunks of output that may wait to be read.
const CHUNKS: usize = 256;

/// A program to be started in a pseudo-terminal.
#[derive(Debug)]
pub struct Start {
    command: CommandBuilder,
    width: u16,
    height: u16,
}

impl Start {
    /// The program with these arguments, in a terminal of 120×40 that has colours. Nothing of
    /// the surroundings reaches it but `PATH`; its home is `home`.
    #[must_use]
    pub fn new(program: &Path, arguments: &[&str], home: &Path) -> Self {
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.cwd(home);
        Self {
            command,
            width: 120,
            height: 40,
        }
    }

    /// In a terminal of this size.
    #[must_use]
    pub const fn sized(mut self, width: u16, height: u16) -> Self {
        self.width = width;
        self.height = height;
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or the program can not be started.
    pub fn spawn(self) -> Result<Pty> {
        let Self {
            command,
            width,
            height,
        } = self;
        let system = native_pty_system();
        let pair = system
            .openpty(size(width, height))
            .map_err(|error| eyre!("{error:#}"))?;
        let before = modes(&*pair.master)?;
        let reader = pair
            .master
            .try_clone_reader()
            .map_err(|error| eyre!("{error:#}"))?;
        let writer = pair
            .master
            .take_writer()
            .map_err(|error| eyre!("{error:#}"))?;
        let (sender, output) = sync_channel(CHUNKS);
        thread::spawn(move || {
            let mut reader = reader;
            let mut chunk = [0; 8192];
            // An error is the end here: on Linux a terminal that nobody holds any more says EIO.
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                let chunk = (Instant::now(), chunk[..read].to_vec());
                if sender.send(chunk).is_err() {
                    return;
                }
            }
        });
        let child = pair
            .slave
            .spawn_command(command)
            .map_err(|error| eyre!("{error:#}"))?;
        Ok(Pty {
            child,
            master: pair.master,
            slave: Some(pair.slave),
            writer,
            output,
            parser: Parser::new(lines(height)?, lines(width)?, 0),
            raw: Vec::new(),
            last: Instant::now(),
            before,
            ended: None,
        })
    }
}

/// A running program and its terminal. It is killed when this is dropped.
pub struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    parser: Parser,
    raw: Vec<u8>,
    /// When the last of it came.
    last: Instant,
    before: String,
    ended: Option<u32>,
}

/// What a program has left behind.
#[derive(Debug)]
pub struct Left {
    /// Its exit code.
    pub code: u32,
    /// The screen that it has left.
    pub shown: Shown,
    /// Everything that it has written.
    pub raw: Vec<u8>,
}

impl Pty {
    /// When the program wrote last: when it reached this end of the terminal, whatever was done
    /// with it since.
    #[must_use]
    pub const fn last_output(&self) -> Instant {
        self.last
    }

    /// The program's process id.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.process_id()
    }

    /// Takes what the program writes for that long.
    ///
    /// # Errors
    /// When it ends meanwhile.
    pub fn run(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            ensure!(!self.has_ended()?, "the program has ended");
            self.take(until.saturating_duration_since(Instant::now()).min(LOOK))?;
        }
        Ok(())
    }

    /// What is on the screen.
    #[must_use]
    pub fn shown(&self) -> Shown {
        Shown::new(&self.parser.screen().contents())
    }

    /// Everything that the program has written so far.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The terminal as the program's escapes have made it.
    #[must_use]
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Whether the terminal hands on every key at once, without echo.
    ///
    /// # Errors
    /// When the terminal can not be asked.
    pub fn is_raw(&self) -> Result<bool> {
        Ok(modes(&*self.master)? != self.before)
    }

    /// Sends what the keyboard would send.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn keys(&mut self, bytes: &str) -> Result<()> {
        self.writer.write_all(bytes.as_bytes())?;
        self.writer.flush().wrap_err("the terminal takes no keys")
    }

    /// Gives the terminal another size; the system tells the program.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resize(&mut self, width: u16, height: u16) -> Result<()> {
        self.parser.set_size(lines(height)?, lines(width)?);
        self.master
            .resize(size(width, height))
            .map_err(|error| eyre!("{error:#}"))
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the program is gone.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        ensure!(self.ended.is_none(), "the program has ended already");
        let id = self
            .child
            .process_id()
            .and_then(|id| i32::try_from(id).ok());
        let id = id
            .and_then(Pid::from_raw)
            .ok_or_else(|| eyre!("no process id"))?;
        kill_process(id, signal).wrap_err("the program can not be signalled")
    }

    /// Waits until the text on the screen is as wanted, and returns it; an error names `what`.
    ///
    /// # Errors
    /// When that takes too long or the program ends before.
    pub fn until(&mut self, what: &str, wanted: impl Fn(&Shown) -> bool) -> Result<Shown> {
        self.until_terminal(what, |screen| wanted(&Shown::new(&screen.contents())))
    }

    /// Whether no frame is half drawn: the program brackets each in a synchronised update.
    fn is_whole(&self) -> bool {
        let last = |mark: &[u8]| {
            self.raw
                .windows(mark.len())
                .rposition(|bytes| bytes == mark)
        };
        last(b"\x1b[?2026h") <= last(b"\x1b[?2026l")
    }

    /// The same for what is not text: the cursor, the mouse, the alternate screen.
    ///
    /// # Errors
    /// When that takes too long or the program ends before.
    pub fn until_terminal(
        &mut self,
        what: &str,
        wanted: impl Fn(&vt100::Screen) -> bool,
    ) -> Result<Shown> {
        let deadline = Instant::now() + PATIENCE;
        while !(self.is_whole() && wanted(self.screen())) {
            if Instant::now() >= deadline {
                bail!(
                    "{what}: not within {PATIENCE:?}; the screen is\n{}",
                    self.shown()
                );
            }
            // What a program has written last is read after its end is seen.
            let ended = self.has_ended()?;
            if !self.take(LOOK)? && ended {
                bail!(
                    "{what}: the program has ended; the screen was\n{}",
                    self.shown()
                );
            }
        }
        Ok(self.shown())
    }

    /// Waits until the program ends, and sees that the terminal is as it was before.
    ///
    /// # Errors
    /// When it goes on, or has not given the terminal back.
    pub fn left(mut self) -> Result<Left> {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended()? {
            ensure!(
                Instant::now() < deadline,
                "the program goes on; the screen is\n{}",
                self.shown()
            );
            self.take(LOOK)?;
        }
        let raw_mode = self.is_raw()?;
        // Without anybody at the other end the output comes to its end.
        self.slave = None;
        while Instant::now() < deadline && self.take(PATIENCE)? {}
        ensure!(!raw_mode, "the terminal is still in raw mode");
        self.is_given_back()?;
        let code = self.ended.ok_or_else(|| eyre!("no exit code"))?;
        Ok(Left {
            code,
            shown: self.shown(),
            raw: std::mem::take(&mut self.raw),
        })
    }

    /// Sees that the program's escapes have left the terminal as it was before.
    ///
    /// # Errors
    /// Names what is not as it was.
    pub fn is_given_back(&self) -> Result<()> {
        let shown = self.shown();
        let screen = self.parser.screen();
        ensure!(
            !screen.alternate_screen(),
            "still on the alternate screen:\n{shown}"
        );
        ensure!(!screen.hide_cursor(), "the cursor is still hidden");
        ensure!(!screen.bracketed_paste(), "bracketed paste is still on");
        let mouse = screen.mouse_protocol_mode();
        ensure!(
            mouse == MouseProtocolMode::None,
            "the mouse is still captured: {mouse:?}"
        );
        Ok(())
    }

    fn has_ended(&mut self) -> Result<bool> {
        if self.ended.is_none() {
            let status = self.child.try_wait()?;
            // A signal that kills has no code of its own; shells say 128 and more.
            self.ended = status.map(|status| match status.signal() {
                Some(_) => 128,
                None => status.exit_code(),
            });
        }
        Ok(self.ended.is_some())
    }

    /// Takes what has been written, waiting for at most `patience`; `false`: nothing.
    fn take(&mut self, patience: Duration) -> Result<bool> {
        let (at, chunk) = match self.output.recv_timeout(patience) {
            Ok(chunk) => chunk,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(false),
        };
        self.last = at;
        self.parser.process(&chunk);
        // A terminal answers when it is asked where the cursor is.
        let asked = count(&self.raw, &chunk, b"\x1b[6n");
        self.raw.extend_from_slice(&chunk);
        for _ in 0..asked {
            let (row, column) = self.parser.screen().cursor_position();
            self.keys(&format!("\x1b[{};{}R", row + 1, column + 1))?;
        }
        Ok(true)
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Nothing is left to be done about a program that can not be killed.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// How often `needle` ends in `chunk`, which comes after `before`.
fn count(before: &[u8], chunk: &[u8], needle: &[u8]) -> usize {
    let overlap = before.len().saturating_sub(needle.len() - 1);
    let text = [&before[overlap..], chunk].concat();
    text.windows(needle.len())
        .filter(|window| *window == needle)
        .count()
}

/// The terminal's own modes, as text that can be compared.
fn modes(master: &dyn MasterPty) -> Result<String> {
    let modes = master
        .get_termios()
        .ok_or_else(|| eyre!("the terminal does not say its modes"))?;
    Ok(format!("{modes:?}"))
}

fn lines(number: u16) -> Result<NonZeroU16> {
    NonZeroU16::new(number).ok_or_else(|| eyre!("a terminal has at least one line and column"))
}

const fn size(width: u16, height: u16) -> PtySize {
    PtySize {
        rows: height,
        cols: width,
        pixel_width: 0,
        pixel_height: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_in_two_chunks_is_one_question() {
        assert_eq!(count(b"", b"\x1b[6n", b"\x1b[6n"), 1);
        assert_eq!(count(b"ab\x1b[", b"6n\x1b[6n", b"\x1b[6n"), 2);
        assert_eq!(count(b"\x1b[6n", b"x", b"\x1b[6n"), 0);
    }
}
