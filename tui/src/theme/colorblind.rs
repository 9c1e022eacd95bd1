//! Blue and orange instead of green and red, for eyes that tell those two badly (deuteranopia,
//! protanopia): for dark and for light backgrounds.
//!
//! The colours are those of the palette that stay furthest apart when either kind of colour
//! blindness is simulated; the tests of `theme` hold them to that.

use ratatui::style::{Color, Modifier, Style};

use super::Theme;

const fn fg(index: u8) -> Style {
    Style::new().fg(Color::Indexed(index))
}

const fn on(fg: u8, bg: u8) -> Style {
    Style::new().fg(Color::Indexed(fg)).bg(Color::Indexed(bg))
}

impl Theme {
    /// Blue and orange on dark backgrounds.
    #[must_use]
    pub const fn colorblind() -> Self {
        Self {
            accent: fg(45),
            good: fg(69),
            warn: fg(228),
            bad: fg(202).add_modifier(Modifier::BOLD),
            notice: fg(205),
            tab: on(234, 45).add_modifier(Modifier::BOLD),
            key: fg(45).add_modifier(Modifier::BOLD),
            mark: fg(228).add_modifier(Modifier::BOLD),
            paused: on(234, 228).add_modifier(Modifier::BOLD),
            hit: on(234, 228),
            hit_here: on(234, 208).add_modifier(Modifier::BOLD),
            alert_critical: fg(202).add_modifier(Modifier::BOLD),
            alert_warn: fg(228),
            alert_notice: fg(205),
            series: [fg(69), fg(228), fg(205), fg(45)],
            gradient: [fg(69), fg(153), fg(228), fg(202)],
            ..Self::dark()
        }
    }

    /// Blue and orange on light backgrounds.
    #[must_use]
    pub const fn colorblind_light() -> Self {
        Self {
            accent: fg(25),
            good: fg(27),
            warn: fg(130),
            bad: fg(88).add_modifier(Modifier::BOLD),
            notice: fg(161),
            tab: on(231, 25).add_modifier(Modifier::BOLD),
            key: fg(25).add_modifier(Modifier::BOLD),
            mark: fg(130).add_modifier(Modifier::BOLD),
            paused: on(231, 130).add_modifier(Modifier::BOLD),
            alert_critical: fg(88).add_modifier(Modifier::BOLD),
            alert_warn: fg(130),
            alert_notice: fg(161),
            series: [fg(27), fg(130), fg(161), fg(16)],
            gradient: [fg(27), fg(24), fg(130), fg(88)],
            ..Self::light()
        }
    }
}
