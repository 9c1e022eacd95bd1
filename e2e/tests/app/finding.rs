//! Finding and arranging: the palette, namespaces, the order, the grammar of the filter, the tree.

use color_eyre::Result;
use color_eyre::eyre::{ensure, eyre};
use gputop_e2e::shown::Shown;
use gputop_k3s::theme::Theme;
use ratatui::crossterm::event::KeyCode;

use super::running::{App, rows};

#[tokio::test(start_paused = true)]
async fn the_palette_changes_colours_namespace_and_order() -> Result<()> {
    let mut app = App::settled().await?;
    let (dark, light) = (Theme::dark().accent.fg, Theme::light().accent.fg);
    // The name of the program, in the upper left corner.
    let named = |app: &App| Some(app.cells()[(1, 0)].fg);
    ensure!(dark != light && named(&app) == dark, "{:?}", named(&app));
    app.write(":theme light").await?;
    app.until("the theme", |s| s.row(&["▌", "theme light"]))
        .await?;
    app.press(KeyCode::Enter).await?;
    app.until("the list closed", |s| !s.has("All actions"))
        .await?;
    ensure!(named(&app) == light, "{:?}", named(&app));

    app.write("3:ns research").await?;
    app.until("the namespace", |s| s.row(&["▌", "ns research"]))
        .await?;
    app.press(KeyCode::Enter).await?;
    let one = app
        .until("one namespace", |s| {
            s.has("namespace research") && s.row(&["POD", "WORKLOAD"])
        })
        .await?;
    let pods = rows(&one, &["POD", "WORKLOAD"]);
    ensure!(!pods.is_empty(), "{one}");
    ensure!(pods.iter().all(|row| row.contains("research/")), "{one}");

    app.write("0:sort vram").await?;
    app.until("the column", |s| s.row(&["▌", "sort VRAM", "highest"]))
        .await?;
    app.press(KeyCode::Enter).await?;
    let sorted = app
        .until("sorted", |s| s.has("VRAM▼") && !s.has("All actions"))
        .await?;
    let pods = rows(&sorted, &["POD", "VRAM▼"]);
    let used: Vec<f64> = pods.iter().filter_map(|row| mebibytes(row)).collect();
    ensure!(
        used.len() >= 8 && used.is_sorted_by(|a, b| a >= b),
        "{used:?}\n{sorted}"
    );
    ensure!(pods[0].contains("research/finetune-llama3-8b"), "{sorted}");
    // Waiting pods use none that anybody knows: they come last.
    ensure!(
        pods.iter()
            .rev()
            .take(2)
            .all(|row| mebibytes(row).is_none()),
        "{sorted}"
    );
    Ok(())
}

/// The amount of memory that a row says.
fn mebibytes(row: &str) -> Option<f64> {
    row.split_whitespace().find_map(|word| {
        let gib = word.strip_suffix("Gi").map(|number| (number, 1024.0));
        let (number, scale) = gib.or_else(|| word.strip_suffix("Mi").map(|n| (n, 1.0)))?;
        Some(number.parse::<f64>().ok()? * scale)
    })
}

#[tokio::test(start_paused = true)]
async fn an_action_that_can_not_be_done_says_why_in_the_palette() -> Result<()> {
    let mut app = App::settled().await?;
    app.write(":unmark").await?;
    app.until("greyed", |s| s.row(&["▌", "unmark", "nothing is marked"]))
        .await?;
    app.press(KeyCode::Enter).await?;
    app.until("said, and still open", |s| {
        s.has("unmark: nothing is marked") && s.has("All actions")
    })
    .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn namespaces_without_pods_come_from_the_server() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("3n").await?;
    let list = app
        .until("the server's namespaces", |s| s.row(&["│", "kube-public"]))
        .await?;
    ensure!(list.row(&["research", "7 pods"]), "{list}");
    app.write("kube-pub").await?;
    app.until("found", |s| s.row(&["▌", "kube-public"])).await?;
    app.press(KeyCode::Enter).await?;
    let empty = app
        .until("nothing there", |s| {
            s.has("namespace kube-public") && s.has("3 Pods 0")
        })
        .await?;
    // Nothing is promised that is not there.
    ensure!(
        empty.has("Namespace kube-public has no pods") && !empty.has("a shows all"),
        "{empty}"
    );
    app.write("0").await?;
    let all = app.until("all", |s| s.row(&["home/ollama-0"])).await?;
    ensure!(!all.has("namespace kube-public"), "{all}");
    app.write("0").await?;
    app.until("the one before", |s| s.has("namespace kube-public"))
        .await?;

    app.write(":ns monitoring").await?;
    app.press(KeyCode::Enter).await?;
    let hidden = app
        .until("pods without a GPU", |s| {
            s.has("namespace monitoring") && s.has("a shows all")
        })
        .await?;
    ensure!(hidden.has("a shows all (2 pods)"), "{hidden}");
    app.write("a").await?;
    app.until("them", |s| s.row(&["monitoring/prometheus-0"]))
        .await?;
    Ok(())
}

/// The shares of time in a table, from the top.
fn shares(shown: &Shown) -> Vec<u8> {
    let rows = rows(shown, &["NODE", "UTIL"]);
    let words = rows.iter().filter_map(|row| {
        let mut words = row.split_whitespace();
        words.find_map(|word| word.strip_suffix('%')?.parse().ok())
    });
    words.collect()
}

#[tokio::test(start_paused = true)]
async fn a_click_on_a_heading_sorts_and_turns_round_and_lets_go() -> Result<()> {
    let mut app = App::settled().await?;
    let own = rows(&app.shown(), &["NODE", "UTIL"]).len();
    ensure!(own == 6, "{}", app.shown());
    app.click("UTIL", &["NODE", "STATUS"]).await?;
    let high = app.until("highest first", |s| s.has("UTIL▼")).await?;
    let used = shares(&high);
    ensure!(
        used.len() == 4 && used.is_sorted_by(|a, b| a >= b),
        "{high}"
    );
    // What is not measured is neither high nor low.
    let last = rows(&high, &["NODE", "UTIL"]);
    ensure!(last[4..].iter().all(|row| !row.contains('%')), "{high}");
    app.click("UTIL", &["NODE", "STATUS"]).await?;
    let low = app.until("lowest first", |s| s.has("UTIL▲")).await?;
    let used = shares(&low);
    ensure!(used.len() == 4 && used.is_sorted(), "{low}");
    let last = rows(&low, &["NODE", "UTIL"]);
    ensure!(last[4..].iter().all(|row| !row.contains('%')), "{low}");
    app.click("UTIL", &["NODE", "STATUS"]).await?;
    let own = app
        .until("its own order", |s| !s.has("UTIL▲") && !s.has("UTIL▼"))
        .await?;
    let first = rows(&own, &["NODE", "UTIL"]);
    ensure!(
        first[0].contains("atlas") && first[5].contains("tesla"),
        "{own}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_filter_knows_fields_opposites_and_labels() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("2/util<5 & vram>9G").await?;
    let idle = app
        .until("a server that waits", |s| {
            s.has("found of 12") && s.row(&["tesla", "P40"])
        })
        .await?;
    for row in rows(&idle, &["NODE", "PRODUCT"]) {
        ensure!(
            !row.contains("atlas") && !row.contains("RTX 3060"),
            "{row}\n{idle}"
        );
    }
    app.press(KeyCode::Esc).await?;
    // A mistake is said while it is written, with the name that was probably meant.
    app.write("/utl<5").await?;
    let wrong = app.until("a mistake", |s| s.has("no field “utl”")).await?;
    ensure!(wrong.has("did you mean “util”"), "{wrong}");
    app.press(KeyCode::Esc).await?;

    app.write("1/!atlas").await?;
    let others = app.until("the others", |s| s.has("5 found of 6")).await?;
    ensure!(
        !others.row(&["2× RTX 3090"]) && others.row(&["tesla"]),
        "{others}"
    );
    app.press(KeyCode::Esc).await?;
    app.write("/-l topology.kubernetes.io/zone=basement")
        .await?;
    let below = app.until("the basement", |s| s.has("2 found of 6")).await?;
    let names = rows(&below, &["NODE", "UNITS"]);
    ensure!(
        names.len() == 2 && below.row(&["atlas", "Ready"]) && below.row(&["tesla", "cordoned"]),
        "{below}"
    );
    app.press(KeyCode::Esc).await?;
    app.write("/-f rglbhm").await?;
    let fuzzy = app
        .until("by its letters", |s| s.has("1 found of 6"))
        .await?;
    ensure!(fuzzy.row(&["rig.lab.home", "Ready"]), "{fuzzy}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_tree_folds_and_unfolds() -> Result<()> {
    let mut app = App::settled().await?;
    app.write("3-").await?;
    app.until("a reason", |s| s.has("fold: pods are shown flat"))
        .await?;
    app.write("t").await?;
    let tree = app
        .until("the tree", |s| {
            s.row(&["▾ research/finetune-llama3-8b", "job"])
        })
        .await?;
    ensure!(tree.row(&["└ finetune-llama3-8b"]), "{tree}");
    let whole = rows(&tree, &["POD", "NODE"]).len();
    app.write("g").await?;
    app.until("the top", |s| s.row(&["▌", "▾ home/jellyfin"]))
        .await?;
    app.select(&["▾ research/finetune-llama3-8b"]).await?;
    app.write("-").await?;
    let folded = app
        .until("folded", |s| s.row(&["▌", "▸ research/finetune-llama3-8b"]))
        .await?;
    ensure!(!folded.row(&["└ finetune-llama3-8b"]), "{folded}");
    // What is folded still counts.
    let sum = folded
        .line(&["▸ research/finetune-llama3-8b"])
        .ok_or_else(|| eyre!("no workload"))?;
    ensure!(
        mebibytes(sum).is_some_and(|used| used > 40_000.0),
        "{folded}"
    );
    app.write("-").await?;
    let unfolded = app
        .until("unfolded", |s| s.row(&["└ finetune-llama3-8b"]))
        .await?;
    ensure!(
        rows(&unfolded, &["POD", "NODE"]).len() == whole,
        "{unfolded}"
    );
    app.write("t").await?;
    app.until("flat", |s| {
        s.row(&["POD", "WORKLOAD"]) && !s.has("└ finetune")
    })
    .await?;
    Ok(())
}
