//! The four tables with what a homelab has in them.

use super::running::App;
use color_eyre::Result;
use color_eyre::eyre::ensure;

#[tokio::test(start_paused = true)]
async fn each_table_has_what_it_is_for() -> Result<()> {
    let mut app = App::settled().await?;
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

    app.write("3").await?;
    let shown = app
        .until("a pod that waits", |s| s.row(&["pretrain-moe", "Pending"]))
        .await?;
    ensure!(shown.row(&["pretrain-moe", "none yet", "8"]), "{shown}");
    ensure!(
        shown.row(&["research/jupyter-tom-0", "dgx", "Running"]),
        "{shown}"
    );

    ensure!(shown.row(&["home/jellyfin", "tesla", "⚑"]), "{shown}");
    // The reason to its end is below the table, in plain words and in the server's own.
    let shown = app.select(&["research/pretrain-moe"]).await?;
    ensure!(shown.row(&["why", "needs 8 GPUs"]), "{shown}");
    ensure!(
        shown.has("it would fit") && shown.row(&["what to do"]),
        "{shown}"
    );
    ensure!(
        shown.row(&["API says", "0/6 nodes are available"]),
        "{shown}"
    );

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
        .until("idle", |s| {
            s.row(&["idle", "for 19 h", "it keeps its GPU from others"])
        })
        .await?;
    // The IDLE column: hours since its last kernel, which nobody watched.
    ensure!(shown.row(&["jupyter-tom-0", "19h"]), "{shown}");
    Ok(())
}
