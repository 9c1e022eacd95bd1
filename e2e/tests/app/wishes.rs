//! "Tell me when": the bell rings once, when it has come true.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_sim::scenario;
use ratatui::crossterm::event::KeyCode;
use tokio::time::sleep;

use super::running::{App, Beside, Setup};

/// One card, with a job on it that ends soon.
const SCENARIO: &str = r#"
name = "box"
[[node]]
name = "box"
driver = "580.95.05"
cuda = "13.0"
age = "20d"
[[node.gpu]]
product = "NVIDIA GeForce RTX 3090"
memory_mib = 24576
power_limit_watts = 350
[[workload]]
kind = "Job"
name = "train"
namespace = "research"
gpus = 1
image = "pytorch/pytorch:2.9"
behaviour = "training"
memory_gib = 12.0
user = "mia"
process = "python3"
age = "1m"
completes_after = "90s"
"#;

#[tokio::test(start_paused = true)]
async fn the_bell_rings_once_when_a_job_ends() -> Result<()> {
    let mut app = App::open(Setup {
        scenario: scenario::parse(SCENARIO)?,
        ..Setup::homelab()?
    });
    app.until("the job at work", |s| s.row(&["box", "● 1 working"]))
        .await?;
    app.write("N").await?;
    app.until("what one most likely wants", |s| {
        s.has("Tell me when") && s.has("such as: 1 node=box")
    })
    .await?;
    // What can never come true is refused at once.
    app.write("5").await?;
    app.press(KeyCode::Enter).await?;
    app.until("impossible", |s| {
        s.has("this cluster has no 5 devices like that")
    })
    .await?;
    app.press(KeyCode::Backspace).await?;
    app.write("1 vram=20G").await?;
    app.press(KeyCode::Enter).await?;
    app.until("waiting", |s| {
        s.has("the bell rings when 1 vram=20G is free") && s.has("0 of 1 free")
    })
    .await?;
    ensure!(app.beside().is_empty(), "{:?}", app.beside());

    let told = app
        .until("told", |s| s.has("free now: 1 vram=20G (box)"))
        .await?;
    ensure!(told.row(&["box", "○ 1 free"]), "{told}");
    let expected = [Beside::Notified(
        "gputop-k3s: free now: 1 vram=20G (box)".to_owned(),
    )];
    ensure!(app.beside() == expected, "{:?}", app.beside());
    sleep(Duration::from_secs(60)).await;
    ensure!(app.beside() == expected, "{:?}", app.beside());
    let later = app
        .until("free still", |s| s.row(&["box", "○ 1 free"]))
        .await?;
    ensure!(!later.has("free now"), "{later}");
    Ok(())
}
