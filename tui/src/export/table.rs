//! Plain text tables.

use unicode_width::UnicodeWidthStr;

/// Blanks between two columns.
const GAP: usize = 3;

/// Widths of a table's columns. They only grow, so that rows that are printed later stand below
/// the earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Widths(Vec<usize>);

impl Widths {
    /// The rows as lines, each column as wide as its widest cell so far, nothing at the end of a
    /// line.
    pub fn lines(&mut self, rows: &[Vec<String>]) -> String {
        for row in rows {
            if self.0.len() < row.len() {
                self.0.resize(row.len(), 0);
            }
            for (width, cell) in self.0.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&self.0) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width - cell.width() + GAP));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 2]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn columns_are_aligned_by_display_width() {
        let rows = [row(["NAME", "N"]), row(["日本", "1"]), row(["ab", "–"])];
        let table = Widths::default().lines(&rows);
        assert_eq!(table, "NAME   N\n日本   1\nab     –\n");
    }

    #[test]
    fn later_rows_stand_below_earlier_ones() {
        let mut widths = Widths::default();
        assert_eq!(widths.lines(&[row(["abcd", "1"])]), "abcd   1\n");
        assert_eq!(widths.lines(&[row(["x", "2"])]), "x      2\n");
        assert_eq!(widths.lines(&[row(["abcdef", "3"])]), "abcdef   3\n");
        assert_eq!(widths.lines(&[row(["x", "4"])]), "x        4\n");
    }
}
