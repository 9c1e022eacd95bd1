//! No size of the terminal is too small to be survived.

use std::sync::LazyLock;

use crossterm::event::KeyCode;
use gputop_k3s::app::State;
use proptest::prelude::*;

use super::support::{full, letters, lost, press, show, silent, tell};

/// Ways to get to every kind of screen.
const WAYS: [&str; 10] = [
    "1",
    "2",
    "3a",
    "4",
    "?",
    "?jjj",
    "/gpu",
    "/日本語日本語",
    "2G",
    "3/nothing there",
];

/// The app at the end of each way, before it is asked what else can be opened.
static STATES: LazyLock<Vec<State>> = LazyLock::new(|| {
    let mut states = vec![silent()];
    for way in WAYS {
        let mut state = full();
        press(&mut state, &letters(way));
        states.push(state.clone());
        tell(&mut state, lost(988));
        states.push(state.clone());
        press(
            &mut state,
            &[KeyCode::Enter, KeyCode::Enter, KeyCode::Enter],
        );
        states.push(state);
    }
    states
});

fn draw_everywhere(width: u16, height: u16) {
    for state in STATES.iter() {
        let mut state = state.clone();
        let buffer = show(&mut state, width, height);
        assert_eq!((buffer.area.width, buffer.area.height), (width, height));
        if let Some(cursor) = state.layout.cursor {
            assert!(buffer.area.contains(cursor), "{cursor:?} is outside");
        }
    }
}

#[test]
fn the_smallest_sizes() {
    for width in 0..=30 {
        for height in [0, 1, 2, 3, 5, 8] {
            draw_everywhere(width, height);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn any_size(width in 1_u16..260, height in 1_u16..90) {
        draw_everywhere(width, height);
    }
}
