//! However it ends, the terminal is as it was before. [`Pty::left`] sees to that.
//!
//! [`Pty::left`]: gputop_e2e::pty::Pty::left

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::programs::program;
use gputop_e2e::pty::Start;
use rustix::process::Signal;
use tempfile::TempDir;

use super::demo::demo;

#[test]
fn signals_end_it_in_good_order() -> Result<()> {
    for signal in [Signal::TERM, Signal::HUP] {
        let home = TempDir::new()?;
        let mut pty = demo(&home)?;
        ensure!(
            pty.is_raw()? && pty.screen().alternate_screen(),
            "the terminal is not taken"
        );
        pty.signal(signal)?;
        let left = pty.left()?;
        ensure!(
            left.code == 0,
            "{signal:?}: exit code {}\n{}",
            left.code,
            left.shown
        );
    }
    Ok(())
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_readable() -> Result<()> {
    let home = TempDir::new()?;
    let pty = Start::new(&program("gputop-e2e-panics")?, &[], home.path()).spawn()?;
    let left = pty.left()?;
    ensure!(left.code == 101, "exit code {}", left.code);
    let written = String::from_utf8_lossy(&left.raw).into_owned();
    ensure!(
        written.contains("\x1b[?1049h"),
        "it never took the terminal: {written:?}"
    );
    // On the main screen, below each other: with the terminal's own line ends.
    ensure!(
        left.shown.has("on purpose, to see the terminal afterwards"),
        "{}",
        left.shown
    );
    ensure!(left.shown.row(&["panics.rs"]), "{}", left.shown);
    let message = written.find("on purpose").unwrap_or(0);
    let given_back = written.rfind("\x1b[?1049l").unwrap_or(usize::MAX);
    ensure!(
        given_back < message,
        "the message was written to the screen that is gone"
    );
    Ok(())
}

#[test]
fn a_panic_elsewhere_leaves_the_screen_alone() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = Start::new(&program("gputop-e2e-panics")?, &["task"], home.path()).spawn()?;
    let shown = pty.until("the task's end", |s| s.has("the task has failed: true"))?;
    ensure!(
        !shown.has("a task has failed") && pty.screen().alternate_screen(),
        "{shown}"
    );
    ensure!(pty.is_raw()?, "the terminal was given back");
    pty.keys("x")?;
    let left = pty.left()?;
    ensure!(left.code == 0, "exit code {}\n{}", left.code, left.shown);
    Ok(())
}

#[test]
fn a_terminal_that_is_not_given_back_is_seen() -> Result<()> {
    // Shows that the tests above look at the right thing.
    let home = TempDir::new()?;
    let mut pty = Start::new(&program("gputop-e2e-panics")?, &["task"], home.path()).spawn()?;
    pty.until("the task's end", |s| s.has("the task has failed: true"))?;
    pty.signal(Signal::KILL)?;
    let seen = pty.left().err().map(|error| error.to_string());
    ensure!(
        seen.as_deref() == Some("the terminal is still in raw mode"),
        "{seen:?}"
    );
    Ok(())
}
