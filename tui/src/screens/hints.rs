//! The last line: what was just said, or what can be done now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::header::inner;
use crate::app::actions::{self, Action, ActionId};
use crate::app::{Layout, State};
use crate::widgets::text;

/// Columns between two hints.
const GAP: u16 = 3;

/// Draws the line and says where which hint is.
pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer, layout: &mut Layout) {
    let line = inner(area);
    if let Some((said, _)) = &state.message {
        text::put(buf, line, &text::fit(said, line.width), state.theme.notice);
        return;
    }
    let mut hints: Vec<(ActionId, String, String)> = actions::hints(state)
        .into_iter()
        .filter_map(|action| hint(state, action))
        .collect();
    // How to get help and how to leave are said as long as there is any room at all.
    while hints.len() > 2 && needed(&hints) > line.width {
        hints.remove(hints.len() - 3);
    }
    let mut used = 0;
    for (id, key, label) in &hints {
        let from = text::skip(line, used);
        let mut width = text::put(buf, from, key, state.theme.key);
        let words = format!(" {label}");
        width += text::put(buf, text::skip(from, width), &words, state.theme.muted);
        layout.hints.push((Rect { width, ..from }, *id));
        used += width + GAP;
    }
}

/// The first key of the action and what it does.
fn hint(state: &State, action: &'static Action) -> Option<(ActionId, String, String)> {
    let key = state.keymap.chords(action).first()?.to_string();
    Some((action.id, key, (action.label)(state).into_owned()))
}

fn needed(hints: &[(ActionId, String, String)]) -> u16 {
    let texts = hints
        .iter()
        .map(|(_, key, label)| text::width(key) + text::width(label) + 1);
    texts.sum::<u16>() + GAP * u16::try_from(hints.len().saturating_sub(1)).unwrap_or(0)
}
