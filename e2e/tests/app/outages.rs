//! What breaks costs its own row; what comes back is there again, without a restart.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use ratatui::crossterm::event::KeyCode;
use tokio::time::sleep;

use super::running::App;

#[tokio::test(start_paused = true)]
async fn a_lost_daemon_costs_its_own_node_until_it_is_back() -> Result<()> {
    let mut app = App::settled().await?;
    app.cluster.stop_daemon("atlas");
    let lost = app
        .until("one daemon less", |s| {
            s.has("daemons 4/5") && s.row(&["atlas", "daemon lost"])
        })
        .await?;
    for node in ["rig.lab.home", "tesla", "dgx"] {
        let line = lost.line(&[node]).unwrap_or_default();
        ensure!(
            !line.contains("lost") && !line.contains("stale"),
            "{node} too:\n{lost}"
        );
        ensure!(
            line.contains('%'),
            "{node} is not measured any more:\n{lost}"
        );
    }
    ensure!(lost.has("● live"), "the API is not lost:\n{lost}");
    ensure!(
        lost.row(&["atlas", "stale", "%"]),
        "the last figures stay, with their age:\n{lost}"
    );

    app.write("2").await?;
    let gpus = app
        .until("stale cards", |s| s.row(&["atlas", "RTX 3090", "stale"]))
        .await?;
    ensure!(
        !gpus.row(&["tesla", "stale"]) && !gpus.row(&["dgx", "stale"]),
        "{gpus}"
    );
    app.write("1").await?;

    app.cluster.start_daemon("atlas");
    let back = app
        .until("all daemons", |s| s.has("daemons 5/5") && !s.has("stale"))
        .await?;
    ensure!(!back.has("daemon lost"), "{back}");
    ensure!(back.row(&["atlas", "%"]), "{back}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_the_api_the_last_state_stays_and_keys_work() -> Result<()> {
    let mut app = App::settled().await?;
    app.cluster.set_api_available(false);
    let lost = app
        .until("API lost", |s| s.row(&["API lost", "ago"]))
        .await?;
    ensure!(lost.has("showing the last state"), "{lost}");
    for node in ["atlas", "rig.lab.home", "tesla", "dgx", "newbox", "pi5"] {
        ensure!(lost.row(&[node]), "{node} is gone:\n{lost}");
    }
    let away = tokio::time::Instant::now() + Duration::from_secs(20);

    app.write("3").await?;
    app.until("the pods", |s| s.row(&["pretrain-moe", "Pending"]))
        .await?;
    app.write("4/gnome").await?;
    app.press(KeyCode::Enter).await?;
    let found = app
        .until("a process", |s| s.has("1 found") && s.has("gnome-shell"))
        .await?;
    ensure!(found.has("API lost"), "{found}");
    app.press(KeyCode::Esc).await?;
    app.write("2").await?;
    app.until("the cards as they were", |s| {
        s.row(&["atlas", "RTX 3090", "stale"])
    })
    .await?;
    tokio::time::sleep_until(away).await;
    let later = app
        .until("its age", |s| {
            s.row(&["API lost 20 seconds ago"]) || s.row(&["API lost 21 seconds ago"])
        })
        .await?;
    ensure!(later.row(&["atlas", "RTX 3090"]), "{later}");

    app.cluster.set_api_available(true);
    app.until("live again", |s| s.has("● live") && !s.has("API lost"))
        .await?;
    let back = app
        .until("all daemons", |s| s.has("daemons 5/5") && !s.has("stale"))
        .await?;
    ensure!(back.row(&["atlas", "● working", "%"]), "{back}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_the_api_was_away_is_seen_afterwards() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("3").await?;
    app.cluster.set_api_available(false);
    app.until("API lost", |s| s.has("API lost")).await?;
    app.cluster.stop_daemon("dgx");
    sleep(Duration::from_secs(5)).await;
    app.cluster.set_api_available(true);
    app.write("1").await?;
    let shown = app
        .until("only dgx lost", |s| s.has("● live") && s.has("daemons 4/5"))
        .await?;
    ensure!(shown.row(&["dgx", "daemon lost"]), "{shown}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn q_ends_it_while_the_api_is_away() -> Result<()> {
    let mut app = App::settled().await?;
    app.cluster.set_api_available(false);
    app.until("API lost", |s| s.has("API lost")).await?;
    app.write("q").await?;
    app.ended().await
}

#[tokio::test(start_paused = true)]
async fn q_ends_it_before_the_api_has_ever_answered() -> Result<()> {
    let mut app = App::start()?;
    app.cluster.set_api_available(false);
    app.until("no answer", |s| s.has("API lost") && s.has("trying again"))
        .await?;
    app.write("q").await?;
    app.ended().await
}
