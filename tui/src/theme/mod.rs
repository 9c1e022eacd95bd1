//! Colours, weights and signs as data.
//!
//! Each built-in theme has a file of its own with all its roles; [`choose`] says which one a
//! terminal gets, [`glyphs`] which signs it can show. The 256-colour palette is used, not 24-bit
//! colours: every terminal in use shows it, and the background stays the user's own.

mod ansi16;
mod ascii;
pub mod choose;
mod colorblind;
#[cfg(test)]
mod colour;
mod dark;
pub mod glyphs;
mod light;
mod mono;

pub use ascii::to_ascii;
pub use choose::{TerminalHints, ThemeName};
pub use glyphs::{Glyph, Glyphs};

use ratatui::style::Style;

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
    /// A key that can do nothing now.
    pub key_off: Style,
    /// The sign of a marked row.
    pub mark: Style,
    /// The words that say that the screen stands still.
    pub paused: Style,
    /// Laid over what a search has found.
    pub hit: Style,
    /// Laid over the hit that the cursor is on.
    pub hit_here: Style,
    /// An alert: something is broken.
    pub alert_critical: Style,
    /// An alert: something wants to be looked at.
    pub alert_warn: Style,
    /// An alert: something is good to know.
    pub alert_notice: Style,
    /// Up to four curves in one graph.
    pub series: [Style; 4],
    /// Values in a graph from cold to hot, in four steps.
    pub gradient: [Style; 4],
}

impl Theme {
    /// The built-in themes, in the order in which they are offered.
    pub const NAMES: [&'static str; 6] = [
        ThemeName::Dark.name(),
        ThemeName::Light.name(),
        ThemeName::Colorblind.name(),
        ThemeName::ColorblindLight.name(),
        ThemeName::Ansi16.name(),
        ThemeName::Mono.name(),
    ];

    /// The built-in theme of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        name.parse().ok().map(Self::of)
    }

    /// A built-in theme.
    #[must_use]
    pub const fn of(name: ThemeName) -> Self {
        match name {
            ThemeName::Dark => Self::dark(),
            ThemeName::Light => Self::light(),
            ThemeName::Colorblind => Self::colorblind(),
            ThemeName::ColorblindLight => Self::colorblind_light(),
            ThemeName::Ansi16 => Self::ansi16(),
            ThemeName::Mono => Self::mono(),
        }
    }

    /// The theme that was asked for, else the one that suits the terminal
    /// ([`ThemeName::for_terminal`]).
    #[must_use]
    pub fn for_terminal(wanted: Option<ThemeName>, hints: &TerminalHints) -> Self {
        Self::of(wanted.unwrap_or_else(|| ThemeName::for_terminal(hints)))
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
mod tests;
