//! Durations as people write them: `10m`, `1h30m`, `500ms`.

use std::fmt::Write as _;
use std::time::Duration;

/// Units with their milliseconds, the largest first.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Whole numbers with units; several are added up.
///
/// # Errors
/// What is wrong, in a sentence without a full stop.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write it like 15s, 10m or 1h30m");
    let mut rest = text.trim();
    let mut sum: u64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| !c.is_ascii_lowercase())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        if unit.is_empty() && tail.is_empty() && !number.is_empty() {
            return Err(format!(
                "`{text}` has no unit; write it like 15s, 10m or 1h30m"
            ));
        }
        let scale = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, scale)| *scale);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let part = number.checked_mul(scale.ok_or_else(wrong)?);
        sum = part
            .and_then(|part| sum.checked_add(part))
            .ok_or_else(wrong)?;
        rest = tail;
    }
    Ok(Duration::from_millis(sum))
}

/// The shortest text that [`parse`] reads as this duration, to the millisecond.
pub(super) fn write(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, scale) in UNITS {
        if rest >= scale {
            let _fits = write!(text, "{}{unit}", rest / scale);
            rest %= scale;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("10m", 600),
            ("1h30m", 5400),
            ("90s", 90),
            ("2d", 172_800),
            (" 0s ", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("1s500ms"), Ok(Duration::from_millis(1500)));
    }

    #[test]
    fn others_are_refused() {
        for text in [
            "",
            " ",
            "m",
            "10 m",
            "-1s",
            "1.5h",
            "10M",
            "1w",
            "99999999999999d",
            "ten",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("10").unwrap_err().contains("no unit"));
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(millis in any::<u64>()) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&write(duration)), Ok(duration));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _either = parse(&text);
        }
    }
}
