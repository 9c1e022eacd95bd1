//! Amounts as people write them, in the unit of the field: `10G`, `300W`, `5%`, `1h30m`.

use crate::app::tables::Unit;

/// An amount that somebody wrote, in the base unit: bytes, watts, degrees, megahertz, seconds.
pub(super) fn parse(unit: Unit, text: &str) -> Result<f64, &'static str> {
    let lower = text.to_lowercase();
    if unit == Unit::Seconds {
        return duration(&lower).ok_or("a duration such as 90s, 10m, 2h or 1h30m");
    }
    let digits = lower
        .find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c))
        .unwrap_or(lower.len());
    let (number, suffix) = lower.split_at(digits);
    let (factor, expected) = factor(unit, suffix.trim());
    let number = number
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite());
    number
        .zip(factor)
        .map(|(number, factor)| number * factor)
        .ok_or(expected)
}

/// Whether `text`, which is no amount yet, becomes one with a few more letters: a duration without
/// its unit, half a unit.
pub(super) fn is_begun(unit: Unit, text: &str) -> bool {
    const ENDINGS: [&str; 8] = ["s", "m", "h", "w", "%", "hz", "c", "0"];
    ENDINGS
        .iter()
        .any(|ending| parse(unit, &format!("{text}{ending}")).is_ok())
}

/// How much the suffix stands for, and what would be right.
fn factor(unit: Unit, suffix: &str) -> (Option<f64>, &'static str) {
    let gib = f64::from(1 << 30);
    let (known, expected): (&[(&str, f64)], _) = match unit {
        Unit::Count | Unit::Seconds => (&[("", 1.0)], "a number"),
        Unit::Percent => (&[("", 1.0), ("%", 1.0)], "a share such as 5 or 5%"),
        Unit::Bytes => {
            // Cards are sold by gibibytes and called 24G; nobody means 10⁹. Bytes have no one-letter
            // unit here: a number alone is what the screen shows it in.
            let factor = match suffix.trim_end_matches('b').trim_end_matches('i') {
                "" if suffix.is_empty() => Some(gib),
                "k" => Some(1024.0),
                "m" => Some(1024.0 * 1024.0),
                "g" => Some(gib),
                "t" => Some(1024.0 * gib),
                _ => None,
            };
            return (factor, "an amount of memory such as 10G or 512M");
        }
        Unit::Watts => (
            &[("", 1.0), ("w", 1.0), ("kw", 1000.0)],
            "a power such as 300 or 300W",
        ),
        Unit::Celsius => (
            &[("", 1.0), ("c", 1.0), ("°", 1.0), ("°c", 1.0)],
            "a temperature such as 80 or 80C",
        ),
        Unit::MegaHertz => (
            &[
                ("", 1.0),
                ("m", 1.0),
                ("mhz", 1.0),
                ("g", 1000.0),
                ("ghz", 1000.0),
            ],
            "a clock rate such as 1500 or 1.5GHz",
        ),
    };
    let found = known.iter().find(|(name, _)| *name == suffix);
    (found.map(|(_, factor)| *factor), expected)
}

/// `1h30m` in seconds; every number needs its unit.
fn duration(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = match unit {
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            "w" => 7.0 * 86_400.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * unit;
        rest = tail;
    }
    (!text.is_empty() && seconds.is_finite()).then_some(seconds)
}

/// How far two amounts may differ and still be shown alike.
pub(super) const fn slack(unit: Unit) -> f64 {
    match unit {
        Unit::Count => 0.0,
        // Memory is shown with one decimal of a gibibyte.
        Unit::Bytes => 0.05 * 1024.0 * 1024.0 * 1024.0,
        Unit::Percent | Unit::Watts | Unit::Celsius | Unit::MegaHertz | Unit::Seconds => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const UNITS: [Unit; 7] = [
        Unit::Count,
        Unit::Percent,
        Unit::Bytes,
        Unit::Watts,
        Unit::Celsius,
        Unit::MegaHertz,
        Unit::Seconds,
    ];

    #[rstest]
    #[case(Unit::Count, "-2", Some(-2.0))]
    #[case(Unit::Count, "2G", None)]
    #[case(Unit::Percent, "5%", Some(5.0))]
    #[case(Unit::Bytes, "1", Some(1_073_741_824.0))]
    #[case(Unit::Bytes, "1G", Some(1_073_741_824.0))]
    #[case(Unit::Bytes, "1.5GiB", Some(1_610_612_736.0))]
    #[case(Unit::Bytes, "512Mi", Some(536_870_912.0))]
    #[case(Unit::Bytes, "1B", None)]
    #[case(Unit::Bytes, "1x", None)]
    #[case(Unit::Watts, "1.2kW", Some(1200.0))]
    #[case(Unit::Celsius, "80°C", Some(80.0))]
    #[case(Unit::MegaHertz, "1.5GHz", Some(1500.0))]
    #[case(Unit::Seconds, "10m", Some(600.0))]
    #[case(Unit::Seconds, "1h30m", Some(5400.0))]
    #[case(Unit::Seconds, "1.5d", Some(129_600.0))]
    #[case(Unit::Seconds, "10", None)]
    #[case(Unit::Seconds, "", None)]
    #[case(Unit::Count, "", None)]
    #[case(Unit::Count, "nan", None)]
    fn amounts_have_units(#[case] unit: Unit, #[case] text: &str, #[case] amount: Option<f64>) {
        assert_eq!(parse(unit, text).ok(), amount);
    }

    #[rstest]
    #[case(Unit::Seconds, "10", true)]
    #[case(Unit::Seconds, "1h30", true)]
    #[case(Unit::Watts, "1.2k", true)]
    #[case(Unit::MegaHertz, "1.5g", true)]
    #[case(Unit::Celsius, "-", true)]
    #[case(Unit::Bytes, "10x", false)]
    #[case(Unit::Bytes, "3Gutl<5", false)]
    #[case(Unit::Seconds, "soon", false)]
    fn half_an_amount_is_no_mistake(#[case] unit: Unit, #[case] text: &str, #[case] begun: bool) {
        assert_eq!(is_begun(unit, text), begun);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC*", unit in prop::sample::select(UNITS.to_vec())) {
            if let Ok(amount) = parse(unit, &text) {
                prop_assert!(amount.is_finite());
            }
        }
    }
}
