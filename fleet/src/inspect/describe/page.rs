//! Text with sections and aligned labels.

use gputop_model::printable;

/// Columns of a label with its colon, before its value.
const LABEL: usize = 20;

/// Lines of `Label: value`, in sections.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    indent: usize,
}

impl Page {
    /// Begins a section; what follows is indented.
    pub(super) fn section(&mut self, title: &str) {
        self.indent = 0;
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(title);
        self.indent = 2;
    }

    /// Begins a part of a section.
    pub(super) fn part(&mut self, title: &str) {
        self.indent = 2;
        self.line(title);
        self.indent = 4;
    }

    /// One line as it is.
    pub(super) fn line(&mut self, text: &str) {
        let text = printable(text.to_owned());
        self.text.extend(std::iter::repeat_n(' ', self.indent));
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// A label with its value; nothing where there is no value.
    pub(super) fn field(&mut self, label: &str, value: &str) {
        if !value.is_empty() {
            self.list(label, &[value]);
        }
    }

    /// A label with its values below each other; nothing where there is none.
    pub(super) fn list<T: AsRef<str>>(&mut self, label: &str, values: &[T]) {
        let head = format!("{label}:");
        let width = LABEL.saturating_sub(self.indent);
        // A value of several lines keeps them, aligned.
        let lines = values.iter().flat_map(|value| value.as_ref().lines());
        for (number, value) in lines.enumerate() {
            let head = if number == 0 { head.as_str() } else { "" };
            self.line(&format!("{head:<width$} {value}"));
        }
    }

    /// Rows in columns that are as wide as their widest cell; the last is not padded.
    pub(super) fn table<const N: usize>(&mut self, rows: &[[String; N]]) {
        let mut widths = [0; N];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in rows {
            let cells = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{cell:<width$}"));
            self.line(&cells.collect::<Vec<_>>().join("  "));
        }
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_columns_are_aligned() {
        let mut page = Page::default();
        page.field("Name", "a");
        page.field("Empty", "");
        page.section("Part");
        page.list("Labels", &["a=b", "c=d\ne"]);
        page.table(&[["a".into(), "b".into()], ["ccc".into(), "d".into()]]);
        assert_eq!(
            page.finish(),
            "Name:                a\n\nPart\n  Labels:            a=b\n                     \
             c=d\n                     e\n  a    b\n  ccc  d\n"
        );
    }

    #[test]
    fn nothing_moves_the_cursor() {
        let mut page = Page::default();
        page.field("A", "x\u{1b}[2J");
        assert!(!page.finish().contains('\u{1b}'));
    }
}
