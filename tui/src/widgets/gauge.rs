//! A thin bar: a heavy line on a light one, in half columns.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;

/// Draws a bar over the whole of `area`'s first line.
///
/// Anything above nothing shows at least half a column, anything below all leaves half a column
/// empty: what is nearly full does not look full.
pub fn bar(buf: &mut Buffer, area: Rect, percent: u8, filled: Style, track: Style) {
    let halves = u32::from(area.width) * 2;
    let percent = u32::from(percent.min(100));
    let mut on = (percent * halves + 50) / 100;
    if percent > 0 {
        on = on.max(1);
    }
    if percent < 100 {
        on = on.min(halves.saturating_sub(1));
    }
    let whole = usize::try_from(on / 2).unwrap_or_default();
    let mut line = "━".repeat(whole);
    if on % 2 == 1 {
        line.push('╸');
    }
    let used = text::put(buf, area, &line, filled);
    let rest = text::skip(area, used);
    text::put(buf, rest, &"─".repeat(usize::from(rest.width)), track);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(percent: u8, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        bar(&mut buf, area, percent, Style::new(), Style::new());
        buf.content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    #[test]
    fn a_bar_never_lies_at_its_ends() {
        assert_eq!(drawn(0, 4), "────");
        assert_eq!(drawn(1, 4), "╸───");
        assert_eq!(drawn(50, 4), "━━──");
        assert_eq!(drawn(60, 4), "━━╸─");
        assert_eq!(drawn(99, 4), "━━━╸");
        assert_eq!(drawn(100, 4), "━━━━");
        assert_eq!(drawn(50, 0), "");
    }
}
