//! How long a frame takes to draw, and a key until it is drawn, on a terminal of 200×60.

#[path = "../../fleet/benches/made_up/mod.rs"]
mod made_up;

use std::hint::black_box;

use criterion::Criterion;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gputop_k3s::app::{Msg, Session, State, update};
use gputop_k3s::screens;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const AREA: Rect = Rect::new(0, 0, 200, 60);

/// The key of each table and its name.
const VIEWS: [(char, &str); 4] = [
    ('1', "Nodes"),
    ('2', "GPUs"),
    ('3', "Pods"),
    ('4', "Processes"),
];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for size in made_up::SIZES {
        let mut state = State::new(Session::default(), made_up::CLOCK);
        let fleet = Box::new(made_up::fleet(size));
        let _effects = update(&mut state, Msg::Wound(fleet, made_up::CLOCK));
        state.refresh();
        for (key, name) in VIEWS {
            press(&mut state, key);
            let mut buffer = Buffer::empty(AREA);
            criterion.bench_function(&format!("frame of {name}, {size}"), |bencher| {
                bencher.iter(|| screens::render(black_box(&state), AREA, &mut buffer));
            });
            criterion.bench_function(&format!("key and frame of {name}, {size}"), |bencher| {
                bencher.iter(|| {
                    press(&mut state, 'j');
                    screens::render(&state, AREA, &mut buffer)
                });
            });
        }
    }
    criterion.final_summary();
}

fn press(state: &mut State, key: char) {
    let event = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
    let _effects = update(state, Msg::Key(event));
    state.refresh_rows();
}
