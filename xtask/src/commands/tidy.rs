//! `cargo xtask tidy`.

use color_eyre::eyre::{Result, bail};
use xtask::{repository, tidy};

use super::output::say;

/// Prints every broken rule; fails when there is one.
pub(super) fn run() -> Result<()> {
    let findings = tidy::check(&repository::root())?;
    for finding in &findings {
        say(finding.to_string());
    }
    if findings.is_empty() {
        Ok(())
    } else {
        bail!("{} places are not tidy", findings.len())
    }
}
