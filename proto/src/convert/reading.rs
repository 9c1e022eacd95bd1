//! `optional` fields plus a list of reasons ⇄ [`Reading`], whole or as what has changed.

use std::time::Duration;

use gputop_model::{Failure, Reading};

use crate::pb;
use crate::pb::not_fresh::{Code, Kind};

/// What the client has already of the thing that a message is about.
#[derive(Debug)]
pub(crate) enum Before<'a, T> {
    /// Nothing: the message is whole, and what is absent is not measured.
    Nothing,
    /// Before protocol 1: the message is whole but for its groups, and one that is absent is as in
    /// this.
    Groups(&'a T),
    /// From protocol 1 on: what is absent is as in this, and by so much older.
    All(&'a T, Duration),
}

impl<'a, T> Before<'a, T> {
    /// All of `item`, if the client has it.
    pub(crate) fn known(item: Option<&'a T>, elapsed: Duration) -> Self {
        item.map_or(Self::Nothing, |item| Self::All(item, elapsed))
    }
}

impl<T> Clone for Before<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Before<'_, T> {}

/// Readings that are sent together as a message of their own.
pub(crate) trait Group: Clone + Default + PartialEq {
    /// The message; an empty one says nothing.
    type Wire: Default + PartialEq;

    /// The message for a client that has `before`.
    fn write(&self, before: Before<'_, Self>) -> Self::Wire;

    /// The group that a client which has `before` is told of.
    fn read(wire: Self::Wire, before: Before<'_, Self>) -> Self;
}

/// Writes the readings of one message.
pub(crate) struct Writer<'a, M> {
    now: &'a M,
    before: Before<'a, M>,
    reasons: Vec<pb::NotFresh>,
}

impl<'a, M> Writer<'a, M> {
    pub(crate) fn new(now: &'a M, before: Before<'a, M>) -> Self {
        let reasons = Vec::new();
        Self {
            now,
            before,
            reasons,
        }
    }

    /// The optional field for a reading; notes why it is missing or not fresh.
    pub(crate) fn put<T: PartialEq, W>(
        &mut self,
        metric: &str,
        field: impl Fn(&M) -> &Reading<T>,
        to_wire: impl FnOnce(&T) -> W,
    ) -> Option<W> {
        self.put_unless(metric, field, is_expected, to_wire)
    }

    /// The same for a time that grows by itself, but from zero.
    pub(crate) fn put_idle(
        &mut self,
        metric: &str,
        field: impl Fn(&M) -> &Reading<Duration>,
    ) -> Option<u64> {
        self.put_unless(metric, field, is_expected_idle, |time| millis(*time))
    }

    fn put_unless<T, W>(
        &mut self,
        metric: &str,
        field: impl Fn(&M) -> &Reading<T>,
        is_expected: impl Fn(&Reading<T>, &Reading<T>, Duration) -> bool,
        to_wire: impl FnOnce(&T) -> W,
    ) -> Option<W> {
        let reading = field(self.now);
        let changes = matches!(self.before, Before::All(..));
        if let Before::All(before, elapsed) = self.before
            && is_expected(field(before), reading, elapsed)
        {
            return None;
        }
        let mut note = |kind: Kind, code: Code, other_code, age_ms| {
            self.reasons.push(pb::NotFresh {
                metric: metric.to_owned(),
                kind: kind.into(),
                code: code.into(),
                other_code,
                age_ms,
            });
        };
        match reading {
            Reading::Value(value) => Some(to_wire(value)),
            Reading::Stale { value, age } => {
                note(Kind::Stale, Code::Unspecified, 0, millis(*age));
                Some(to_wire(value))
            }
            Reading::Unsupported => {
                note(Kind::Unsupported, Code::Unspecified, 0, 0);
                None
            }
            // In a whole message, absent without an entry means the same and is shorter.
            Reading::Failed(Failure::NotMeasured) if !changes => None,
            Reading::Failed(failure) => {
                let (code, other) = code(*failure);
                note(Kind::Failed, code, other, 0);
                None
            }
        }
    }

    /// The message of a group, unless the client knows it.
    pub(crate) fn group<G: Group>(&self, field: impl Fn(&M) -> &G) -> Option<G::Wire> {
        let now = field(self.now);
        match self.before {
            Before::Nothing => Some(now.write(Before::Nothing)),
            Before::Groups(before) => (field(before) != now).then(|| now.write(Before::Nothing)),
            Before::All(before, elapsed) => {
                let wire = now.write(Before::All(field(before), elapsed));
                (wire != G::Wire::default()).then_some(wire)
            }
        }
    }

    /// The list for the message.
    pub(crate) fn into_reasons(self) -> Vec<pb::NotFresh> {
        self.reasons
    }
}

/// Reads the readings of one message.
pub(crate) struct Reader<'a, M> {
    reasons: &'a [pb::NotFresh],
    before: Before<'a, M>,
}

impl<'a, M> Reader<'a, M> {
    pub(crate) const fn new(reasons: &'a [pb::NotFresh], before: Before<'a, M>) -> Self {
        Self { reasons, before }
    }

    /// The reading behind an optional field and the list of reasons.
    pub(crate) fn take<T: Clone, W>(
        &self,
        metric: &str,
        value: Option<W>,
        field: impl Fn(&M) -> &Reading<T>,
        from_wire: impl FnOnce(Reading<W>) -> Reading<T>,
    ) -> Reading<T> {
        self.said(metric, value).map_or_else(
            || self.unsaid(field, |before, elapsed| later(before, elapsed)),
            from_wire,
        )
    }

    /// The same for a time that grows by itself, but from zero.
    pub(crate) fn take_idle(
        &self,
        metric: &str,
        value: Option<u64>,
        field: impl Fn(&M) -> &Reading<Duration>,
    ) -> Reading<Duration> {
        self.said(metric, value).map_or_else(
            || self.unsaid(field, later_idle),
            |reading| reading.map(Duration::from_millis),
        )
    }

    /// The group that was sent, or what is left of the one before.
    pub(crate) fn group<G: Group>(&self, wire: Option<G::Wire>, field: impl Fn(&M) -> &G) -> G {
        match (wire, self.before) {
            (wire, Before::All(before, elapsed)) => {
                let before = Before::All(field(before), elapsed);
                G::read(wire.unwrap_or_default(), before)
            }
            (Some(wire), _) => G::read(wire, Before::Nothing),
            (None, Before::Groups(before)) => field(before).clone(),
            (None, Before::Nothing) => G::default(),
        }
    }

    fn unsaid<T>(
        &self,
        field: impl Fn(&M) -> &Reading<T>,
        later: impl FnOnce(&Reading<T>, Duration) -> Reading<T>,
    ) -> Reading<T> {
        match self.before {
            Before::All(before, elapsed) => later(field(before), elapsed),
            Before::Nothing | Before::Groups(_) => Reading::default(),
        }
    }

    /// What the message says of `metric`; `None`: nothing.
    fn said<W>(&self, metric: &str, value: Option<W>) -> Option<Reading<W>> {
        let reason = self.reasons.iter().find(|reason| reason.metric == metric);
        Some(match (value, reason) {
            (Some(value), Some(reason)) if reason.kind() == Kind::Stale => Reading::Stale {
                value,
                age: Duration::from_millis(reason.age_ms),
            },
            (Some(value), _) => Reading::Value(value),
            (None, Some(reason)) if reason.kind() == Kind::Unsupported => Reading::Unsupported,
            (None, Some(reason)) => Reading::Failed(failure(reason)),
            (None, None) => return None,
        })
    }
}

/// Whether a client that has `before` expects `now` after that time without being told. Times are
/// compared as the wire has them, in whole milliseconds.
pub(crate) fn is_expected<T: PartialEq>(
    before: &Reading<T>,
    now: &Reading<T>,
    elapsed: Duration,
) -> bool {
    match (before, now) {
        (Reading::Stale { value: a, age: old }, Reading::Stale { value: b, age: new }) => {
            a == b && grown(*old, elapsed) == millis(*new)
        }
        _ => before == now,
    }
}

/// What the client makes of a reading that it is told nothing about.
pub(crate) fn later<T: Clone>(before: &Reading<T>, elapsed: Duration) -> Reading<T> {
    match before {
        Reading::Stale { value, age } => Reading::Stale {
            value: value.clone(),
            age: age.saturating_add(elapsed),
        },
        other => other.clone(),
    }
}

fn is_expected_idle(
    before: &Reading<Duration>,
    now: &Reading<Duration>,
    elapsed: Duration,
) -> bool {
    match (before, now) {
        (Reading::Value(old), Reading::Value(new)) if millis(*old) > 0 => {
            grown(*old, elapsed) == millis(*new)
        }
        (Reading::Value(old), Reading::Value(new)) => millis(*old) == millis(*new),
        _ => is_expected(before, now, elapsed),
    }
}

fn later_idle(before: &Reading<Duration>, elapsed: Duration) -> Reading<Duration> {
    match before {
        Reading::Value(time) if !time.is_zero() => Reading::Value(time.saturating_add(elapsed)),
        other => later(other, elapsed),
    }
}

fn grown(time: Duration, elapsed: Duration) -> u64 {
    millis(time).saturating_add(millis(elapsed))
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
