//! The line in which the filter is edited.

use crossterm::event::KeyCode;
use tui_input::{Input, InputRequest};

use super::keys::Chord;

/// Applies a key to the text; `false`: the key means nothing in a line of text.
pub fn edit(input: &mut Input, chord: Chord) -> bool {
    let request = match chord.code {
        _ if chord.text().is_some() => chord.text().map(InputRequest::InsertChar),
        KeyCode::Backspace => Some(InputRequest::DeletePrevChar),
        KeyCode::Delete => Some(InputRequest::DeleteNextChar),
        KeyCode::Left => Some(InputRequest::GoToPrevChar),
        KeyCode::Right => Some(InputRequest::GoToNextChar),
        KeyCode::Home => Some(InputRequest::GoToStart),
        KeyCode::End => Some(InputRequest::GoToEnd),
        _ if chord == Chord::ctrl('u') => Some(InputRequest::DeleteFromStart),
        _ if chord == Chord::ctrl('w') => Some(InputRequest::DeletePrevWord),
        _ if chord == Chord::ctrl('a') => Some(InputRequest::GoToStart),
        _ if chord == Chord::ctrl('e') => Some(InputRequest::GoToEnd),
        _ => None,
    };
    request.and_then(|request| input.handle(request)).is_some()
}

/// Inserts pasted text, its line breaks left out.
pub fn paste(input: &mut Input, text: &str) {
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        let _ = input.handle(InputRequest::InsertChar(letter));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_edited_by_letters_not_bytes() {
        let mut input = Input::default();
        for letter in "größe".chars() {
            assert!(edit(&mut input, Chord::char(letter)));
        }
        edit(&mut input, Chord::key(KeyCode::Backspace));
        edit(&mut input, Chord::key(KeyCode::Home));
        edit(&mut input, Chord::char('x'));
        assert_eq!(input.value(), "xgröß");
        edit(&mut input, Chord::key(KeyCode::End));
        edit(&mut input, Chord::ctrl('u'));
        assert_eq!(input.value(), "");
        assert!(!edit(&mut input, Chord::key(KeyCode::F(5))));
    }

    #[test]
    fn pasted_lines_become_one() {
        let mut input = Input::default();
        paste(&mut input, "gpu\n-a\t");
        assert_eq!(input.value(), "gpu-a");
    }
}
