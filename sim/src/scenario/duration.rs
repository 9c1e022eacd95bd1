//! Durations as people write them: `200ms`, `90s`, `1m30s`, `3d4h`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("ms", 1),
    ("m", 60_000),
    ("s", 1_000),
];

/// Reads a duration; every number needs its unit, decimals are allowed (`1.5s`).
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{text:?} is no duration; one looks like \"90s\", \"1m30s\" or \"3d4h\"");
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let (_, millis) = UNITS
            .iter()
            .find(|(unit, _)| *unit == &rest[..letters])
            .ok_or_else(wrong)?;
        // Rounded a part at a time: one number for all would lose the milliseconds of weeks.
        let micros = (number * *millis as f64 * 1000.0).round();
        let part = Duration::try_from_secs_f64(micros / 1e6).map_err(|_| wrong())?;
        let whole = u64::try_from(part.as_micros()).unwrap_or(u64::MAX);
        total = total.saturating_add(Duration::from_micros(whole));
        rest = &rest[letters..];
    }
    Ok(total)
}

/// The shortest text that [`parse_duration`] reads back, in whole milliseconds.
pub(crate) fn format_duration(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for unit in ["d", "h", "m", "s", "ms"] {
        let size = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map_or(1, |(_, size)| *size);
        if millis >= size {
            text += &(millis / size).to_string();
            text += unit;
            millis %= size;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("200ms", 200)]
    #[case("1m30s", 90_000)]
    #[case("3d4h", 273_600_000)]
    #[case("1.5s", 1_500)]
    #[case("0s", 0)]
    fn durations(#[case] text: &str, #[case] millis: u64) {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
    }

    #[rstest]
    #[case("")]
    #[case("5")]
    #[case("h")]
    #[case("5 minutes")]
    #[case("-5s")]
    #[case("1..5s")]
    fn nonsense(#[case] text: &str) {
        assert!(parse_duration(text).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in 0_u64..40_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }
}
