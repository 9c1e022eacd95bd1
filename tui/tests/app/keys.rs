//! Keys and mouse: what each does, where, and that the way out always works.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use gputop_k3s::app::actions::{all, find};
use gputop_k3s::app::keys::Chord;
use gputop_k3s::app::{Effect, Msg, State, View, update};
use rstest::rstest;

use super::support::{full, letters, press, show, silent, text};

const ENTER: KeyCode = KeyCode::Enter;
const ESC: KeyCode = KeyCode::Esc;

fn crumbs(state: &State) -> Vec<String> {
    state
        .path()
        .filter_map(|place| place.within.crumb())
        .collect()
}

fn rows(state: &mut State) -> usize {
    state.refresh();
    state.rows().len()
}

#[rstest]
#[case::tables(&[])]
#[case::drilled(&[ENTER, ENTER])]
#[case::help(&[KeyCode::Char('?')])]
#[case::filter(&[KeyCode::Char('/')])]
fn ctrl_c_quits_everywhere(#[case] before: &[KeyCode]) {
    let mut state = full();
    press(&mut state, before);
    let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(update(&mut state, Msg::Key(key)), [Effect::Quit]);
}

#[rstest]
#[case::tables(&[])]
#[case::help(&[KeyCode::Char('?')])]
fn q_quits_where_no_text_is_entered(#[case] before: &[KeyCode]) {
    for mut state in [full(), silent()] {
        press(&mut state, before);
        assert_eq!(press(&mut state, &letters("q")), [Effect::Quit]);
    }
}

#[test]
fn q_is_a_letter_while_filtering() {
    let mut state = full();
    assert_eq!(press(&mut state, &letters("/qwen")), []);
    assert_eq!(state.place().filter, "qwen");
}

#[rstest]
#[case("1", View::Nodes)]
#[case("2", View::Gpus)]
#[case("3", View::Pods)]
#[case("4", View::Processes)]
fn digits_lead_to_whole_tables(#[case] key: &str, #[case] view: View) {
    let mut state = full();
    press(&mut state, &[ENTER]);
    press(&mut state, &letters(key));
    assert_eq!(state.place().view, view);
    assert_eq!(crumbs(&state), [""; 0]);
}

#[test]
fn tab_goes_round_and_shift_tab_back() {
    let mut state = full();
    let mut seen = Vec::new();
    for _ in 0..4 {
        press(&mut state, &[KeyCode::Tab]);
        seen.push(state.place().view);
    }
    assert_eq!(seen, [View::Gpus, View::Pods, View::Processes, View::Nodes]);
    press(&mut state, &[KeyCode::BackTab]);
    assert_eq!(state.place().view, View::Processes);
}

#[test]
fn enter_goes_down_and_esc_comes_back() {
    let mut state = full();
    press(&mut state, &[ENTER]);
    assert_eq!((state.place().view, rows(&mut state)), (View::Gpus, 2));
    press(&mut state, &[KeyCode::Down, ENTER]);
    assert_eq!((state.place().view, rows(&mut state)), (View::Pods, 1));
    press(&mut state, &[ENTER]);
    assert_eq!((state.place().view, rows(&mut state)), (View::Processes, 1));
    assert_eq!(
        crumbs(&state),
        ["anvil", "GPU 1 RTX 3090", "ml/notebook-anna"]
    );
    // Processes are the bottom.
    press(&mut state, &[ENTER]);
    assert_eq!(crumbs(&state).len(), 3);
    press(&mut state, &[ESC]);
    assert_eq!(state.place().view, View::Pods);
    press(&mut state, &[ESC]);
    assert_eq!(
        (state.place().view, state.place().cursor.index),
        (View::Gpus, 1)
    );
    press(&mut state, &[ESC, ESC, ESC]);
    assert_eq!((state.place().view, rows(&mut state)), (View::Nodes, 9));
}

#[test]
fn tab_stays_within_what_was_opened() {
    let mut state = full();
    press(&mut state, &[ENTER, KeyCode::Tab]);
    assert_eq!((state.place().view, rows(&mut state)), (View::Pods, 2));
    press(&mut state, &[KeyCode::Tab]);
    assert_eq!((state.place().view, rows(&mut state)), (View::Processes, 2));
    press(&mut state, &[KeyCode::Tab]);
    assert_eq!(state.place().view, View::Gpus);
    assert_eq!(crumbs(&state), ["anvil"]);
}

#[test]
fn a_card_in_mig_mode_leads_to_what_runs_on_its_instances() {
    let mut state = full();
    press(&mut state, &letters("2/A100"));
    press(&mut state, &[ENTER, ENTER]);
    assert_eq!((state.place().view, rows(&mut state)), (View::Pods, 1));
    press(&mut state, &[ENTER]);
    assert_eq!((state.place().view, rows(&mut state)), (View::Processes, 1));
}

#[rstest]
#[case::gap("2/ghost", "nothing is known of these GPUs")]
#[case::free("2/T4", "nobody uses this GPU")]
#[case::no_gpu("1/icebox", "no GPU of this node is known")]
#[case::waiting("3/finetune", "no process of this pod is on a GPU")]
#[case::outside("4/gnome", "this process is outside the cluster")]
#[case::empty("2/nosuchthing", "nothing is selected")]
fn a_way_that_is_closed_says_why(#[case] keys: &str, #[case] why: &str) {
    let mut state = full();
    press(&mut state, &letters(keys));
    press(&mut state, &[ENTER]);
    let open = find(&state, Chord::key(ENTER));
    let reason = open.map(|action| (action.available)(&state));
    assert_eq!(reason, Some(Err(why.into())));
    let before = crumbs(&state);
    press(&mut state, &[ENTER]);
    assert_eq!(crumbs(&state), before);
}

#[test]
fn the_filter_narrows_while_it_is_typed_and_is_kept_by_enter() {
    let mut state = full();
    press(&mut state, &letters("3/NOTEBOOK"));
    assert_eq!(rows(&mut state), 1);
    press(&mut state, &[KeyCode::Backspace; 8]);
    assert_eq!(rows(&mut state), 9);
    press(&mut state, &letters("ml/"));
    assert_eq!(rows(&mut state), 4);
    press(&mut state, &[ENTER]);
    assert!(state.filter_input.is_none());
    assert_eq!(rows(&mut state), 4);
    // Each table has its own.
    press(&mut state, &letters("1"));
    assert_eq!(rows(&mut state), 9);
    press(&mut state, &letters("3"));
    assert_eq!(rows(&mut state), 4);
    press(&mut state, &[ESC]);
    assert_eq!(rows(&mut state), 9);
}

#[test]
fn esc_drops_the_filter_and_returns_to_the_chosen_row() {
    let mut state = full();
    press(&mut state, &letters("3"));
    press(&mut state, &[KeyCode::Down; 4]);
    let chosen = state.place().cursor.selected.clone();
    press(&mut state, &letters("/whisper"));
    assert_eq!(rows(&mut state), 1);
    press(&mut state, &[ESC]);
    state.refresh();
    assert_eq!((rows(&mut state), state.place().cursor.index), (9, 4));
    assert_eq!(state.place().cursor.selected, chosen);
}

#[test]
fn the_filter_finds_what_any_cell_says() {
    for (keys, found) in [
        ("2/occupied", 1),
        ("2/too hot", 1),
        ("2/stopped posting", 1),
        ("1/no nvidia driver", 1),
        ("1/control-plane", 1),
        ("3/2h10m", 1),
        ("4/whisper-server", 1),
        ("4/1g.10gb", 1),
    ] {
        let mut state = full();
        press(&mut state, &letters(keys));
        assert_eq!(rows(&mut state), found, "{keys}");
    }
}

#[test]
fn pasted_text_goes_into_the_filter_and_nowhere_else() {
    let mut state = full();
    assert_eq!(update(&mut state, Msg::Paste("q".to_owned())), []);
    press(&mut state, &letters("/"));
    assert_eq!(update(&mut state, Msg::Paste("bench\n".to_owned())), []);
    assert_eq!(state.place().filter, "bench");
    assert_eq!(rows(&mut state), 1);
}

#[test]
fn a_shows_and_hides_pods_without_a_gpu() {
    let mut state = full();
    press(&mut state, &letters("3"));
    let gpu_pods = rows(&mut state);
    press(&mut state, &letters("a"));
    assert_eq!(rows(&mut state), state.picture.pods.len());
    press(&mut state, &letters("a"));
    assert_eq!(rows(&mut state), gpu_pods);
}

#[test]
fn movement_stops_at_both_ends() {
    let mut state = full();
    press(&mut state, &letters("k"));
    assert_eq!(state.place().cursor.index, 0);
    press(&mut state, &letters("G"));
    assert_eq!(state.place().cursor.index, 8);
    press(&mut state, &letters("j"));
    assert_eq!(state.place().cursor.index, 8);
    press(&mut state, &letters("g"));
    assert_eq!(state.place().cursor.index, 0);
    press(&mut state, &[KeyCode::PageDown]);
    assert_eq!(state.place().cursor.index, 8);
    press(&mut state, &[KeyCode::PageUp]);
    assert_eq!(state.place().cursor.index, 0);
}

#[test]
fn the_help_page_keeps_keys_from_what_lies_below() {
    let mut state = full();
    press(&mut state, &letters("?"));
    press(&mut state, &letters("3ja"));
    assert_eq!(
        (state.place().view, state.place().cursor.index),
        (View::Nodes, 0)
    );
    press(&mut state, &[ESC]);
    assert!(state.layers.is_empty());
}

#[test]
fn every_key_of_the_registry_is_on_the_help_page() {
    let mut state = full();
    press(&mut state, &letters("3?"));
    let page = text(&show(&mut state, 160, 60));
    let shown = |name: &str| all().find(|action| action.name == name);
    for name in [
        "quit",
        "filter",
        "all-pods",
        "open",
        "back",
        "page-down",
        "interrupt",
    ] {
        assert!(
            shown(name).is_some_and(|action| page.contains(action.help)),
            "{name}"
        );
    }
}

#[test]
fn a_long_help_page_scrolls_to_its_end_and_not_further() {
    let mut state = full();
    press(&mut state, &letters("?"));
    for _ in 0..200 {
        show(&mut state, 80, 24);
        assert_eq!(update(&mut state, super::support::key(KeyCode::Down)), []);
    }
    let end = text(&show(&mut state, 80, 24));
    let last = gputop_k3s::app::actions::all().find(|action| action.name == "quit-from-help");
    let last = last.map(|action| format!("q                {}", action.help));
    assert!(last.is_some_and(|last| end.contains(&last)), "{end}");
    press(&mut state, &letters("k"));
    show(&mut state, 80, 24);
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Msg {
    Msg::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    })
}

#[test]
fn the_mouse_chooses_rows_and_tabs_and_the_wheel_moves() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut state = full();
    show(&mut state, 120, 40);
    let first = state.layout.rows;
    assert_eq!(update(&mut state, mouse(click, 30, first.y + 2)), []);
    assert_eq!(state.place().cursor.index, 2);
    // Below the last row there is nothing.
    assert_eq!(update(&mut state, mouse(click, 30, first.bottom() - 1)), []);
    assert_eq!(state.place().cursor.index, 2);
    assert_eq!(
        update(&mut state, mouse(MouseEventKind::ScrollDown, 1, 1)),
        []
    );
    assert_eq!(state.place().cursor.index, 5);
    let (view, tab) = state.layout.tabs[2];
    assert_eq!(update(&mut state, mouse(click, tab.x + 1, tab.y)), []);
    assert_eq!(state.place().view, view);
}
