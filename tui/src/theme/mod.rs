//! Colours and weights as data.
//!
//! The 256-colour palette is used, not 24-bit colours: every terminal in use shows it, and the
//! background stays the user's own.

use ratatui::style::{Color, Modifier, Style};

use crate::app::tables::Tone;

/// How each meaning looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Nothing in particular.
    pub plain: Style,
    /// What a row is about.
    pub strong: Style,
    /// Of second rank.
    pub muted: Style,
    /// Hardly there.
    pub faint: Style,
    /// The product's own colour.
    pub accent: Style,
    /// At work.
    pub good: Style,
    /// Wants to be looked at.
    pub warn: Style,
    /// Heat, errors, throttling, memory nearly full.
    pub bad: Style,
    /// Use that the scheduler knows nothing of.
    pub notice: Style,
    /// The empty part of a bar.
    pub track: Style,
    /// Laid over measurements that are no longer fresh.
    pub stale: Style,
    /// Laid over the selected row.
    pub selected: Style,
    /// The tab of the table that is shown.
    pub tab: Style,
    /// Headings of columns.
    pub heading: Style,
    /// A key in a hint.
    pub key: Style,
}

impl Theme {
    /// For dark backgrounds.
    #[must_use]
    pub const fn dark() -> Self {
        const fn fg(index: u8) -> Style {
            Style::new().fg(Color::Indexed(index))
        }
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
            stale: fg(242)
                .remove_modifier(Modifier::BOLD)
                .add_modifier(Modifier::DIM),
            selected: Style::new().bg(Color::Indexed(236)),
            tab: Style::new()
                .fg(Color::Indexed(234))
                .bg(Color::Indexed(110))
                .add_modifier(Modifier::BOLD),
            heading: fg(244),
            key: fg(110).add_modifier(Modifier::BOLD),
        }
    }

    /// Without colours (`NO_COLOR`): weights, underlines and reversed rows.
    #[must_use]
    pub const fn mono() -> Self {
        const PLAIN: Style = Style::new();
        const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
        const DIM: Style = Style::new().add_modifier(Modifier::DIM);
        Self {
            plain: PLAIN,
            strong: BOLD,
            muted: PLAIN,
            faint: DIM,
            accent: PLAIN,
            good: PLAIN,
            warn: Style::new().add_modifier(Modifier::UNDERLINED),
            bad: BOLD.add_modifier(Modifier::UNDERLINED),
            notice: Style::new().add_modifier(Modifier::ITALIC),
            track: DIM,
            stale: Style::new()
                .remove_modifier(Modifier::BOLD)
                .add_modifier(Modifier::DIM),
            selected: Style::new().add_modifier(Modifier::REVERSED),
            tab: BOLD.add_modifier(Modifier::REVERSED),
            heading: DIM,
            key: BOLD,
        }
    }

    /// How a meaning looks.
    #[must_use]
    pub const fn style(&self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => self.plain,
            Tone::Strong => self.strong,
            Tone::Muted => self.muted,
            Tone::Faint => self.faint,
            Tone::Accent => self.accent,
            Tone::Good => self.good,
            Tone::Warn => self.warn,
            Tone::Bad => self.bad,
            Tone::Notice => self.notice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_without_colours_has_none() {
        let shown = format!("{:?}", Theme::mono());
        assert!(!shown.contains("fg(") && !shown.contains("bg(") && !shown.contains("Indexed"));
    }
}
