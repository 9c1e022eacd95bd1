//! Lines of a file from elsewhere, read so that none of their text moves a cursor.

use gputop_model::printable;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a line of JSON; all text in it is printable.
pub(super) fn parse<T: DeserializeOwned>(line: &str) -> serde_json::Result<T> {
    if is_plain(line) {
        return serde_json::from_str(line);
    }
    let mut value: Value = serde_json::from_str(line)?;
    clean(&mut value);
    T::deserialize(value)
}

/// Whether no text in the line can be harmful. Control characters are escapes in JSON: any but
/// those of quotes, of backslashes and of slashes may be one.
fn is_plain(line: &str) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        let escaped = rest.as_bytes().get(at + 1);
        if !matches!(escaped, Some(b'"' | b'\\' | b'/')) {
            return false;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    line.bytes().all(|byte| matches!(byte, b' '..=b'~')) || printable(line.to_owned()) == line
}

fn clean(value: &mut Value) {
    match value {
        Value::String(text) => *text = printable(std::mem::take(text)),
        Value::Array(list) => list.iter_mut().for_each(clean),
        Value::Object(object) => {
            *object = std::mem::take(object)
                .into_iter()
                .map(|(key, mut value)| {
                    clean(&mut value);
                    (printable(key), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_a_terminal_do_not_come_through() {
        let line = r#"{"a":"\u001b[2J","b":["x\ny"],"\u0007c":"\"\\"}"#;
        let read: Value = parse(line).unwrap();
        let expected = serde_json::json!({
            "a": "\u{fffd}[2J", "b": ["x\u{fffd}y"], "\u{fffd}c": "\"\\",
        });
        assert_eq!(read, expected);
        let turned: Value = parse("\"a\u{202e}b\"").unwrap();
        assert_eq!(turned, Value::from("a\u{fffd}b"));
    }

    #[test]
    fn ordinary_lines_are_as_they_are() {
        for line in [r#""größe 日本""#, r#""a \"b\" c\\d""#, "[1,null]"] {
            assert!(is_plain(line), "{line}");
            let read: Value = parse(line).unwrap();
            assert_eq!(read, serde_json::from_str::<Value>(line).unwrap());
        }
        assert!(!is_plain(r#""\\\n""#));
        assert!(!is_plain("\"\u{7f}\""));
    }
}
