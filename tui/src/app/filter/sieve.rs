//! A filter at work: row after row, with buffers that are used again.

use std::ops::Range;

use super::texts::Texts;
use super::{Filter, What};
use crate::app::fuzzy::Fuzzy;
use crate::app::row::Row;
use crate::app::tables::{self, Cx, Extent};

/// A filter while it is applied to rows.
#[derive(Debug)]
pub struct Sieve<'a> {
    filter: &'a Filter,
    fuzzy: Option<Fuzzy>,
    texts: Texts,
}

impl<'a> Sieve<'a> {
    /// Applies `filter`; `wide` says whether columns of second rank are shown.
    #[must_use]
    pub fn new(filter: &'a Filter, wide: bool) -> Self {
        Self::again(filter, wide, Texts::default())
    }

    /// The same with the texts of the time before, which are of the same picture and time.
    #[must_use]
    pub fn again(filter: &'a Filter, wide: bool, texts: Texts) -> Self {
        let fuzzy = match &filter.what {
            What::Letters(letters) => Some(Fuzzy::new(letters)),
            _ => None,
        };
        // A sentence has any letters in any order.
        let remarks = fuzzy.is_none();
        Self {
            filter,
            fuzzy,
            texts: texts.of(filter.view, Extent { wide, remarks }),
        }
    }

    /// What rows say, for the next time.
    #[must_use]
    pub fn into_texts(self) -> Texts {
        self.texts
    }

    /// Whether the row is one of those that were asked for.
    pub fn keeps(&mut self, cx: Cx<'_>, row: Row) -> bool {
        match &self.filter.what {
            What::Everything => true,
            What::Text(pattern) => pattern.is_in(self.texts.get(cx, row)),
            What::Without(pattern) => !pattern.is_in(self.texts.get(cx, row)),
            What::Letters(_) => {
                let mut cells = self.texts.get(cx, row).lines();
                self.fuzzy
                    .as_mut()
                    .is_some_and(|fuzzy| cells.any(|cell| fuzzy.score(cell).is_some()))
            }
            What::Labels(selector) => selector.selects(|key| tables::label(cx.picture, row, key)),
            What::Fields(expression) => expression.holds(&cx, row, &mut self.texts) == Some(true),
        }
    }

    /// Where in the text of a column that shows `field` is what was asked for: ranges of bytes, in
    /// order, apart.
    pub fn hits(&mut self, field: Option<&str>, text: &str) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        match &self.filter.what {
            What::Text(pattern) => pattern.add_hits(text, &mut hits),
            What::Letters(_) if field.is_some() => {
                hits.extend(self.fuzzy.iter_mut().flat_map(|fuzzy| fuzzy.ranges(text)));
            }
            What::Fields(expression) => expression.add_hits(field, text, &mut hits),
            What::Everything | What::Without(_) | What::Labels(_) | What::Letters(_) => {}
        }
        merged(hits)
    }
}

/// The same ranges in order, those that touch made one.
fn merged(mut hits: Vec<Range<usize>>) -> Vec<Range<usize>> {
    hits.sort_unstable_by_key(|hit| (hit.start, hit.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(hits.len());
    for hit in hits {
        match merged.last_mut() {
            Some(last) if hit.start <= last.end => last.end = last.end.max(hit.end),
            _ => merged.push(hit),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_that_touch_are_one() {
        assert_eq!(merged(vec![4..6, 0..2, 1..3, 6..7]), [0..3, 4..7]);
        assert!(merged(Vec::new()).is_empty());
    }
}
