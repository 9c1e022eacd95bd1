//! A screen in memory that can be looked at and resized while an app draws on it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratatui::backend::{Backend, ClearType, TestBackend, WindowSize};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Size};
use tokio::sync::watch;

use crate::shown::Shown;

/// A window: what the user sees of a [`Canvas`].
#[derive(Debug, Clone)]
pub struct Window {
    screen: Arc<Mutex<TestBackend>>,
    frames: watch::Receiver<u64>,
}

/// What the app draws on.
#[derive(Debug)]
pub struct Canvas {
    screen: Arc<Mutex<TestBackend>>,
    frames: watch::Sender<u64>,
}

/// A window of this size and what to draw on.
#[must_use]
pub fn open(width: u16, height: u16) -> (Window, Canvas) {
    let screen = Arc::new(Mutex::new(TestBackend::new(width, height)));
    let (sender, frames) = watch::channel(0);
    let canvas = Canvas {
        screen: screen.clone(),
        frames: sender,
    };
    (Window { screen, frames }, canvas)
}

impl Window {
    /// What is on the screen after the last frame.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let screen = lock(&self.screen);
        let buffer = screen.buffer();
        let width = usize::from(buffer.area.width).max(1);
        let mut text = String::new();
        for line in buffer.content().chunks(width) {
            text.extend(line.iter().map(Cell::symbol));
            text.push('\n');
        }
        Shown::new(&text)
    }

    /// The cells of the last frame, with their styles.
    #[must_use]
    pub fn cells(&self) -> Buffer {
        lock(&self.screen).buffer().clone()
    }

    /// Waits for the next frame; `false`: the app has ended.
    pub async fn next_frame(&mut self) -> bool {
        self.frames.changed().await.is_ok()
    }

    /// Gives the window another size. The app has to be told, as a terminal would.
    pub fn resize(&self, width: u16, height: u16) {
        lock(&self.screen).resize(width, height);
    }
}

fn lock(screen: &Mutex<TestBackend>) -> MutexGuard<'_, TestBackend> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Canvas {
    fn screen(&self) -> MutexGuard<'_, TestBackend> {
        lock(&self.screen)
    }
}

impl Backend for Canvas {
    type Error = Infallible;

    fn draw<'a, I>(&mut self, content: I) -> Result<(), Infallible>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        self.screen().draw(content)
    }

    fn hide_cursor(&mut self) -> Result<(), Infallible> {
        self.screen().hide_cursor()
    }

    fn show_cursor(&mut self) -> Result<(), Infallible> {
        self.screen().show_cursor()
    }

    fn get_cursor_position(&mut self) -> Result<Position, Infallible> {
        self.screen().get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> Result<(), Infallible> {
        self.screen().set_cursor_position(position)
    }

    fn clear(&mut self) -> Result<(), Infallible> {
        self.screen().clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> Result<(), Infallible> {
        self.screen().clear_region(clear_type)
    }

    fn size(&self) -> Result<Size, Infallible> {
        self.screen().size()
    }

    fn window_size(&mut self) -> Result<WindowSize, Infallible> {
        self.screen().window_size()
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.screen().flush()?;
        self.frames.send_modify(|frame| *frame += 1);
        Ok(())
    }
}
