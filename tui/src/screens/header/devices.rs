//! The second line: the devices by state.

use gputop_fleet::state::{DeviceCounts, DeviceState, Totals};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::groups::{Group, Groups};
use crate::app::tables::{Piece, Tone, counts_pieces, sign, state_tone};
use crate::app::{State, format};

/// How the states are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// All by their words.
    Words,
    /// What is free and what works by words, the others by their signs.
    Mixed,
    /// All by their signs.
    Signs,
}

/// What is free comes first. Every state that occurs is there.
pub(super) fn draw(state: &State, line: Rect, buf: &mut Buffer) {
    let totals = &state.picture.totals;
    let label = Piece::new("devices  ", Tone::Muted);
    if totals.devices.is_empty() {
        let unknown = [label, Piece::new(format::UNKNOWN, Tone::Faint)];
        Groups::WIDE.draw(buf, line, &[unknown.to_vec()], &state.theme);
        return;
    }
    let form = form(totals, line.width);
    let mut groups = groups(totals, form);
    groups[0].insert(0, label);
    let free = totals.devices.get(&DeviceState::Free).copied();
    let closed = free.unwrap_or_default().saturating_sub(totals.devices_free);
    if closed > 0 {
        let mut told = groups.clone();
        told[0].push(Piece::new(
            format!(" (+{closed} out of reach)"),
            Tone::Muted,
        ));
        if Groups::WIDE.width(&told) <= line.width {
            groups = told;
        }
    }
    Groups::WIDE.draw(buf, line, &groups, &state.theme);
}

/// The states alone, for a header of two lines.
pub(super) fn short(totals: &Totals) -> Vec<Group> {
    groups(totals, Form::Signs)
}

/// The form depends on the width and on how many devices there are, not on which states they are
/// in: it must not change whenever one of them goes idle.
fn form(totals: &Totals, width: u16) -> Form {
    let all: usize = totals.devices.values().sum();
    let worst = Totals {
        devices: DeviceState::ALL
            .into_iter()
            .map(|state| (state, all))
            .collect(),
        devices_free: all,
        ..Totals::default()
    };
    let needed = |form| Groups::WIDE.width(&groups(&worst, form)) + LABEL;
    [Form::Words, Form::Mixed]
        .into_iter()
        .find(|form| needed(*form) <= width)
        .unwrap_or(Form::Signs)
}

/// Columns of the label.
const LABEL: u16 = 9;

/// Free are only those that a pod can be put on; that there are none is said, too.
fn groups(totals: &Totals, form: Form) -> Vec<Group> {
    let free = totals.devices_free;
    // Where nothing at all is known, nobody can say that none is free.
    let unknown = totals
        .devices
        .keys()
        .all(|state| *state == DeviceState::Unknown);
    let shown = if unknown && !totals.devices.is_empty() {
        format::UNKNOWN.to_owned()
    } else {
        free.to_string()
    };
    let text = match form {
        Form::Signs => format!("{}{shown}", sign(DeviceState::Free)),
        Form::Words | Form::Mixed => format!("{} {shown} free", sign(DeviceState::Free)),
    };
    let tone = if free > 0 {
        state_tone(DeviceState::Free)
    } else {
        Tone::Muted
    };
    let mut groups = vec![vec![Piece::new(text, tone)]];
    let (named, others): (DeviceCounts, DeviceCounts) = totals
        .devices
        .iter()
        .filter(|(state, _)| **state != DeviceState::Free)
        .partition(|(state, _)| match form {
            Form::Words => true,
            Form::Mixed => **state == DeviceState::Working,
            Form::Signs => false,
        });
    let pieces = counts_pieces(&named, false)
        .into_iter()
        .chain(counts_pieces(&others, true));
    groups.extend(pieces.map(|piece| vec![piece]));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(counts: &[(DeviceState, usize)]) -> Totals {
        Totals {
            devices: counts.iter().copied().collect(),
            devices_free: 2,
            ..Totals::default()
        }
    }

    fn shown(totals: &Totals, width: u16) -> String {
        let groups = groups(totals, form(totals, width));
        let texts = groups.iter().flatten().map(|piece| &*piece.text);
        texts.collect::<Vec<_>>().join("  ")
    }

    #[test]
    fn words_give_way_to_signs() {
        let totals = totals(&[
            (DeviceState::Free, 2),
            (DeviceState::Working, 5),
            (DeviceState::Idle, 1),
        ]);
        assert_eq!(shown(&totals, 118), "○ 2 free  ● 5 working  ◔ 1 idle");
        assert_eq!(shown(&totals, 78), "○ 2 free  ● 5 working  ◔1");
        assert_eq!(shown(&totals, 40), "○2  ●5  ◔1");
    }

    #[test]
    fn one_state_more_changes_no_form() {
        let mut before = totals(&[(DeviceState::Free, 2), (DeviceState::Working, 8)]);
        for width in 20..200 {
            let form_before = form(&before, width);
            before.devices.insert(DeviceState::Working, 7);
            before.devices.insert(DeviceState::Sick, 1);
            assert_eq!(form(&before, width), form_before, "{width}");
            before.devices.insert(DeviceState::Working, 8);
            before.devices.remove(&DeviceState::Sick);
        }
    }

    #[test]
    fn a_thousand_devices_fit_into_eighty_columns() {
        let many = DeviceState::ALL.map(|state| (state, 177));
        let totals = totals(&many);
        let form = form(&totals, 78);
        assert_eq!(form, Form::Mixed);
        assert!(Groups::WIDE.width(&groups(&totals, form)) + LABEL <= 78);
    }
}
