//! Tests of the themes: what can be read, what can be told apart, which names there are.

use ratatui::style::{Color, Modifier};
use rstest::rstest;

use super::colour::{BLACK, Rgb, Sight, WHITE, contrast, distance, index, rgb};
use super::*;

/// What is required of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Text that is read: 4.5 (WCAG 2.1, 1.4.3).
    Text,
    /// Text of no importance, and lines of graphs: 3 (1.4.11).
    Faint,
    /// Laid over other text, with a background of its own perhaps.
    Laid,
    /// Decoration.
    Track,
}

/// Every role; the compiler says when one is missing.
fn roles(theme: &Theme) -> Vec<(&'static str, Use, Style)> {
    let Theme {
        plain,
        strong,
        muted,
        faint,
        accent,
        good,
        warn,
        bad,
        notice,
        track,
        stale,
        selected,
        tab,
        heading,
        key,
        key_off,
        mark,
        paused,
        hit,
        hit_here,
        alert_critical,
        alert_warn,
        alert_notice,
        series,
        gradient,
    } = *theme;
    let mut roles = vec![
        ("plain", Use::Text, plain),
        ("strong", Use::Text, strong),
        ("muted", Use::Text, muted),
        ("faint", Use::Faint, faint),
        ("accent", Use::Text, accent),
        ("good", Use::Text, good),
        ("warn", Use::Text, warn),
        ("bad", Use::Text, bad),
        ("notice", Use::Text, notice),
        ("track", Use::Track, track),
        ("stale", Use::Faint, stale),
        ("selected", Use::Laid, selected),
        ("tab", Use::Text, tab),
        ("heading", Use::Text, heading),
        ("key", Use::Text, key),
        ("key_off", Use::Faint, key_off),
        ("mark", Use::Text, mark),
        ("paused", Use::Text, paused),
        ("hit", Use::Text, hit),
        ("hit_here", Use::Text, hit_here),
        ("alert_critical", Use::Text, alert_critical),
        ("alert_warn", Use::Text, alert_warn),
        ("alert_notice", Use::Text, alert_notice),
    ];
    roles.extend(series.map(|style| ("series", Use::Faint, style)));
    roles.extend(gradient.map(|style| ("gradient", Use::Faint, style)));
    roles
}

fn shown(color: Option<Color>) -> Option<Rgb> {
    color.and_then(index).map(rgb)
}

#[rstest]
#[case(ThemeName::Dark, BLACK)]
#[case(ThemeName::Colorblind, BLACK)]
#[case(ThemeName::Ansi16, BLACK)]
#[case(ThemeName::Light, WHITE)]
#[case(ThemeName::ColorblindLight, WHITE)]
fn everything_can_be_read(#[case] name: ThemeName, #[case] ground: Rgb) {
    let theme = Theme::of(name);
    let selected = shown(theme.selected.bg).expect("a row is selected by its background");
    for (role, what, style) in roles(&theme) {
        let least = match what {
            Use::Text => 4.5,
            Use::Faint => 3.0,
            Use::Laid | Use::Track => continue,
        };
        let text = shown(style.fg).expect(role);
        let on = shown(style.bg).unwrap_or(ground);
        let reached = contrast(text, on);
        assert!(reached >= least, "{name}: {role} {reached:.2} < {least}");
        // A selected row keeps its colours, unless it has one of its own for all of it.
        let text = shown(theme.selected.fg).unwrap_or(text);
        let reached = contrast(text, selected);
        let least = if what == Use::Text { 3.0 } else { 2.0 };
        let laid = style.bg.is_some();
        assert!(
            laid || reached >= least,
            "{name}: {role} {reached:.2} on a selected row"
        );
    }
}

#[rstest]
#[case(ThemeName::Colorblind)]
#[case(ThemeName::ColorblindLight)]
fn states_are_told_apart_whatever_the_eyes(#[case] name: ThemeName) {
    let theme = Theme::of(name);
    let of = |style: Style| shown(style.fg).expect("a colour");
    let states = [
        ("good", of(theme.good)),
        ("warn", of(theme.warn)),
        ("bad", of(theme.bad)),
        ("notice", of(theme.notice)),
        ("accent", of(theme.accent)),
    ];
    let series = theme.series.map(|style| ("series", of(style)));
    let gradient = theme.gradient.map(|style| ("gradient", of(style)));
    for group in [&states[..], &series, &gradient] {
        for (at, (one, color)) in group.iter().enumerate() {
            for (other, other_color) in &group[at + 1..] {
                for sight in Sight::ALL {
                    let apart = distance(*color, *other_color, sight);
                    assert!(
                        apart >= 20.0,
                        "{name}: {one} and {other}, {sight:?}: {apart:.1}"
                    );
                }
            }
        }
    }
}

/// The threshold above means something: green and red fail it.
#[test]
fn green_and_red_are_not_told_apart_by_all_eyes() {
    let theme = Theme::dark();
    let (good, bad) = (shown(theme.good.fg), shown(theme.bad.fg));
    let apart = distance(good.expect("green"), bad.expect("red"), Sight::Deuteranopia);
    assert!(apart < 20.0, "{apart:.1}");
}

#[test]
fn the_theme_without_colours_has_none() {
    for (role, _, style) in roles(&Theme::mono()) {
        let colours = (style.fg, style.bg, style.underline_color);
        assert_eq!(colours, (None, None, None), "{role}");
    }
}

#[test]
fn sixteen_colours_are_enough_for_the_theme_of_sixteen() {
    for (role, _, style) in roles(&Theme::ansi16()) {
        for color in [style.fg, style.bg].into_iter().flatten() {
            let index = index(color).expect("a colour of the palette");
            assert!(index < 16, "{role}: {index}");
        }
        // Consoles have only the dark half for backgrounds.
        assert!(
            style.bg.and_then(index).is_none_or(|index| index < 8),
            "{role}"
        );
    }
}

#[test]
fn what_must_stand_out_does_so_in_every_theme() {
    for name in ThemeName::ALL {
        let theme = Theme::of(name);
        for (one, other) in [
            (theme.plain, theme.bad),
            (theme.plain, theme.warn),
            (theme.warn, theme.bad),
            (theme.plain, theme.notice),
            (theme.plain, theme.faint),
            (theme.plain, theme.selected),
            (theme.plain, theme.hit),
            (theme.hit, theme.hit_here),
            (theme.key, theme.key_off),
            (theme.plain, theme.mark),
            (theme.plain, theme.paused),
            (theme.alert_critical, theme.alert_warn),
            (theme.alert_warn, theme.alert_notice),
        ] {
            assert_ne!(one, other, "{name}");
        }
        assert!(!theme.stale.add_modifier.contains(Modifier::BOLD), "{name}");
    }
}

#[test]
fn names_and_themes_belong_together() {
    for (name, known) in Theme::NAMES.into_iter().zip(ThemeName::ALL) {
        assert_eq!(Theme::by_name(name), Some(Theme::of(known)));
    }
    assert_eq!(Theme::by_name("solarized"), None);
}

#[test]
fn what_the_user_asks_for_wins() {
    let hints = TerminalHints {
        no_color: true,
        ..TerminalHints::default()
    };
    assert_eq!(Theme::for_terminal(None, &hints), Theme::mono());
    assert_eq!(
        Theme::for_terminal(Some(ThemeName::Light), &hints),
        Theme::light()
    );
}
