//! `continue` tokens: where the next page of a list starts, and at which revision.

use serde::{Deserialize, Serialize};

use super::status::Failure;
use crate::store::Key;

/// The decoded token, as the real server writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    v: String,
    /// −1: whatever is newest (an inconsistent continuation).
    rv: i64,
    start: String,
}

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// Revision of the first page; `None`: the newest.
    pub(crate) revision: Option<u64>,
    /// The last object of the page before.
    pub(crate) after: Key,
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Position {
    /// The token that names this place.
    pub(crate) fn token(&self) -> String {
        let token = Token {
            v: "meta.k8s.io/v1".to_owned(),
            rv: self
                .revision
                .map_or(-1, |revision| i64::try_from(revision).unwrap_or(i64::MAX)),
            start: format!("{}/{}\0", self.after.namespace, self.after.name),
        };
        encode(&serde_json::to_vec(&token).unwrap_or_default())
    }

    /// Reads a token.
    pub(crate) fn parse(token: &str) -> Result<Self, Failure> {
        let invalid = |why: &str| Failure::bad_request(format!("continue key is not valid: {why}"));
        let bytes = decode(token).ok_or_else(|| invalid("illegal base64 data"))?;
        let token: Token = serde_json::from_slice(&bytes).map_err(|e| invalid(&e.to_string()))?;
        if token.v != "meta.k8s.io/v1" {
            return Err(invalid("server does not recognize this encoded version"));
        }
        let start = token.start.trim_end_matches('\0');
        let (namespace, name) = start.split_once('/').unwrap_or(("", start));
        Ok(Self {
            revision: u64::try_from(token.rv).ok(),
            after: Key::new(namespace, name),
        })
    }
}

/// Base64 for URLs, without padding.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = 0_u32;
        for index in 0..3 {
            group = (group << 8) | u32::from(chunk.get(index).copied().unwrap_or_default());
        }
        for index in 0..=chunk.len() {
            let shift = 18 - 6 * index;
            text.push(char::from(ALPHABET[((group >> shift) & 63) as usize]));
        }
    }
    text
}

/// The opposite of [`encode`]; padding and the ordinary alphabet are understood too.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut group, mut bits) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let letter = match letter {
            b'+' => b'-',
            b'/' => b'_',
            other => other,
        };
        let value = ALPHABET.iter().position(|&known| known == letter)?;
        group = (group << 6) | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((group >> bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn base64_reads_back(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn positions_read_back(revision in proptest::option::of(0_u64..u64::MAX / 2),
                               namespace in "[a-z]{0,5}", name in "[a-z.]{1,9}") {
            let position = Position { revision, after: Key::new(&namespace, &name) };
            prop_assert_eq!(Position::parse(&position.token()), Ok(position));
        }

        #[test]
        fn nonsense_never_panics(text in "\\PC{0,60}") {
            let _ = Position::parse(&text);
        }
    }
}
