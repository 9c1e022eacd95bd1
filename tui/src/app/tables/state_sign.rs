//! The states of a device as sign, word and meaning.

use gputop_fleet::state::{DeviceCounts, DeviceState};

use super::cell::{Piece, Tone};

/// A sign of one column, different for each state, so that colour is never the only difference.
#[must_use]
pub const fn sign(state: DeviceState) -> &'static str {
    match state {
        DeviceState::Sick => "✖",
        DeviceState::Idle => "◔",
        DeviceState::Occupied => "◎",
        DeviceState::Free => "○",
        DeviceState::Ready => "◐",
        DeviceState::Allocated => "◑",
        DeviceState::Working => "●",
        DeviceState::Partitioned => "▤",
        DeviceState::Unknown => "?",
    }
}

/// What the state means to the operator.
#[must_use]
pub const fn state_tone(state: DeviceState) -> Tone {
    match state {
        DeviceState::Sick => Tone::Bad,
        DeviceState::Idle => Tone::Warn,
        DeviceState::Occupied => Tone::Notice,
        DeviceState::Free => Tone::Accent,
        DeviceState::Ready | DeviceState::Allocated => Tone::Plain,
        DeviceState::Working => Tone::Good,
        DeviceState::Partitioned | DeviceState::Unknown => Tone::Muted,
    }
}

/// The order in which counts are read: what one looks for first.
const READING_ORDER: [DeviceState; 8] = [
    DeviceState::Free,
    DeviceState::Working,
    DeviceState::Ready,
    DeviceState::Allocated,
    DeviceState::Idle,
    DeviceState::Occupied,
    DeviceState::Sick,
    DeviceState::Unknown,
];

/// One piece for each state that occurs: `● 5 working`, or `●5` when `short`.
#[must_use]
pub fn counts_pieces(counts: &DeviceCounts, short: bool) -> Vec<Piece> {
    READING_ORDER
        .into_iter()
        .filter_map(|state| {
            let count = counts.get(&state).filter(|count| **count > 0)?;
            let text = if short {
                format!("{}{count}", sign(state))
            } else {
                format!("{} {count} {}", sign(state), state.name())
            };
            Some(Piece::new(text, state_tone(state)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn signs_differ_without_colour_and_take_one_column() {
        let signs: HashSet<_> = DeviceState::ALL.into_iter().map(sign).collect();
        assert_eq!(signs.len(), DeviceState::ALL.len());
        assert!(signs.iter().all(|sign| sign.width() == 1));
    }

    #[test]
    fn states_that_do_not_occur_are_not_named() {
        let counts = DeviceCounts::from([(DeviceState::Working, 5), (DeviceState::Free, 3)]);
        let shown: Vec<_> = counts_pieces(&counts, false)
            .into_iter()
            .map(|piece| piece.text)
            .collect();
        assert_eq!(shown, ["○ 3 free", "● 5 working"]);
    }
}
