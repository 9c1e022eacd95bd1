//! The four tables with what a homelab has in them, the filter and the help page.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use ratatui::crossterm::event::KeyCode;

use super::running::App;

#[tokio::test(start_paused = true)]
async fn nodes_are_there_with_what_is_amiss() -> Result<()> {
    let app = App::settled().await?;
    let shown = app.shown();
    ensure!(shown.has("1 Nodes 6"), "{shown}");
    for node in ["atlas", "rig.lab.home", "tesla", "dgx", "newbox", "pi5"] {
        ensure!(shown.row(&[node]), "{node} is missing:\n{shown}");
    }
    ensure!(shown.row(&["atlas", "2× RTX 3090", "2/2"]), "{shown}");
    ensure!(shown.row(&["tesla", "cordoned"]), "{shown}");
    ensure!(shown.row(&["newbox", "no NVIDIA driver"]), "{shown}");
    ensure!(shown.row(&["pi5", "no GPU known"]), "{shown}");
    ensure!(shown.has("nodes ready 6/6"), "{shown}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_other_tables_have_what_they_are_for() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("2").await?;
    let shown = app
        .until("a working GPU", |s| s.row(&["atlas", "● working", "%"]))
        .await?;
    ensure!(
        shown.row(&["atlas", "RTX 3090", "research/finetune-llama3-8b-41"]),
        "{shown}"
    );
    ensure!(
        shown.row(&["3g.40gb", "serving/vllm-llama3-70b"]),
        "{shown}"
    );
    ensure!(shown.row(&["newbox", "no NVIDIA driver"]), "{shown}");

    app.write("3").await?;
    let shown = app
        .until("a pod that waits", |s| s.row(&["pretrain-moe", "Pending"]))
        .await?;
    ensure!(shown.row(&["pretrain-moe", "none yet", "8"]), "{shown}");
    ensure!(
        shown.row(&["pretrain-moe", "Insufficient nvidia.com/gpu"]),
        "{shown}"
    );
    ensure!(
        shown.row(&["research/jupyter-tom-0", "dgx", "Running"]),
        "{shown}"
    );
    ensure!(shown.row(&["home/jellyfin", "tesla", "⚑"]), "{shown}");

    app.write("4").await?;
    let shown = app
        .until("the desktop", |s| s.row(&["rig.lab.home", "gnome-shell"]))
        .await?;
    ensure!(
        shown.row(&["gnome-shell", "jonas", "desktop: session-2", "outside"]),
        "{shown}"
    );
    ensure!(
        shown.row(&["atlas", "torchrun", "mia", "research/finetune"]),
        "{shown}"
    );
    ensure!(
        shown.row(&["tesla", "ffmpeg", "home/jellyfin", "⚑"]),
        "{shown}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_notebook_is_called_idle() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("3").await?;
    app.select(&["research/jupyter-tom-0"]).await?;
    let shown = app
        .until("idle", |s| s.has("has had its GPU and not used it for"))
        .await?;
    // The IDLE column: hours since its last kernel, which nobody watched.
    ensure!(shown.row(&["jupyter-tom-0", "19h"]), "{shown}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn tab_goes_round_and_back() -> Result<()> {
    let mut app = App::settled().await?;
    for heading in ["PRODUCT", "WORKLOAD", "PID", "STATUS"] {
        app.press(KeyCode::Tab).await?;
        app.until(heading, |shown| shown.row(&["NODE", heading]))
            .await?;
    }
    app.press(KeyCode::BackTab).await?;
    app.until("the processes again", |shown| shown.row(&["NODE", "PID"]))
        .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_filter_narrows_what_is_shown_and_esc_drops_it() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("4/gnome").await?;
    let shown = app
        .until("one row", |shown| shown.has("/gnome  1 found"))
        .await?;
    ensure!(shown.row(&["rig.lab.home", "gnome-shell"]), "{shown}");
    ensure!(!shown.has("torchrun"), "{shown}");
    // Digits and q are text while the filter is edited.
    app.write("q1").await?;
    app.until("no row", |shown| {
        shown.has("/gnomeq1") && shown.has("nothing found")
    })
    .await?;
    app.press(KeyCode::Backspace).await?;
    app.press(KeyCode::Backspace).await?;
    app.press(KeyCode::Enter).await?;
    let kept = app
        .until("kept", |s| s.has("/gnome  1 found") && s.has("q quit"))
        .await?;
    ensure!(!kept.has("torchrun"), "{kept}");
    app.press(KeyCode::Esc).await?;
    let all = app.until("all rows", |shown| shown.has("torchrun")).await?;
    ensure!(!all.has("found"), "{all}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn help_says_the_keys_and_closes() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("?").await?;
    let shown = app.until("help", |shown| shown.has("A device is")).await?;
    ensure!(
        shown.has("All tables") && shown.has("show only rows that contain a text"),
        "{shown}"
    );
    // A key of the tables means nothing here.
    app.write("2").await?;
    app.press(KeyCode::Esc).await?;
    let shown = app
        .until("the table again", |shown| !shown.has("A device is"))
        .await?;
    ensure!(shown.row(&["NODE", "STATUS", "UNITS"]), "{shown}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn q_ends_it() -> Result<()> {
    let app = App::settled().await?;
    app.write("q").await?;
    app.ended().await
}
