//! Keys as data: how they are compared, how they are written on screen and read from text.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key; letters carry their case, but with control they are small.
    pub code: KeyCode,
    /// Control and alt; shift only where the key itself does not say it.
    pub modifiers: KeyModifiers,
}

impl Chord {
    /// A key without modifiers.
    #[must_use]
    pub const fn key(code: KeyCode) -> Self {
        Self {
            code,
            modifiers: KeyModifiers::NONE,
        }
    }

    /// A letter, digit or sign.
    #[must_use]
    pub const fn char(letter: char) -> Self {
        Self::key(KeyCode::Char(letter))
    }

    /// A small letter with control.
    #[must_use]
    pub const fn ctrl(letter: char) -> Self {
        Self {
            code: KeyCode::Char(letter),
            modifiers: KeyModifiers::CONTROL,
        }
    }

    /// What a terminal's event means; `None` for the release of a key.
    ///
    /// Terminals differ in whether they report shift with a capital letter or with shift-tab: the
    /// key says it already. Most send the same for control with a small and a capital letter.
    #[must_use]
    pub fn from_event(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        let code = match event.code {
            KeyCode::Char(letter) if modifiers.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char(letter.to_ascii_lowercase())
            }
            code => code,
        };
        Some(Self { code, modifiers })
    }

    /// The text that the key enters, if it enters any.
    #[must_use]
    pub const fn text(self) -> Option<char> {
        match self.code {
            KeyCode::Char(letter) if self.modifiers.is_empty() => Some(letter),
            _ => None,
        }
    }

    /// The key as it is written in the configuration, in letters alone: `up` for `↑`.
    #[must_use]
    pub fn spelled(self) -> String {
        Written {
            chord: self,
            in_words: true,
        }
        .to_string()
    }
}

const MODIFIERS: [(KeyModifiers, &str); 3] = [
    (KeyModifiers::CONTROL, "ctrl"),
    (KeyModifiers::ALT, "alt"),
    (KeyModifiers::SHIFT, "shift"),
];

/// Keys with a name: what the screen shows, and what may be written, the usual word first.
const NAMED: [(KeyCode, &str, &[&str]); 15] = [
    (KeyCode::Char(' '), "space", &["space"]),
    (KeyCode::Up, "↑", &["up", "↑"]),
    (KeyCode::Down, "↓", &["down", "↓"]),
    (KeyCode::Left, "←", &["left", "←"]),
    (KeyCode::Right, "→", &["right", "→"]),
    (KeyCode::PageUp, "pgup", &["pgup", "pageup"]),
    (KeyCode::PageDown, "pgdn", &["pgdn", "pgdown", "pagedown"]),
    (KeyCode::Home, "home", &["home"]),
    (KeyCode::End, "end", &["end"]),
    (KeyCode::Enter, "enter", &["enter", "return"]),
    (KeyCode::Esc, "esc", &["esc", "escape"]),
    (KeyCode::Tab, "tab", &["tab"]),
    (KeyCode::Backspace, "backspace", &["backspace"]),
    (KeyCode::Delete, "del", &["del", "delete"]),
    (KeyCode::Insert, "ins", &["ins", "insert"]),
];

/// The highest function key that terminals know.
const LAST_F: u8 = 24;

struct Written {
    chord: Chord,
    in_words: bool,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Chord { code, modifiers } = self.chord;
        for (modifier, name) in MODIFIERS {
            if modifiers.contains(modifier) {
                write!(f, "{name}-")?;
            }
        }
        match (code, NAMED.iter().find(|(named, ..)| *named == code)) {
            (_, Some((_, _, words))) if self.in_words => f.write_str(words[0]),
            (_, Some((_, shown, _))) => f.write_str(shown),
            (KeyCode::Char(letter), None) => write!(f, "{letter}"),
            (KeyCode::F(number), None) => write!(f, "F{number}"),
            (KeyCode::BackTab, None) => f.write_str("shift-tab"),
            (other, None) => write!(f, "{other:?}"),
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Written {
            chord: *self,
            in_words: false,
        };
        f.pad(&written.to_string())
    }
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChordError {
    /// The text.
    pub text: String,
    /// What is wrong with it, and what to write instead.
    pub why: String,
}

impl fmt::Display for ChordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no key: {}", self.text, self.why)
    }
}

impl std::error::Error for ChordError {}

/// Reads `x`, `X`, `shift-x`, `ctrl-w`, `alt-x`, `space`, `F2`, `pgdn`. Names may be of any case;
/// modifiers may be joined by `+` too.
impl FromStr for Chord {
    type Err = ChordError;

    fn from_str(text: &str) -> Result<Self, ChordError> {
        let refuse = |why: &str| ChordError {
            text: text.to_owned(),
            why: why.to_owned(),
        };
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((modifier, key)) = split_modifier(rest) {
            if modifiers.contains(modifier) {
                return Err(refuse("it has the same modifier twice"));
            }
            modifiers |= modifier;
            rest = key;
        }
        let code = key_code(rest).ok_or_else(|| {
            refuse(
                "write a letter or sign, or one of space, tab, enter, esc, up, down, left, right, \
                 pgup, pgdn, home, end, backspace, del, ins, F1 to F24; before it ctrl-, alt- or \
                 shift-",
            )
        })?;
        Self { code, modifiers }.settled().map_err(refuse)
    }
}

/// `ctrl-x` as control and `x`.
fn split_modifier(text: &str) -> Option<(KeyModifiers, &str)> {
    MODIFIERS.into_iter().find_map(|(modifier, name)| {
        let (word, rest) = text.split_at_checked(name.len())?;
        let key = rest.strip_prefix(['-', '+'])?;
        (word.eq_ignore_ascii_case(name) && !key.is_empty()).then_some((modifier, key))
    })
}

fn key_code(text: &str) -> Option<KeyCode> {
    let named = |(_, _, words): &&(KeyCode, &str, &[&str])| {
        words.iter().any(|word| word.eq_ignore_ascii_case(text))
    };
    if let Some((code, ..)) = NAMED.iter().find(named) {
        return Some(*code);
    }
    let mut letters = text.chars();
    let first = letters.next()?;
    if letters.next().is_none() {
        let enters_text = !first.is_control() && !first.is_whitespace();
        return enters_text.then_some(KeyCode::Char(first));
    }
    let number = text.strip_prefix(['f', 'F'])?;
    // `F01` and `F+1` are no keys.
    let number = number
        .parse()
        .ok()
        .filter(|n: &u8| n.to_string() == number)?;
    (1..=LAST_F).contains(&number).then_some(KeyCode::F(number))
}

impl Chord {
    /// The same key as [`Chord::from_event`] reports it.
    fn settled(mut self) -> Result<Self, &'static str> {
        let shift = self.modifiers.contains(KeyModifiers::SHIFT);
        let control = self.modifiers.contains(KeyModifiers::CONTROL);
        match self.code {
            KeyCode::Tab if shift => {
                self.code = KeyCode::BackTab;
                self.modifiers.remove(KeyModifiers::SHIFT);
            }
            KeyCode::Char(letter) if control => {
                if shift {
                    return Err("terminals send the same without shift");
                }
                self.code = KeyCode::Char(match letter.to_ascii_lowercase() {
                    'i' => return Err("terminals send the same for tab; write tab"),
                    'm' => return Err("terminals send the same for enter; write enter"),
                    '[' => return Err("terminals send the same for esc; write esc"),
                    // The control characters that are left.
                    small @ ('a'..='z' | ' ' | '4'..='7') => small,
                    _ => return Err("terminals send control with letters only"),
                });
            }
            KeyCode::Char(letter) if shift => {
                let mut capital = letter.to_uppercase();
                self.code = match (letter.is_alphabetic(), capital.next(), capital.next()) {
                    (true, Some(capital), None) => KeyCode::Char(capital),
                    _ => return Err("write the sign that shift makes of it"),
                };
                self.modifiers.remove(KeyModifiers::SHIFT);
            }
            _ => {}
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn event(code: KeyCode, modifiers: KeyModifiers) -> Option<Chord> {
        Chord::from_event(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn shift_is_in_the_letter_and_in_shift_tab() {
        assert_eq!(
            event(KeyCode::Char('G'), KeyModifiers::SHIFT),
            Some(Chord::char('G'))
        );
        assert_eq!(
            event(KeyCode::BackTab, KeyModifiers::SHIFT),
            Some(Chord::key(KeyCode::BackTab))
        );
        assert_ne!(
            event(KeyCode::Char('g'), KeyModifiers::NONE),
            Some(Chord::char('G'))
        );
    }

    #[test]
    fn control_means_the_same_with_caps_lock() {
        assert_eq!(
            event(KeyCode::Char('C'), KeyModifiers::CONTROL),
            Some(Chord::ctrl('c'))
        );
    }

    #[test]
    fn a_released_key_means_nothing() {
        let mut event = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        event.kind = KeyEventKind::Release;
        assert_eq!(Chord::from_event(event), None);
    }

    #[test]
    fn keys_are_written_as_people_say_them() {
        let keys = [
            Chord::ctrl('c'),
            Chord::key(KeyCode::PageDown),
            Chord::char(' '),
            Chord::key(KeyCode::F(1)),
            Chord::key(KeyCode::BackTab),
            Chord::key(KeyCode::Up),
        ];
        assert_eq!(
            keys.map(|chord| chord.to_string()),
            ["ctrl-c", "pgdn", "space", "F1", "shift-tab", "↑"]
        );
        assert_eq!(Chord::key(KeyCode::Up).spelled(), "up");
        assert_eq!(format!("{:>7}|", Chord::char('x')), "      x|");
    }

    #[rstest]
    #[case("x", Chord::char('x'))]
    #[case("X", Chord::char('X'))]
    #[case("shift-e", Chord::char('E'))]
    #[case("shift-E", Chord::char('E'))]
    #[case("Shift+é", Chord::char('É'))]
    #[case("-", Chord::char('-'))]
    #[case("alt--", Chord { code: KeyCode::Char('-'), modifiers: KeyModifiers::ALT })]
    #[case("space", Chord::char(' '))]
    #[case("ctrl-w", Chord::ctrl('w'))]
    #[case("Ctrl+W", Chord::ctrl('w'))]
    #[case("ctrl-space", Chord::ctrl(' '))]
    #[case("alt-X", Chord { code: KeyCode::Char('X'), modifiers: KeyModifiers::ALT })]
    #[case("f2", Chord::key(KeyCode::F(2)))]
    #[case("f", Chord::char('f'))]
    #[case("PgDn", Chord::key(KeyCode::PageDown))]
    #[case("return", Chord::key(KeyCode::Enter))]
    #[case("↑", Chord::key(KeyCode::Up))]
    #[case("shift-tab", Chord::key(KeyCode::BackTab))]
    #[case("shift-up", Chord { code: KeyCode::Up, modifiers: KeyModifiers::SHIFT })]
    #[case("日", Chord::char('日'))]
    fn keys_are_read(#[case] text: &str, #[case] chord: Chord) {
        assert_eq!(text.parse(), Ok(chord));
    }

    #[rstest]
    #[case("", "write a letter")]
    #[case(" ", "write a letter")]
    #[case("xy", "write a letter")]
    #[case("ctrl-", "write a letter")]
    #[case("F0", "write a letter")]
    #[case("F25", "write a letter")]
    #[case("F02", "write a letter")]
    #[case("super-x", "write a letter")]
    #[case("ctrl-ctrl-x", "same modifier")]
    #[case("ctrl-shift-x", "without shift")]
    #[case("ctrl-i", "write tab")]
    #[case("ctrl-m", "write enter")]
    #[case("ctrl-1", "letters only")]
    #[case("shift-1", "the sign that shift makes")]
    #[case("shift-ß", "the sign that shift makes")]
    #[case("shift-space", "the sign that shift makes")]
    fn what_is_no_key_is_refused_with_a_reason(#[case] text: &str, #[case] why: &str) {
        let error = text.parse::<Chord>().unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }

    /// Keys that a terminal can send.
    fn chords() -> impl Strategy<Value = Chord> {
        let plain = prop::sample::select(
            NAMED
                .map(|(code, ..)| code)
                .into_iter()
                .chain([KeyCode::BackTab])
                .chain((1..=LAST_F).map(KeyCode::F))
                .collect::<Vec<_>>(),
        );
        let letter = any::<char>()
            .prop_filter("a letter that enters text", |letter| {
                !letter.is_control() && !letter.is_whitespace()
            })
            .prop_map(KeyCode::Char);
        let code = prop_oneof![plain, letter];
        (code, any::<[bool; 3]>()).prop_filter_map("not sent", |(code, held)| {
            let held = MODIFIERS.iter().zip(held).filter(|(_, held)| *held);
            let modifiers = held.fold(KeyModifiers::NONE, |all, ((one, _), _)| all | *one);
            let chord = event(code, modifiers)?;
            let control = chord.modifiers.contains(KeyModifiers::CONTROL);
            let sent = match chord.code {
                KeyCode::Char('i' | 'm') => !control,
                KeyCode::Char('a'..='z' | ' ' | '4'..='7') => true,
                KeyCode::Char(_) => !control,
                // Some report shift with it, some do not.
                KeyCode::Tab => !chord.modifiers.contains(KeyModifiers::SHIFT),
                _ => true,
            };
            sent.then_some(chord)
        })
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(chord in chords()) {
            prop_assert_eq!(chord.to_string().parse(), Ok(chord));
            prop_assert_eq!(chord.spelled().parse(), Ok(chord));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}") {
            if let Ok(chord) = text.parse::<Chord>() {
                prop_assert_eq!(chord.to_string().parse(), Ok(chord));
            }
        }
    }
}
