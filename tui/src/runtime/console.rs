//! What is written to the terminal beside the frames: the clipboard and the bell.

use std::io::{self, Write};

use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;

/// Takes what is not part of a frame.
pub trait Console {
    /// Puts text into the terminal's clipboard.
    fn copy(&mut self, text: &str);

    /// Rings the bell and shows a notification.
    fn notify(&mut self, text: &str);
}

/// The terminal itself: OSC 52 for the clipboard (works over SSH), the bell, and OSC 9, which
/// terminals without notifications ignore. A terminal that is gone is noticed by the next frame.
#[derive(Debug, Default)]
pub struct TerminalConsole;

impl Console for TerminalConsole {
    fn copy(&mut self, text: &str) {
        let mut out = io::stdout();
        let _ = queue!(out, CopyToClipboard::to_clipboard_from(text));
        let _ = out.flush();
    }

    fn notify(&mut self, text: &str) {
        let plain: String = text.chars().filter(|letter| !letter.is_control()).collect();
        let mut out = io::stdout();
        let _ = write!(out, "\x07\x1b]9;{plain}\x1b\\");
        let _ = out.flush();
    }
}

/// For screens in memory: nobody has a clipboard there.
#[derive(Debug, Default)]
pub struct NoConsole;

impl Console for NoConsole {
    fn copy(&mut self, _text: &str) {}

    fn notify(&mut self, _text: &str) {}
}
