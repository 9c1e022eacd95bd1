//! The theme for dark backgrounds.

use ratatui::style::{Color, Modifier, Style};

use super::Theme;

const fn fg(index: u8) -> Style {
    Style::new().fg(Color::Indexed(index))
}

const fn on(fg: u8, bg: u8) -> Style {
    Style::new().fg(Color::Indexed(fg)).bg(Color::Indexed(bg))
}

impl Theme {
    /// For dark backgrounds.
    #[must_use]
    pub const fn dark() -> Self {
        Self {
            plain: fg(252),
            strong: fg(255).add_modifier(Modifier::BOLD),
            muted: fg(246),
            faint: fg(241),
            accent: fg(110),
            good: fg(114),
            warn: fg(215),
            bad: fg(203).add_modifier(Modifier::BOLD),
            notice: fg(176),
            track: fg(237),
            stale: fg(242).remove_modifier(Modifier::BOLD),
            selected: Style::new().bg(Color::Indexed(236)),
            tab: on(234, 110).add_modifier(Modifier::BOLD),
            heading: fg(244),
            key: fg(110).add_modifier(Modifier::BOLD),
            key_off: fg(241),
            mark: fg(222).add_modifier(Modifier::BOLD),
            paused: on(234, 215).add_modifier(Modifier::BOLD),
            hit: on(234, 222),
            hit_here: on(234, 208).add_modifier(Modifier::BOLD),
            alert_critical: fg(203).add_modifier(Modifier::BOLD),
            alert_warn: fg(215),
            alert_notice: fg(176),
            series: [fg(110), fg(215), fg(114), fg(176)],
            gradient: [fg(73), fg(114), fg(221), fg(203)],
        }
    }
}
