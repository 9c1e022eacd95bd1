//! The screenshots and golden objects in the repository are current.

use color_eyre::Result;
use color_eyre::eyre::ensure;

#[tokio::test(start_paused = true)]
async fn screenshots_and_golden_objects_are_current() -> Result<()> {
    let root = xtask::repository::root();
    for artefact in gputop_e2e::shots::artefacts().await? {
        let kept = std::fs::read_to_string(root.join(&artefact.path)).unwrap_or_default();
        ensure!(
            kept == artefact.text,
            "{} is not current: run `cargo xtask shots`, look at it, and commit it",
            artefact.path.display()
        );
    }
    Ok(())
}
