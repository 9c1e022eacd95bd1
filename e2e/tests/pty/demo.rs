//! `gputop-k3s demo` as a user has it: the tables, the filter, help, other sizes, no colours.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::programs::program;
use gputop_e2e::pty::{Pty, Start};
use tempfile::TempDir;

pub(crate) const DEMO: [&str; 3] = ["demo", "--seed", "7"];

/// The demo in a terminal, with all daemons connected.
pub(crate) fn demo(home: &TempDir) -> Result<Pty> {
    settled(Start::new(&program("gputop-k3s")?, &DEMO, home.path()))
}

/// The same, started in another way.
pub(crate) fn settled(start: Start) -> Result<Pty> {
    let mut pty = start.spawn()?;
    pty.until("all daemons", |shown| {
        shown.has("● live") && shown.has("daemons 5/5")
    })?;
    Ok(pty)
}

#[test]
fn every_view_opens_by_number_and_by_tab() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = demo(&home)?;
    let shown = pty.shown();
    ensure!(shown.has("gputop-k3s · demo · seed 7"), "{shown}");
    ensure!(
        shown.row(&["NODE", "UNITS"]) && shown.row(&["atlas", "2× RTX 3090"]),
        "{shown}"
    );
    ensure!(
        pty.screen().alternate_screen() && pty.is_raw()?,
        "the terminal is not taken"
    );
    pty.keys("2")?;
    pty.until("GPUs", |s| {
        s.row(&["NODE", "PRODUCT"]) && s.row(&["atlas", "● working"])
    })?;
    pty.keys("3")?;
    pty.until("pods", |s| {
        s.row(&["POD", "REQ"]) && s.row(&["pretrain-moe", "Pending"])
    })?;
    pty.keys("4")?;
    pty.until("processes", |s| {
        s.row(&["NODE", "PID"]) && s.row(&["torchrun", "mia"])
    })?;
    pty.keys("\t")?;
    pty.until("round to the nodes", |s| s.row(&["NODE", "UNITS"]))?;
    pty.keys("\t")?;
    pty.until("the GPUs after them", |s| s.row(&["NODE", "PRODUCT"]))?;
    pty.keys("\x1b[Z")?;
    pty.until("back to the nodes", |s| s.row(&["NODE", "UNITS"]))?;
    pty.keys("q")?;
    ensure!(pty.left()?.code == 0);
    Ok(())
}

#[test]
fn filter_help_drill_and_sizes() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = demo(&home)?;
    pty.keys("4/gnome")?;
    let found = pty.until("one found", |s| s.has("/gnome  1 found"))?;
    ensure!(found.row(&["gnome-shell", "desktop: session-2"]), "{found}");
    pty.until_terminal("a cursor where text goes", |screen| !screen.hide_cursor())?;
    pty.keys("\r")?;
    pty.until("kept", |s| s.has("1 found") && s.has("q quit"))?;
    pty.until_terminal("no cursor", vt100::Screen::hide_cursor)?;
    // A lone escape is a key of its own.
    pty.keys("\x1b")?;
    pty.until("dropped", |s| s.has("torchrun"))?;
    // As the terminal sends pasted text.
    pty.keys("/\x1b[200~fire\x1b[201~")?;
    pty.until("pasted", |s| s.has("/fire  1 found"))?;
    pty.keys("\x1b")?;
    pty.until("dropped again", |s| s.has("torchrun"))?;

    pty.keys("?")?;
    pty.until("help", |s| s.has("All tables") && s.has("row below"))?;
    pty.keys("\x1b")?;
    pty.until("help closed", |s| {
        !s.has("All tables") && s.row(&["NODE", "PID"])
    })?;

    pty.keys("1g\r")?;
    pty.until("its GPUs", |s| {
        s.has("› atlas") && s.row(&["NODE", "PRODUCT"])
    })?;
    pty.keys("\x1b")?;
    pty.until("the nodes", |s| !s.has("›") && s.row(&["NODE", "UNITS"]))?;

    pty.resize(60, 15)?;
    let small = pty.until("small", |s| s.width() <= 60 && s.row(&["q quit"]))?;
    ensure!(
        small.lines().count() <= 15 && small.row(&["atlas"]) && small.row(&["pi5"]),
        "{small}"
    );
    pty.resize(200, 60)?;
    let large = pty.until("large", |s| s.width() > 170 && s.lines().count() == 60)?;
    ensure!(
        large.row(&["NODE", "DAEMON"]) && large.row(&["atlas", "live"]),
        "{large}"
    );
    pty.resize(1, 1)?;
    pty.resize(120, 40)?;
    pty.until("as before", |s| {
        s.lines().count() == 40 && s.row(&["atlas", "2× RTX 3090"])
    })?;
    pty.keys("q")?;
    ensure!(pty.left()?.code == 0);
    Ok(())
}

#[test]
fn the_mouse_opens_tabs() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = demo(&home)?;
    let shown = pty.shown();
    let row = shown.lines().position(|line| line.contains("3 Pods"));
    let line = shown.line(&["3 Pods"]).unwrap_or_default();
    let column = line.find("3 Pods").map(|at| line[..at].chars().count());
    let (Some(row), Some(column)) = (row, column) else {
        color_eyre::eyre::bail!("no tab of pods:\n{shown}");
    };
    pty.keys(&format!("\x1b[<0;{};{}M", column + 1, row + 1))?;
    pty.until("the pods", |s| s.row(&["POD", "REQ"]))?;
    // ctrl-c is a key in raw mode, and quits.
    pty.keys("\x03")?;
    ensure!(pty.left()?.code == 0);
    Ok(())
}

#[test]
fn without_colours_none_is_written() -> Result<()> {
    let home = TempDir::new()?;
    let start = Start::new(&program("gputop-k3s")?, &DEMO, home.path());
    let mut pty = settled(start.env("NO_COLOR", "1"))?;
    // What colours say elsewhere is said in another way: the selected row is reversed.
    let shown = pty.shown();
    let row = shown.cursor().unwrap_or_default();
    let reversed = |row: usize| {
        let cell = pty.screen().cell(u16::try_from(row).unwrap_or(0), 3);
        cell.is_some_and(vt100::Cell::inverse)
    };
    ensure!(row > 0 && reversed(row) && !reversed(row + 1), "{shown}");
    for (key, heading) in [
        ("2", "PRODUCT"),
        ("3", "REQ"),
        ("4", "PID"),
        ("1:theme", "All actions"),
        ("\x1bd", "describe  node atlas"),
        ("\x1by", "kind: Node"),
        ("\x1bv", "events  node atlas"),
        ("\x1bN", "Tell me when"),
        ("\x1b?", "All tables"),
    ] {
        // A lone escape is told from the beginning of a sequence by what does not follow.
        if let Some(rest) = key.strip_prefix('\x1b') {
            pty.keys("\x1b")?;
            pty.until("closed", |shown| {
                shown.row(&["NODE", "UNITS"]) && shown.has("q quit")
            })?;
            pty.keys(rest)?;
        } else {
            pty.keys(key)?;
        }
        pty.until(heading, |shown| shown.has(heading))?;
    }
    pty.keys("\x1b")?;
    pty.until("help closed", |shown| !shown.has("All tables"))?;
    pty.keys("q")?;
    let left = pty.left()?;
    ensure!(left.code == 0);
    has_no_colours(&left.raw)
}

/// Sees that nothing that was written sets a colour.
fn has_no_colours(raw: &[u8]) -> Result<()> {
    let written = String::from_utf8_lossy(raw);
    for parameters in renditions(&written) {
        for one in parameters.split(';') {
            let number: u16 = one.split(':').next().unwrap_or("").parse().unwrap_or(0);
            let colour = matches!(number, 30..=38 | 40..=48 | 58 | 90..=97 | 100..=107);
            ensure!(!colour, "a colour is set: ESC[{parameters}m");
        }
    }
    Ok(())
}

#[test]
fn with_colours_some_are_written() -> Result<()> {
    // Shows that the test above looks at the right thing.
    let home = TempDir::new()?;
    let pty = demo(&home)?;
    let written = String::from_utf8_lossy(pty.raw()).into_owned();
    let coloured = renditions(&written).any(|parameters| parameters.contains("38;"));
    ensure!(coloured, "no colour is set");
    Ok(())
}

/// The parameters of every `ESC [ … m`.
fn renditions(written: &str) -> impl Iterator<Item = &str> {
    written.split("\x1b[").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'))?;
        rest[end..].starts_with('m').then(|| &rest[..end])
    })
}
