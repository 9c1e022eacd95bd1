//! How often each function was called.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// The number of calls by function and card; a call that is about no card has none.
type Counts = BTreeMap<(&'static str, Option<usize>), u64>;

static COUNTS: Mutex<Counts> = Mutex::new(BTreeMap::new());

/// Counts a call of `name` about the card `gpu`.
pub(crate) fn add(name: &'static str, gpu: Option<usize>) {
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    *counts.entry((name, gpu)).or_default() += 1;
}

/// All counts, a line each: function, card or `-`, number of calls.
pub(crate) fn report() -> String {
    let counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = String::new();
    for ((name, gpu), count) in &*counts {
        // Writing to a string does not fail.
        let _ = match gpu {
            Some(gpu) => writeln!(text, "{name} {gpu} {count}"),
            None => writeln!(text, "{name} - {count}"),
        };
    }
    text
}
