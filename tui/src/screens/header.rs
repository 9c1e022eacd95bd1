//! The whole cluster in three lines.

mod amounts;
mod devices;
mod groups;
mod status;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::areas::Areas;
use crate::app::State;
use crate::app::tables::{Piece, Tone};
use crate::widgets::text;
use groups::Groups;

/// Columns left free at both sides.
pub(super) const MARGIN: u16 = 1;

pub(super) fn draw(state: &State, areas: &Areas, buf: &mut Buffer) {
    let header = inner(areas.header);
    status::draw(state, text::line(header, 0), buf);
    if header.height == 2 {
        compact(state, text::line(header, 1), buf);
    } else {
        devices::draw(state, text::line(header, 1), buf);
        amounts::draw(state, text::line(header, 2), buf);
    }
    if let Some([before, why, after]) = state.banner() {
        let line = inner(areas.banner);
        let room = line
            .width
            .saturating_sub(text::width(&before) + text::width(&after) + 2);
        let sentence = format!("▲ {before}{}{after}", text::fit(&why, room));
        text::put_pieces(buf, line, &[Piece::new(sentence, Tone::Warn)], &state.theme);
    }
}

/// `area` without the margins at both sides.
pub(super) fn inner(area: Rect) -> Rect {
    let margin = if area.width > 2 * MARGIN { MARGIN } else { 0 };
    Rect {
        x: area.x + margin,
        width: area.width - 2 * margin,
        ..area
    }
}

/// Two lines of header have room for the states alone, by their signs.
fn compact(state: &State, line: Rect, buf: &mut Buffer) {
    if !state.is_counted() {
        return;
    }
    let totals = &state.picture.totals;
    let mut groups = devices::short(totals);
    groups.push(amounts::units(&state.picture));
    Groups::WIDE.draw(buf, line, &groups, &state.theme);
}
