//! What filters find, in what order tables are, and what is said about it.

use std::collections::BTreeMap;

use crossterm::event::KeyCode;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{Listing, Update};
use gputop_k3s::app::filter::{Filter, Sieve};
use gputop_k3s::app::row::{Row, RowId};
use gputop_k3s::app::sort::{self, Sort};
use gputop_k3s::app::tables::{self, Value};
use gputop_k3s::app::{State, View};
use gputop_model::{Labels, NodeInfo, Phase, PodInfo, PodKey};
use proptest::prelude::*;
use rstest::rstest;

use super::support::{full, letters, press, show, tell, text};

/// What a row is called, shortly.
fn name(state: &State, row: Row) -> String {
    let picture = &state.picture;
    match row {
        Row::Node(at) => picture.nodes[at].info.name.to_string(),
        Row::Device(at) => {
            let row = &picture.devices[at];
            format!("{}:{}", row.node, tables::product_of(row))
        }
        Row::Gap(at) => format!("{}:gap", picture.gaps[at].node),
        Row::Share(at, holder) => {
            let row = &picture.devices[at];
            let to = &row.allocated_to.as_ref().expect("holders")[holder];
            format!("{}:{}", row.node, tables::share_name(to))
        }
        Row::Workload(at) => format!("[{}]", picture.workloads[at].name),
        Row::Pod(at) => picture.pods[at].info.key.name.to_string(),
        Row::Process(at) => picture.processes[at].process().name.clone(),
    }
}

fn shown(state: &State) -> Vec<String> {
    state.rows().iter().map(|row| name(state, *row)).collect()
}

/// The table `view` with a filter that was typed.
fn filtered(view: View, filter: &str) -> State {
    let mut state = full();
    press(&mut state, &letters(&format!("{}/", view.position() + 1)));
    press(&mut state, &letters(filter));
    press(&mut state, &[KeyCode::Enter]);
    state.refresh();
    state
}

#[rstest]
// k9s's grammar.
#[case(View::Nodes, "BENCH", &["bench"])]
#[case(View::Nodes, "^(bench|desk)$", &["bench", "desk"])]
#[case(View::Pods, "!ml/|chat/|vision/", &["mig-eval", "jellyfin-0"])]
#[case(View::Pods, "-f ollma", &["ollama-7d9f"])]
// Sentences have any letters: only names are looked at.
#[case(View::Nodes, "-f ndvr", &[])]
// Fields.
#[case(View::Nodes, "free>0 & cordoned=no", &["bench", "desk", "forge-01.lab.example.com", "ghost", "newbie"])]
#[case(View::Nodes, "status=NotReady | why~driver", &["ghost", "icebox"])]
#[case(View::Nodes, "product=rtx*", &["anvil", "bench", "desk"])]
#[case(View::Gpus, "util<5 & vram>1G", &["anvil:RTX 3090", "bench:RTX 4080", "bench:share 0", "bench:share 3"])]
#[case(View::Gpus, "kind=share & vram<5G", &["bench:RTX 4080", "bench:share 3"])]
#[case(View::Gpus, "state=idle", &["anvil:RTX 3090"])]
#[case(View::Gpus, "state=free cordoned=yes", &["cellar:T4"])]
#[case(View::Gpus, "temp>=90", &["harbor:V100-PCIE-32GB"])]
#[case(View::Gpus, "power>200W !(node=anvil)", &["harbor:V100-PCIE-32GB"])]
#[case(View::Gpus, "vram%>95", &["anvil:RTX 3090", "harbor:V100-PCIE-32GB"])]
#[case(View::Gpus, "3090 & (idle>1h | util>90%)", &["anvil:RTX 3090", "anvil:RTX 3090"])]
#[case(View::Gpus, "ns=chat !kind=share", &["bench:RTX 4080"])]
#[case(View::Pods, "idle>2h", &["notebook-anna"])]
#[case(View::Pods, "status=pending", &["finetune-qwen"])]
#[case(View::Pods, "req=0 & used>0", &["jellyfin-0"])]
#[case(View::Pods, "unrequested=yes", &["jellyfin-0"])]
#[case(View::Pods, "ns=ml & pod!~notebook", &["batch-embed-x2k4", "finetune-qwen", "train-llama-0"])]
#[case(View::Processes, "user!=root", &["gnome-shell"])]
#[case(View::Processes, "outside=yes | vram>=20G", &["python3", "gnome-shell", "detector"])]
// Nobody knows the memory of ghost's or newbie's devices: it is neither below nor above.
#[case(View::Nodes, "vram<1000G", &["anvil", "bench", "cellar", "desk", "forge-01.lab.example.com", "harbor"])]
#[case(View::Nodes, "vram>=1000G", &[])]
#[case(View::Nodes, "!(vram<1000G)", &[])]
#[case(View::Nodes, "vram!=5000G & vram<1000G", &["anvil", "bench", "cellar", "desk",
    "forge-01.lab.example.com", "harbor"])]
#[case(View::Nodes, "vram=unknown", &["ghost", "icebox", "newbie"])]
#[case(View::Pods, "used!=7 & node=ghost", &[])]
fn filters_find(#[case] view: View, #[case] filter: &str, #[case] found: &[&str]) {
    let state = filtered(view, filter);
    assert_eq!(shown(&state), found, "{filter}");
    let matching = (0..found.len()).filter(|at| !state.look(*at).is_context);
    let shares = shown(&state)
        .iter()
        .filter(|row| row.contains("share"))
        .count();
    assert_eq!(
        state.found().0,
        matching.count() - shares,
        "shares are no devices"
    );
    assert!(
        state
            .filter()
            .is_some_and(|filter| filter.problem().is_none())
    );
}

/// Labels of the node count for its GPUs and processes too, those of a pod for itself.
#[rstest]
#[case(View::Nodes, "-l rack in (a, b)", &["anvil", "bench"])]
#[case(View::Nodes, "-l rack", &["anvil", "bench"])]
#[case(View::Nodes, "-l rack notin (b),rack", &["anvil"])]
#[case(View::Gpus, "-l rack=a", &["anvil:RTX 3090", "anvil:RTX 3090"])]
#[case(View::Processes, "-l rack=b", &["ollama", "whisper-server"])]
#[case(View::Pods, "-l team=vision", &["detector-0"])]
fn labels_select(#[case] view: View, #[case] filter: &str, #[case] found: &[&str]) {
    let mut state = full();
    for (name, rack) in [("anvil", "a"), ("bench", "b")] {
        let row = state
            .picture
            .nodes
            .iter()
            .find(|row| row.info.name.as_str() == name);
        let mut info = NodeInfo::clone(&row.expect("the node").info);
        info.labels.insert("rack".to_owned(), rack.to_owned());
        tell(
            &mut state,
            Event::Update(Update::Nodes(Listing::Changed(Box::new(info)))),
        );
    }
    let row = state
        .picture
        .pods
        .iter()
        .find(|row| &*row.info.key.name == "detector-0");
    let mut info = PodInfo::clone(&row.expect("the pod").info);
    info.labels = Labels::from(&BTreeMap::from([("team", "vision")]));
    tell(
        &mut state,
        Event::Update(Update::Pods(Listing::Changed(Box::new(info)))),
    );
    press(
        &mut state,
        &letters(&format!("{}/{filter}", view.position() + 1)),
    );
    press(&mut state, &[KeyCode::Enter]);
    assert_eq!(shown(&state), found);
}

#[test]
fn an_instance_or_share_that_is_found_keeps_its_card_in_sight() {
    let state = filtered(View::Gpus, "state=allocated");
    let forge = |what: &str| format!("forge-01.lab.example.com:{what}");
    let rows = [
        "bench:RTX 4080".to_owned(),
        "bench:share 0".to_owned(),
        "bench:share 3".to_owned(),
        forge("A100-SXM4-80GB"),
        forge("1g.10gb"),
    ];
    assert_eq!(shown(&state), rows);
    let context: Vec<bool> = (0..5).map(|at| state.look(at).is_context).collect();
    assert_eq!(context, [true, false, false, true, false]);
    // Neither the cards nor the shares count as devices that were found.
    assert_eq!(state.found(), (1, 12));
}

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

#[test]
fn a_mistake_is_said_and_nothing_moves_while_a_condition_is_typed() {
    let mut state = full();
    press(&mut state, &letters("2/util<5 & "));
    assert_eq!(state.found().0, 3);
    press(&mut state, &letters("vram>"));
    assert_eq!(state.found().0, 3);
    assert!(
        state
            .filter()
            .is_some_and(|filter| filter.problem().is_some())
    );
    press(&mut state, &letters("1G"));
    assert_eq!(state.found().0, 2);
    press(&mut state, &letters("x"));
    assert_eq!(state.found(), (0, 12));
    let screen = text(&show(&mut state, 120, 40));
    assert!(
        screen.contains("None of 12 rows. “1Gx” is not an amount of memory"),
        "{screen}"
    );
}

/// Positions of the letters on the screen that look like hits.
fn hits(state: &mut State) -> Vec<String> {
    let buffer = show(state, 120, 40);
    let hit = state.theme.hit;
    let mut found = Vec::new();
    let mut last = None;
    for (at, cell) in buffer.content().iter().enumerate() {
        let is_hit = hit.bg.is_none_or(|bg| cell.bg == bg)
            && hit.fg.is_none_or(|fg| cell.fg == fg)
            && cell.modifier.contains(hit.add_modifier);
        if is_hit {
            if last == at.checked_sub(1) && last.is_some() {
                let word: &mut String = found.last_mut().expect("a word was begun");
                word.push_str(cell.symbol());
            } else {
                found.push(cell.symbol().to_owned());
            }
            last = Some(at);
        }
    }
    found
}

#[test]
fn what_was_found_is_marked_where_it_stands() {
    assert_eq!(hits(&mut filtered(View::Gpus, "3090")), ["3090", "3090"]);
    assert_eq!(hits(&mut filtered(View::Nodes, "!bench")), [""; 0]);
    // Only in the column that was asked about.
    assert_eq!(hits(&mut filtered(View::Gpus, "product~v100")), ["V100"]);
    assert_eq!(hits(&mut filtered(View::Gpus, "util>90")), [""; 0]);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_filter_breaks_anything(text in "\\PC{0,20}") {
        let state = full();
        for view in View::ALL {
            let filter = Filter::typed(view, &text);
            let mut sieve = Sieve::new(&filter, true);
            for at in 0..state.picture.nodes.len() {
                if view == View::Nodes {
                    sieve.keeps(state.cx(), Row::Node(at));
                }
            }
            for hit in sieve.hits(None, "größe 日本語 👩‍🔬") {
                prop_assert!("größe 日本語 👩‍🔬".get(hit).is_some());
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

#[test]
fn what_is_wrong_is_said_beside_what_was_typed() {
    let mut state = full();
    press(&mut state, &letters("2/utl<5"));
    let screen = text(&show(&mut state, 120, 40));
    assert!(
        screen.contains("/utl<5  GPUs have no field “utl” (letter 1): did you mean “util”?"),
        "{screen}"
    );
    press(&mut state, &[KeyCode::Backspace; 4]);
    press(&mut state, &letters("til<5"));
    let screen = text(&show(&mut state, 120, 40));
    assert!(screen.contains("/util<5  3 found of 12"), "{screen}");
}
