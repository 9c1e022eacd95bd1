//! The last line: what can be done now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::header::inner;
use crate::app::State;
use crate::app::actions;
use crate::widgets::text;

pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer) {
    let line = inner(area);
    let mut hints: Vec<(u8, String, String)> = actions::hints(state)
        .into_iter()
        .filter_map(|action| {
            let key = action.keys.first()?.to_string();
            Some((action.hint?, key, (action.label)(state).into_owned()))
        })
        .collect();
    // How to get help and how to leave are said as long as there is any room at all.
    while hints.len() > 2 && needed(&hints) > line.width {
        hints.remove(hints.len() - 3);
    }
    let mut used = 0;
    for (_, key, label) in &hints {
        used += text::put(buf, text::skip(line, used), key, state.theme.key);
        used += text::put(
            buf,
            text::skip(line, used),
            &format!(" {label}"),
            state.theme.muted,
        );
        used += 3;
    }
}

fn needed(hints: &[(u8, String, String)]) -> u16 {
    let texts = hints
        .iter()
        .map(|(_, key, label)| text::width(key) + text::width(label) + 1);
    texts.sum::<u16>() + 3 * u16::try_from(hints.len().saturating_sub(1)).unwrap_or(0)
}
