//! The terminal app of gputop-k3s.
//!
//! - [`app`]: state, messages and keys (pure).
//! - [`screens`], [`widgets`], [`theme`]: drawing (pure).
//! - [`runtime`]: the event loop and the terminal.
//! - [`cli`]: the command line.
//! - [`config`]: files, environment and flags laid over each other.
//! - [`export`]: the tables as text, CSV, JSON and OpenMetrics (pure).
//! - [`nearest`]: "did you mean" (pure).
//! - [`recording`]: what was seen, kept in a file and played again.

pub mod app;
pub mod cli;
pub mod config;
pub mod export;
pub mod nearest;
pub mod recording;
pub mod runtime;
pub mod screens;
pub mod theme;
pub mod widgets;

use color_eyre::eyre::Result;

/// Makes reports of panics readable. The terminal is given back before they are printed
/// ([`runtime::TerminalGuard`]).
///
/// # Errors
/// When a hook of this kind is installed already.
pub fn install_panic_hook() -> Result<()> {
    color_eyre::install()
}

/// Does what the process's arguments ask for.
#[must_use]
pub fn run() -> cli::Exit {
    // One thread for the screen, which is this one, and one for everything else: watches and links
    // mostly wait, and each further thread costs memory and wake-ups.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(cli::run());
            // Tasks that still wait for the network do not hold up the end.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            tracing::error!(%error, "no runtime");
            cli::Exit::Failed
        }
    }
}
