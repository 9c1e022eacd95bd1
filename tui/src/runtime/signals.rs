//! Signals that end the program in good order.

use std::io;

/// Ready when the program is told to end (SIGTERM, SIGHUP, SIGINT). Listens from the call on.
#[cfg(unix)]
pub(crate) fn termination() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM"),
            _ = hang_up.recv() => tracing::info!("SIGHUP"),
            _ = interrupt.recv() => tracing::info!("SIGINT"),
        }
    })
}

/// Ready when the program is told to end (the console's interrupt).
#[cfg(not(unix))]
pub(crate) fn termination() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Stops the program as the terminal's ctrl-z does; returns when it is continued.
#[cfg(unix)]
pub(super) fn suspend() {
    use rustix::process::{Signal, getpid, kill_process};
    if let Err(error) = kill_process(getpid(), Signal::TSTP) {
        tracing::warn!(%error, "the program can not be stopped");
    }
}

/// There is no such thing here.
#[cfg(not(unix))]
pub(super) const fn suspend() {}
