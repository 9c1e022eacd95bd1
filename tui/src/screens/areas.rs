//! How the screen is divided, at every size.

use ratatui::layout::Rect;

/// Rows below which nothing but the table is shown.
const SMALL: u16 = 18;

/// The parts of the screen. Parts without room are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Areas {
    /// One to three lines about the whole cluster.
    pub(super) header: Rect,
    /// One line about what is amiss with the API.
    pub(super) banner: Rect,
    /// The tabs and the way here.
    pub(super) tabs: Rect,
    /// Headings and rows.
    pub(super) table: Rect,
    /// The selected row in full.
    pub(super) detail: Rect,
    /// What can be done.
    pub(super) hints: Rect,
    /// All between header and hints.
    pub(super) body: Rect,
}

impl Areas {
    /// Divides `area`; the table has `rows` rows, and what it does not need goes to the row in
    /// full.
    pub(super) fn of(area: Rect, banner: bool, rows: usize) -> Self {
        let height = area.height;
        let header = match height {
            0..=4 => 0,
            5..=9 => 1,
            10..SMALL => 2,
            _ => 3,
        };
        let mut rest = area;
        let mut take = |lines: u16| {
            let lines = lines.min(rest.height);
            let taken = Rect {
                height: lines,
                ..rest
            };
            rest = Rect {
                y: rest.y + lines,
                height: rest.height - lines,
                ..rest
            };
            taken
        };
        let header = take(header);
        let has_banner = banner && height >= 8;
        let banner = take(u16::from(has_banner));
        // Air, where there is some to spare; a banner takes its place, so that nothing moves.
        take(u16::from(height >= 24 && !has_banner));
        let body_top = take(0).y;
        let tabs = take(u16::from(height >= 4));
        take(u16::from(height >= 32));
        let hint_lines = u16::from(rest.height >= 4);
        let hints = Rect {
            y: rest.bottom() - hint_lines,
            height: hint_lines,
            ..rest
        };
        let main = Rect {
            height: rest.height - hint_lines,
            ..rest
        };
        let body = Rect {
            y: body_top,
            height: hints.y - body_top,
            ..area
        };
        let (table, detail) = split(main, area, rows);
        Self {
            header,
            banner,
            tabs,
            table,
            detail,
            hints,
            body,
        }
    }
}

/// The table, and below it the selected row in full.
fn split(main: Rect, area: Rect, rows: usize) -> (Rect, Rect) {
    let least = match area.height {
        _ if area.width < 50 => 0,
        0..22 => 0,
        22..30 => 6,
        30..36 => 10,
        36..48 => 15,
        _ => 22,
    };
    // The heading, the rows, and one line of air.
    let needed = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2);
    let spare = main.height.saturating_sub(needed).min(main.height * 2 / 3);
    let below = if least > 0 { least.max(spare) } else { 0 };
    let table = Rect {
        height: main.height - below,
        ..main
    };
    (
        table,
        Rect {
            y: table.bottom(),
            height: below,
            ..main
        },
    )
}
