//! The figures as text. Pure.

use std::fmt::Write as _;
use std::time::Duration;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    what: String,
    figure: String,
}

impl Row {
    fn new(what: &str, figure: String) -> Self {
        Self {
            what: what.to_owned(),
            figure,
        }
    }

    pub(super) fn time(what: &str, time: Duration) -> Self {
        Self::times(what, &[time])
    }

    pub(super) fn times(what: &str, times: &[Duration]) -> Self {
        let times: Vec<String> = times.iter().map(|time| in_words(*time)).collect();
        Self::new(what, times.join(" / "))
    }

    /// A share of one: 0.01 is 1 %.
    pub(super) fn share(what: &str, share: f64) -> Self {
        Self::new(what, format!("{:.2} %", share * 100.0))
    }

    pub(super) fn bytes(what: &str, bytes: u64) -> Self {
        Self::new(what, format!("{:.1} MB", bytes as f64 / 1e6))
    }

    pub(super) fn rate(what: &str, bytes_a_second: f64) -> Self {
        Self::new(what, format!("{bytes_a_second:.0} B/s"))
    }

    pub(super) fn count(what: &str, count: f64) -> Self {
        Self::new(what, format!("{count:.0}"))
    }
}

fn in_words(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 1.0 {
        format!("{:.0} µs", ms * 1e3)
    } else if ms < 10.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

/// The rows as a table of Markdown that can also be read as it is.
#[must_use]
pub fn table(title: &str, rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max();
    let first = width(|row| &row.what)
        .unwrap_or(0)
        .max(title.chars().count());
    let second = width(|row| &row.figure).unwrap_or(0);
    let mut text = format!("| {title:first$} | {:>second$} |\n", "");
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "|{}|{}:|",
        "-".repeat(first + 2),
        "-".repeat(second + 1)
    );
    for row in rows {
        let _ = writeln!(text, "| {:first$} | {:>second$} |", row.what, row.figure);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_markdown_and_aligned() {
        let rows = [
            Row::times(
                "key",
                &[Duration::from_micros(2_340), Duration::from_millis(16)],
            ),
            Row::share("CPU", 0.0123),
            Row::bytes("RSS", 30_000_000),
            Row::count("LISTs", 0.0),
            Row::rate("wire", 3_999.6),
        ];
        let text = table("23 nodes", &rows);
        assert_eq!(
            text,
            "| 23 nodes |                |\n\
             |----------|---------------:|\n\
             | key      | 2.3 ms / 16 ms |\n\
             | CPU      |         1.23 % |\n\
             | RSS      |        30.0 MB |\n\
             | LISTs    |              0 |\n\
             | wire     |       4000 B/s |\n"
        );
    }
}
