//! What a card has: links, instances, processes, events.

use serde::{Deserialize, Serialize};

use super::Text;

/// A link to another card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// It is up.
    pub active: bool,
    /// Errors of flow control's check sums.
    pub crc: u64,
    /// Replays.
    pub replay: u64,
    /// Recoveries.
    pub recovery: u64,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            active: true,
            crc: 0,
            replay: 0,
            recovery: 0,
        }
    }
}

/// A MIG instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mig {
    /// Its place among the card's slots; absent: its place in the list.
    pub slot: Option<u32>,
    /// Absent: made from the card's and its own place.
    pub uuid: Option<Text>,
    /// Its size in NVIDIA's spelling.
    pub profile: String,
    /// Id of the GPU instance.
    pub gi: u32,
    /// Id of the compute instance.
    pub ci: u32,
    /// Slices of the card.
    pub slices: u32,
    /// Memory, MiB.
    pub memory_total_mib: u64,
    /// Of which is used, MiB.
    pub memory_used_mib: u64,
}

impl Default for Mig {
    fn default() -> Self {
        Self {
            slot: None,
            uuid: None,
            profile: "1g.10gb".to_owned(),
            gi: 7,
            ci: 0,
            slices: 1,
            memory_total_mib: 9_856,
            memory_used_mib: 0,
        }
    }
}

impl Mig {
    /// The UUID of the instance at `place` of the card at `card` in the list.
    pub(crate) fn uuid_at(&self, card: usize, place: usize) -> Text {
        let made = || {
            let (card, place) = (card + 1, place + 1);
            Text::Plain(format!("MIG-6a2d0f3c-1b4e-5c6d-9f00-{card:06}{place:06}"))
        };
        self.uuid.clone().unwrap_or_else(made)
    }
}

/// A process on a card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Process {
    /// As the driver sees it.
    pub pid: u32,
    /// In the list of compute processes.
    pub compute: bool,
    /// In the list of graphics processes.
    pub graphics: bool,
    /// In the list of MPS clients.
    pub mps: bool,
    /// Memory that it holds, MiB; absent: the driver does not say.
    pub memory_mib: Option<u64>,
    /// Share of the multiprocessors, per cent; absent: the driver has no new sample.
    pub sm: Option<u32>,
    /// Share of the memory's bandwidth, per cent.
    pub memory: u32,
    /// Share of the encoder, per cent.
    pub encoder: u32,
    /// Share of the decoder, per cent.
    pub decoder: u32,
    /// Ids of its GPU instance and compute instance.
    pub instance: Option<(u32, u32)>,
}

impl Process {
    /// A compute process with a gibibyte.
    #[must_use]
    pub fn compute(pid: u32) -> Self {
        Self {
            pid,
            compute: true,
            memory_mib: Some(1024),
            ..Self::default()
        }
    }
}

/// Something that the driver reports by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Tells it from the card's other events.
    pub id: u64,
    /// What kind of event.
    pub kind: EventType,
    /// The Xid, for one.
    #[serde(default)]
    pub data: u64,
}

impl Event {
    /// An Xid error.
    #[must_use]
    pub const fn xid(id: u64, number: u64) -> Self {
        Self {
            id,
            kind: EventType::Xid,
            data: number,
        }
    }
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// Memory error that was corrected.
    SingleBitEcc,
    /// Memory error that could not be corrected.
    DoubleBitEcc,
    /// The performance state has changed.
    PState,
    /// An Xid error.
    Xid,
    /// The clocks have changed.
    Clock,
    /// Battery or mains.
    PowerSource,
    /// MIG instances have changed.
    MigConfig,
}

impl EventType {
    /// All of them, as NVML's bits.
    pub(crate) const ALL: u64 = 1 | 2 | 4 | 8 | 16 | 0x80 | 0x100;

    /// NVML's bit.
    pub(crate) const fn bit(self) -> u64 {
        match self {
            Self::SingleBitEcc => 1,
            Self::DoubleBitEcc => 2,
            Self::PState => 4,
            Self::Xid => 8,
            Self::Clock => 16,
            Self::PowerSource => 0x80,
            Self::MigConfig => 0x100,
        }
    }
}
