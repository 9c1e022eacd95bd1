//! Deterministic noise: the same seed and time always give the same number.

/// 64 well-mixed bits from 64 bits (the finaliser of splitmix64, Steele, Lea and Flood 2014).
pub(super) const fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a, 64 bits: a hash of a text that never changes between releases.
pub(super) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A number in 0..1 that depends on `seed` and `n`.
pub(super) fn unit(seed: u64, n: u64) -> f64 {
    // 53 bits: what an f64 holds exactly.
    (mix(seed ^ mix(n)) >> 11) as f64 / (1u64 << 53) as f64
}

/// The number of the period of length `period` seconds that second `at` lies in, and how much of
/// it has passed, 0..1.
pub(super) fn period(at: f64, period: f64) -> (u64, f64) {
    let position = at.max(0.0) / period;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and far below 2^64 for any time in seconds"
    )]
    let number = position as u64;
    (number, position.fract())
}

/// A number in 0..1 that moves smoothly with `at` (seconds), from one value to the next in
/// `step` seconds.
pub(super) fn wave(seed: u64, at: f64, step: f64) -> f64 {
    let (number, passed) = period(at, step);
    let smooth = passed * passed * (3.0 - 2.0 * passed);
    let from = unit(seed, number);
    from + (unit(seed, number.wrapping_add(1)) - from) * smooth
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn noise_stays_within_its_range(seed: u64, at in 0.0..1.0e9, step in 0.1..1.0e4) {
            prop_assert!((0.0..1.0).contains(&unit(seed, 7)));
            prop_assert!((0.0..=1.0).contains(&wave(seed, at, step)));
        }

        #[test]
        fn a_wave_does_not_jump(seed: u64, at in 0.0..1.0e6) {
            let change = wave(seed, at, 10.0) - wave(seed, at + 0.1, 10.0);
            // The steepest slope of the smooth step is 1.5 a period.
            prop_assert!(change.abs() <= 0.016, "{change}");
        }
    }
}
