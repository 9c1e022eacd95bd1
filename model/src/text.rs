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

/// A product without what all products share: `NVIDIA GeForce RTX 3090` becomes `RTX 3090`.
#[must_use]
pub fn short_product(name: &str) -> &str {
    ["NVIDIA ", "GeForce ", "Tesla ", "Graphics Device "]
        .into_iter()
        .fold(name.trim(), |name, prefix| {
            name.strip_prefix(prefix).unwrap_or(name)
        })
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

    #[test]
    fn products_lose_their_maker() {
        assert_eq!(short_product("NVIDIA GeForce RTX 3090"), "RTX 3090");
        assert_eq!(short_product("NVIDIA A100-SXM4-80GB"), "A100-SXM4-80GB");
        assert_eq!(short_product("Tesla T4"), "T4");
    }
}
