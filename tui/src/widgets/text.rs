//! Text that fits: measured in terminal columns, cut with an ellipsis, wrapped at words.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::app::tables::Piece;
use crate::theme::Theme;

/// Terminal columns that `text` takes.
#[must_use]
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Terminal columns that `pieces` take side by side.
#[must_use]
pub fn pieces_width(pieces: &[Piece]) -> u16 {
    pieces
        .iter()
        .fold(0, |sum, piece| sum.saturating_add(width(&piece.text)))
}

/// `text` in at most `room` columns, with `…` where something was cut off.
#[must_use]
pub fn fit(text: &str, room: u16) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    if room == 0 {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut end = 0;
    for (at, letter) in text.char_indices() {
        let letter_width = u16::try_from(letter.width().unwrap_or(0)).unwrap_or(u16::MAX);
        if used + letter_width > room - 1 {
            break;
        }
        used += letter_width;
        end = at + letter.len_utf8();
    }
    Cow::Owned(format!("{}…", text[..end].trim_end()))
}

/// Writes `text` at the left of `area`'s first line; returns the columns written.
pub fn put(buf: &mut Buffer, area: Rect, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return 0;
    }
    let (end, _) = buf.set_stringn(area.x, area.y, text, usize::from(area.width), style);
    end.saturating_sub(area.x)
}

/// Writes `text` at the right of `area`'s first line, cut at its end when it does not fit.
pub fn put_right(buf: &mut Buffer, area: Rect, text: &str, style: Style) {
    let text = fit(text, area.width);
    put(
        buf,
        skip(area, area.width.saturating_sub(width(&text))),
        &text,
        style,
    );
}

/// Writes pieces side by side, cut with an ellipsis at the end of `area`; returns the columns
/// written.
pub fn put_pieces(buf: &mut Buffer, area: Rect, pieces: &[Piece], theme: &Theme) -> u16 {
    let mut used = 0;
    let whole = pieces_width(pieces) <= area.width;
    for piece in pieces {
        let room = skip(area, used);
        if whole || width(&piece.text) < room.width {
            used += put(buf, room, &piece.text, theme.style(piece.tone));
        } else {
            // Something is cut off here or right behind.
            let text = fit(&piece.text, room.width);
            let mut text = text.into_owned();
            if !text.ends_with('…') {
                text = fit(&format!("{text}…"), room.width).into_owned();
            }
            used += put(buf, room, &text, theme.style(piece.tone));
            break;
        }
    }
    used
}

/// `area` without its first `columns` columns.
#[must_use]
pub fn skip(area: Rect, columns: u16) -> Rect {
    let columns = columns.min(area.width);
    Rect {
        x: area.x + columns,
        width: area.width - columns,
        ..area
    }
}

/// The `index`-th line of `area`, empty when there is none.
#[must_use]
pub fn line(area: Rect, index: u16) -> Rect {
    if index >= area.height {
        return Rect { height: 0, ..area };
    }
    Rect {
        y: area.y + index,
        height: 1,
        ..area
    }
}

/// Makes `area` empty, whatever was drawn there.
pub fn blank(buf: &mut Buffer, area: Rect) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buf[(x, y)].reset();
        }
    }
}

/// `text` without the letters of its first `columns` columns.
#[must_use]
pub fn from_column(text: &str, columns: u16) -> &str {
    if columns == 0 {
        return text;
    }
    split_at_width(text, columns).1
}

/// Breaks pieces into lines of at most `room` columns, at blanks where there are any.
#[must_use]
pub fn wrap(pieces: &[Piece], room: u16) -> Vec<Vec<Piece>> {
    let mut lines: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut used = 0;
    if room == 0 {
        return lines;
    }
    for piece in pieces {
        for word in piece.text.split_inclusive(' ') {
            let mut rest = word;
            while !rest.is_empty() {
                let bare = width(rest.trim_end());
                if used + bare > room && used > 0 {
                    lines.push(Vec::new());
                    used = 0;
                }
                let (head, tail) = split_at_width(rest, room - used);
                if let Some(last) = lines.last_mut() {
                    push(last, head, piece);
                }
                used += width(head);
                // A blank at the end of a full line is not carried over.
                rest = if tail.trim().is_empty() { "" } else { tail };
            }
        }
    }
    lines
}

fn push(line: &mut Vec<Piece>, text: &str, like: &Piece) {
    match line.last_mut() {
        Some(last) if last.tone == like.tone => last.text.to_mut().push_str(text),
        _ => line.push(Piece::new(text.to_owned(), like.tone)),
    }
}

/// Splits so that the first part takes at most `room` columns, but at least one letter.
fn split_at_width(text: &str, room: u16) -> (&str, &str) {
    let mut used = 0;
    for (at, letter) in text.char_indices() {
        used += u16::try_from(letter.width().unwrap_or(0)).unwrap_or(0);
        if used > room && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tables::Tone;

    #[test]
    fn text_is_cut_by_columns_not_bytes() {
        assert_eq!(fit("größe", 5), "größe");
        assert_eq!(fit("größer", 5), "größ…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("abc", 1), "…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn writing_stays_inside() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
        let outside = Rect::new(2, 5, 10, 1);
        assert_eq!(put(&mut buf, outside, "text", Style::new()), 0);
        assert_eq!(
            put(&mut buf, Rect::new(2, 0, 10, 1), "text", Style::new()),
            2
        );
        assert_eq!(buf, Buffer::with_lines(["  te"]));
    }

    #[test]
    fn pieces_end_in_an_ellipsis_when_cut() {
        let theme = Theme::mono();
        let pieces = [
            Piece::new("abc", Tone::Plain),
            Piece::new("def", Tone::Plain),
        ];
        let drawn = |room| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 7, 1));
            put_pieces(&mut buf, Rect::new(0, 0, room, 1), &pieces, &theme);
            buf.content()
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
        };
        assert_eq!(drawn(6), "abcdef ");
        assert_eq!(drawn(5), "abcd…  ");
        assert_eq!(drawn(3), "ab…    ");
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_inside() {
        let wrapped = |text: &'static str, room| {
            wrap(&[Piece::new(text, Tone::Plain)], room)
                .into_iter()
                .map(|line| {
                    line.iter()
                        .map(|p| p.text.trim_end().to_owned())
                        .collect::<String>()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("日本語", 3), ["日", "本", "語"]);
        assert_eq!(wrapped("日本", 1), ["日", "本"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
