//! Down from a node to its processes and back up.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use ratatui::crossterm::event::KeyCode;

use super::running::App;

#[tokio::test(start_paused = true)]
async fn from_a_node_down_to_its_processes_and_back() -> Result<()> {
    let mut app = App::settled().await?;
    app.select(&["atlas"]).await?;
    app.press(KeyCode::Enter).await?;
    let gpus = app
        .until("its GPUs", |s| s.has("› atlas") && s.row(&["PRODUCT"]))
        .await?;
    ensure!(gpus.row(&["atlas", "RTX 3090", "working"]), "{gpus}");
    ensure!(
        !gpus.row(&["tesla", "P40"]) && !gpus.row(&["rig.lab.home"]),
        "{gpus}"
    );

    app.press(KeyCode::Enter).await?;
    let pods = app
        .until("its pods", |s| s.has("› GPU 0") && s.row(&["WORKLOAD"]))
        .await?;
    ensure!(
        pods.has("› atlas") && pods.row(&["research/finetune-llama3-8b-41"]),
        "{pods}"
    );
    ensure!(!pods.has("pretrain-moe"), "{pods}");

    app.press(KeyCode::Enter).await?;
    let processes = app
        .until("its processes", |s| s.row(&["PID", "HELD BY"]))
        .await?;
    ensure!(
        processes.has("› research/finetune-llama3-8b-41"),
        "{processes}"
    );
    ensure!(
        processes.row(&["torchrun", "mia"]) && !processes.has("gnome-shell"),
        "{processes}"
    );

    // Nothing is below a process: enter stays there.
    app.press(KeyCode::Enter).await?;
    app.press(KeyCode::Esc).await?;
    app.until("the pods", |s| s.has("› GPU 0") && s.row(&["WORKLOAD"]))
        .await?;
    app.press(KeyCode::Esc).await?;
    app.until("the GPUs", |s| s.has("› atlas") && !s.has("› GPU 0"))
        .await?;
    app.press(KeyCode::Esc).await?;
    let nodes = app
        .until("the nodes", |s| !s.has("›") && s.row(&["NODE", "UNITS"]))
        .await?;
    ensure!(
        nodes.selected().contains("atlas"),
        "the cursor has moved:\n{nodes}"
    );

    // A number leaves the way down; what was narrowed is whole again.
    app.press(KeyCode::Enter).await?;
    app.until("its GPUs", |s| {
        s.has("› atlas") && !s.row(&["tesla", "P40"])
    })
    .await?;
    app.write("2").await?;
    app.until("all GPUs", |s| !s.has("›") && s.row(&["tesla", "P40"]))
        .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn jellyfin_uses_a_card_that_nobody_was_given() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("2").await?;
    app.until("the GPUs", |s| s.row(&["PRODUCT"])).await?;
    let shown = app.select(&["tesla", "RTX 3060"]).await?;
    ensure!(shown.selected().contains("◎ occupied"), "{shown}");
    app.press(KeyCode::Enter).await?;
    let pods = app
        .until("Jellyfin", |s| {
            s.has("› GPU 1") && s.row(&["home/jellyfin"])
        })
        .await?;
    ensure!(pods.row(&["home/jellyfin", "tesla", "⚑"]), "{pods}");
    app.press(KeyCode::Enter).await?;
    app.until("its process", |s| s.row(&["ffmpeg", "home/jellyfin", "⚑"]))
        .await?;
    Ok(())
}
