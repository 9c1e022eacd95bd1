//! What the screens look like: text and styles of every table at three sizes, and of the
//! situations that matter most.

use crossterm::event::KeyCode;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{Update, WatchState, Watched};
use gputop_k3s::app::{Session, State, View};
use gputop_k3s::theme::Theme;

use super::support::{at, events, full, letters, lost, press, session, show, silent, tell, text};

const SMALL: (u16, u16) = (80, 24);
const MIDDLE: (u16, u16) = (120, 40);
const LARGE: (u16, u16) = (200, 60);

pub(crate) fn look(name: &str, state: &mut State, (width, height): (u16, u16)) {
    let buffer = show(state, width, height);
    let name = format!("{name}-{width}x{height}");
    insta::assert_snapshot!(format!("{name}-text"), text(&buffer));
    insta::assert_snapshot!(format!("{name}-style"), format!("{buffer:?}"));
}

#[test]
fn every_table_at_every_size() {
    for (view, key) in View::ALL.into_iter().zip('1'..) {
        for size in [SMALL, MIDDLE, LARGE] {
            let mut state = full();
            press(&mut state, &[KeyCode::Char(key)]);
            look(&view.title().to_lowercase(), &mut state, size);
        }
    }
}

#[test]
fn a_small_terminal_is_usable() {
    for (view, key) in View::ALL.into_iter().zip('1'..) {
        let mut state = full();
        press(&mut state, &[KeyCode::Char(key)]);
        look(&view.title().to_lowercase(), &mut state, (60, 15));
    }
}

#[test]
fn the_help_page() {
    for size in [SMALL, MIDDLE] {
        let mut state = full();
        press(&mut state, &letters("3?"));
        look("help", &mut state, size);
    }
}

#[test]
fn before_anything_has_arrived() {
    look("connecting", &mut silent(), SMALL);
}

#[test]
fn with_the_api_server_gone() {
    let mut state = full();
    tell(&mut state, lost(988));
    look("api-lost", &mut state, SMALL);
}

#[test]
fn limited_to_one_namespace() {
    let mut state = full();
    let why = "nodes is forbidden: User \"anna\" cannot list resource \"nodes\"".to_owned();
    tell(
        &mut state,
        Event::Update(Update::OneNamespace("ml".to_owned())),
    );
    look("one-namespace", &mut state, SMALL);
    let forbidden = WatchState::Forbidden { why };
    tell(
        &mut state,
        Event::Update(Update::Watch(Watched::Nodes, forbidden)),
    );
    look("forbidden", &mut state, SMALL);
}

#[test]
fn the_demo_shows_its_seed() {
    let session = Session {
        context: "demo".to_owned(),
        seed: Some(42),
        ..session()
    };
    let mut state = State::new(session, at(1000));
    for event in events() {
        tell(&mut state, event);
    }
    look("demo", &mut state, SMALL);
}

#[test]
fn without_colours() {
    let mut state = State::new(session(), at(1000));
    state.theme = Theme::mono();
    for event in events() {
        tell(&mut state, event);
    }
    press(&mut state, &letters("2"));
    look("mono", &mut state, MIDDLE);
}

#[test]
fn down_to_the_pods_of_a_shared_card() {
    let mut state = full();
    press(&mut state, &letters("2/bench"));
    press(
        &mut state,
        &[KeyCode::Enter, KeyCode::Enter, KeyCode::Enter],
    );
    look("drilled", &mut state, MIDDLE);
}

#[test]
fn while_the_filter_is_typed() {
    let mut state = full();
    press(&mut state, &letters("3/ml/"));
    look("filtering", &mut state, SMALL);
    press(&mut state, &letters("xyz"));
    look("nothing-found", &mut state, SMALL);
}

#[test]
fn the_ones_in_trouble_in_full() {
    for (keys, name) in [
        ("1/harbor", "lost-daemon"),
        ("2/harbor", "hot-gpu"),
        ("2/desk", "occupied-gpu"),
        ("2/ghost", "gap"),
        ("3/jellyfin", "unrequested-pod"),
        ("3/finetune", "pending-pod"),
        ("3/notebook", "idle-pod"),
        ("4/gnome", "desktop-process"),
    ] {
        let mut state = full();
        press(&mut state, &letters(keys));
        press(&mut state, &[KeyCode::Enter]);
        look(name, &mut state, MIDDLE);
    }
}
