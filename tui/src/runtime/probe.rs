//! A screen in memory that can be watched while the app runs on it.

use std::convert::Infallible;

use ratatui::backend::{Backend, ClearType, TestBackend, WindowSize};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Size};
use tokio::sync::watch;

/// Shows the frames that are drawn on a [`ProbeBackend`].
#[derive(Debug, Clone)]
pub struct Probe {
    frames: watch::Receiver<Shown>,
}

#[derive(Debug, Clone)]
struct Shown {
    buffer: Buffer,
    /// Frames up to this one.
    number: u64,
}

impl Probe {
    /// A screen of the given size and its probe.
    #[must_use]
    pub fn new(width: u16, height: u16) -> (ProbeBackend, Self) {
        let inner = TestBackend::new(width, height);
        let shown = Shown {
            buffer: inner.buffer().clone(),
            number: 0,
        };
        let (sender, frames) = watch::channel(shown);
        (
            ProbeBackend {
                inner,
                frames: sender,
            },
            Self { frames },
        )
    }

    /// What is on the screen.
    #[must_use]
    pub fn screen(&self) -> Buffer {
        self.frames.borrow().buffer.clone()
    }

    /// How many frames have been drawn.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames.borrow().number
    }

    /// The lines on the screen, without styles and without blanks at their ends.
    #[must_use]
    pub fn text(&self) -> String {
        lines(&self.frames.borrow().buffer)
    }

    /// Waits until the text on the screen is as wanted, and returns it.
    ///
    /// # Errors
    /// The last text, when the app ends before.
    pub async fn until(&mut self, wanted: impl Fn(&str) -> bool) -> Result<String, String> {
        let found = self
            .frames
            .wait_for(|shown| wanted(&lines(&shown.buffer)))
            .await;
        let found = found.ok().map(|shown| lines(&shown.buffer));
        found.ok_or_else(|| self.text())
    }
}

fn lines(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let mut text = String::new();
    for line in buffer.content().chunks(width) {
        let mut skip = 0;
        let mut shown = String::new();
        for cell in line {
            // The cell behind a wide letter is blank and not on the screen.
            if skip == 0 {
                shown.push_str(cell.symbol());
                skip = crate::widgets::text::width(cell.symbol()).max(1);
            }
            skip -= 1;
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// A screen in memory.
#[derive(Debug)]
pub struct ProbeBackend {
    inner: TestBackend,
    frames: watch::Sender<Shown>,
}

impl Backend for ProbeBackend {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Infallible> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> Result<Size, Infallible> {
        self.inner.size()
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.frames.send_modify(|shown| {
            shown.buffer.clone_from(self.inner.buffer());
            shown.number += 1;
        });
        self.inner.flush()
    }
}
