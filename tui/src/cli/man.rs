//! `gputop-k3s man`: the manual pages, made from the same description as `--help`.

use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, ValueHint};

use super::args::Args;
use super::exit::{Exit, Failure};
use super::print::write;

/// `man`.
#[derive(Debug, Clone, clap::Args)]
pub struct Man {
    /// Write a page for each command into this folder, which is made if it is not there [default:
    /// the first page to stdout, for `man -l -`].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// Carries out `man`.
pub(super) fn run(man: &Man) -> Result<(), Failure> {
    if let Some(folder) = &man.dir {
        return pages(folder);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command())
        .render(&mut page)
        .map_err(|error| failed("the page can not be made", &error))?;
    write(&String::from_utf8_lossy(&page)).map(|_reader| ())
}

fn pages(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    std::fs::create_dir_all(folder)
        .map_err(|error| failed(&format!("the folder {shown} can not be made"), &error))?;
    clap_mangen::generate_to(Args::command(), folder).map_err(|error| {
        failed(
            &format!("the pages can not be written into {shown}"),
            &error,
        )
    })
}

fn failed(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("{what}: {error}"),
        "Name a folder that you may write to, such as ~/.local/share/man/man1.",
    )
}
