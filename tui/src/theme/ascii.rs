//! The last resort: a frame in which nothing but ASCII is left.

use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use unicode_width::UnicodeWidthStr;

use super::glyphs::{is_sign, stand_in};

/// Replaces all that is not ASCII, of the same width: signs by what stands for them
/// ([`super::Glyphs`]), letters with marks by the bare letter, letters of other scripts by `?`.
pub fn to_ascii(buf: &mut Buffer) {
    let area = buf.area;
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let Some(cell) = buf.cell_mut(Position { x, y }) else {
                continue;
            };
            if cell.symbol().is_ascii() {
                continue;
            }
            let width = cell.symbol().width();
            let letter = cell.symbol().chars().next().map_or(' ', plain);
            let style = cell.style();
            cell.set_char(letter);
            // The second half of a wide letter is a blank cell of its own.
            let next = Position { x: x + 1, y };
            if width > 1
                && area.contains(next)
                && let Some(cell) = buf.cell_mut(next)
            {
                cell.set_char(letter).set_style(style);
            }
        }
    }
}

/// One ASCII letter for any letter.
fn plain(letter: char) -> char {
    match letter {
        _ if letter.is_ascii() => letter,
        _ if is_sign(letter) => stand_in(letter),
        'µ' | 'μ' => 'u',
        '\u{c0}'..='\u{17f}' => {
            let index = u32::from(letter) - 0xc0;
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            BARE.get(index).copied().map_or('?', char::from)
        }
        _ => '?',
    }
}

/// The letters of Latin-1 and Latin Extended-A (U+00C0 to U+017F) without their marks.
static BARE: &[u8; 0xc0] = b"AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTs\
aaaaaaaceeeeiiiidnooooo/ouuuuyty\
AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLl\
NnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn shown(text: &str) -> String {
        let width = u16::try_from(text.width()).unwrap();
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        buf.set_string(0, 0, text, Style::new());
        to_ascii(&mut buf);
        buf.content()
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect()
    }

    #[test]
    fn letters_lose_their_marks() {
        assert_eq!(
            shown("Größe, naïve façade, Łódź"),
            "Grose, naive facade, Lodz"
        );
        assert_eq!(shown("ſŽÀÿ÷×µ"), "sZAy/xu");
        assert_eq!(shown("e\u{301}t"), "et");
    }

    #[test]
    fn wide_letters_keep_their_room() {
        assert_eq!(shown("a日本b"), "a????b");
        assert_eq!(shown("node-▤ …"), "node-# ~");
    }

    proptest! {
        #[test]
        fn nothing_else_is_left(text in "\\PC{0,40}", width in 1u16..60) {
            let mut buf = Buffer::empty(Rect::new(3, 2, width, 2));
            buf.set_stringn(3, 2, &text, usize::from(width), Style::new());
            to_ascii(&mut buf);
            for cell in buf.content() {
                prop_assert!(cell.symbol().is_ascii() && cell.symbol().width() == 1, "{cell:?}");
            }
        }
    }
}
