//! What the screens look like: text and styles of every table at three sizes, and of the
//! situations that matter most.

use crossterm::event::KeyCode;
use gputop_k3s::app::{State, View};
use gputop_k3s::theme::Theme;
use gputop_model::{Moment, NodeName};

use super::support::{
    agents, at, full, letters, lost, nodes, pods, press, session, show, silent, tell, text,
};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn look(name: &str, state: &mut State, (width, height): (u16, u16)) {
    let buffer = show(state, width, height);
    let name = format!("{name}-{width}x{height}");
    insta::assert_snapshot!(format!("{name}-text"), text(&buffer));
    insta::assert_snapshot!(format!("{name}-style"), format!("{buffer:?}"));
}

#[test]
fn every_table_at_every_size() {
    for (view, key) in View::ALL.into_iter().zip('1'..) {
        for size in SIZES {
            let mut state = full();
            press(&mut state, &[KeyCode::Char(key)]);
            look(&view.title().to_lowercase(), &mut state, size);
        }
    }
}

#[test]
fn the_help_page() {
    for size in [SIZES[0], SIZES[1]] {
        let mut state = full();
        press(&mut state, &[KeyCode::Char('?')]);
        look("help", &mut state, size);
    }
}

#[test]
fn before_anything_has_arrived() {
    look("connecting", &mut silent(), SIZES[0]);
}
