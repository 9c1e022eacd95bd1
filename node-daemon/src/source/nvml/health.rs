//! What error counters say about a card's health.

use gputop_model::{Failure, Health, Reading};

/// What the driver counts and knows of a card's memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// Uncorrectable ECC errors since the driver was loaded or the card reset.
    pub(super) uncorrected: Reading<u64>,
    /// Pages wait for retirement (before Ampere).
    pub(super) retirement_pending: Reading<bool>,
    /// Rows wait for remapping (Ampere and later).
    pub(super) remap_pending: Reading<bool>,
    /// Remapping has failed: no spare row is left.
    pub(super) remap_failed: Reading<bool>,
}

/// Health of a card that is (not) `lost`.
///
/// After NVIDIA's "GPU Memory Error Management": a failed row remapping is a reason to replace the
/// card; pending retirements and remappings take effect at the next reset.
pub(super) fn health(counters: &Counters, lost: bool) -> Reading<Health> {
    let sick = |why: &str| Reading::Value(Health::Sick { why: why.into() });
    let degraded = |why: String| Reading::Value(Health::Degraded { why });
    if lost {
        return sick("the GPU has fallen off the bus or needs a reset; reboot the machine");
    }
    if counters.remap_failed.get() == Some(true) {
        return sick("memory rows can no longer be remapped; the card should be replaced");
    }
    if let Some(count @ 1..) = counters.uncorrected.get() {
        let errors = if count == 1 { "error" } else { "errors" };
        return degraded(format!(
            "{count} uncorrectable memory {errors} since the last reset; reset the GPU"
        ));
    }
    if counters.remap_pending.get() == Some(true) {
        return degraded("memory rows wait to be remapped; reset the GPU".to_owned());
    }
    if counters.retirement_pending.get() == Some(true) {
        return degraded("memory pages wait for retirement; reset the GPU".to_owned());
    }
    match failure(counters) {
        Some(failure) => Reading::Failed(failure),
        None => Reading::Value(Health::Ok),
    }
}

/// A failure, when no counter could be read and one should have been. A card without any counter
/// answers, and no more is known of its health than that.
fn failure(counters: &Counters) -> Option<Failure> {
    fn of<T>(reading: &Reading<T>) -> Option<Failure> {
        match reading {
            Reading::Failed(failure) => Some(*failure),
            _ => None,
        }
    }
    let read = counters.uncorrected.known().is_some()
        || counters.retirement_pending.known().is_some()
        || counters.remap_pending.known().is_some();
    if read {
        return None;
    }
    of(&counters.uncorrected)
        .or_else(|| of(&counters.retirement_pending))
        .or_else(|| of(&counters.remap_pending))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Counters = Counters {
        uncorrected: Reading::Value(0),
        retirement_pending: Reading::Unsupported,
        remap_pending: Reading::Value(false),
        remap_failed: Reading::Value(false),
    };

    #[test]
    fn the_worst_is_said() {
        let level = |counters: &Counters| health(counters, false).known().map(Health::name);
        assert_eq!(level(&GOOD), Some("ok"));
        let errors = Counters {
            uncorrected: Reading::Value(2),
            ..GOOD
        };
        assert_eq!(level(&errors), Some("degraded"));
        let pending = Counters {
            remap_pending: Reading::Value(true),
            ..GOOD
        };
        assert_eq!(level(&pending), Some("degraded"));
        let failed = Counters {
            remap_failed: Reading::Value(true),
            ..errors
        };
        assert_eq!(level(&failed), Some("sick"));
        assert_eq!(health(&GOOD, true).known().map(Health::name), Some("sick"));
    }

    #[test]
    fn a_card_without_counters_is_not_known_to_be_ill() {
        let consumer = Counters {
            uncorrected: Reading::Unsupported,
            retirement_pending: Reading::Unsupported,
            remap_pending: Reading::Unsupported,
            remap_failed: Reading::Unsupported,
        };
        assert_eq!(health(&consumer, false), Reading::Value(Health::Ok));
    }

    #[test]
    fn what_could_not_be_asked_is_not_called_healthy() {
        let unread = Counters {
            uncorrected: Reading::Failed(Failure::NoPermission),
            ..Counters::default()
        };
        let expected = Reading::Failed(Failure::NoPermission);
        assert_eq!(health(&unread, false), expected);
    }
}
