//! A backend that wraps each frame in a synchronized update, so that terminals show it whole.

use std::io::{self, Write};

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Writes frames to a terminal, each in one synchronized update.
#[derive(Debug)]
pub struct Synchronized<W: Write> {
    inner: CrosstermBackend<W>,
    open: bool,
}

impl<W: Write> Synchronized<W> {
    /// Wraps a backend.
    pub const fn new(inner: CrosstermBackend<W>) -> Self {
        Self { inner, open: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        if !self.open {
            queue!(self.inner, BeginSynchronizedUpdate)?;
            self.open = true;
        }
        Ok(())
    }
}

impl<W: Write> Backend for Synchronized<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.begin()?;
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.begin()?;
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.begin()?;
        self.inner.clear_region(clear_type)
    }

    fn append_lines(&mut self, lines: u16) -> io::Result<()> {
        self.inner.append_lines(lines)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    /// Ends the frame.
    fn flush(&mut self) -> io::Result<()> {
        if self.open {
            queue!(self.inner, EndSynchronizedUpdate)?;
            self.open = false;
        }
        Backend::flush(&mut self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_one_update_and_no_change_writes_nothing() {
        let mut out = Vec::new();
        let mut backend = Synchronized::new(CrosstermBackend::new(&mut out));
        let cell = Cell::new("x");
        backend.draw(std::iter::once((0, 0, &cell))).unwrap();
        Backend::flush(&mut backend).unwrap();
        backend.draw(std::iter::empty()).unwrap();
        Backend::flush(&mut backend).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert!(written.starts_with("\u{1b}[?2026h"), "{written:?}");
        assert!(written.ends_with("\u{1b}[?2026l"), "{written:?}");
        assert_eq!(written.matches("\u{1b}[?2026").count(), 2);
    }
}
