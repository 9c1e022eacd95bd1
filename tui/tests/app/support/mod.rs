//! A cluster with everything that can be shown, and hands to press keys with.

mod build;
mod cluster;
mod rows;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gputop_fleet::engine::Event;
use gputop_fleet::state::{Listing, Update, WatchState, Watched};
use gputop_k3s::app::{Effect, Msg, Session, State, update};
use gputop_model::{Clock, Moment};
use jiff::Timestamp;
use ratatui::buffer::Buffer;

pub(crate) use build::node;
use cluster::{agents, nodes, pods};
pub(crate) use rows::shown;

/// Seconds on the app's clock at which the fixture is looked at.
pub(crate) const NOW: u64 = 1000;

pub(crate) fn at(seconds: u64) -> Clock {
    let wall = Timestamp::from_second(1_790_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
    Clock {
        now: Moment(Duration::from_secs(seconds)),
        wall: wall + Duration::from_secs(seconds.saturating_sub(NOW)),
    }
}

pub(crate) fn session() -> Session {
    Session {
        context: "homelab".to_owned(),
        server_version: "v1.36.3+k3s1".to_owned(),
        ..Session::default()
    }
}

/// An app that has heard nothing yet.
pub(crate) fn silent() -> State {
    let mut state = State::new(session(), at(NOW));
    state.refresh();
    state
}

/// An app that has heard all of the fixture.
pub(crate) fn full() -> State {
    let mut state = silent();
    for event in events() {
        tell(&mut state, event);
    }
    state.refresh();
    state
}

/// The fixture as an engine would deliver it.
pub(crate) fn events() -> Vec<Event> {
    vec![
        Event::Update(Update::Nodes(Listing::Whole(nodes()))),
        Event::Update(Update::Pods(Listing::Whole(pods()))),
        Event::Update(Update::Watch(Watched::Nodes, WatchState::Live)),
        Event::Update(Update::Watch(Watched::Pods, WatchState::Live)),
        Event::Reports(agents()),
    ]
}

pub(crate) fn tell(state: &mut State, event: Event) {
    let clock = state.clock;
    let effects = update(state, Msg::Engine(event, clock));
    assert_eq!(effects, []);
}

/// The API server is gone since `since`.
pub(crate) fn lost(since: u64) -> Event {
    let why = "connection refused (10.0.0.1:6443)".to_owned();
    let lost = WatchState::Lost {
        since: Moment(Duration::from_secs(since)),
        why,
    };
    Event::Update(Update::Watch(Watched::Nodes, lost))
}

pub(crate) fn key(code: KeyCode) -> Msg {
    Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// Presses keys and draws after each, as the runtime does. Letters stand for themselves.
pub(crate) fn press(state: &mut State, keys: &[KeyCode]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for code in keys {
        effects.extend(update(state, key(*code)));
        show(state, 120, 40);
    }
    effects
}

pub(crate) fn letters(text: &str) -> Vec<KeyCode> {
    text.chars().map(KeyCode::Char).collect()
}

/// Draws a frame and lets the app know where things are.
pub(crate) fn show(state: &mut State, width: u16, height: u16) -> Buffer {
    state.refresh();
    let area = ratatui::layout::Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let layout = gputop_k3s::screens::render(state, area, &mut buffer);
    // It may say whose daemons matter now, and nothing else.
    let effects = update(state, Msg::Drawn(layout));
    assert!(
        effects
            .iter()
            .all(|effect| matches!(effect, Effect::Interest(_)))
    );
    buffer
}

/// The lines of a frame, without blanks at their ends.
pub(crate) fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let lines = buffer.content().chunks(width).map(|line| {
        line.iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect::<String>()
            .trim_end()
            .to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}
