//! Kubernetes quantities, in thousandths.

/// Reads `100m`, `2`, `1.5`, `256Mi`, `4G`, `1e3`; the result counts thousandths. `None` for
/// anything else.
pub(crate) fn parse_quantity(text: &str) -> Option<i128> {
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(at, letter)| {
            !(letter.is_ascii_digit() || *letter == '.' || (*at == 0 && "+-".contains(*letter)))
        })
        .map_or(text.len(), |(at, _)| at);
    let (number, suffix) = text.split_at(end);
    let (factor, divisor): (i128, i128) = match suffix {
        "" => (1000, 1),
        "m" => (1, 1),
        "u" => (1, 1000),
        "n" => (1, 1_000_000),
        "k" => (1_000_000, 1),
        "M" => (10_i128.pow(9), 1),
        "G" => (10_i128.pow(12), 1),
        "T" => (10_i128.pow(15), 1),
        "P" => (10_i128.pow(18), 1),
        "E" => (10_i128.pow(21), 1),
        "Ki" => (1000 << 10, 1),
        "Mi" => (1000 << 20, 1),
        "Gi" => (1000 << 30, 1),
        "Ti" => (1000 << 40, 1),
        "Pi" => (1000 << 50, 1),
        "Ei" => (1000 << 60, 1),
        other => {
            let exponent: u32 = other.strip_prefix(['e', 'E'])?.parse().ok()?;
            (10_i128.checked_pow(exponent.min(20) + 3)?, 1)
        }
    };
    let (negative, number) = match number.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, number.trim_start_matches('+')),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && decimals.is_empty() || decimals.len() > 9 || whole.len() > 18 {
        return None;
    }
    let scale = 10_i128.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let digits: i128 = format!("0{whole}{decimals}").parse().ok()?;
    let value = digits.checked_mul(factor)? / (scale * divisor);
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("100m", 100)]
    #[case("2", 2000)]
    #[case("1.5", 1500)]
    #[case("1Ki", 1_024_000)]
    #[case("256Mi", 268_435_456_000)]
    #[case("1e3", 1_000_000)]
    #[case("-1", -1000)]
    fn quantities(#[case] text: &str, #[case] thousandths: i128) {
        assert_eq!(parse_quantity(text), Some(thousandths));
    }

    #[rstest]
    #[case("")]
    #[case("m")]
    #[case("1 Gi")]
    #[case("1.2.3")]
    #[case("1KiB")]
    fn nonsense(#[case] text: &str) {
        assert_eq!(parse_quantity(text), None);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,30}") {
            let _ = parse_quantity(&text);
        }
    }
}
