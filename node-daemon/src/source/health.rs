//! What error counters say about a card's health.

use gputop_model::{Ecc, Failure, Health, Reading};

/// Health of a card that is (not) `lost`, by its memory errors.
///
/// After NVIDIA's "GPU Memory Error Management": a failed row remapping is a reason to replace the
/// card; pending retirements and remappings take effect at the next reset.
pub(crate) fn health(ecc: &Ecc, lost: bool) -> Reading<Health> {
    let sick = |why: &str| Reading::Value(Health::Sick { why: why.into() });
    let degraded = |why: String| Reading::Value(Health::Degraded { why });
    if lost {
        return sick("the GPU has fallen off the bus or needs a reset; reboot the machine");
    }
    if ecc.remap_failure.get() == Some(true) {
        return sick("memory rows can no longer be remapped; the card should be replaced");
    }
    if let Some(count @ 1..) = ecc.volatile_uncorrected.get() {
        let errors = if count == 1 { "error" } else { "errors" };
        return degraded(format!(
            "{count} uncorrectable memory {errors} since the last reset; reset the GPU"
        ));
    }
    if ecc.remap_pending.get() == Some(true) {
        return degraded("memory rows wait to be remapped; reset the GPU".to_owned());
    }
    if ecc.retirement_pending.get() == Some(true) {
        return degraded("memory pages wait for retirement; reset the GPU".to_owned());
    }
    match failure(ecc) {
        Some(failure) => Reading::Failed(failure),
        None => Reading::Value(Health::Ok),
    }
}

/// A failure, when no counter could be read and one should have been. A card without any counter
/// answers, and no more is known of its health than that.
fn failure(ecc: &Ecc) -> Option<Failure> {
    fn of<T>(reading: &Reading<T>) -> Option<Failure> {
        match reading {
            Reading::Failed(failure) => Some(*failure),
            _ => None,
        }
    }
    let read = ecc.volatile_uncorrected.known().is_some()
        || ecc.retirement_pending.known().is_some()
        || ecc.remap_pending.known().is_some();
    if read {
        return None;
    }
    of(&ecc.volatile_uncorrected)
        .or_else(|| of(&ecc.retirement_pending))
        .or_else(|| of(&ecc.remap_pending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Ecc {
        Ecc {
            volatile_uncorrected: Reading::Value(0),
            remap_pending: Reading::Value(false),
            remap_failure: Reading::Value(false),
            ..Ecc::unsupported()
        }
    }

    #[test]
    fn the_worst_is_said() {
        let level = |ecc: &Ecc| health(ecc, false).known().map(Health::name);
        assert_eq!(level(&good()), Some("ok"));
        let errors = Ecc {
            volatile_uncorrected: Reading::Value(2),
            ..good()
        };
        assert_eq!(level(&errors), Some("degraded"));
        let pending = Ecc {
            remap_pending: Reading::Value(true),
            ..good()
        };
        assert_eq!(level(&pending), Some("degraded"));
        let failed = Ecc {
            remap_failure: Reading::Value(true),
            ..errors
        };
        assert_eq!(level(&failed), Some("sick"));
        assert_eq!(
            health(&good(), true).known().map(Health::name),
            Some("sick")
        );
    }

    #[test]
    fn errors_in_the_past_do_not_make_ill() {
        let old = Ecc {
            aggregate_uncorrected: Reading::Value(3),
            remapped_uncorrectable: Reading::Value(1),
            ..good()
        };
        assert_eq!(health(&old, false), Reading::Value(Health::Ok));
    }

    #[test]
    fn a_card_without_counters_is_not_known_to_be_ill() {
        let consumer = Ecc::unsupported();
        assert_eq!(health(&consumer, false), Reading::Value(Health::Ok));
    }

    #[test]
    fn what_could_not_be_asked_is_not_called_healthy() {
        let unread = Ecc {
            volatile_uncorrected: Reading::Failed(Failure::NoPermission),
            ..Ecc::default()
        };
        let expected = Reading::Failed(Failure::NoPermission);
        assert_eq!(health(&unread, false), expected);
    }
}
