//! What is on the screen, as a function of the state.

mod areas;
mod detail;
mod header;
mod help;
mod hints;
mod page;
mod picker;
mod table;
mod tabs;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::{Layer, Layout, State};
use areas::Areas;

/// Draws everything and says where it was drawn.
pub fn draw(state: &State, frame: &mut Frame<'_>) -> Layout {
    let area = frame.area();
    let layout = render(state, area, frame.buffer_mut());
    state.glyphs.finish(frame.buffer_mut());
    if let Some(cursor) = layout.cursor {
        frame.set_cursor_position(cursor);
    }
    layout
}

/// Draws everything into a part of a buffer.
pub fn render(state: &State, area: Rect, buf: &mut Buffer) -> Layout {
    let area = area.intersection(buf.area);
    let mut layout = Layout::default();
    if area.is_empty() {
        return layout;
    }
    let areas = Areas::of(area, state.banner().is_some(), state.rows().len());
    header::draw(state, &areas, buf);
    tabs::draw(state, areas.tabs, buf, &mut layout);
    table::draw(state, &areas, buf, &mut layout);
    detail::draw(state, areas.detail, buf);
    for layer in &state.layers {
        layout.cursor = None;
        match layer {
            Layer::Help { scroll } => {
                layout.help_overflow = help::draw(state, *scroll, areas.body, buf);
            }
            Layer::Page(page) => page::draw(state, page, areas.body, buf, &mut layout),
            Layer::Picker(list) => picker::list(state, list, areas.body, buf, &mut layout),
            Layer::Prompt(prompt) => picker::prompt(state, prompt, areas.body, buf, &mut layout),
        }
    }
    hints::draw(state, areas.hints, buf, &mut layout);
    layout
}

/// A whole frame of the given size, without a terminal.
#[must_use]
pub fn frame(state: &State, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    render(state, area, &mut buf);
    state.glyphs.finish(&mut buf);
    buf
}
