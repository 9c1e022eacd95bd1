//! What lies over the tables: pages of text, lists, and what is asked for them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gputop_fleet::connect::Problem;
use gputop_fleet::engine::Event;
use gputop_fleet::inspect::{Answer, Ask, AskId, EventInfo, LogRequest, Rights, Subject};
use gputop_k3s::app::layers::PageKind;
use gputop_k3s::app::{Effect, Layer, Msg, State, start, update};
use gputop_model::PodKey;

use super::support::{full, letters, press, show, text};

const ENTER: KeyCode = KeyCode::Enter;
const ESC: KeyCode = KeyCode::Esc;

fn ctrl(state: &mut State, letter: char) -> Vec<Effect> {
    let key = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
    update(state, Msg::Key(key))
}

fn drawn(state: &mut State, width: u16, height: u16) -> String {
    text(&show(state, width, height))
}

fn answer(state: &mut State, id: AskId, answer: Answer) {
    let clock = state.clock;
    assert_eq!(
        update(state, Msg::Engine(Event::Answer(id, answer), clock)),
        []
    );
}

fn asked(effects: &[Effect]) -> (AskId, Ask) {
    match effects {
        [Effect::Ask(id, ask)] => (*id, ask.clone()),
        other => panic!("{other:?}"),
    }
}

/// The key of the selected pod.
fn selected_pod(state: &State) -> PodKey {
    let Some(gputop_k3s::app::row::Row::Pod(at)) = state.selected() else {
        panic!("{:?}", state.selected());
    };
    state.picture.pods[at].info.key.clone()
}

#[test]
fn y_asks_for_the_manifest_of_the_selected_object_and_shows_it() {
    let mut state = full();
    let (id, ask) = asked(&press(&mut state, &letters("y")));
    let name = state.picture.nodes[0].info.name.clone();
    assert_eq!(ask, Ask::Manifest(Subject::Node(name)));
    assert!(drawn(&mut state, 80, 24).contains("Asking the API server"));
    let yaml = "apiVersion: v1\nkind: Node\n".to_owned();
    answer(&mut state, id, Answer::Manifest(yaml));
    let shown = drawn(&mut state, 80, 24);
    assert!(shown.contains("kind: Node"), "{shown}");
    assert_eq!(press(&mut state, &[ESC]), []);
    assert!(state.layers.is_empty());
}

#[test]
fn an_answer_to_a_page_that_was_closed_is_nobodys() {
    let mut state = full();
    let (first, _) = asked(&press(&mut state, &letters("y")));
    // Closing before the answer cancels the question.
    assert_eq!(press(&mut state, &[ESC]), [Effect::Cancel(first)]);
    let (_, _) = asked(&press(&mut state, &letters("y")));
    answer(&mut state, first, Answer::Manifest("old".to_owned()));
    assert!(!drawn(&mut state, 80, 24).contains("old"));
}

#[test]
fn logs_are_followed_until_one_scrolls_and_again_at_the_end() {
    let mut state = full();
    press(&mut state, &letters("3"));
    let pod = selected_pod(&state);
    let (id, ask) = asked(&press(&mut state, &letters("l")));
    let Ask::Logs(LogRequest {
        pod: of, follow, ..
    }) = ask
    else {
        panic!("{ask:?}")
    };
    assert_eq!((of, follow), (pod, true));
    let lines = (0..100).map(|n| format!("line {n}")).collect();
    answer(&mut state, id, Answer::LogLines(lines));
    assert!(drawn(&mut state, 80, 24).contains("line 99"));
    press(&mut state, &[KeyCode::Up]);
    let up = drawn(&mut state, 80, 24);
    assert!(!up.contains("line 99") && up.contains("line 98"), "{up}");
    // New lines do not move what one reads.
    answer(
        &mut state,
        id,
        Answer::LogLines(vec!["line 100".to_owned()]),
    );
    assert_eq!(drawn(&mut state, 80, 24).matches("line 98").count(), 1);
    press(&mut state, &letters("G"));
    answer(
        &mut state,
        id,
        Answer::LogLines(vec!["line 101".to_owned()]),
    );
    assert!(drawn(&mut state, 80, 24).contains("line 101"));
    let why = Problem {
        what: "the container has ended".to_owned(),
        fix: "p shows the run before.".to_owned(),
    };
    answer(&mut state, id, Answer::LogEnded(Some(why)));
    assert!(drawn(&mut state, 80, 24).contains("the container has ended"));
}

#[test]
fn the_run_before_is_asked_for_anew() {
    let mut state = full();
    press(&mut state, &letters("3"));
    let (first, _) = asked(&press(&mut state, &letters("l")));
    let effects = press(&mut state, &letters("p"));
    assert!(matches!(
        effects.as_slice(),
        [
            Effect::Cancel(id),
            Effect::Ask(_, Ask::Logs(LogRequest { previous: true, follow: false, .. }))
        ] if *id == first
    ));
}

#[test]
fn searching_goes_from_hit_to_hit_and_round() {
    let mut state = full();
    let (id, _) = asked(&press(&mut state, &letters("y")));
    let lines: Vec<String> = (0..200).map(|n| format!("key{n}: {}", n % 50)).collect();
    answer(&mut state, id, Answer::Manifest(lines.join("\n")));
    drawn(&mut state, 80, 24);
    press(&mut state, &letters("/: 49"));
    drawn(&mut state, 80, 24);
    press(&mut state, &[ENTER]);
    let first = drawn(&mut state, 80, 24);
    assert!(
        first.contains("key49: 49") && first.contains("4 lines"),
        "{first}"
    );
    press(&mut state, &letters("n"));
    assert!(drawn(&mut state, 80, 24).contains("key99: 49"));
    press(&mut state, &letters("N"));
    assert!(drawn(&mut state, 80, 24).contains("key49: 49"));
    press(&mut state, &letters("N"));
    assert!(drawn(&mut state, 80, 24).contains("key199: 49"));
}

#[test]
fn events_say_when_how_often_and_what() {
    let mut state = full();
    let (id, ask) = asked(&press(&mut state, &letters("v")));
    assert!(matches!(ask, Ask::Events(_)));
    let event = EventInfo {
        kind: "Warning".to_owned(),
        reason: "FailedScheduling".to_owned(),
        source: "scheduler".to_owned(),
        message: "0/3 nodes\nare available".to_owned(),
        count: 7,
        first: None,
        last: Some(state.clock.wall),
    };
    answer(&mut state, id, Answer::Events(vec![event]));
    let shown = drawn(&mut state, 120, 30);
    assert!(
        shown.contains("0s ago  FailedScheduling (7×): 0/3 nodes are available"),
        "{shown}"
    );
}

#[test]
fn what_is_not_allowed_is_greyed_and_says_why() {
    let mut state = full();
    let (id, ask) = asked(&start(&mut state));
    assert_eq!(ask, Ask::Rights(None));
    let rights = Rights {
        logs: Some(false),
        exec: Some(false),
        ..Rights::default()
    };
    answer(&mut state, id, Answer::Rights(rights));
    press(&mut state, &letters("3"));
    assert_eq!(press(&mut state, &letters("l")), []);
    assert!(drawn(&mut state, 120, 24).contains("you have no right to read logs"));
    assert_eq!(press(&mut state, &letters("s")), []);
    assert!(state.layers.is_empty());
}

#[test]
fn who_sees_one_namespace_is_told_what_may_be_done_there() {
    let mut state = full();
    let (first, ask) = asked(&start(&mut state));
    assert_eq!(ask, Ask::Rights(None));
    let everywhere = Rights {
        logs: Some(false),
        list_all_pods: Some(false),
        ..Rights::default()
    };
    let clock = state.clock;
    let answered = Event::Answer(first, Answer::Rights(everywhere));
    let (second, ask) = asked(&update(&mut state, Msg::Engine(answered, clock)));
    assert_eq!(ask, Ask::Rights(Some(state.session.namespace.clone())));
    let there = Rights {
        logs: Some(true),
        ..everywhere
    };
    // Asked once, not for ever.
    answer(&mut state, second, Answer::Rights(there));
    assert_eq!(state.rights, there);
    press(&mut state, &letters("3"));
    assert!(matches!(
        asked(&press(&mut state, &letters("l"))).1,
        Ask::Logs(_)
    ));
}

#[test]
fn a_shell_is_not_opened_read_only() {
    let mut state = full();
    state.session.read_only = true;
    press(&mut state, &letters("3"));
    assert_eq!(press(&mut state, &letters("s")), []);
    assert!(drawn(&mut state, 120, 24).contains("read-only"));
}

#[test]
fn the_palette_finds_actions_by_name_and_carries_them_out() {
    let mut state = full();
    press(&mut state, &letters(":wide"));
    let shown = drawn(&mut state, 100, 30);
    assert!(
        shown.contains("All actions") && shown.contains("ctrl-w"),
        "{shown}"
    );
    press(&mut state, &[ENTER]);
    assert!(state.wide && state.layers.is_empty());
    // Namespaces and columns are in it as well.
    press(&mut state, &letters(":ns all"));
    press(&mut state, &[ENTER]);
    assert_eq!(state.namespace, None);
}

#[test]
fn the_palette_knows_namespaces_without_pods_and_asks_for_them_once() {
    let mut state = full();
    let (id, ask) = asked(&press(&mut state, &letters(":ns")));
    assert_eq!(ask, Ask::Namespaces);
    let names = vec!["empty-one".to_owned()];
    answer(&mut state, id, Answer::Namespaces(names));
    press(&mut state, &letters(" empty-one"));
    press(&mut state, &[ENTER]);
    assert_eq!(state.namespace.as_deref(), Some("empty-one"));
    // What was heard a moment ago is not asked for again.
    press(&mut state, &letters("0"));
    assert_eq!(press(&mut state, &letters(":ns empty-one")), []);
    press(&mut state, &[ENTER]);
    assert_eq!(state.namespace.as_deref(), Some("empty-one"));
}

#[test]
fn the_palette_says_why_something_can_not_be_done() {
    let mut state = full();
    press(&mut state, &letters(":unmark"));
    press(&mut state, &[ENTER]);
    assert_eq!(state.layers.len(), 1);
    assert!(drawn(&mut state, 100, 30).contains("nothing is marked"));
}

#[test]
fn namespaces_of_the_server_are_added_to_those_with_pods() {
    let mut state = full();
    let (id, ask) = asked(&press(&mut state, &letters("n")));
    assert_eq!(ask, Ask::Namespaces);
    answer(
        &mut state,
        id,
        Answer::Namespaces(vec!["empty-one".to_owned()]),
    );
    press(&mut state, &letters("empty"));
    press(&mut state, &[ENTER]);
    assert_eq!(state.namespace.as_deref(), Some("empty-one"));
    // And back.
    press(&mut state, &letters("0"));
    assert_eq!(state.namespace, None);
    press(&mut state, &letters("0"));
    assert_eq!(state.namespace.as_deref(), Some("empty-one"));
}

#[test]
fn pausing_freezes_the_screen_and_goes_on_with_the_newest() {
    let mut state = full();
    press(&mut state, &letters("P"));
    let before = drawn(&mut state, 120, 30);
    let mut later = state.clock;
    later.now.0 += std::time::Duration::from_secs(5);
    let gone = gputop_fleet::state::Update::Nodes(gputop_fleet::state::Listing::Whole(Vec::new()));
    let _ = update(&mut state, Msg::Engine(Event::Update(gone), later));
    state.refresh();
    assert!(!state.picture.nodes.is_empty());
    assert_eq!(state.paused_for(), Some(std::time::Duration::from_secs(5)));
    assert!(
        before.contains("paused") || before.contains("PAUSED"),
        "{before}"
    );
    press(&mut state, &letters("P"));
    state.refresh();
    assert!(state.picture.nodes.is_empty());
}

#[test]
fn names_are_copied_the_marked_ones_where_there_are_some() {
    let mut state = full();
    let names: Vec<String> = (0..2)
        .map(|at| state.picture.nodes[at].info.name.to_string())
        .collect();
    assert_eq!(ctrl(&mut state, 'y'), [Effect::Copy(names[0].clone())]);
    press(&mut state, &letters("  "));
    assert_eq!(state.marks.len(), 2);
    assert_eq!(ctrl(&mut state, 'y'), [Effect::Copy(names.join("\n"))]);
    ctrl(&mut state, 'u');
    assert!(state.marks.is_empty());
}

#[test]
fn describe_shows_the_facts_at_once_and_the_object_when_it_comes() {
    let mut state = full();
    let (id, ask) = asked(&press(&mut state, &letters("d")));
    assert!(matches!(ask, Ask::Describe(_)));
    let name = state.picture.nodes[0].info.name.to_string();
    assert!(drawn(&mut state, 100, 40).contains(&name));
    answer(
        &mut state,
        id,
        Answer::Describe("Kubelet: v1.36".to_owned()),
    );
    press(&mut state, &letters("G"));
    assert!(drawn(&mut state, 100, 40).contains("Kubelet: v1.36"));
    assert!(
        matches!(state.layers.last(), Some(Layer::Page(page)) if page.kind == PageKind::Describe)
    );
}

#[test]
fn ctrl_z_stops_and_no_layer_swallows_it() {
    let mut state = full();
    press(&mut state, &letters(":"));
    assert_eq!(ctrl(&mut state, 'z'), [Effect::Suspend]);
}

#[test]
fn layers_fit_into_every_screen() {
    for keys in ["d", "y", "v", ":", "o", "n", "N", "?"] {
        let mut state = full();
        press(&mut state, &letters(keys));
        for (width, height) in [(1, 1), (5, 3), (20, 6), (60, 15), (80, 24), (200, 60)] {
            drawn(&mut state, width, height);
        }
    }
}

#[test]
fn the_columns_of_the_configuration_are_shown_in_its_order() {
    let mut state = full();
    let titles = Some(vec!["TEMP", "NODE"]);
    state.begin(gputop_k3s::app::View::Nodes, titles, None);
    let shown = drawn(&mut state, 120, 30);
    let heading = shown.lines().find(|line| line.contains("TEMP")).unwrap();
    let words: Vec<&str> = heading.split_whitespace().collect();
    assert_eq!(words, ["TEMP", "NODE"]);
}
