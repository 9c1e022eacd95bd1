//! What a driver reports by itself: errors and changes, each with its meaning.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::GpuUuid;
use crate::xid::xid;

/// Something that the driver reported about a device, once or again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEvent {
    /// The physical GPU.
    pub device: GpuUuid,
    /// What was reported.
    pub kind: EventKind,
    /// When it was reported last, on the daemon's clock: time since its start.
    /// [`crate::NodeSnapshot::event_age`] makes an age of it.
    pub at: Duration,
    /// How often it was reported, 1 upwards. What happens all the time (clocks, power state) is
    /// counted at most once in 30 s.
    pub count: u32,
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// An error with NVIDIA's number.
    Xid(u32),
    /// A memory error was corrected.
    CorrectedEcc,
    /// A memory error was found and could not be corrected.
    UncorrectedEcc,
    /// Clock rates have changed.
    ClockChange,
    /// The performance state has changed.
    PowerStateChange,
    /// From battery to mains, or back.
    PowerSourceChange,
    /// MIG instances came or went.
    MigConfigChange,
}

/// What an event says about the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventSeverity {
    /// Nothing against the card: a program's own fault, or a change.
    Notice,
    /// It works, and needs attention.
    Degraded,
    /// It must not be given work.
    Sick,
}

impl EventSeverity {
    /// Stable name for JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Degraded => "degraded",
            Self::Sick => "sick",
        }
    }
}

impl EventKind {
    /// The kinds without a number.
    pub const PLAIN: [Self; 6] = [
        Self::CorrectedEcc,
        Self::UncorrectedEcc,
        Self::ClockChange,
        Self::PowerStateChange,
        Self::PowerSourceChange,
        Self::MigConfigChange,
    ];

    /// Stable name for JSON and the wire; an Xid's number is not in it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xid(_) => "xid",
            Self::CorrectedEcc => "corrected_ecc",
            Self::UncorrectedEcc => "uncorrected_ecc",
            Self::ClockChange => "clock_change",
            Self::PowerStateChange => "power_state_change",
            Self::PowerSourceChange => "power_source_change",
            Self::MigConfigChange => "mig_config_change",
        }
    }

    /// The kind with that name; `number` is an Xid's.
    #[must_use]
    pub fn from_name(name: &str, number: Option<u32>) -> Option<Self> {
        if name == "xid" {
            return number.map(Self::Xid);
        }
        Self::PLAIN.into_iter().find(|kind| kind.name() == name)
    }

    /// The number of an Xid.
    #[must_use]
    pub const fn xid_number(self) -> Option<u32> {
        match self {
            Self::Xid(number) => Some(number),
            _ => None,
        }
    }

    /// Whether it happens all the time and says little.
    #[must_use]
    pub const fn is_frequent(self) -> bool {
        matches!(self, Self::ClockChange | Self::PowerStateChange)
    }

    /// What it says about the card. An Xid that is not in the table degrades it: the driver
    /// reports by events what it holds for critical.
    #[must_use]
    pub fn severity(self) -> EventSeverity {
        match self {
            Self::Xid(number) => xid(number).map_or(EventSeverity::Degraded, |xid| xid.severity),
            Self::UncorrectedEcc => EventSeverity::Degraded,
            _ => EventSeverity::Notice,
        }
    }

    /// What has happened, in the operator's words: `Xid 79: the GPU has fallen off the bus`.
    #[must_use]
    pub fn meaning(self) -> Cow<'static, str> {
        match self {
            Self::Xid(number) => match xid(number) {
                Some(xid) => format!("Xid {number}: {}", xid.meaning).into(),
                None => format!("Xid {number}: an error that this version does not know").into(),
            },
            Self::CorrectedEcc => "a memory error was corrected".into(),
            Self::UncorrectedEcc => "a memory error could not be corrected".into(),
            Self::ClockChange => "the clock rates changed".into(),
            Self::PowerStateChange => "the performance state changed".into(),
            Self::PowerSourceChange => "the power source changed".into(),
            Self::MigConfigChange => "the MIG instances changed".into(),
        }
    }

    /// What to do, if anything.
    #[must_use]
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Xid(number) => Some(
                xid(number).map_or("look it up at docs.nvidia.com/deploy/xid-errors", |xid| {
                    xid.advice
                }),
            ),
            Self::UncorrectedEcc => Some("reset the GPU (nvidia-smi -r), or reboot"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_back() {
        for kind in EventKind::PLAIN {
            assert_eq!(EventKind::from_name(kind.name(), None), Some(kind));
        }
        let fallen = EventKind::Xid(79);
        assert_eq!(EventKind::from_name(fallen.name(), Some(79)), Some(fallen));
        assert_eq!(EventKind::from_name("xid", None), None);
        assert_eq!(EventKind::from_name("new", None), None);
    }

    #[test]
    fn an_event_says_what_it_means_and_what_to_do() {
        let fallen = EventKind::Xid(79);
        assert_eq!(fallen.severity(), EventSeverity::Sick);
        assert_eq!(fallen.meaning(), "Xid 79: the GPU has fallen off the bus");
        assert!(fallen.advice().unwrap().starts_with("reboot the machine"));
        assert_eq!(EventKind::ClockChange.severity(), EventSeverity::Notice);
        assert_eq!(EventKind::ClockChange.advice(), None);
    }

    #[test]
    fn an_unknown_error_is_not_called_harmless() {
        let unknown = EventKind::Xid(4711);
        assert_eq!(unknown.severity(), EventSeverity::Degraded);
        assert!(unknown.meaning().contains("4711"));
        assert!(unknown.advice().is_some());
    }
}
