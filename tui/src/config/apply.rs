//! What the configuration means for the app at its start.

use super::values::{Config, Pace, PodLayout};
use crate::app::keymap::Keymap;
use crate::app::{Session, State, View};
use crate::theme::{Glyphs, TerminalHints, Theme};

/// The part that does not change while the app runs.
pub fn to_session(config: &Config, session: &mut Session) {
    session.mouse = config.mouse;
    session.read_only = config.readonly;
    session.reduced_motion = config.reduced_motion;
    session.calm = config.pace == Pace::Calm;
    session.settings.idle_after = config.idle_after;
    session.settings.stale_after = config.stale_after;
    if session.only_namespace.is_none() {
        session.only_namespace.clone_from(&config.namespace);
    }
}

/// How the app begins; the user may change it while it runs.
pub fn to_state(config: &Config, hints: &TerminalHints, state: &mut State) {
    state.theme = Theme::for_terminal(config.theme, hints);
    state.glyphs = Glyphs::for_terminal(config.ascii, hints);
    state.wide = config.wide;
    state.pod_tree = config.pods == PodLayout::Tree;
    state.keymap = Keymap::new(config.keys.clone());
    for view in View::ALL {
        let table = &config.tables[view.position()];
        state.begin(view, table.columns.clone(), table.sort);
    }
    state.go_to(config.default_view);
}
