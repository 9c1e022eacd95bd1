//! The cursor stays on what was chosen, whatever happens to the list around it.

use std::collections::BTreeSet;

use crossterm::event::KeyCode;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{Listing, Update, WatchState, Watched};
use gputop_k3s::app::row::RowId;
use gputop_k3s::app::{Msg, State, update};
use proptest::prelude::*;

use super::support::{at, full, letters, node, press, show, silent, tell};

#[derive(Debug, Clone)]
enum Happening {
    Appears(u8),
    Disappears(u8),
    Key(KeyCode),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (0_u8..30).prop_map(Happening::Appears),
        (0_u8..30).prop_map(Happening::Disappears),
        prop::sample::select(vec![
            KeyCode::Down,
            KeyCode::Up,
            KeyCode::PageDown,
            KeyCode::PageUp,
            KeyCode::Home,
            KeyCode::End,
        ])
        .prop_map(Happening::Key),
    ]
}

fn name(number: u8) -> String {
    format!("node-{number:02}")
}

fn live(state: &mut State) {
    for watched in [Watched::Nodes, Watched::Pods] {
        tell(
            state,
            Event::Update(Update::Watch(watched, WatchState::Live)),
        );
    }
}

/// What is selected, and that it is where the cursor is and on screen.
fn selected(state: &mut State, height: u16) -> Option<RowId> {
    show(state, 80, height);
    let row = state.selected()?;
    let id = RowId::of(&state.picture, row);
    assert_eq!(id, state.place().cursor.selected);
    let index = state.place().cursor.index;
    let shown = state.layout.offset..state.layout.offset + usize::from(state.layout.rows.height);
    assert!(shown.contains(&index), "{index} is not in {shown:?}");
    id
}

proptest! {
    #[test]
    fn the_chosen_node_stays_chosen(
        happenings in prop::collection::vec(happening(), 1..40),
        height in 10_u16..30,
    ) {
        let mut state = silent();
        live(&mut state);
        let mut there = BTreeSet::new();
        let mut chosen: Option<RowId> = None;
        for happening in happenings {
            match happening {
                Happening::Appears(number) => {
                    let info = Box::new(node(&name(number), &[("gpu", 1)]));
                    there.insert(name(number));
                    tell(&mut state, Event::Update(Update::Nodes(Listing::Changed(info))));
                }
                Happening::Disappears(number) => {
                    there.remove(&name(number));
                    let gone = Listing::Gone(name(number).into());
                    tell(&mut state, Event::Update(Update::Nodes(gone)));
                }
                Happening::Key(code) => {
                    press(&mut state, &[code]);
                    chosen = None;
                }
            }
            let now = selected(&mut state, height);
            prop_assert_eq!(now.is_some(), !there.is_empty());
            if let Some(RowId::Node(before)) = &chosen
                && there.contains(before.as_str())
            {
                prop_assert_eq!(&now, &chosen);
            }
            chosen = now;
        }
    }
}

#[test]
fn while_everything_arrives_the_cursor_waits_at_the_top() {
    let mut state = silent();
    for number in [5, 3, 1] {
        let info = Box::new(node(&name(number), &[("gpu", 1)]));
        tell(
            &mut state,
            Event::Update(Update::Nodes(Listing::Changed(info))),
        );
        show(&mut state, 80, 24);
        assert_eq!(state.place().cursor.index, 0);
    }
    live(&mut state);
    show(&mut state, 80, 24);
    let info = Box::new(node(&name(0), &[("gpu", 1)]));
    tell(
        &mut state,
        Event::Update(Update::Nodes(Listing::Changed(info))),
    );
    show(&mut state, 80, 24);
    assert_eq!(
        state.place().cursor.selected,
        Some(RowId::Node(name(1).into()))
    );
}

#[test]
fn the_devices_of_a_node_take_the_place_of_its_gap() {
    let mut state = silent();
    let events = super::support::events();
    let (reports, lists) = events.split_last().expect("events");
    for event in lists {
        tell(&mut state, event.clone());
    }
    press(&mut state, &letters("2/forge"));
    press(&mut state, &[KeyCode::Enter, KeyCode::Down]);
    assert_eq!(
        state.place().cursor.selected,
        Some(RowId::Gap("forge-01.lab.example.com".into()))
    );
    tell(&mut state, reports.clone());
    show(&mut state, 80, 24);
    let Some(RowId::Device(node, _)) = &state.place().cursor.selected else {
        panic!("{:?}", state.place().cursor)
    };
    assert_eq!(node.as_str(), "forge-01.lab.example.com");
}

#[test]
fn a_tick_changes_ages_and_nothing_else() {
    let mut state = full();
    press(&mut state, &letters("2jj"));
    let before = (state.place().cursor.clone(), state.rows().to_vec());
    assert_eq!(update(&mut state, Msg::Tick(at(1100))), []);
    show(&mut state, 80, 24);
    assert_eq!(
        before,
        (state.place().cursor.clone(), state.rows().to_vec())
    );
    assert!(state.picture.devices.iter().all(|row| row.stale));
}
