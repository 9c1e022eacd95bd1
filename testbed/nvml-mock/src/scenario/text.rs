//! Text as a driver may deliver it.

use serde::{Deserialize, Serialize};

/// What a function writes into a caller's buffer for text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// As it should be.
    Plain(String),
    /// As it should not be.
    Broken {
        /// The bytes, UTF-8 or not.
        bytes: Vec<u8>,
        /// Fill the buffer to its end, over and over, without the zero that ends a text in C.
        #[serde(default)]
        unterminated: bool,
    },
}

impl Default for Text {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl Text {
    /// What goes into a buffer of `size` bytes; `None` when it does not fit.
    pub(crate) fn for_buffer(&self, size: usize) -> Option<Vec<u8>> {
        let (bytes, unterminated) = match self {
            Self::Plain(text) => (text.as_bytes(), false),
            Self::Broken {
                bytes,
                unterminated,
            } => (bytes.as_slice(), *unterminated),
        };
        if unterminated && !bytes.is_empty() {
            return Some(bytes.iter().copied().cycle().take(size).collect());
        }
        let mut filled = bytes.to_vec();
        filled.push(0);
        (filled.len() <= size).then_some(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_with_a_zero_unless_told_otherwise() {
        let text = Text::from("ab");
        assert_eq!(text.for_buffer(3), Some(b"ab\0".to_vec()));
        assert_eq!(text.for_buffer(2), None);
        let endless = Text::Broken {
            bytes: b"ab".to_vec(),
            unterminated: true,
        };
        assert_eq!(endless.for_buffer(5), Some(b"ababa".to_vec()));
    }
}
