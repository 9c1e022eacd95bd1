//! Reading objects of the API that are kept as JSON. What is missing is the empty text.

use jiff::Timestamp;
use serde_json::Value;

/// What is often asked of an object. Pointers are JSON pointers.
pub(super) trait Json {
    /// The text at a pointer.
    fn text(&self, pointer: &str) -> &str;
    /// The array at a pointer; empty when absent.
    fn items(&self, pointer: &str) -> &[Value];
    /// Keys and values of the object at a pointer, sorted; texts, numbers and truth values only.
    fn pairs(&self, pointer: &str) -> Vec<(String, String)>;
    /// The time at a pointer.
    fn time(&self, pointer: &str) -> Option<Timestamp>;
    /// The whole number at a pointer.
    fn int(&self, pointer: &str) -> Option<i64>;
    /// The truth value at a pointer; false when absent.
    fn flag(&self, pointer: &str) -> bool;
}

impl Json for Value {
    fn text(&self, pointer: &str) -> &str {
        self.pointer(pointer)
            .and_then(Self::as_str)
            .unwrap_or_default()
    }

    fn items(&self, pointer: &str) -> &[Value] {
        self.pointer(pointer)
            .and_then(Self::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn pairs(&self, pointer: &str) -> Vec<(String, String)> {
        let fields = self.pointer(pointer).and_then(Self::as_object);
        let mut pairs: Vec<_> = fields
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), scalar(value)?)))
            .collect();
        pairs.sort();
        pairs
    }

    fn time(&self, pointer: &str) -> Option<Timestamp> {
        self.text(pointer).parse().ok()
    }

    fn int(&self, pointer: &str) -> Option<i64> {
        self.pointer(pointer).and_then(Self::as_i64)
    }

    fn flag(&self, pointer: &str) -> bool {
        self.pointer(pointer)
            .and_then(Self::as_bool)
            .unwrap_or_default()
    }
}

/// A text, number or truth value as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
