//! Power and temperature of a simulated card, from its load.

use std::time::Duration;

use gputop_model::{Celsius, MilliWatts, ThrottleReason};

use super::noise::{unit, wave};

/// Time constant of the cooler: after this time 63 % of a change in temperature is done.
const INERTIA: Duration = Duration::from_secs(40);

/// What one card is like; follows from its seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Card {
    seed: u64,
    /// Power of the idle card as a share of the limit: 6 to 12 %.
    idle_share: f64,
    /// Temperature with no power at all: 27 to 33 °C.
    ambient: f64,
    /// What the full limit adds to that: 38 to 50 °C.
    rise: f64,
}

/// Thermal memory of a card.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heat {
    at: Duration,
    celsius: f64,
}

impl Card {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            idle_share: 0.06 + 0.06 * unit(seed, 21),
            ambient: 27.0 + 6.0 * unit(seed, 22),
            rise: 38.0 + 12.0 * unit(seed, 23),
        }
    }

    /// Power drawn and whether the limit holds it back. `demand`: 0 idle, 1 what the limit just
    /// allows, above 1 more than that.
    pub(super) fn power(
        &self,
        demand: f64,
        limit: MilliWatts,
        now: Duration,
    ) -> (MilliWatts, Vec<ThrottleReason>) {
        let jitter = 0.985 + 0.03 * wave(self.seed, now.as_secs_f64(), 1.5);
        let wanted = (self.idle_share + (1.0 - self.idle_share) * demand) * jitter;
        let throttled = wanted >= 1.0;
        // A capped card hovers just below its limit.
        let drawn = wanted.min(0.99 + 0.01 * wave(self.seed ^ 1, now.as_secs_f64(), 1.0));
        let reasons = if throttled {
            vec![ThrottleReason::SoftwarePowerCap]
        } else {
            Vec::new()
        };
        (MilliWatts(share_of(limit.0, drawn)), reasons)
    }

    /// Temperature after drawing `power` since the last call; a first call finds the card settled.
    pub(super) fn temperature(
        &self,
        heat: &mut Option<Heat>,
        power: MilliWatts,
        limit: MilliWatts,
        now: Duration,
    ) -> Celsius {
        let share = f64::from(power.0) / f64::from(limit.0.max(1));
        let target = self.ambient + self.rise * share;
        let celsius = match *heat {
            None => target,
            Some(before) => {
                let passed = now.saturating_sub(before.at).as_secs_f64();
                let done = 1.0 - (-passed / INERTIA.as_secs_f64()).exp();
                before.celsius + (target - before.celsius) * done
            }
        };
        *heat = Some(Heat { at: now, celsius });
        #[expect(clippy::cast_possible_truncation, reason = "20..100 by construction")]
        let whole = celsius.round() as i32;
        Celsius(whole)
    }
}

/// `share` (0..=1) of `whole`, rounded.
fn share_of(whole: u32, share: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a u32 is a u32; float casts saturate"
    )]
    let part = (f64::from(whole) * share.clamp(0.0, 1.0)).round() as u32;
    part
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: MilliWatts = MilliWatts(350_000);

    proptest! {
        #[test]
        fn power_lies_between_idle_and_the_limit(
            seed: u64, demand in 0.0..2.0, seconds in 0u64..1_000_000,
        ) {
            let (power, reasons) = Card::new(seed).power(demand, LIMIT, Duration::from_secs(seconds));
            prop_assert!(power <= LIMIT);
            prop_assert!(power >= MilliWatts(LIMIT.0 / 20));
            // Throttling is said when, and only when, the card is at its limit.
            if !reasons.is_empty() {
                prop_assert!(power.0 >= LIMIT.0 / 100 * 98);
            }
        }

        #[test]
        fn temperature_moves_towards_its_target_and_does_not_overshoot(
            seed: u64, share in 0.0..=1.0, steps in 1u64..600,
        ) {
            let card = Card::new(seed);
            let mut heat = None;
            let cold = card.temperature(&mut heat, MilliWatts(0), LIMIT, Duration::ZERO);
            let power = MilliWatts(share_of(LIMIT.0, share));
            let mut last = cold;
            for second in 1..=steps {
                let next = card.temperature(&mut heat, power, LIMIT, Duration::from_secs(second));
                prop_assert!(next >= last);
                prop_assert!(next.0 - last.0 <= 2, "jumps from {last} to {next}");
                last = next;
            }
            prop_assert!(last.0 <= 84);
        }
    }

    #[test]
    fn a_card_that_wants_more_than_its_limit_throttles() {
        let card = Card::new(7);
        let now = Duration::from_secs(5);
        let (_, reasons) = card.power(1.1, LIMIT, now);
        assert_eq!(reasons, [ThrottleReason::SoftwarePowerCap]);
        assert_eq!(card.power(0.5, LIMIT, now).1, []);
    }
}
