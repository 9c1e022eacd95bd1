//! What breaks costs its own row; what comes back is there again, without a restart.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::shown::Shown;
use ratatui::crossterm::event::KeyCode;
use tokio::time::{Instant, sleep_until};

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
    let until = Instant::now() + Duration::from_secs(20);

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
    // Meanwhile something breaks that only shows afterwards.
    app.cluster.stop_daemon("dgx");
    sleep_until(until).await;
    let later = app
        .until("the cards", |s| s.row(&["atlas", "RTX 3090"]))
        .await?;
    let age = seconds_after(&later, "API lost ");
    ensure!(
        age.is_some_and(|age| (19..=22).contains(&age)),
        "lost for 20 s by now:\n{later}"
    );

    app.cluster.set_api_available(true);
    app.write("1").await?;
    let back = app
        .until("live again", |s| {
            s.has("● live") && s.has("daemons 4/5") && !s.has("API lost")
        })
        .await?;
    ensure!(
        back.row(&["dgx", "daemon lost"]) && back.row(&["atlas", "%"]),
        "{back}"
    );
    app.cluster.start_daemon("dgx");
    app.until("all daemons", |s| s.has("daemons 5/5") && !s.has("stale"))
        .await?;

    // And it can be left while the API is away.
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

/// The number of seconds that stands behind these words.
fn seconds_after(shown: &Shown, words: &str) -> Option<u64> {
    let line = shown.line(&[words, " ago"])?;
    let (_, rest) = line.split_once(words)?;
    let (number, rest) = rest.split_once(' ')?;
    rest.starts_with('s').then(|| number.parse().ok())?
}
