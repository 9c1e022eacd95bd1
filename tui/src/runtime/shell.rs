//! The terminal in the hands of a shell in a pod.

use std::io::{self, Write};
use std::pin::Pin;

use gputop_fleet::connect::Connection;
use gputop_fleet::inspect::shell::ShellTarget;

/// How the terminal came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shell {
    /// The shell has ended, or there was none; what is to be said about it, if anything.
    Ended(Option<String>),
    /// The program is told to end: `stop` was ready, and must not be asked again.
    Stopped,
}

/// Hands the terminal to a shell until it ends, or `stop` is ready.
#[cfg(unix)]
pub(super) async fn run(
    connection: &Connection,
    target: ShellTarget,
    stop: Pin<&mut impl Future<Output = ()>>,
) -> Shell {
    let name = target.pod.to_string();
    announce(&target);
    let outcome = tokio::select! {
        outcome = attached(connection, target) => outcome,
        () = stop => return Shell::Stopped,
    };
    Shell::Ended(match outcome {
        Ok(0) => None,
        Ok(code) => Some(format!("the shell in {name} ended with {code}")),
        Err(why) => Some(format!("no shell in {name}: {why}")),
    })
}

/// Shells need a terminal as Unix has them.
#[cfg(not(unix))]
pub(super) async fn run(
    _connection: &Connection,
    _target: ShellTarget,
    _stop: Pin<&mut impl Future<Output = ()>>,
) -> Shell {
    let why = "shells are only to be had on Linux and macOS; kubectl exec works everywhere";
    Shell::Ended(Some(why.to_owned()))
}

/// Whose shell this is: it stays in the scrollback of the terminal.
fn announce(target: &ShellTarget) {
    let container = target
        .container
        .as_ref()
        .map_or_else(String::new, |name| format!(" ({name})"));
    let mut out = io::stdout();
    let _ = write!(
        out,
        "\r\nShell in {}{container}; exit or ctrl-d leaves it.\r\n",
        target.pod
    );
    let _ = out.flush();
}

#[cfg(unix)]
async fn attached(connection: &Connection, target: ShellTarget) -> Result<i32, String> {
    use crossterm::terminal::size;
    use gputop_fleet::inspect::shell::shell;
    use tokio::signal::unix::{SignalKind, signal};
    use tokio::sync::watch;

    let said = |error: io::Error| format!("the terminal can not be used: {error}");
    let keyboard = super::keyboard::Keyboard::open().map_err(said)?;
    let mut resized = signal(SignalKind::window_change()).map_err(said)?;
    let (sizes, changed) = watch::channel(size().unwrap_or((80, 24)));
    let follow = async {
        while resized.recv().await.is_some() {
            if let Ok(now) = size() {
                sizes.send_replace(now);
            }
        }
        std::future::pending::<()>().await;
    };
    let raw = RawMode::enter().map_err(said)?;
    let outcome = tokio::select! {
        outcome = shell(&connection.client, target, keyboard, tokio::io::stdout(), changed) => outcome,
        () = follow => Ok(gputop_fleet::inspect::shell::ShellEnd::default()),
    };
    drop(raw);
    match outcome {
        Ok(end) => Ok(end.code()),
        Err(problem) => Err(format!("{} {}", problem.what, problem.fix)),
    }
}

/// The terminal hands on every key at once, until this is dropped: also where the shell is left in
/// the middle.
#[cfg(unix)]
struct RawMode;

#[cfg(unix)]
impl RawMode {
    fn enter() -> io::Result<Self> {
        crossterm::terminal::enable_raw_mode()?;
        Ok(Self)
    }
}

#[cfg(unix)]
impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = crossterm::terminal::disable_raw_mode();
    }
}
