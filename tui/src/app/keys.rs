//! Keys as data: how they are compared and how they are written on screen.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key; letters carry their case.
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

    /// A letter with control.
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
    /// key says it already.
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
        Some(Self {
            code: event.code,
            modifiers,
        })
    }

    /// The text that the key enters, if it enters any.
    #[must_use]
    pub const fn text(self) -> Option<char> {
        match self.code {
            KeyCode::Char(letter) if self.modifiers.is_empty() => Some(letter),
            _ => None,
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in [
            (KeyModifiers::CONTROL, "ctrl-"),
            (KeyModifiers::ALT, "alt-"),
            (KeyModifiers::SHIFT, "shift-"),
        ] {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::PageUp => f.write_str("pgup"),
            KeyCode::PageDown => f.write_str("pgdn"),
            KeyCode::Home => f.write_str("home"),
            KeyCode::End => f.write_str("end"),
            KeyCode::Enter => f.write_str("enter"),
            KeyCode::Esc => f.write_str("esc"),
            KeyCode::Tab => f.write_str("tab"),
            KeyCode::BackTab => f.write_str("shift-tab"),
            KeyCode::Backspace => f.write_str("backspace"),
            KeyCode::Delete => f.write_str("del"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shift_is_in_the_letter_and_in_shift_tab() {
        let event = |code, modifiers| Chord::from_event(KeyEvent::new(code, modifiers));
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
    fn a_released_key_means_nothing() {
        let mut event = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        event.kind = KeyEventKind::Release;
        assert_eq!(Chord::from_event(event), None);
    }

    #[test]
    fn keys_are_written_as_people_say_them() {
        let names = [
            Chord::ctrl('c'),
            Chord::key(KeyCode::PageDown),
            Chord::char(' '),
            Chord::key(KeyCode::F(1)),
        ]
        .map(|chord| chord.to_string());
        assert_eq!(names, ["ctrl-c", "pgdn", "space", "F1"]);
    }
}
