//! How wide columns are: which are given up when there is little room, and who gets the rest
//! when there is much.

/// What a column asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Below this it is given up.
    pub min: u16,
    /// What it takes when there is room.
    pub want: u16,
    /// What it takes when all have what they want and there is still room; below `want`: no more.
    pub max: u16,
    /// The highest is given up first; 0 never.
    pub priority: u8,
    /// The lowest is the first to get what it wants.
    pub grows: u8,
}

/// The width of each column, `None` for those given up; with the gaps they never take more
/// than `room`, except where what may not be given up is cut off.
#[must_use]
pub fn solve(wishes: &[Wish], gap: u16, room: u16) -> Vec<Option<u16>> {
    let mut widths: Vec<Option<u16>> = wishes.iter().map(|wish| Some(wish.min)).collect();
    while total(&widths, gap) > u32::from(room) {
        let worst = wishes
            .iter()
            .enumerate()
            .filter(|(at, wish)| widths[*at].is_some() && wish.priority > 0)
            .max_by_key(|(at, wish)| (wish.priority, *at));
        match worst {
            Some((at, _)) => widths[at] = None,
            None => break,
        }
    }
    let used = u16::try_from(total(&widths, gap)).unwrap_or(u16::MAX);
    let mut left = room.saturating_sub(used);
    // First what they want, one after another.
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by_key(|at| wishes[*at].grows);
    for at in order {
        if let Some(width) = &mut widths[at] {
            let more = wishes[at].want.saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
    }
    // Then evenly what they could use.
    loop {
        let before = left;
        for (width, wish) in widths.iter_mut().zip(wishes) {
            if let Some(width) = width
                && *width < wish.max
                && left > 0
            {
                *width += 1;
                left -= 1;
            }
        }
        if left == before || left == 0 {
            return widths;
        }
    }
}

fn total(widths: &[Option<u16>], gap: u16) -> u32 {
    let shown = widths.iter().flatten();
    let gaps = u32::from(gap) * u32::try_from(shown.clone().count().saturating_sub(1)).unwrap_or(0);
    shown.map(|width| u32::from(*width)).sum::<u32>() + gaps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: Wish = Wish {
        min: 4,
        want: 10,
        max: 0,
        priority: 0,
        grows: 0,
    };
    const BAR: Wish = Wish {
        min: 4,
        want: 8,
        max: 20,
        priority: 1,
        grows: 1,
    };
    const EXTRA: Wish = Wish {
        min: 6,
        want: 6,
        max: 0,
        priority: 2,
        grows: 2,
    };

    #[test]
    fn the_least_important_goes_first_and_the_rest_grows() {
        let wishes = [NAME, EXTRA, BAR];
        assert_eq!(solve(&wishes, 1, 60), [Some(10), Some(6), Some(20)]);
        assert_eq!(solve(&wishes, 1, 26), [Some(10), Some(6), Some(8)]);
        assert_eq!(solve(&wishes, 1, 18), [Some(6), Some(6), Some(4)]);
        assert_eq!(solve(&wishes, 1, 12), [Some(7), None, Some(4)]);
        assert_eq!(solve(&wishes, 1, 6), [Some(6), None, None]);
        assert_eq!(solve(&wishes, 1, 2), [Some(4), None, None]);
    }

    proptest! {
        #[test]
        fn columns_fit_whenever_what_must_stay_fits(
            wishes in prop::collection::vec((1_u16..20, 0_u16..30, 0_u16..40, 0_u8..5), 0..12),
            gap in 0_u16..3,
            room in 0_u16..250,
        ) {
            let wishes: Vec<Wish> = wishes
                .into_iter()
                .map(|(min, want, max, priority)| Wish { min, want, max, priority, grows: 5 - priority })
                .collect();
            let widths = solve(&wishes, gap, room);
            let must: Vec<_> =
                wishes.iter().map(|wish| (wish.priority == 0).then_some(wish.min)).collect();
            prop_assert!(total(&widths, gap) <= u32::from(room).max(total(&must, gap)));
            for (width, wish) in widths.iter().zip(&wishes) {
                if let Some(width) = width {
                    prop_assert!(*width >= wish.min);
                    prop_assert!(*width <= wish.min.max(wish.want).max(wish.max));
                } else {
                    prop_assert!(wish.priority > 0);
                }
            }
        }
    }
}
