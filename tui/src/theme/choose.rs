//! Which theme and which signs a terminal gets, from what its environment says about it.
//!
//! What the user asks for (flag, `GPUTOP_K3S_THEME`, configuration) wins and is not decided here.

use std::fmt;
use std::str::FromStr;

/// A built-in theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThemeName {
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// Blue and orange on dark backgrounds.
    Colorblind,
    /// Blue and orange on light backgrounds.
    ColorblindLight,
    /// Sixteen colours.
    Ansi16,
    /// No colours.
    Mono,
}

impl ThemeName {
    /// In the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::Dark,
        Self::Light,
        Self::Colorblind,
        Self::ColorblindLight,
        Self::Ansi16,
        Self::Mono,
    ];

    /// The word in configuration and flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Colorblind => "colorblind",
            Self::ColorblindLight => "colorblind-light",
            Self::Ansi16 => "ansi16",
            Self::Mono => "mono",
        }
    }

    /// The theme that suits a terminal when nobody asked for one.
    ///
    /// In this order: no colours where `NO_COLOR` says so or the terminal has none; sixteen where
    /// it has no more; the light theme where `COLORFGBG` names a light background; else the dark.
    #[must_use]
    pub fn for_terminal(hints: &TerminalHints) -> Self {
        if hints.no_color {
            return Self::Mono;
        }
        match hints.colours() {
            Colours::None => Self::Mono,
            Colours::Sixteen => Self::Ansi16,
            Colours::Many if hints.is_light() => Self::Light,
            Colours::Many => Self::Dark,
        }
    }
}

impl fmt::Display for ThemeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ThemeName {
    type Err = UnknownTheme;

    fn from_str(text: &str) -> Result<Self, UnknownTheme> {
        let named = Self::ALL.into_iter().find(|theme| theme.name() == text);
        named.ok_or(UnknownTheme)
    }
}

/// No built-in theme has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTheme;

impl fmt::Display for UnknownTheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ThemeName::ALL.map(ThemeName::name).join(", ");
        write!(f, "no such theme; there are {names}")
    }
}

impl std::error::Error for UnknownTheme {}

/// What the environment says about the terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TerminalHints {
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `NO_COLOR` is there and not empty (<https://no-color.org>).
    pub no_color: bool,
    /// `COLORFGBG`: colours of text and background, such as `15;0`.
    pub colorfgbg: Option<String>,
    /// The locale that decides about letters: `LC_ALL`, else `LC_CTYPE`, else `LANG`.
    pub locale: Option<String>,
}

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    None,
    Sixteen,
    Many,
}

impl TerminalHints {
    /// From the environment, as `lookup` knows it. A variable that is empty counts as absent.
    #[must_use]
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        Self {
            term: get("TERM"),
            colorterm: get("COLORTERM"),
            no_color: get("NO_COLOR").is_some(),
            colorfgbg: get("COLORFGBG"),
            locale: ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(get),
        }
    }

    /// Whether the terminal shows letters and signs beyond ASCII.
    ///
    /// A locale that is set and is not UTF-8 says no (`C` and `POSIX` do), and so do terminals
    /// without the signs that the screens use: Linux's console, whose font has no braille, and the
    /// VT line. An absent locale says nothing: it is absent in most containers.
    #[must_use]
    pub fn shows_unicode(&self) -> bool {
        self.is_utf8() != Some(false) && !self.is_plain() && self.family() != "linux"
    }

    /// Whether the locale's letters are UTF-8; `None`: no locale is set.
    #[must_use]
    pub fn is_utf8(&self) -> Option<bool> {
        let locale = self.locale.as_deref()?;
        let charset = locale.split_once('.').map(|(_, charset)| charset);
        let charset = charset.and_then(|charset| charset.split('@').next());
        Some(charset.is_some_and(|charset| {
            charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
        }))
    }

    /// Whether the background is light: the last field of `COLORFGBG`. As vim reads it: 0 to 6 and
    /// 8 are dark.
    #[must_use]
    pub fn is_light(&self) -> bool {
        let background = self.colorfgbg.as_deref();
        let background = background.and_then(|value| value.rsplit(';').next());
        matches!(
            background.and_then(|index| index.trim().parse::<u8>().ok()),
            Some(7 | 9..=15)
        )
    }

    fn colours(&self) -> Colours {
        let term = self.term.as_deref().unwrap_or_default();
        if self.is_plain() || term.ends_with("-mono") || term.ends_with("-m") {
            return Colours::None;
        }
        // Some terminals with all colours still call themselves `linux` or `xterm-16color`.
        let many = matches!(self.colorterm.as_deref(), Some("truecolor" | "24bit"));
        let few = term.ends_with("-16color")
            || term.ends_with("-8color")
            || term == "xterm-color"
            || matches!(
                self.family(),
                "linux" | "ansi" | "pcansi" | "cons25" | "cygwin"
            );
        if few && !many {
            Colours::Sixteen
        } else {
            Colours::Many
        }
    }

    /// A terminal of text alone: none at all, or one of the VT line.
    fn is_plain(&self) -> bool {
        let term = self.term.as_deref().unwrap_or_default();
        let vt = term.strip_prefix("vt");
        term == "dumb" || vt.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// `linux` of `linux-16color`.
    fn family(&self) -> &str {
        let term = self.term.as_deref().unwrap_or_default();
        term.split('-').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn hints(environment: &[(&str, &str)]) -> TerminalHints {
        TerminalHints::read(|name| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[rstest]
    #[case::usual(&[("TERM", "xterm-256color")], ThemeName::Dark)]
    #[case::nothing_known(&[], ThemeName::Dark)]
    #[case::no_color(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], ThemeName::Mono)]
    #[case::no_color_empty(&[("TERM", "xterm-256color"), ("NO_COLOR", "")], ThemeName::Dark)]
    #[case::dumb(&[("TERM", "dumb")], ThemeName::Mono)]
    #[case::vt(&[("TERM", "vt220")], ThemeName::Mono)]
    #[case::not_a_vt(&[("TERM", "vte-256color")], ThemeName::Dark)]
    #[case::console(&[("TERM", "linux")], ThemeName::Ansi16)]
    #[case::console_16(&[("TERM", "linux-16color")], ThemeName::Ansi16)]
    #[case::xterm_16(&[("TERM", "xterm-16color")], ThemeName::Ansi16)]
    #[case::says_more(&[("TERM", "linux"), ("COLORTERM", "truecolor")], ThemeName::Dark)]
    #[case::light(&[("TERM", "rxvt"), ("COLORFGBG", "0;default;15")], ThemeName::Light)]
    #[case::dark(&[("TERM", "rxvt"), ("COLORFGBG", "15;0")], ThemeName::Dark)]
    #[case::grey(&[("COLORFGBG", "0;8")], ThemeName::Dark)]
    #[case::nonsense(&[("COLORFGBG", "0;default")], ThemeName::Dark)]
    #[case::light_console(&[("TERM", "linux"), ("COLORFGBG", "0;15")], ThemeName::Ansi16)]
    fn the_theme_suits_the_terminal(
        #[case] environment: &[(&str, &str)],
        #[case] theme: ThemeName,
    ) {
        assert_eq!(ThemeName::for_terminal(&hints(environment)), theme);
    }

    #[rstest]
    #[case::utf8(&[("TERM", "xterm-256color"), ("LANG", "de_DE.UTF-8")], true)]
    #[case::other_spelling(&[("LANG", "C.utf8")], true)]
    #[case::variant(&[("LANG", "de_DE.UTF-8@euro")], true)]
    #[case::posix(&[("TERM", "xterm-256color"), ("LANG", "C")], false)]
    #[case::latin(&[("LANG", "de_DE.ISO-8859-1")], false)]
    #[case::no_charset(&[("LANG", "de_DE")], false)]
    #[case::first_counts(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")], false)]
    #[case::empty_does_not(&[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")], true)]
    #[case::container(&[("TERM", "xterm")], true)]
    #[case::console(&[("TERM", "linux"), ("LANG", "C.UTF-8")], false)]
    #[case::vt(&[("TERM", "vt100"), ("LANG", "C.UTF-8")], false)]
    #[case::dumb(&[("TERM", "dumb"), ("LANG", "C.UTF-8")], false)]
    fn signs_suit_the_terminal(#[case] environment: &[(&str, &str)], #[case] unicode: bool) {
        assert_eq!(hints(environment).shows_unicode(), unicode);
    }

    #[test]
    fn every_theme_is_found_by_its_name_and_no_other() {
        for theme in ThemeName::ALL {
            assert_eq!(theme.name().parse(), Ok(theme));
        }
        assert!("Dark".parse::<ThemeName>().is_err());
    }
}
