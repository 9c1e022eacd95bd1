//! What looks like a secret in a command line or any other text is not shown and not recorded.
//!
//! Too much is masked rather than too little: the name of an option that says password, token or
//! secret is enough. Words that only hint at one (`key`, `auth`) count where the value looks like
//! random letters, so that paths and numbers stay readable.

mod assigned;
mod names;
mod tokens;

use std::borrow::Cow;
use std::ops::Range;

/// What stands in the place of a secret.
pub const MASK: &str = "•••";

/// `text` with [`MASK`] in place of each secret.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let mut spans = tokens::find(text);
    spans.extend(assigned::find(text));
    replaced(text, spans)
}

/// The same for tokens and keys that are known by their form alone: for texts whose names are
/// judged by rules of their own.
#[must_use]
pub fn mask_tokens(text: &str) -> Cow<'_, str> {
    replaced(text, tokens::find(text))
}

fn replaced(text: &str, mut spans: Vec<Range<usize>>) -> Cow<'_, str> {
    spans.retain(|span| !span.is_empty() && &text[span.clone()] != MASK);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for span in merged(spans) {
        masked.push_str(&text[end..span.start]);
        masked.push_str(MASK);
        end = span.end;
    }
    masked.push_str(&text[end..]);
    Cow::Owned(masked)
}

/// The same in order, with those that touch made one.
fn merged(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
