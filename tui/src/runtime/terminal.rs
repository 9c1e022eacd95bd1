//! The terminal is taken over and given back, whatever happens in between.

use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::queue;
use crossterm::style::force_color_output;
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};

/// The terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Holds the terminal in raw mode on its alternate screen, and gives it back when dropped.
#[derive(Debug)]
pub struct TerminalGuard {
    mouse: bool,
}

impl TerminalGuard {
    /// Takes the terminal. A panic from now on gives it back before anything is printed.
    ///
    /// # Errors
    /// When standard output is no terminal or refuses.
    pub fn enter(mouse: bool) -> io::Result<Self> {
        let mut guard = Self { mouse };
        // The theme has no colours where NO_COLOR says so, unless the user asks for some. What
        // crossterm writes in their place would take bold and reverse away as well.
        force_color_output(true);
        give_back_on_panic();
        guard.resume()?;
        Ok(guard)
    }

    /// Gives the terminal back for a while.
    pub fn pause(&mut self) {
        restore();
    }

    /// Takes the terminal again.
    ///
    /// # Errors
    /// When standard output is no terminal or refuses.
    pub fn resume(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let mut out = io::stdout();
        queue!(out, EnterAlternateScreen, EnableBracketedPaste)?;
        if self.mouse {
            queue!(out, EnableMouseCapture)?;
        }
        out.flush()
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back if it is ours: raw mode, alternate screen, mouse, paste and cursor.
/// Does nothing otherwise; may be called from a panic hook and more than once.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    // Each step on its own: when one fails (the terminal is gone), the others are still tried.
    let mut out = io::stdout();
    let _ = queue!(
        out,
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        DisableMouseCapture
    );
    let _ = queue!(out, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Puts a hook before the one that is installed. A panic of the screen's own thread gives the
/// terminal back first; one elsewhere ends a task, not the program, and is only logged: its text
/// would land in the middle of the screen.
fn give_back_on_panic() {
    let screen = thread::current().id();
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if TAKEN.load(Ordering::SeqCst) && thread::current().id() != screen {
            tracing::error!(panic = %info, "a task has failed");
            return;
        }
        restore();
        previous(info);
    }));
}
