//! Numbers as people read them.

use std::time::Duration;

use gputop_model::{Bytes, MilliWatts};

/// What stands for a value that is not known.
pub const UNKNOWN: &str = "–";

/// A duration in at most five or six columns: `12s`, `4m`, `2h10m`, `3d4h`, `41d`.
#[must_use]
pub fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m"),
        3600..86_400 if minutes % 60 == 0 => format!("{hours}h"),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ if days >= 10 || hours % 24 == 0 => format!("{days}d"),
        _ => format!("{days}d{}h", hours % 24),
    }
}

/// A duration in a sentence: `12 s`, `4 min`, `2 h 10 min`, `3 d 4 h`.
#[must_use]
pub fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// Memory in use and in all, in gibibytes: `22.1/24Gi`.
#[must_use]
pub fn memory(used: Option<Bytes>, total: Bytes) -> String {
    let used = used.map_or_else(|| UNKNOWN.to_owned(), |used| decimal(used.gib()));
    let total = decimal(total.gib());
    format!("{used}/{}Gi", total.strip_suffix(".0").unwrap_or(&total))
}

/// One decimal below a hundred, none above.
fn decimal(value: f64) -> String {
    if value >= 99.95 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

/// Power of one or of many devices: `285W`, `1912W`, `12.4kW`.
#[must_use]
pub fn power(power: MilliWatts) -> String {
    if power.0 < 9_999_500 {
        power.to_string()
    } else {
        format!("{:.1}kW", f64::from(power.0) / 1e6)
    }
}

/// A product without what all products share: `NVIDIA GeForce RTX 3090` becomes `RTX 3090`.
#[must_use]
pub fn product(name: &str) -> &str {
    gputop_model::short_product(name)
}

/// A resource without what all GPU resources share: `nvidia.com/gpu` becomes `gpu`.
#[must_use]
pub fn resource(name: &str) -> &str {
    name.strip_prefix(gputop_model::GPU_RESOURCE_PREFIX)
        .unwrap_or(name)
}

/// Text from elsewhere on one line: line breaks and runs of blanks become one blank.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !word.is_empty() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

/// `1 pod`, `2 pods`.
#[must_use]
pub fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let shown = |seconds| age(Duration::from_secs(seconds));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(59), "59s");
        assert_eq!(shown(60), "1m");
        assert_eq!(shown(3599), "59m");
        assert_eq!(shown(7200), "2h");
        assert_eq!(shown(7801), "2h10m");
        assert_eq!(shown(3660), "1h01m");
        assert_eq!(shown(273_600), "3d4h");
        assert_eq!(shown(86_400 * 41), "41d");
        assert_eq!(spoken(Duration::from_secs(7801)), "2 h 10 min");
    }

    #[test]
    fn memory_shares_one_unit_and_keeps_the_unknown() {
        let gib = Bytes::from_gib;
        assert_eq!(memory(Some(Bytes::from_mib(22_630)), gib(24)), "22.1/24Gi");
        assert_eq!(memory(Some(Bytes(0)), gib(141)), "0.0/141Gi");
        assert_eq!(memory(None, Bytes::from_mib(9728)), "–/9.5Gi");
    }

    #[test]
    fn power_changes_its_unit_when_it_gets_long() {
        assert_eq!(power(MilliWatts(1_912_000)), "1912W");
        assert_eq!(power(MilliWatts(12_400_000)), "12.4kW");
    }

    #[test]
    fn products_lose_the_maker_and_text_its_line_breaks() {
        assert_eq!(product("NVIDIA GeForce RTX 3090"), "RTX 3090");
        assert_eq!(product("NVIDIA A100-SXM4-80GB"), "A100-SXM4-80GB");
        assert_eq!(product("Tesla T4"), "T4");
        assert_eq!(one_line(" a\n\tb \u{1b}[31m c "), "a b [31m c");
        assert_eq!(
            (count(1, "pod"), count(0, "pod")),
            ("1 pod".into(), "0 pods".into())
        );
    }
}
