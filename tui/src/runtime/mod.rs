//! The event loop and the terminal: the only part of the app that waits, reads clocks and writes.

mod console;
mod drive;
#[cfg(unix)]
mod keyboard;
mod probe;
mod shell;
pub(crate) mod signals;
mod source;
mod synchronized;
mod terminal;

pub use console::{Console, NoConsole, TerminalConsole};
pub use drive::{Ended, Stage};
pub use probe::{Probe, ProbeBackend};
pub use source::{News, Source};
pub use synchronized::Synchronized;
pub use terminal::{TerminalGuard, restore};

use std::future::pending;
use std::io::{self, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use color_eyre::eyre::{Result, bail};
use crossterm::event::{Event, EventStream};
use futures::Stream;
use gputop_fleet::connect::Connection;
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use tokio::time::Instant;

use self::shell::Shell;
use crate::app::{self, Session, State};

/// Runs the app on a screen in memory until the user quits or the input ends.
///
/// `epoch` is the beginning of the source's moments ([`gputop_fleet::engine::Options::epoch`]).
pub async fn run<B, I, S>(
    terminal: &mut Terminal<B>,
    mut input: I,
    mut source: S,
    session: Session,
    epoch: Instant,
) -> Result<()>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
    I: Stream<Item = io::Result<Event>> + Unpin,
    S: Source,
{
    let mut state = State::new(session, source.clock(epoch));
    let first = app::start(&mut state);
    let mut stage = Stage {
        terminal,
        source: &mut source,
        console: &mut NoConsole,
        state: &mut state,
        epoch,
    };
    stage.carry_out(first);
    let mut stop = pin!(pending());
    // There is no other program to hand this screen to.
    while stage.drive(&mut input, stop.as_mut()).await? != Ended::Quit {}
    Ok(())
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

/// Takes away what has woken crossterm's reader when its last stream was dropped. A key that came
/// together with it would lie unread until the next one: the reader stops at the wake and is told of
/// each arrival only once.
fn forget_wake() {
    if let Err(error) = crossterm::event::poll(Duration::ZERO) {
        tracing::debug!(%error, "the terminal can not be asked for keys");
    }
}

/// Runs the app in the user's terminal until the user quits, a signal says so (`None`), or another
/// context is to be shown (`Some`). Shells and ctrl-z are dealt with in here.
pub async fn run_in_terminal<S: Source>(
    source: &mut S,
    state: &mut State,
    epoch: Instant,
    connection: Option<&Connection>,
) -> Result<Option<String>> {
    require_terminal()?;
    let mut stop = pin!(signals::termination()?);
    let mut guard = TerminalGuard::enter(state.session.mouse)?;
    let mut first = app::start(state);
    loop {
        forget_wake();
        let backend = Synchronized::new(CrosstermBackend::new(io::stdout()));
        // The alternate screen begins blank; `Terminal::clear` would ask where the cursor is and
        // wait.
        let mut terminal = Terminal::new(backend)?;
        let mut stage = Stage {
            terminal: &mut terminal,
            source,
            console: &mut TerminalConsole,
            state,
            epoch,
        };
        stage.carry_out(std::mem::take(&mut first));
        // Dropped before the terminal is given away, so that it takes no keys that are not ours.
        let mut input = EventStream::new();
        let ended = stage.drive(&mut input, stop.as_mut()).await?;
        drop(input);
        match ended {
            Ended::Quit => return Ok(None),
            Ended::Switch(name) => return Ok(Some(name)),
            Ended::Suspend => {
                guard.pause();
                signals::suspend();
                guard.resume()?;
            }
            Ended::Shell(target) => {
                let Some(connection) = connection else {
                    state.say("there is no cluster to open a shell in");
                    continue;
                };
                guard.pause();
                let shell = shell::run(connection, target, stop.as_mut()).await;
                let Shell::Ended(said) = shell else {
                    return Ok(None);
                };
                guard.resume()?;
                if let Some(said) = said {
                    state.say(said);
                }
            }
        }
    }
}
