//! In what order tables are, what stands below what, and marks.

use crossterm::event::KeyCode;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{Listing, Update};
use gputop_k3s::app::row::{Row, RowId};
use gputop_k3s::app::sort::{self, Sort};
use gputop_k3s::app::tables::{self, Value};
use gputop_k3s::app::{State, View};
use gputop_model::{Phase, PodInfo, PodKey};
use rstest::rstest;

use super::support::{full, letters, press, show, shown, tell, text};

#[test]
fn shares_and_workloads_are_no_devices_and_no_pods() {
    let mut state = full();
    press(&mut state, &letters("2"));
    assert_eq!((state.rows().len(), state.counts()[1]), (14, 12));
    press(&mut state, &letters("3"));
    let flat = state.rows().len();
    press(&mut state, &letters("t"));
    state.refresh();
    let heads = state
        .rows()
        .iter()
        .filter(|row| matches!(row, Row::Workload(_)));
    let heads = heads.count();
    assert!(heads > 0);
    assert_eq!(state.rows().len(), flat + heads);
    assert_eq!(state.counts()[2], flat);
}

/// The pods by workload, with one more pod of one of them.
fn tree() -> State {
    let mut state = full();
    for number in [1, 2] {
        let row = state
            .picture
            .pods
            .iter()
            .find(|row| &*row.info.key.name == "train-llama-0");
        let mut info = PodInfo::clone(&row.expect("the pod").info);
        info.key = PodKey::new("ml", format!("train-llama-{number}"));
        info.uid = format!("uid-train-llama-{number}").into();
        info.node = None;
        info.phase = Phase::Pending;
        info.ready = false;
        tell(
            &mut state,
            Event::Update(Update::Pods(Listing::Changed(Box::new(info)))),
        );
    }
    press(&mut state, &letters("3t"));
    state.refresh();
    state
}

#[test]
fn pods_stand_below_their_workload_and_can_be_folded_away() {
    let mut state = tree();
    let rows = shown(&state);
    let head = rows
        .iter()
        .position(|row| row == "[train-llama]")
        .expect("the workload");
    assert_eq!(
        rows[head + 1..],
        [
            "train-llama-0",
            "train-llama-1",
            "train-llama-2",
            "[detector-0]",
            "detector-0"
        ]
    );
    let depths: Vec<u8> = (head..head + 4).map(|at| state.look(at).depth).collect();
    assert_eq!(depths, [0, 1, 1, 1]);
    // A pod that nobody owns stands alone.
    let bare = rows
        .iter()
        .position(|row| row == "notebook-anna")
        .expect("the pod");
    assert_eq!(state.look(bare).depth, 0);
    let screen = text(&show(&mut state, 120, 40));
    for line in [
        "▾ ml/train-llama sts 3",
        "├ train-llama-0",
        "├ train-llama-1",
        "└ train-llama-2",
        "2 pending",
    ] {
        assert!(screen.contains(line), "no {line} in\n{screen}");
    }
    assert!(!screen.contains("WORKLOAD"));
    // From one of its pods.
    press(&mut state, &letters("/llama-1"));
    press(&mut state, &[KeyCode::Enter]);
    assert_eq!(shown(&state), ["[train-llama]", "train-llama-1"]);
    assert!(state.look(0).is_context);
    press(&mut state, &[KeyCode::Down]);
    press(&mut state, &[KeyCode::Esc]);
    press(&mut state, &letters("-"));
    state.refresh();
    assert_eq!(
        shown(&state)[head..],
        ["[train-llama]", "[detector-0]", "detector-0"]
    );
    let screen = text(&show(&mut state, 120, 40));
    assert!(screen.contains("▌▸ ml/train-llama sts 3"), "{screen}");
    press(&mut state, &letters("-"));
    assert_eq!(shown(&state), rows);
}

#[test]
fn workloads_are_sorted_by_their_sums_and_pods_within() {
    let mut state = tree();
    press(&mut state, &letters("oVRAM"));
    press(&mut state, &[KeyCode::Enter]);
    let rows = shown(&state);
    assert_eq!(rows[..2], ["[detector-0]", "detector-0"]);
    let head = rows
        .iter()
        .position(|row| row == "[train-llama]")
        .expect("the workload");
    assert_eq!(rows[head + 1], "train-llama-0");
    let bare = rows.iter().position(|row| row == "notebook-anna");
    assert!(Some(head) < bare, "22.8Gi before 9.1Gi: {rows:?}");
}

/// The table `view`, sorted through the list of columns.
fn sorted(view: View, column: &'static str, descending: bool) -> State {
    let mut state = full();
    press(
        &mut state,
        &letters(&format!("{}o{column}", view.position() + 1)),
    );
    press(&mut state, &[KeyCode::Enter]);
    let wanted = Sort { column, descending };
    if state.place().sort != Some(wanted) {
        press(&mut state, &letters("O"));
    }
    assert_eq!(state.place().sort, Some(wanted));
    state
}

#[rstest]
#[case(View::Nodes, "POWER", true, &["anvil", "harbor", "forge-01.lab.example.com", "desk", "bench",
    "cellar", "ghost", "icebox", "newbie"])]
#[case(View::Nodes, "POWER", false, &["cellar", "bench", "desk", "forge-01.lab.example.com", "harbor",
    "anvil", "ghost", "icebox", "newbie"])]
#[case(View::Nodes, "NODE", true, &["newbie", "icebox", "harbor", "ghost", "forge-01.lab.example.com",
    "desk", "cellar", "bench", "anvil"])]
#[case(View::Pods, "IDLE", true, &["notebook-anna", "ollama-7d9f", "whisper-5c4b", "mig-eval", "jellyfin-0",
    "batch-embed-x2k4", "finetune-qwen", "train-llama-0", "detector-0"])]
#[case(View::Processes, "VRAM", true, &["detector", "python3", "python3", "ollama", "python3", "ffmpeg",
    "whisper-server", "gnome-shell"])]
fn tables_are_sorted_with_the_unknown_last(
    #[case] view: View,
    #[case] column: &'static str,
    #[case] descending: bool,
    #[case] order: &[&str],
) {
    assert_eq!(shown(&sorted(view, column, descending)), order);
}

#[test]
fn instances_stay_below_their_card() {
    let forge = |what: &str| format!("forge-01.lab.example.com:{what}");
    for descending in [true, false] {
        let state = sorted(View::Gpus, "VRAM", descending);
        let rows = shown(&state);
        let at = rows
            .iter()
            .position(|row| *row == forge("A100-SXM4-80GB"))
            .expect("the card");
        let mut parts = rows[at + 1..at + 4].to_vec();
        parts.sort();
        assert_eq!(
            parts,
            [forge("1g.10gb"), forge("1g.10gb"), forge("3g.40gb")]
        );
        let depths: Vec<u8> = (at..at + 5).map(|at| state.look(at).depth).collect();
        assert_eq!(depths, [0, 1, 1, 1, 0]);
    }
    // A card that has no value of its own stands where its highest part does.
    let held = shown(&sorted(View::Gpus, "HELD BY", false));
    let at = |what: &str| held.iter().position(|row| row.contains(what));
    assert!(
        at("bench") < at("forge"),
        "chat/… comes before lab/…: {held:?}"
    );
    assert!(
        at("forge") < at("anvil"),
        "lab/… comes before ml/…: {held:?}"
    );
    assert_eq!(held.last().map(String::as_str), Some("newbie:gap"));
}

#[test]
fn the_column_that_sorts_shows_it_and_headings_can_be_clicked() {
    for (view, column) in [
        (View::Nodes, "UNITS"),
        (View::Gpus, "UTIL"),
        (View::Pods, "REQ"),
    ] {
        for (width, height) in [(200, 60), (120, 40), (80, 24), (60, 15)] {
            for descending in [true, false] {
                let mut state = sorted(view, column, descending);
                let screen = text(&show(&mut state, width, height));
                let sign = if descending { "▼" } else { "▲" };
                let heading = format!("{column}{sign}");
                assert!(
                    screen.contains(&heading),
                    "no {heading} at {width}:\n{screen}"
                );
                let titles: Vec<_> = state
                    .layout
                    .columns
                    .iter()
                    .map(|(_, title)| *title)
                    .collect();
                assert!(titles.contains(&column));
                assert!(
                    titles
                        .iter()
                        .all(|title| sort::columns(view).contains(title))
                );
            }
        }
    }
}

/// Every field has a value of its kind in every row, and sorting by it keeps every row.
#[test]
fn every_field_of_every_row_can_be_asked_for() {
    let mut state = full();
    for view in View::ALL {
        press(&mut state, &letters(&format!("{}", view.position() + 1)));
        for field in tables::fields(view) {
            for row in state.rows() {
                let value = field.value(&state.cx(), *row);
                let right = match field.kind {
                    tables::Kind::Number(_) => matches!(value, Value::Number(_) | Value::Unknown),
                    tables::Kind::Flag => matches!(value, Value::Flag(_) | Value::Unknown),
                    tables::Kind::Text => !matches!(value, Value::Number(_) | Value::Flag(_)),
                };
                assert!(right, "{view:?} {} {value:?}", field.name);
            }
        }
        let mut unsorted = shown(&state);
        unsorted.sort();
        for column in sort::columns(view) {
            for descending in [true, false] {
                let mut rows = shown(&sorted(view, column, descending));
                rows.sort();
                assert_eq!(rows, unsorted, "{column}");
            }
        }
    }
}

#[test]
fn marks_stay_with_their_rows() {
    let mut state = full();
    press(&mut state, &letters("1"));
    let marked = RowId::Node("harbor".into());
    state.marks.insert(marked.clone());
    let line = |state: &mut State| {
        let screen = text(&show(state, 120, 40));
        let marked: Vec<String> = screen
            .lines()
            .filter(|line| line.starts_with('◆'))
            .map(str::to_owned)
            .collect();
        marked
    };
    let lines = line(&mut state);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("◆harbor"));
    let selected = state.selected();
    press(&mut state, &letters("/r"));
    press(&mut state, &[KeyCode::Enter]);
    assert!(line(&mut state)[0].starts_with("◆harbor"));
    press(&mut state, &[KeyCode::Esc]);
    assert_eq!(state.selected(), selected);
    assert!(state.marks.contains(&marked));
}
