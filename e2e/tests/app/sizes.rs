//! The window gets smaller and larger while the app runs.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use ratatui::crossterm::event::KeyCode;

use super::running::App;

#[tokio::test(start_paused = true)]
async fn every_size_of_the_window_is_used() -> Result<()> {
    let mut app = App::settled().await?;
    app.resize(60, 15).await?;
    let shown = app
        .until("the small screen", |s| s.width() <= 60 && s.row(&["NODE"]))
        .await?;
    ensure!(shown.lines().count() == 15, "{shown}");
    for node in ["atlas", "rig.lab.home", "tesla", "dgx", "newbox", "pi5"] {
        ensure!(shown.row(&[node]), "{node} is missing:\n{shown}");
    }
    ensure!(shown.row(&["q quit"]), "{shown}");
    for (key, words) in [
        ("2", ["atlas", "working"]),
        ("3", ["pretrain-moe", "Pending"]),
    ] {
        app.write(key).await?;
        app.until(key, |s| s.row(&words) && s.width() <= 60).await?;
    }
    // More rows than the screen has: the last one can be reached.
    app.write("4").await?;
    app.press(KeyCode::End).await?;
    app.until("rows above", |s| s.has("↑") && s.row(&["▌"]))
        .await?;

    app.write("2").await?;
    app.resize(200, 60).await?;
    let large = app
        .until("the large screen", |s| {
            s.lines().count() == 60 && s.width() > 170
        })
        .await?;
    ensure!(large.row(&["NODE", "HELD BY", "PROC"]), "{large}");
    ensure!(
        large.row(&["atlas", "● working", "research/finetune"]),
        "{large}"
    );
    app.resize(60, 15).await?;
    app.until("small", |s| s.width() <= 60 && s.row(&["working"]))
        .await?;
    // Smaller than anything useful: it goes on, and shows all again afterwards.
    app.resize(1, 1).await?;
    app.until("tiny", |s| s.lines().count() <= 1).await?;
    app.resize(160, 44).await?;
    app.until("as before", |s| {
        s.row(&["PRODUCT"]) && s.row(&["atlas", "working"])
    })
    .await?;
    Ok(())
}
