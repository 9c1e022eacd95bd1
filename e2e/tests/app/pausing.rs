//! `P`: the screen stands still, the data goes on.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::shown::Shown;
use tokio::time::sleep;

use super::running::App;

/// All but the first line, which says for how long the screen stands, and the last.
fn body(shown: &Shown) -> Vec<String> {
    let lines: Vec<String> = shown.lines().skip(1).map(str::to_owned).collect();
    lines[..lines.len() - 1].to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_paused_screen_stands_and_goes_on_with_the_newest() -> Result<()> {
    let mut app = App::settled().await?;
    // Without it the screen moves by itself.
    let before = body(&app.shown());
    app.until("something new", |s| body(s) != before).await?;

    app.write("P").await?;
    let paused = app.until("paused", |s| s.has("‖ paused")).await?;
    app.cluster.stop_daemon("atlas");
    sleep(Duration::from_secs(15)).await;
    let later = app.until("for how long", |s| s.has("‖ paused 1")).await?;
    ensure!(body(&later) == body(&paused), "{paused}\n{later}");
    ensure!(later.has("daemons 5/5") && !later.has("lost"), "{later}");

    // One can look around in what is frozen.
    app.write("2").await?;
    let gpus = app
        .until("the cards as they were", |s| {
            s.row(&["atlas", "● working"]) && s.has("‖ paused")
        })
        .await?;
    ensure!(!gpus.row(&["atlas", "stale"]), "{gpus}");
    app.write("1P").await?;
    let on = app
        .until("the newest", |s| s.row(&["atlas", "daemon lost"]))
        .await?;
    ensure!(!on.has("paused") && on.has("daemons 4/5"), "{on}");
    Ok(())
}
