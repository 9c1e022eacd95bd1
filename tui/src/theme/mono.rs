//! The theme without colours.

use ratatui::style::{Modifier, Style};

use super::Theme;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);
const UNDERLINED: Style = Style::new().add_modifier(Modifier::UNDERLINED);

impl Theme {
    /// Without colours (`NO_COLOR`): weights, underlines and reversed rows.
    #[must_use]
    pub const fn mono() -> Self {
        Self {
            plain: PLAIN,
            strong: BOLD,
            muted: PLAIN,
            faint: DIM,
            accent: PLAIN,
            good: PLAIN,
            warn: UNDERLINED,
            bad: BOLD.add_modifier(Modifier::UNDERLINED),
            notice: Style::new().add_modifier(Modifier::ITALIC),
            track: DIM,
            stale: DIM.remove_modifier(Modifier::BOLD),
            selected: REVERSED,
            tab: BOLD.add_modifier(Modifier::REVERSED),
            heading: DIM,
            key: BOLD,
            key_off: DIM,
            mark: BOLD,
            paused: BOLD.add_modifier(Modifier::REVERSED),
            hit: UNDERLINED,
            hit_here: BOLD.add_modifier(Modifier::REVERSED),
            alert_critical: BOLD.add_modifier(Modifier::UNDERLINED),
            alert_warn: UNDERLINED,
            alert_notice: Style::new().add_modifier(Modifier::ITALIC),
            // Curves without colours lie in graphs of their own.
            series: [PLAIN; 4],
            gradient: [PLAIN, PLAIN, PLAIN, BOLD],
        }
    }
}
