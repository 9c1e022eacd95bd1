//! What lies over the tables: descriptions, manifests, events, logs, with what the server says.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::shown::Shown;
use ratatui::crossterm::event::KeyCode;

use super::running::{App, Beside};

#[tokio::test(start_paused = true)]
async fn a_node_is_described_by_what_is_measured_and_by_the_server() -> Result<()> {
    let mut app = App::settled().await?;
    app.select(&["atlas"]).await?;
    app.write("d").await?;
    let page = app
        .until("the server's words", |s| {
            s.row(&["describe", "node atlas"]) && s.row(&["Name:", "atlas"])
        })
        .await?;
    ensure!(page.row(&["mean util", "VRAM", "hottest"]), "{page}");
    ensure!(
        page.row(&["devices", "RTX 3090", "working", "research/finetune"]),
        "{page}"
    );
    app.write("G").await?;
    let end = app
        .until("its end", |s| s.row(&["describe", "end"]))
        .await?;
    ensure!(end.row(&["nvidia.com/gpu", "2"]), "{end}");
    ensure!(end.has("KubeletReady"), "{end}");
    app.press(KeyCode::Esc).await?;
    let table = app
        .until("the table again", |s| s.row(&["NODE", "UNITS"]))
        .await?;
    ensure!(table.selected().contains("atlas"), "{table}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gpu_is_described_by_what_is_measured() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("2").await?;
    app.until("the GPUs", |s| s.row(&["PRODUCT"])).await?;
    app.select(&["tesla", "P40"]).await?;
    app.write("d").await?;
    let page = app
        .until("its page", |s| s.row(&["describe", "tesla/GPU-"]))
        .await?;
    ensure!(page.row(&["product", "Tesla P40"]), "{page}");
    ensure!(page.row(&["given to", "home/ollama-0"]), "{page}");
    // A card is no object of the server: nobody is asked.
    ensure!(!page.has("Asking the API server"), "{page}");
    // Its figures go on while the page is open.
    let before = page.line(&["power", "250W"]).map(str::to_owned);
    ensure!(before.is_some(), "{page}");
    app.until("another figure", |s| {
        s.row(&["describe"]) && s.line(&["power", "250W"]).map(str::to_owned) != before
    })
    .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_described_and_its_manifest_and_events_are_shown() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("3").await?;
    app.until("the pods", |s| s.row(&["WORKLOAD"])).await?;
    app.select(&["research/pretrain-moe"]).await?;
    app.write("d").await?;
    let page = app
        .until("the server's words", |s| {
            s.row(&["describe", "pod research/pretrain-moe"]) && s.row(&["Name:", "pretrain-moe"])
        })
        .await?;
    ensure!(page.row(&["requested", "8 × nvidia.com/gpu"]), "{page}");
    app.press(KeyCode::Esc).await?;

    app.write("y").await?;
    let yaml = app.until("the manifest", |s| s.has("kind: Pod")).await?;
    ensure!(yaml.row(&["YAML", "pod research/pretrain-moe"]), "{yaml}");
    app.write("/nvidia.com/gpu:").await?;
    app.press(KeyCode::Enter).await?;
    app.until("what it asks for", |s| s.row(&["nvidia.com/gpu:", "8"]))
        .await?;
    // What is copied is the whole text, not what is on the screen.
    app.control('y').await?;
    app.until("copied", |s| s.row(&["copied", "lines"])).await?;
    let copied = app.beside();
    let [Beside::Copied(text)] = copied.as_slice() else {
        color_eyre::eyre::bail!("{copied:?}");
    };
    ensure!(text.starts_with("apiVersion: v1\nkind: Pod\n"), "{text}");
    ensure!(
        text.contains("schedulerName:") || text.contains("status:"),
        "{text}"
    );
    app.press(KeyCode::Esc).await?;
    app.press(KeyCode::Esc).await?;

    app.write("v").await?;
    let events = app
        .until("its events", |s| s.row(&["▲", "ago", "FailedScheduling"]))
        .await?;
    ensure!(events.has("0/6 nodes are available"), "{events}");
    Ok(())
}

/// The last step that a training has written.
fn last_step(shown: &Shown) -> Option<u64> {
    let steps = shown.lines().filter_map(|line| {
        let (_, rest) = line.split_once("step ")?;
        rest.split(' ').next()?.parse().ok()
    });
    steps.last()
}

#[tokio::test(start_paused = true)]
async fn a_log_is_followed_until_one_looks_back() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("3").await?;
    app.until("the pods", |s| s.row(&["WORKLOAD"])).await?;
    app.select(&["research/finetune-llama3"]).await?;
    app.write("l").await?;
    let first = app
        .until("a line", |s| {
            s.row(&["logs", "following"]) && last_step(s).is_some()
        })
        .await?;
    let step = last_step(&first);
    let newer = app.until("a new line", |s| last_step(s) > step).await?;
    ensure!(newer.row(&["logs", "following"]), "{newer}");

    // Whoever looks back is left alone by what is written meanwhile.
    app.press(KeyCode::PageUp).await?;
    let back = app
        .until("an earlier part", |s| {
            s.row(&["logs", "%"]) && !s.has("following")
        })
        .await?;
    let kept = last_step(&back);
    ensure!(kept < step, "{back}");
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    ensure!(last_step(&app.shown()) == kept, "{}", app.shown());
    app.write("G").await?;
    app.until("the end again", |s| {
        s.has("following") && last_step(s) > last_step(&newer)
    })
    .await?;

    // A pod that never ran again has nothing from before, and that is said.
    app.write("p").await?;
    app.until("no run before", |s| {
        s.has("the run before") && s.has("has no earlier run")
    })
    .await?;
    app.press(KeyCode::Esc).await?;
    app.until("the table", |s| s.row(&["POD", "WORKLOAD"]))
        .await?;
    Ok(())
}
