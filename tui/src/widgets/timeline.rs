//! Values over time, put into columns of equal width.
//!
//! Nothing is made up: where nobody knew the value, the column is a gap.

use std::time::Duration;

use gputop_model::Moment;

/// What was known at a moment; `None`: that it was not known.
pub type Point = (Moment, Option<f32>);

/// The time that a graph shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The right end.
    pub now: Moment,
    /// From the left end to the right one.
    pub span: Duration,
    /// How long a value is taken for current when none follows it. As long as the tables show it
    /// as fresh, or the graph would deny what stood on the screen.
    pub hold: Duration,
}

impl Window {
    /// `count` columns of equal width, the newest last. `points` are sorted by time.
    ///
    /// A column has the highest of the values that came within it, so that no peak is lost. One
    /// within which nothing came has the value before it while that holds. The borders of columns
    /// lie on the clock, not on `now`: a picture moves on as a whole and does not flicker.
    #[must_use]
    pub fn columns(
        &self,
        points: impl IntoIterator<Item = Point>,
        count: usize,
    ) -> Vec<Option<f32>> {
        let mut columns = vec![None; count];
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let width = (nanos(self.span) / count.max(1)).max(1);
        let slot = |time: Duration| nanos(time) / width;
        let last = slot(self.now.0);
        // Gives the slots from `from` up to, not including, `to` a value, where they are shown.
        let mut fill = |from: u64, to: u64, value: f32| {
            let oldest = (last + 1).saturating_sub(count);
            for slot in from.max(oldest)..to.min(last + 1) {
                // What is not shown of a short past stands left of the first column.
                let at = (count + slot).checked_sub(last + 1);
                let at = at.and_then(|at| usize::try_from(at).ok());
                if let Some(column) = at.and_then(|at| columns.get_mut(at)) {
                    *column = Some(value);
                }
            }
        };
        let mut held: Option<(Duration, f32)> = None;
        let mut seen: Vec<(u64, f32)> = Vec::new();
        let end = |since: Duration| slot(since.saturating_add(self.hold)) + 1;
        for (Moment(at), value) in points {
            if at > self.now.0 {
                break;
            }
            if let Some((since, value)) = held {
                fill(slot(since) + 1, end(since).min(slot(at)), value);
            }
            held = value
                .filter(|value| value.is_finite())
                .map(|value| (at, value));
            if let Some((_, value)) = held {
                match seen.last_mut() {
                    Some((slot_seen, highest)) if *slot_seen == slot(at) => {
                        *highest = highest.max(value);
                    }
                    _ => seen.push((slot(at), value)),
                }
            }
        }
        if let Some((since, value)) = held {
            fill(slot(since) + 1, end(since), value);
        }
        for (slot, value) in seen {
            fill(slot, slot + 1, value);
        }
        columns
    }
}

/// In nanoseconds; 584 years are enough.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    const WINDOW: Window = Window {
        now: Moment(Duration::from_secs(109)),
        span: Duration::from_secs(10),
        hold: Duration::from_secs(3),
    };

    fn shown(points: &[(u64, Option<u8>)], count: usize) -> String {
        let points = points
            .iter()
            .map(|(second, value)| (at(*second), value.map(f32::from)));
        let columns = WINDOW.columns(points, count);
        let letters = columns.iter().map(|value| match value {
            Some(value) => format!("{value:.0}"),
            None => "·".to_owned(),
        });
        letters.collect()
    }

    #[test]
    fn a_column_has_the_highest_of_its_values() {
        let points: Vec<_> = (100..=109)
            .map(|second| (second, Some(u8::try_from(second % 10).unwrap())))
            .collect();
        assert_eq!(shown(&points, 10), "0123456789");
        assert_eq!(shown(&points, 5), "13579");
        assert_eq!(shown(&points, 2), "49");
        assert_eq!(shown(&points, 1), "9");
        assert_eq!(shown(&points, 0), "");
    }

    #[test]
    fn a_value_holds_until_the_next_and_no_longer_than_it_is_fresh() {
        assert_eq!(shown(&[(100, Some(4)), (102, Some(7))], 10), "447777····");
        assert_eq!(shown(&[(95, Some(4)), (98, Some(5))], 10), "55········");
        assert_eq!(shown(&[(90, Some(4))], 10), "··········");
    }

    #[test]
    fn what_is_not_known_ends_what_was_and_is_a_gap() {
        assert_eq!(
            shown(&[(100, Some(4)), (101, None), (103, Some(0))], 10),
            "4··0000···"
        );
        assert_eq!(shown(&[], 10), "··········");
    }

    #[test]
    fn what_comes_later_than_now_is_not_shown() {
        assert_eq!(shown(&[(108, Some(1)), (111, Some(9))], 10), "········11");
    }

    #[test]
    fn old_columns_keep_their_values_as_time_goes_on() {
        let points: Vec<Point> = (0..200)
            .map(|second| (at(second), Some((second * 7 % 11) as f32)))
            .collect();
        let window = |now| Window {
            now: at(now),
            ..WINDOW
        };
        let early = window(109).columns(points.iter().copied(), 5);
        let late = window(111).columns(points.iter().copied(), 5);
        assert_eq!(early[1..], late[..4]);
    }

    proptest! {
        /// Every value of the picture was said at some time, and one that was said within the
        /// window and is the highest is in it.
        #[test]
        fn nothing_is_made_up_and_no_peak_is_lost(
            mut points in proptest::collection::vec((0_u64..400, proptest::option::of(0_u8..100)), 0..60),
            now in 0_u64..400,
            span in 1_u64..300,
            hold in 0_u64..50,
            count in 1_usize..120,
        ) {
            points.sort_unstable();
            points.dedup_by_key(|(second, _)| *second);
            let window = Window {
                now: at(now),
                span: Duration::from_secs(span),
                hold: Duration::from_secs(hold),
            };
            let said: Vec<Point> = points.iter().map(|(s, v)| (at(*s), v.map(f32::from))).collect();
            let columns = window.columns(said.iter().copied(), count);
            prop_assert_eq!(columns.len(), count);
            for value in columns.iter().flatten() {
                prop_assert!(said.iter().any(|(_, other)| *other == Some(*value)));
            }
            let width = span as f64 / count as f64;
            let inside = |second: u64| second <= now && ((now - second) as f64) < span as f64 - width;
            let highest = points.iter().filter(|(s, _)| inside(*s)).filter_map(|(_, v)| *v).max();
            if let Some(highest) = highest {
                let shown = columns.iter().flatten().any(|value| *value >= f32::from(highest));
                prop_assert!(shown);
            }
        }
    }
}
