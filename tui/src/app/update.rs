//! Messages in, new state and effects out.

use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use gputop_fleet::engine::Event;
use gputop_model::Clock;
use ratatui::layout::Position;
use tui_input::Input;

use super::actions::{self, ActionId};
use super::input;
use super::keys::Chord;
use super::layout::Layout;
use super::navigation;
use super::state::{Layer, State};

/// Everything that can happen to the application.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(u16, u16),
    /// Time has passed.
    Tick(Clock),
    /// The cluster has changed.
    Engine(Event, Clock),
    /// A frame was drawn.
    Drawn(Layout),
}

/// What the runtime is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Leave the program.
    Quit,
}

/// Rows that one notch of the mouse wheel moves.
const WHEEL: isize = 3;

/// Applies one message.
#[must_use]
pub fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(event) => {
            if let Some(chord) = Chord::from_event(event) {
                return press(state, chord);
            }
        }
        Msg::Mouse(event) => mouse(state, event),
        Msg::Paste(text) => {
            if let Some(line) = &mut state.filter_input {
                input::paste(line, &text);
                apply_filter(state);
            }
        }
        // The next frame is drawn in the new size; nothing else depends on it.
        Msg::Resize(..) => {}
        Msg::Tick(clock) => {
            state.clock = clock;
            state.data_changed = true;
        }
        Msg::Engine(event, clock) => {
            state.clock = clock;
            match event {
                Event::Update(update) => state.fleet.apply(update),
                Event::Reports(reports) => {
                    for (node, report) in reports {
                        state.fleet.report(node, report);
                    }
                }
            }
            state.data_changed = true;
        }
        Msg::Drawn(layout) => state.layout = layout,
    }
    Vec::new()
}

fn press(state: &mut State, chord: Chord) -> Vec<Effect> {
    // Several keys may come before a frame: each acts on the table that the one before made.
    if state.rows_changed {
        state.refresh();
    }
    match actions::find(state, chord) {
        Some(action) if (action.available)(state).is_ok() => return perform(state, action.id),
        Some(_) => {}
        None => {
            if let Some(line) = &mut state.filter_input
                && input::edit(line, chord)
            {
                apply_filter(state);
            }
        }
    }
    Vec::new()
}

fn perform(state: &mut State, action: ActionId) -> Vec<Effect> {
    let page = isize::try_from(state.layout.page().saturating_sub(1).max(1)).unwrap_or(1);
    match action {
        ActionId::Quit => return vec![Effect::Quit],
        ActionId::Help => state.layers.push(Layer::Help { scroll: 0 }),
        ActionId::CloseLayer => {
            state.layers.pop();
        }
        ActionId::ScrollDown => scroll_help(state, 1),
        ActionId::ScrollUp => scroll_help(state, -1),
        ActionId::Filter => {
            state.filter_input = Some(Input::new(state.place().filter.clone()));
        }
        ActionId::KeepFilter => {
            state.filter_input = None;
            state.rows_changed = true;
        }
        ActionId::DropFilter => {
            state.filter_input = None;
            state.place_mut().filter.clear();
            state.rows_changed = true;
        }
        ActionId::Show(view) => navigation::show(state, view),
        ActionId::NextView => navigation::cycle(state, 1),
        ActionId::PreviousView => {
            let views = state.place().within.views().len();
            navigation::cycle(state, views - 1);
        }
        ActionId::Down => navigation::step(state, 1),
        ActionId::Up => navigation::step(state, -1),
        ActionId::PageDown => navigation::step(state, page),
        ActionId::PageUp => navigation::step(state, -page),
        ActionId::First => navigation::select(state, 0),
        ActionId::Last => navigation::select(state, usize::MAX),
        ActionId::Open => navigation::open(state),
        ActionId::Back => navigation::back(state),
        ActionId::AllPods => {
            state.all_pods = !state.all_pods;
            state.rows_changed = true;
        }
        ActionId::AllNamespaces => {
            state.namespace = match state.namespace {
                Some(_) => None,
                None => state.session.only_namespace.clone(),
            };
            state.rows_changed = true;
        }
    }
    Vec::new()
}

/// Takes over the text that is being edited.
fn apply_filter(state: &mut State) {
    let text = state
        .filter_input
        .as_ref()
        .map(|line| line.value().to_owned())
        .unwrap_or_default();
    state.place_mut().filter = text;
    state.rows_changed = true;
}

fn scroll_help(state: &mut State, by: i16) {
    let overflow = state.layout.help_overflow;
    if let Some(Layer::Help { scroll }) = state.layers.last_mut() {
        *scroll = scroll.saturating_add_signed(by).min(overflow);
    }
}

fn mouse(state: &mut State, event: MouseEvent) {
    let at = Position::new(event.column, event.row);
    let wheel = match event.kind {
        MouseEventKind::ScrollDown => WHEEL,
        MouseEventKind::ScrollUp => -WHEEL,
        MouseEventKind::Down(MouseButton::Left) => 0,
        _ => return,
    };
    if !state.layers.is_empty() {
        match i16::try_from(wheel) {
            Ok(0) | Err(_) => drop(state.layers.pop()),
            Ok(by) => scroll_help(state, by),
        }
    } else if wheel != 0 {
        navigation::step(state, wheel);
    } else if let Some(view) = state.layout.tab_at(at) {
        state.filter_input = None;
        navigation::show(state, view);
    } else if let Some(index) = state.layout.row_at(at)
        && index < state.rows().len()
    {
        navigation::select(state, index);
    }
}
