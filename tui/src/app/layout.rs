//! Where things were drawn: what the next message needs to know of the last frame.

use ratatui::layout::{Position, Rect};

use super::actions::ActionId;
use super::view::View;

/// The last frame, as far as scrolling and the mouse need it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// Where the table's rows are.
    pub rows: Rect,
    /// Position of the row that is drawn first.
    pub offset: usize,
    /// Where the headings of the columns are, with their titles.
    pub columns: Vec<(Rect, &'static str)>,
    /// Columns that are scrolled away to the left.
    pub columns_before: usize,
    /// Columns for which there is no room to the right.
    pub columns_after: usize,
    /// Where the tabs are.
    pub tabs: Vec<(View, Rect)>,
    /// Lines of the help page that do not fit on the screen.
    pub help_overflow: u16,
    /// The page of text.
    pub page_text: PageText,
    /// Lines of the page of text that have what is searched, from the top.
    pub hits: Vec<usize>,
    /// Where the items of the list on top are, with their positions among those shown.
    pub items: Vec<(Rect, usize)>,
    /// Where the hints are, with what they do.
    pub hints: Vec<(Rect, ActionId)>,
    /// Where the text cursor is, while text is entered.
    pub cursor: Option<Position>,
}

/// How the page of text was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageText {
    /// Lines of the screen that it has.
    pub height: u16,
    /// The first line to draw so that the end is just shown.
    pub last_top: usize,
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

    /// The title of the heading at `position`.
    #[must_use]
    pub fn column_at(&self, position: Position) -> Option<&'static str> {
        at(&self.columns, position, |(area, _)| *area).map(|(_, title)| *title)
    }

    /// The hint at `position`.
    #[must_use]
    pub fn hint_at(&self, position: Position) -> Option<ActionId> {
        at(&self.hints, position, |(area, _)| *area).map(|(_, id)| *id)
    }

    /// The item of the list at `position`.
    #[must_use]
    pub fn item_at(&self, position: Position) -> Option<usize> {
        at(&self.items, position, |(area, _)| *area).map(|(_, item)| *item)
    }

    /// The position in the table of the row at `position`; may lie behind the last row.
    #[must_use]
    pub fn row_at(&self, position: Position) -> Option<usize> {
        self.rows
            .contains(position)
            .then(|| self.offset + usize::from(position.y - self.rows.y))
    }
}

fn at<T>(list: &[T], position: Position, area: impl Fn(&T) -> Rect) -> Option<&T> {
    list.iter().find(|item| area(item).contains(position))
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
