//! Lists that are told by what has become of the items of the list before.

use std::collections::HashMap;
use std::hash::Hash;

use crate::convert::WireError;
use crate::pb;

/// What has become of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListChange<W> {
    /// Where the items of the list were before; `None`: it has the items that it had.
    pub(super) order: Option<pb::Order>,
    /// Items that the client does not have, whole.
    pub(super) new: Vec<W>,
    /// Places of the changed items, counted from 0.
    pub(super) at: Vec<u32>,
    /// What has changed about these.
    pub(super) changed: Vec<W>,
}

impl<W: Default + PartialEq> ListChange<W> {
    /// How `before` became `after`.
    ///
    /// Items are told apart by `key`; an item that has its key but [is not](is_same) the same is
    /// told as a new one. `write` writes an item for a client that has the item before, if any.
    pub(super) fn between<'a, T, K: Hash + Eq>(
        before: &'a [T],
        after: &'a [T],
        key: impl Fn(&'a T) -> K,
        is_same: impl Fn(&T, &T) -> bool,
        write: impl Fn(&T, Option<&T>) -> W,
    ) -> Self {
        let mut places: HashMap<K, usize> = HashMap::with_capacity(before.len());
        // Of several with one key the first is meant.
        for (place, item) in before.iter().enumerate().rev() {
            places.insert(key(item), place);
        }
        let mut from = Vec::with_capacity(after.len());
        let (mut new, mut at, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for (place, item) in after.iter().enumerate() {
            // Taken away, since each old item may be named once.
            let origin = places.remove(&key(item));
            if let Some(origin) = origin.filter(|origin| is_same(&before[*origin], item)) {
                from.push(number(origin + 1));
                let change = write(item, Some(&before[origin]));
                if change != W::default() {
                    at.push(number(place));
                    changed.push(change);
                }
            } else {
                from.push(0);
                new.push(write(item, None));
            }
        }
        let unchanged = (1..=number(before.len())).eq(from.iter().copied());
        Self {
            order: (!unchanged).then_some(pb::Order { from }),
            new,
            at,
            changed,
        }
    }

    /// The list after the change. `field` names it in errors; `read` reads an item that is new, or
    /// one that the client has.
    pub(super) fn apply<T>(
        self,
        before: &[T],
        field: &'static str,
        read: impl Fn(W, Option<&T>) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let misfit = || WireError::Misfit { field };
        let mut new = self.new.into_iter();
        let mut items: Vec<(W, Option<&T>)> = Vec::new();
        if let Some(order) = self.order {
            let mut old: Vec<Option<&T>> = before.iter().map(Some).collect();
            for from in order.from {
                let item = match from.checked_sub(1) {
                    None => (new.next().ok_or_else(misfit)?, None),
                    Some(place) => {
                        let item = slot(&mut old, place).and_then(Option::take);
                        (W::default(), Some(item.ok_or_else(misfit)?))
                    }
                };
                items.push(item);
            }
        } else {
            let same = before.iter().map(|item| (W::default(), Some(item)));
            items.extend(same);
        }
        if new.next().is_some() || self.at.len() != self.changed.len() {
            return Err(misfit());
        }
        for (at, change) in self.at.into_iter().zip(self.changed) {
            match slot(&mut items, at) {
                Some((known, Some(_))) => *known = change,
                _ => return Err(misfit()),
            }
        }
        let items = items.into_iter();
        items.map(|(wire, before)| read(wire, before)).collect()
    }
}

fn slot<T>(list: &mut [T], place: u32) -> Option<&mut T> {
    list.get_mut(usize::try_from(place).ok()?)
}

/// A place as a number of the wire, where no list is that long.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items are numbers with a letter; the number is the key, and the letter what changes.
    type Thing = (u32, char);

    fn between(before: &[Thing], after: &[Thing]) -> ListChange<String> {
        let write = |item: &Thing, before: Option<&Thing>| match before {
            None => format!("{}{}", item.0, item.1),
            Some(before) if before.1 == item.1 => String::new(),
            Some(_) => item.1.to_string(),
        };
        // A capital letter is another kind of thing.
        let is_same = |a: &Thing, b: &Thing| a.1.is_uppercase() == b.1.is_uppercase();
        ListChange::between(before, after, |item| item.0, is_same, write)
    }

    fn apply(change: ListChange<String>, before: &[Thing]) -> Result<Vec<Thing>, WireError> {
        change.apply(before, "x", |wire, before| {
            let mut letters = wire.chars();
            Ok(match before {
                Some(before) => (before.0, letters.next().unwrap_or(before.1)),
                None => (
                    letters.next().unwrap().to_digit(10).unwrap(),
                    letters.next().unwrap(),
                ),
            })
        })
    }

    fn from(change: &ListChange<String>) -> Option<&[u32]> {
        change.order.as_ref().map(|order| order.from.as_slice())
    }

    const BEFORE: [Thing; 3] = [(7, 'a'), (8, 'b'), (9, 'c')];

    #[test]
    fn what_is_unchanged_is_not_told() {
        let change = between(&BEFORE, &BEFORE);
        assert_eq!(from(&change), None);
        assert!(change.new.is_empty() && change.at.is_empty() && change.changed.is_empty());
    }

    #[test]
    fn only_what_changed_is_told_and_where() {
        let after = [(7, 'a'), (8, 'x'), (9, 'c')];
        let change = between(&BEFORE, &after);
        assert_eq!((from(&change), change.at.as_slice()), (None, &[1][..]));
        assert_eq!(change.changed, ["x"]);
        assert_eq!(apply(change, &BEFORE).unwrap(), after);
    }

    #[test]
    fn lists_shrink_grow_and_turn_around() {
        let cases: [(&[Thing], &[u32]); 6] = [
            (&[(7, 'a'), (9, 'c')], &[1, 3]),
            (&[(9, 'z'), (5, 'n'), (7, 'a')], &[3, 0, 1]),
            (&[], &[]),
            // Two of one key: one of them is new.
            (&[(7, 'a'), (7, 'a')], &[1, 0]),
            // Another kind of thing under an old key.
            (&[(7, 'A'), (8, 'b'), (9, 'c')], &[0, 2, 3]),
            (&[(7, 'a'), (8, 'b'), (9, 'c'), (1, 'd')], &[1, 2, 3, 0]),
        ];
        for (after, order) in cases {
            let change = between(&BEFORE, after);
            assert_eq!(from(&change), Some(order), "{after:?}");
            assert_eq!(apply(change, &BEFORE).unwrap(), after);
        }
    }

    #[test]
    fn a_change_that_does_not_fit_is_refused() {
        let refused = |order: Option<&[u32]>, new: &[&str], at: &[u32], changed: &[&str]| {
            let own = |list: &[&str]| list.iter().map(|&item| item.to_owned()).collect();
            let change = ListChange {
                order: order.map(|from| pb::Order {
                    from: from.to_vec(),
                }),
                new: own(new),
                at: at.to_vec(),
                changed: own(changed),
            };
            apply(change, &BEFORE) == Err(WireError::Misfit { field: "x" })
        };
        assert!(!refused(Some(&[3, 0]), &["5n"], &[0], &["z"]), "it fits");
        assert!(refused(None, &["5n"], &[], &[]), "nowhere to put it");
        assert!(refused(Some(&[4]), &[], &[], &[]), "no such place");
        assert!(refused(Some(&[1, 1]), &[], &[], &[]), "named twice");
        assert!(refused(Some(&[0]), &[], &[], &[]), "no new item");
        assert!(
            refused(Some(&[1]), &["5n"], &[], &[]),
            "a new item too many"
        );
        assert!(refused(None, &[], &[3], &["z"]), "a change of nothing");
        assert!(refused(None, &[], &[0], &[]), "a place without a change");
        assert!(
            refused(Some(&[0]), &["5n"], &[0], &["z"]),
            "new and changed"
        );
    }
}
