//! Groups of pieces side by side, as many as fit.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::tables::Piece;
use crate::theme::Theme;
use crate::widgets::text;

/// Text of several meanings that is shown as a whole or not at all.
pub(super) type Group = Vec<Piece>;

/// Groups with something between them.
pub(super) struct Groups {
    between: &'static str,
    gap: u16,
}

impl Groups {
    /// With a dot between them: parts of one name.
    pub(super) const DOTS: Self = Self {
        between: " · ",
        gap: 3,
    };
    /// With blanks between them: figures.
    pub(super) const WIDE: Self = Self {
        between: "",
        gap: 2,
    };

    /// Columns between two groups.
    pub(super) const fn gap(&self) -> u16 {
        self.gap
    }

    /// Columns of all groups.
    pub(super) fn width(&self, groups: &[Group]) -> u16 {
        let gaps = u16::try_from(groups.len().saturating_sub(1)).unwrap_or(0) * self.gap;
        groups
            .iter()
            .map(|group| text::pieces_width(group))
            .sum::<u16>()
            + gaps
    }

    /// Writes the groups; where one does not fit, it and all that follow are left out, and a sign
    /// says so. The first is cut rather than left out. Returns the columns used.
    pub(super) fn draw(
        &self,
        buf: &mut Buffer,
        line: Rect,
        groups: &[Group],
        theme: &Theme,
    ) -> u16 {
        let mut used = 0;
        for (at, group) in groups.iter().enumerate() {
            let before = if at == 0 { 0 } else { used + self.gap };
            // Room for the sign, unless this is the last one.
            let after = if at + 1 == groups.len() { 0 } else { 2 };
            let needed = before + text::pieces_width(group);
            if at > 0 && needed + after > line.width && self.width(groups) > line.width {
                return used + text::put(buf, text::skip(line, used), " …", theme.faint);
            }
            if at > 0 {
                text::put(buf, text::skip(line, used), self.between, theme.faint);
            }
            used = before + text::put_pieces(buf, text::skip(line, before), group, theme);
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tables::Tone;

    fn drawn(texts: &[&'static str], width: u16) -> String {
        let groups: Vec<Group> = texts
            .iter()
            .map(|text| vec![Piece::new(*text, Tone::Plain)])
            .collect();
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        Groups::WIDE.draw(&mut buf, area, &groups, &Theme::mono());
        let line: String = buf
            .content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        line.trim_end().to_owned()
    }

    #[test]
    fn what_is_left_out_has_a_sign() {
        let texts = ["one", "two", "three"];
        assert_eq!(drawn(&texts, 15), "one  two  three");
        assert_eq!(drawn(&texts, 14), "one  two …");
        assert_eq!(drawn(&texts, 10), "one  two …");
        assert_eq!(drawn(&texts, 9), "one …");
        assert_eq!(drawn(&texts, 5), "one …");
        assert_eq!(drawn(&texts, 3), "one");
        assert_eq!(drawn(&["three"], 3), "th…");
        assert_eq!(drawn(&[], 3), "");
    }
}
