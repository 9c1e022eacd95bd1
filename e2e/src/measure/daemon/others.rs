//! Other tools on the same cards, where they are installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::OptionExt as _;

use super::machine::{Machine, PRODUCT};
use crate::measure::process::Usage;
use crate::measure::table::Row;
use crate::pty::Start;

/// The tools, and how they show what they see once a second.
const OTHERS: [(&str, &[&str]); 2] = [
    ("nvitop", &["-m", "full", "--interval", "1"]),
    ("all-smi", &["local", "--interval", "1"]),
];

/// Until a tool has started.
const START: Duration = Duration::from_secs(8);

pub(super) fn measure(
    machine: &Machine,
    time: Duration,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let path = path(&machine.for_others()?)?;
    for (name, arguments) in OTHERS {
        let Some(program) = find(name) else {
            progress(&format!("{name} is not in PATH: left out"));
            continue;
        };
        progress(name);
        let mut start = Start::new(&program, arguments, machine.home()).sized(200, 60);
        for (variable, value) in machine.env() {
            start = start.env(variable, &value.display().to_string());
        }
        let start = start.env("PATH", &path.to_string_lossy());
        let mut screen = start.env("LANG", "C.UTF-8").spawn()?;
        // Some shorten the name.
        let card = PRODUCT.rsplit(' ').next().unwrap_or(PRODUCT);
        if let Err(error) = screen.until("a card", |shown| shown.has(card)) {
            progress(&format!(
                "{name} shows none of the cards, left out: {error}"
            ));
            continue;
        }
        screen.run(START)?;
        let id = screen.id().ok_or_eyre("the tool has no process id")?;
        let before = Usage::of(id)?;
        screen.run(time)?;
        let after = Usage::of(id)?;
        let cpu = after.cpu_since(&before, time);
        rows.push(Row::share(&format!("{name}: CPU, of one core"), cpu));
        rows.push(Row::bytes(&format!("{name}: RSS"), after.resident));
    }
    Ok(rows)
}

/// `PATH` with `first` before all others.
fn path(first: &Path) -> Result<OsString> {
    let others = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(first.to_owned()).chain(std::env::split_paths(&others));
    Ok(std::env::join_paths(all)?)
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(name));
    files.find(|file| file.is_file())
}
