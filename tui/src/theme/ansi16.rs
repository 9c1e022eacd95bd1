//! The theme for terminals with sixteen colours, such as Linux's console.
//!
//! Only the bright half and white are used for text: the dark half is hard to read on black in most
//! palettes. Backgrounds are of the dark half: consoles have no other.

use ratatui::style::{Color, Modifier, Style};

use super::Theme;

const fn fg(color: Color) -> Style {
    Style::new().fg(color)
}

const fn on(bg: Color) -> Style {
    Style::new().fg(Color::Black).bg(bg)
}

impl Theme {
    /// For terminals with sixteen colours on a dark background.
    #[must_use]
    pub const fn ansi16() -> Self {
        Self {
            plain: fg(Color::Gray),
            strong: fg(Color::White).add_modifier(Modifier::BOLD),
            muted: fg(Color::Gray),
            faint: fg(Color::DarkGray),
            accent: fg(Color::LightCyan),
            good: fg(Color::LightGreen),
            warn: fg(Color::LightYellow),
            bad: fg(Color::LightRed).add_modifier(Modifier::BOLD),
            notice: fg(Color::LightMagenta),
            track: fg(Color::DarkGray),
            stale: fg(Color::DarkGray).remove_modifier(Modifier::BOLD),
            // Black text throughout: signs and words carry the meaning there.
            selected: on(Color::Cyan).remove_modifier(Modifier::BOLD),
            tab: on(Color::Cyan),
            heading: fg(Color::Gray),
            key: fg(Color::LightCyan).add_modifier(Modifier::BOLD),
            key_off: fg(Color::DarkGray),
            mark: fg(Color::LightYellow).add_modifier(Modifier::BOLD),
            // Yellow is brown in some palettes; black is readable on both.
            paused: on(Color::Yellow),
            hit: on(Color::Gray),
            hit_here: on(Color::Yellow),
            alert_critical: fg(Color::LightRed).add_modifier(Modifier::BOLD),
            alert_warn: fg(Color::LightYellow),
            alert_notice: fg(Color::LightMagenta),
            series: [
                fg(Color::LightCyan),
                fg(Color::LightYellow),
                fg(Color::LightGreen),
                fg(Color::LightMagenta),
            ],
            gradient: [
                fg(Color::LightCyan),
                fg(Color::LightGreen),
                fg(Color::LightYellow),
                fg(Color::LightRed),
            ],
        }
    }
}
