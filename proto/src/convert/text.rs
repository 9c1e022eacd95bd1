//! Text from another machine, made safe to show.

/// Without control characters: a process may call itself anything, escape sequences included, and
/// its name ends up on somebody's terminal.
pub(super) fn clean(text: String) -> String {
    if text.chars().any(char::is_control) {
        text.chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_escape() {
        assert_eq!(clean("a\u{1b}[2Jb\n".to_owned()), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(clean("größe 日本".to_owned()), "größe 日本");
    }
}
