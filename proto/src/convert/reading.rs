//! `optional` fields plus a list of reasons ⇄ [`Reading`].

use std::time::Duration;

use gputop_model::{Failure, Reading};

use crate::pb;
use crate::pb::not_fresh::{Code, Kind};

/// Collects the reasons while a message is written.
#[derive(Default)]
pub(super) struct Reasons(Vec<pb::NotFresh>);

impl Reasons {
    /// The optional field for `reading`; notes why it is missing or not fresh.
    pub(super) fn put<T, W>(
        &mut self,
        metric: &str,
        reading: &Reading<T>,
        to_wire: impl FnOnce(&T) -> W,
    ) -> Option<W> {
        let note = |kind: Kind, code, other_code, age_ms| pb::NotFresh {
            metric: metric.to_owned(),
            kind: kind.into(),
            code,
            other_code,
            age_ms,
        };
        match reading {
            Reading::Value(value) => Some(to_wire(value)),
            Reading::Stale { value, age } => {
                self.0.push(note(Kind::Stale, 0, 0, millis(*age)));
                Some(to_wire(value))
            }
            Reading::Unsupported => {
                self.0.push(note(Kind::Unsupported, 0, 0, 0));
                None
            }
            // The default: absent without an entry means the same and is shorter.
            Reading::Failed(Failure::NotMeasured) => None,
            Reading::Failed(failure) => {
                let (code, other) = code(*failure);
                self.0.push(note(Kind::Failed, code.into(), other, 0));
                None
            }
        }
    }

    /// The list for the message.
    pub(super) fn into_list(self) -> Vec<pb::NotFresh> {
        self.0
    }
}

/// The reading behind an optional field and the message's list of reasons.
pub(super) fn take<T>(metric: &str, value: Option<T>, reasons: &[pb::NotFresh]) -> Reading<T> {
    let reason = reasons.iter().find(|reason| reason.metric == metric);
    match (value, reason) {
        (Some(value), Some(reason)) if reason.kind() == Kind::Stale => Reading::Stale {
            value,
            age: Duration::from_millis(reason.age_ms),
        },
        (Some(value), _) => Reading::Value(value),
        (None, Some(reason)) if reason.kind() == Kind::Unsupported => Reading::Unsupported,
        (None, Some(reason)) => Reading::Failed(failure(reason)),
        (None, None) => Reading::default(),
    }
}

/// The code of a reading that was sent and makes no sense.
const OUT_OF_RANGE: u32 = 1;

/// The reading with `f` applied. A value for which it has no answer costs that reading only.
pub(super) fn checked<T, U>(reading: Reading<T>, f: impl FnOnce(&T) -> Option<U>) -> Reading<U> {
    match reading.map(|value| f(&value)) {
        Reading::Value(Some(value)) => Reading::Value(value),
        Reading::Stale {
            value: Some(value),
            age,
        } => Reading::Stale { value, age },
        Reading::Value(None) | Reading::Stale { value: None, .. } => {
            Reading::Failed(Failure::Other(OUT_OF_RANGE))
        }
        Reading::Unsupported => Reading::Unsupported,
        Reading::Failed(failure) => Reading::Failed(failure),
    }
}

/// Whole milliseconds, saturating.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn code(failure: Failure) -> (Code, u32) {
    match failure {
        Failure::NotMeasured => (Code::NotMeasured, 0),
        Failure::NoPermission => (Code::NoPermission, 0),
        Failure::Timeout => (Code::Timeout, 0),
        Failure::GpuLost => (Code::GpuLost, 0),
        Failure::NotFound => (Code::NotFound, 0),
        Failure::Other(number) => (Code::Other, number),
    }
}

fn failure(reason: &pb::NotFresh) -> Failure {
    match reason.code() {
        Code::NotMeasured | Code::Unspecified => Failure::NotMeasured,
        Code::NoPermission => Failure::NoPermission,
        Code::Timeout => Failure::Timeout,
        Code::GpuLost => Failure::GpuLost,
        Code::NotFound => Failure::NotFound,
        Code::Other => Failure::Other(reason.other_code),
    }
}
