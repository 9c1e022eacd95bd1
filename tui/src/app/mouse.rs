//! What the mouse does.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::actions;
use super::layers::{self, Layer};
use super::perform::perform;
use super::sort::{self, Sort};
use super::state::State;
use super::update::Effect;
use super::{navigation, pages, pickers};

/// Rows that one notch of the wheel moves.
const WHEEL: isize = 3;

/// Applies an event of the mouse.
pub(super) fn mouse(state: &mut State, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::ScrollDown => wheel(state, WHEEL),
        MouseEventKind::ScrollUp => wheel(state, -WHEEL),
        MouseEventKind::Down(MouseButton::Left) => return click(state, at),
        _ => {}
    }
    Vec::new()
}

fn wheel(state: &mut State, by: isize) {
    match state.layers.last_mut() {
        Some(Layer::Help { scroll }) => layers::turn(scroll, by, state.layout.help_overflow),
        Some(Layer::Page(_)) => pages::scroll_by(state, by),
        Some(Layer::Picker(picker)) => picker.step(by.signum()),
        Some(Layer::Prompt(_)) => {}
        None => navigation::step(state, by),
    }
}

fn click(state: &mut State, at: Position) -> Vec<Effect> {
    if let Some(id) = state.layout.hint_at(at) {
        return match actions::active(state, id) {
            Some(action) if (action.available)(state).is_ok() => perform(state, id),
            _ => Vec::new(),
        };
    }
    match state.layers.last_mut() {
        Some(Layer::Help { .. }) => return pages::close(state),
        // Text is there to be selected (with shift, as terminals have it).
        Some(Layer::Page(_) | Layer::Prompt(_)) => return Vec::new(),
        Some(Layer::Picker(picker)) => {
            return match state.layout.item_at(at) {
                Some(item) => {
                    picker.selected = item;
                    pickers::choose(state)
                }
                None => pages::close(state),
            };
        }
        None => {}
    }
    if let Some(view) = state.layout.tab_at(at) {
        state.filter_input = None;
        navigation::show(state, view);
    } else if let Some(column) = state.layout.column_at(at) {
        sort_by(state, column);
    } else if let Some(index) = state.layout.row_at(at)
        && index < state.rows().len()
    {
        // A click on the selected row goes into it.
        if index == state.place().cursor.index && state.place().cursor.selected.is_some() {
            navigation::open(state);
        } else {
            navigation::select(state, index);
        }
    }
    Vec::new()
}

/// The first click on a heading sorts, the second one the other way round, the third no more.
fn sort_by(state: &mut State, column: &'static str) {
    let view = state.place().view;
    if !sort::columns(view).contains(&column) {
        return;
    }
    let first = sort::begins_descending(view, column);
    let sort = match state.place().sort {
        Some(now) if now.column == column => (now.descending == first).then_some(Sort {
            column,
            descending: !first,
        }),
        _ => Some(Sort {
            column,
            descending: first,
        }),
    };
    state.place_mut().sort = sort;
    state.rows_changed = true;
}
