//! What filters find, and what is said about it.

use std::collections::BTreeMap;

use crossterm::event::KeyCode;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{Listing, Update};
use gputop_k3s::app::filter::{Filter, Sieve};
use gputop_k3s::app::row::Row;
use gputop_k3s::app::{State, View};
use gputop_model::{Labels, NodeInfo, PodInfo};
use proptest::prelude::*;
use rstest::rstest;

use super::support::{full, letters, press, show, shown, tell, text};

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
#[case(View::Nodes, "-f lnvml", &[])]
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
