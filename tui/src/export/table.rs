//! Plain text tables.

use std::fmt::Display;

use gputop_model::printable;
use unicode_width::UnicodeWidthStr;

/// An item that can be a row.
pub(super) trait Cells {
    /// Headings, one for each cell.
    const HEADINGS: &'static [&'static str];
    /// The cells.
    fn cells(&self) -> Vec<String>;
}

/// A cell for something that may be unknown.
pub(super) fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// Columns as wide as their widest cell, three spaces between them, none at the end of a line.
pub fn text_table(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let heading = headings.iter().map(|&heading| heading.to_owned()).collect();
    // Whatever a cell holds, it moves no cursor.
    let rows = rows.map(|row| row.into_iter().map(printable).collect());
    let lines: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.width())
            .max()
    };
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| width(column).unwrap_or_default())
        .collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            row.push_str(cell);
            row.push_str(&" ".repeat(width - cell.width() + 3));
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_display_width() {
        let rows = [["日本", "1"], ["ab", "–"]].map(|row| row.map(str::to_owned).to_vec());
        let table = text_table(&["NAME", "N"], rows.into_iter());
        assert_eq!(table, "NAME   N\n日本   1\nab     –\n");
    }
}
