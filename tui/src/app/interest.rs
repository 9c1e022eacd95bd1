//! Which nodes are looked at: their daemons are listened to first.

use gputop_fleet::link::{Interest, Pace};
use gputop_model::NodeName;

use super::state::State;
use super::tables;
use super::update::Effect;

/// What to tell the links after a frame, when that is anything new.
pub(super) fn changed(state: &mut State) -> Vec<Effect> {
    let wanted = interest(state);
    if state.interest.as_ref() == Some(&wanted) {
        return Vec::new();
    }
    state.interest = Some(wanted.clone());
    vec![Effect::Interest(wanted)]
}

/// The selected row's node, then those of the other rows on screen from the top.
fn interest(state: &State) -> Interest {
    let mut focus: Vec<NodeName> = Vec::new();
    let rows = state.rows().iter().skip(state.layout.offset);
    let visible = rows.take(state.layout.page()).copied();
    for row in state.selected().into_iter().chain(visible) {
        if let Some(name) = tables::node_of(&state.picture, row)
            && !focus.contains(name)
        {
            focus.push(name.clone());
        }
    }
    let pace = if state.paused.is_some() || state.session.calm || state.session.reduced_motion {
        Pace::Calm
    } else {
        Pace::Live
    };
    Interest { focus, pace }
}
