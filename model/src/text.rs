//! Text from elsewhere, made safe to show on a terminal.

/// Without control characters and without those that turn the writing direction: a process may call
/// itself anything, and its name ends up on somebody's terminal.
#[must_use]
pub fn printable(text: String) -> String {
    if text.chars().any(is_harmful) {
        text.chars()
            .map(|c| if is_harmful(c) { '\u{fffd}' } else { c })
            .collect()
    } else {
        text
    }
}

/// Control characters (escape among them) and Unicode's bidirectional controls.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_escape() {
        assert_eq!(
            printable("a\u{1b}[2Jb\n".to_owned()),
            "a\u{fffd}[2Jb\u{fffd}"
        );
        assert_eq!(printable("a\u{202e}b".to_owned()), "a\u{fffd}b");
        assert_eq!(printable("größe 日本".to_owned()), "größe 日本");
    }
}
