//! `gputop-k3s wait` and `get --watch` on a terminal.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::programs::program;
use gputop_e2e::pty::Start;
use tempfile::TempDir;

#[test]
fn waiting_shows_one_line_of_progress_and_takes_it_away() -> Result<()> {
    let home = TempDir::new()?;
    let arguments = ["wait", "--free", "90", "--demo", "--seed", "7"];
    let mut pty = Start::new(&program("gputop-k3s")?, &arguments, home.path()).spawn()?;
    let first = pty.until("progress", |shown| {
        shown.row(&["waiting for", "of 90 free"])
    })?;
    let later = pty.until("time goes on", |shown| {
        shown.row(&["waiting for"]) && !shown.row(&["waiting for 0 s"])
    })?;
    let lines = |shown: &gputop_e2e::shown::Shown| shown.lines().count();
    ensure!(lines(&first) == lines(&later), "{later}");
    ensure!(!pty.is_raw()? && !pty.screen().alternate_screen());
    // In a terminal that is not raw this is a signal.
    pty.keys("\x03")?;
    let left = pty.left()?;
    ensure!(left.code == 1, "exit code {}\n{}", left.code, left.shown);
    let progress = left.shown.row(&["waiting for", "of 90 free"]);
    ensure!(!progress, "{}", left.shown);
    ensure!(left.shown.has("told to end before"), "{}", left.shown);
    Ok(())
}

#[test]
fn a_watch_writes_no_colour_and_ends_with_ctrl_c() -> Result<()> {
    let home = TempDir::new()?;
    let arguments = ["get", "nodes", "-w", "--demo", "--seed", "7"];
    let mut pty = Start::new(&program("gputop-k3s")?, &arguments, home.path()).spawn()?;
    pty.until("the nodes", |shown| {
        shown.row(&["NAME", "STATUS"]) && shown.row(&["tesla", "SchedulingDisabled"])
    })?;
    pty.keys("\x03")?;
    let left = pty.left()?;
    ensure!(left.code == 0, "exit code {}\n{}", left.code, left.shown);
    ensure!(!left.raw.contains(&0x1b), "{}", left.shown);
    Ok(())
}
