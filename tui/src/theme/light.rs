//! The theme for light backgrounds.

use ratatui::style::{Color, Modifier, Style};

use super::Theme;

const fn fg(index: u8) -> Style {
    Style::new().fg(Color::Indexed(index))
}

const fn on(fg: u8, bg: u8) -> Style {
    Style::new().fg(Color::Indexed(fg)).bg(Color::Indexed(bg))
}

impl Theme {
    /// For light backgrounds.
    #[must_use]
    pub const fn light() -> Self {
        Self {
            plain: fg(235),
            strong: fg(16).add_modifier(Modifier::BOLD),
            muted: fg(240),
            faint: fg(245),
            accent: fg(25),
            good: fg(28),
            warn: fg(130),
            bad: fg(160).add_modifier(Modifier::BOLD),
            notice: fg(127),
            track: fg(251),
            stale: fg(244).remove_modifier(Modifier::BOLD),
            selected: Style::new().bg(Color::Indexed(254)),
            tab: on(231, 25).add_modifier(Modifier::BOLD),
            heading: fg(241),
            key: fg(25).add_modifier(Modifier::BOLD),
            key_off: fg(245),
            mark: fg(130).add_modifier(Modifier::BOLD),
            paused: on(231, 130).add_modifier(Modifier::BOLD),
            hit: on(16, 222),
            hit_here: on(16, 214).add_modifier(Modifier::BOLD),
            alert_critical: fg(160).add_modifier(Modifier::BOLD),
            alert_warn: fg(130),
            alert_notice: fg(127),
            series: [fg(25), fg(130), fg(28), fg(127)],
            gradient: [fg(31), fg(28), fg(136), fg(160)],
        }
    }
}
