//! What drivers reported: the recent past, and what it says about each card.

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{DeviceEvent, EventKind, EventSeverity, GpuUuid, Health, Reading};

/// Most entries; each device and kind has one.
const MOST: usize = 64;

/// What happens all the time is noted at most this often.
const FREQUENT: Duration = Duration::from_secs(30);

/// The events of a node's cards.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    /// Oldest first.
    recent: Vec<DeviceEvent>,
    /// The gravest event of each card since its driver was loaded.
    gravest: BTreeMap<GpuUuid, EventKind>,
}

impl EventLog {
    /// Notes that the driver reported `kind` about `device` at `at`, on the daemon's clock.
    pub(crate) fn note(&mut self, device: &GpuUuid, kind: EventKind, at: Duration) {
        // What clients get over the wire is not finer than this.
        let at = whole_millis(at);
        let known = |event: &DeviceEvent| event.device == *device && event.kind == kind;
        let old = self.recent.iter().position(known);
        let mut count = 1;
        if let Some(position) = old {
            let old = &self.recent[position];
            if kind.is_frequent() && at < old.at + FREQUENT {
                return;
            }
            count = old.count.saturating_add(1);
            self.recent.remove(position);
        } else if self.recent.len() == MOST {
            self.recent.remove(0);
        }
        self.recent.push(DeviceEvent {
            device: device.clone(),
            kind,
            at,
            count,
        });
        let gravest = self.gravest.entry(device.clone()).or_insert(kind);
        if kind.severity() > gravest.severity() {
            *gravest = kind;
        }
    }

    /// What was reported lately, oldest first.
    pub(crate) fn recent(&self) -> Vec<DeviceEvent> {
        self.recent.clone()
    }

    /// What the events say about a card, together with what is known of it otherwise.
    pub(crate) fn judge(&self, device: &GpuUuid, health: Reading<Health>) -> Reading<Health> {
        let Some(kind) = self.gravest.get(device) else {
            return health;
        };
        let why = || match kind.advice() {
            Some(advice) => format!("{}; {advice}", kind.meaning()),
            None => kind.meaning().into_owned(),
        };
        let reported = match kind.severity() {
            EventSeverity::Notice => return health,
            EventSeverity::Degraded => Health::Degraded { why: why() },
            EventSeverity::Sick => Health::Sick { why: why() },
        };
        match health {
            Reading::Value(own) => Reading::Value(own.worse(reported)),
            Reading::Stale { value, age } => Reading::Stale {
                value: value.worse(reported),
                age,
            },
            // Nothing else is known of it.
            Reading::Unsupported | Reading::Failed(_) => Reading::Value(reported),
        }
    }

    /// Forgets what ailed the cards: their driver was loaded anew, which resets them.
    pub(crate) fn forget_health(&mut self) {
        self.gravest.clear();
    }
}

/// Without what is smaller than a millisecond.
pub(crate) fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use gputop_model::Failure;

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn gpu(number: u32) -> GpuUuid {
        format!("GPU-{number}").into()
    }

    #[test]
    fn repeats_are_counted_and_come_last() {
        let mut log = EventLog::default();
        log.note(&gpu(0), EventKind::Xid(31), s(1));
        log.note(&gpu(0), EventKind::Xid(43), s(2));
        log.note(&gpu(0), EventKind::Xid(31), s(3));
        let seen: Vec<_> = log
            .recent()
            .iter()
            .map(|e| (e.kind, e.at, e.count))
            .collect();
        assert_eq!(
            seen,
            [(EventKind::Xid(43), s(2), 1), (EventKind::Xid(31), s(3), 2)]
        );
    }

    #[test]
    fn what_happens_all_the_time_makes_little_noise() {
        let mut log = EventLog::default();
        for second in 0..60 {
            log.note(&gpu(0), EventKind::PowerStateChange, s(second));
        }
        let recent = log.recent();
        assert_eq!((recent[0].count, recent[0].at), (2, s(30)));
    }

    #[test]
    fn the_past_is_bounded_and_the_verdict_outlives_it() {
        let mut log = EventLog::default();
        log.note(&gpu(0), EventKind::Xid(79), s(0));
        for number in 0..200 {
            log.note(&gpu(1), EventKind::Xid(1000 + number), s(1));
        }
        assert_eq!(log.recent().len(), MOST);
        assert!(log.recent().iter().all(|event| event.device == gpu(1)));
        let judged = log.judge(&gpu(0), Health::Ok.into());
        assert_eq!(judged.known().map(Health::name), Some("sick"));
    }

    #[test]
    fn a_programs_fault_is_not_the_cards() {
        let mut log = EventLog::default();
        for xid in [13, 31, 43, 45] {
            log.note(&gpu(0), EventKind::Xid(xid), s(1));
        }
        assert_eq!(
            log.judge(&gpu(0), Health::Ok.into()),
            Reading::Value(Health::Ok)
        );
    }

    #[test]
    fn the_gravest_event_counts_until_the_driver_is_loaded_anew() {
        let mut log = EventLog::default();
        log.note(&gpu(0), EventKind::Xid(94), s(1));
        let level = |log: &EventLog, health: Reading<Health>| {
            log.judge(&gpu(0), health).known().map(Health::name)
        };
        assert_eq!(level(&log, Health::Ok.into()), Some("degraded"));
        log.note(&gpu(0), EventKind::Xid(48), s(2));
        log.note(&gpu(0), EventKind::Xid(63), s(3));
        let judged = log.judge(&gpu(0), Health::Ok.into());
        let why = judged.known().and_then(Health::why).unwrap();
        assert!(why.starts_with("Xid 48: "), "{why}");
        assert!(why.contains("nvidia-smi -r"), "says what to do: {why}");
        // What could not be read does not hide it.
        let unread = Reading::Failed(Failure::Timeout);
        assert_eq!(level(&log, unread.clone()), Some("sick"));
        // The other card is not concerned.
        assert_eq!(log.judge(&gpu(1), unread.clone()), unread);
        log.forget_health();
        assert_eq!(level(&log, Health::Ok.into()), Some("ok"));
        assert_eq!(log.recent().len(), 3, "the past stays");
    }
}
