//! Keys and what they do: tables, the filter, the help page, the end.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use ratatui::crossterm::event::KeyCode;

use super::running::App;

#[tokio::test(start_paused = true)]
async fn tables_filter_help_and_quit() -> Result<()> {
    let mut app = App::settled().await?;
    goes_round(&mut app).await?;
    filters(&mut app).await?;
    helps(&mut app).await?;
    app.write("q").await?;
    app.ended().await
}

/// Tab goes through the tables and back.
async fn goes_round(app: &mut App) -> Result<()> {
    for heading in ["PRODUCT", "WORKLOAD", "PID", "UNITS"] {
        app.press(KeyCode::Tab).await?;
        app.until(heading, |shown| shown.row(&["NODE", heading]))
            .await?;
    }
    app.press(KeyCode::BackTab).await?;
    app.until("the processes again", |shown| shown.row(&["NODE", "PID"]))
        .await?;
    app.write("1").await?;
    app.until("the nodes", |shown| shown.row(&["NODE", "UNITS"]))
        .await?;
    Ok(())
}

/// The filter narrows the table while it is written; Enter keeps it, Esc drops it.
async fn filters(app: &mut App) -> Result<()> {
    app.write("4/gnome").await?;
    let shown = app
        .until("one row", |shown| shown.has("/gnome  1 found"))
        .await?;
    ensure!(shown.row(&["rig.lab.home", "gnome-shell"]), "{shown}");
    ensure!(!shown.has("torchrun"), "{shown}");
    // Digits and q are text here.
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
    // Another table has a filter of its own.
    app.write("2").await?;
    let gpus = app
        .until("all GPUs", |s| s.row(&["atlas", "working"]))
        .await?;
    ensure!(!gpus.has("1 found"), "{gpus}");
    app.write("4").await?;
    app.until("as it was left", |s| s.has("/gnome  1 found"))
        .await?;
    app.press(KeyCode::Esc).await?;
    let all = app.until("all rows", |shown| shown.has("torchrun")).await?;
    ensure!(!all.has("found"), "{all}");
    Ok(())
}

/// The help page lies over the tables; their keys mean nothing meanwhile.
async fn helps(app: &mut App) -> Result<()> {
    app.write("?").await?;
    let shown = app.until("help", |shown| shown.has("A device is")).await?;
    ensure!(
        shown.has("All tables") && shown.row(&["  /  ", "util<5 & vram>10G"]),
        "{shown}"
    );
    app.write("2").await?;
    app.press(KeyCode::Esc).await?;
    let shown = app
        .until("the table again", |shown| !shown.has("A device is"))
        .await?;
    ensure!(shown.row(&["NODE", "PID"]), "{shown}");
    Ok(())
}
