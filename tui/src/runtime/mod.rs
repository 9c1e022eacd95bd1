//! The event loop and the terminal: the only part of the app that waits, reads clocks and writes.

mod drive;
mod probe;
mod signals;
mod source;
mod synchronized;
mod terminal;

pub use drive::drive;
pub use probe::{Probe, ProbeBackend};
pub use source::Source;
pub use synchronized::Synchronized;
pub use terminal::{TerminalGuard, restore};

use std::future::pending;
use std::io::{self, IsTerminal};

use color_eyre::eyre::{Result, bail};
use crossterm::event::{Event, EventStream};
use futures::Stream;
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use tokio::time::Instant;

use crate::app::Session;

/// Runs the app until the user quits or the input ends.
///
/// `epoch` is the beginning of the source's moments ([`gputop_fleet::engine::Options::epoch`]).
pub async fn run<B, I, S>(
    terminal: &mut Terminal<B>,
    input: I,
    source: S,
    session: Session,
    epoch: Instant,
) -> Result<()>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
    I: Stream<Item = io::Result<Event>> + Unpin,
    S: Source,
{
    drive(terminal, input, source, session, epoch, pending()).await
}

/// Says so when there is no terminal to draw on. To be asked before anything that takes time.
///
/// # Errors
/// When input or output is a pipe or a file.
pub fn require_terminal() -> Result<()> {
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        return Ok(());
    }
    bail!(
        "the screens need a terminal, and this is a pipe or a file; \
         `gputop-k3s get nodes` (or gpus, pods, processes) prints the same as text or JSON"
    )
}

/// Runs the app in the user's terminal until the user quits or a signal says so.
pub async fn run_in_terminal<S: Source>(
    source: S,
    mut session: Session,
    epoch: Instant,
) -> Result<()> {
    require_terminal()?;
    // https://no-color.org: any value that is not empty.
    session.no_color |= std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let signals = signals::termination()?;
    let guard = TerminalGuard::enter()?;
    let backend = Synchronized::new(CrosstermBackend::new(io::stdout()));
    // The alternate screen begins blank; `Terminal::clear` would ask where the cursor is and wait.
    let mut terminal = Terminal::new(backend)?;
    let result = drive(
        &mut terminal,
        EventStream::new(),
        source,
        session,
        epoch,
        signals,
    )
    .await;
    drop(guard);
    result
}
