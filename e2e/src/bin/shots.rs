//! Writes the screenshots and golden objects of the repository anew.

use std::path::PathBuf;

use clap::Parser;
use color_eyre::Result;
use color_eyre::eyre::WrapErr as _;

/// Writes assets/shots and assets/golden.
#[derive(Debug, Parser)]
struct Args {
    /// The repository's root.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

fn main() -> Result<()> {
    color_eyre::install()?;
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    for artefact in runtime.block_on(gputop_e2e::shots::artefacts())? {
        let file = args.root.join(&artefact.path);
        std::fs::write(&file, artefact.text)
            .wrap_err_with(|| format!("can not write {}", file.display()))?;
    }
    Ok(())
}
