//! Where things were drawn: what the next message needs to know of the last frame.

use ratatui::layout::{Position, Rect};

use super::view::View;

/// The last frame, as far as scrolling and the mouse need it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Where the table's rows are.
    pub rows: Rect,
    /// Position of the row that is drawn first.
    pub offset: usize,
    /// Where the tabs are.
    pub tabs: Vec<(View, Rect)>,
    /// Lines of the help page that do not fit on the screen.
    pub help_overflow: u16,
    /// Where the text cursor is, while text is entered.
    pub cursor: Option<Position>,
}

impl Layout {
    /// Rows that fit on the screen, at least one.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.rows.height).max(1)
    }

    /// The tab at `position`.
    #[must_use]
    pub fn tab_at(&self, position: Position) -> Option<View> {
        self.tabs
            .iter()
            .find(|(_, area)| area.contains(position))
            .map(|(view, _)| *view)
    }

    /// The position in the table of the row at `position`; may lie behind the last row.
    #[must_use]
    pub fn row_at(&self, position: Position) -> Option<usize> {
        self.rows
            .contains(position)
            .then(|| self.offset + usize::from(position.y - self.rows.y))
    }
}

/// The first row to draw so that `selected` is on screen, moving as little as possible from
/// `offset` and leaving no empty lines at the end.
#[must_use]
pub fn scroll(offset: usize, selected: usize, rows: usize, height: usize) -> usize {
    if height == 0 {
        return selected;
    }
    let lowest = selected.saturating_sub(height - 1);
    offset
        .clamp(lowest, selected.max(lowest))
        .min(rows.saturating_sub(height).max(lowest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_moves_as_little_as_needed() {
        // Ten rows, four fit.
        assert_eq!(scroll(0, 0, 10, 4), 0);
        assert_eq!(scroll(0, 3, 10, 4), 0);
        assert_eq!(scroll(0, 4, 10, 4), 1);
        assert_eq!(scroll(1, 3, 10, 4), 1);
        assert_eq!(scroll(5, 2, 10, 4), 2);
        assert_eq!(scroll(9, 9, 10, 4), 6);
    }

    #[test]
    fn no_empty_lines_when_the_list_shrinks_and_no_panic_without_room() {
        assert_eq!(scroll(6, 3, 4, 10), 0);
        assert_eq!(scroll(0, 0, 0, 4), 0);
        assert_eq!(scroll(3, 7, 10, 0), 7);
    }
}
