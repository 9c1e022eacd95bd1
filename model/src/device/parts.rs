//! What is measured and known of a device besides the essentials, in groups.
//!
//! How often the daemon asks for what is in its documentation of the tiers
//! (`node-daemon/src/source/tiers.rs`): clocks and the state of the PCIe link with every sample,
//! counters that are dear to read every 30 s, properties every five minutes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::group::readings;
use crate::{Bytes, BytesPerSecond, Celsius, MegaHertz, MilliWatts, Percent};

readings! {
    /// Clock rates.
    Clocks {
        /// Of the streaming multiprocessors (and of graphics) now.
        measured sm: MegaHertz,
        /// Of the memory now.
        measured memory: MegaHertz,
        /// The highest that the multiprocessors can have.
        fixed sm_max: MegaHertz,
        /// The highest that the memory can have.
        fixed memory_max: MegaHertz,
    }
}

readings! {
    /// The video engines; missing on cards without them.
    Video {
        /// Share of the last sample period in which the encoder worked.
        measured encoder: Percent,
        /// Share of the last sample period in which the decoder worked.
        measured decoder: Percent,
    }
}

readings! {
    /// What the multiprocessors do, counted by the hardware (GPM: Hopper and later). Utilization
    /// says that some kernel ran; this says how much of the card it kept busy.
    Activity {
        /// Share of time in which a multiprocessor had work, over all of them.
        measured sm_active: Percent,
        /// Resident warps, of as many as there could be.
        measured sm_occupancy: Percent,
        /// Share of time in which the tensor cores worked.
        measured tensor: Percent,
        /// Memory bandwidth in use, of what the card can do.
        measured memory_bandwidth: Percent,
    }
}

readings! {
    /// What goes over the PCIe link; asked only while somebody looks, for it takes 21 ms a direction.
    Traffic {
        /// To the card.
        measured pcie_receive: BytesPerSecond,
        /// From the card.
        measured pcie_transmit: BytesPerSecond,
    }
}

readings! {
    /// Heat besides the core's temperature, and what is done about it.
    Thermal {
        /// Temperature of the memory.
        measured memory: Celsius,
        /// Speed of the fastest fan, of its highest; unsupported: the card has no fan of its own.
        measured fan: Percent,
        /// Core temperature up to which the card is meant to run.
        fixed max_operating: Celsius,
        /// Core temperature at which the hardware halves the clocks.
        fixed slowdown: Celsius,
        /// Core temperature at which the card switches itself off.
        fixed shutdown: Celsius,
        /// Memory temperature at which the driver holds the clocks back.
        fixed memory_max: Celsius,
    }
}

readings! {
    /// Memory besides what programs hold.
    MemoryDetail {
        /// Frame buffer that driver and firmware keep; not part of what is used.
        measured reserved: Bytes,
        /// What is mapped through the PCIe window.
        measured bar1_used: Bytes,
        /// Size of that window.
        fixed bar1_total: Bytes,
    }
}

readings! {
    /// Memory errors and what was done about them. Volatile counts start anew with the driver,
    /// aggregate ones are kept on the card.
    Ecc {
        /// Whether errors are corrected at all.
        fixed enabled: bool,
        /// Corrected since the driver was loaded.
        measured volatile_corrected: u64,
        /// Found and not corrected since the driver was loaded.
        measured volatile_uncorrected: u64,
        /// Corrected in the card's life.
        measured aggregate_corrected: u64,
        /// Found and not corrected in the card's life.
        measured aggregate_uncorrected: u64,
        /// Pages retired after several single-bit errors (before Ampere).
        measured retired_single_bit: u32,
        /// Pages retired after a double-bit error (before Ampere).
        measured retired_double_bit: u32,
        /// Pages wait for retirement at the next reset (before Ampere).
        measured retirement_pending: bool,
        /// Rows remapped after correctable errors (Ampere and later).
        measured remapped_correctable: u32,
        /// Rows remapped after uncorrectable errors (Ampere and later).
        measured remapped_uncorrectable: u32,
        /// Rows wait to be remapped at the next reset (Ampere and later).
        measured remap_pending: bool,
        /// Remapping has failed: no spare row is left (Ampere and later).
        measured remap_failure: bool,
    }
}

readings! {
    /// Links to other GPUs and switches.
    NvLink {
        /// Links that the card has.
        fixed links: u32,
        /// Links that are up.
        measured active: u32,
        /// Checksum errors on all links since the driver was loaded.
        measured crc_errors: u64,
        /// Transfers that were repeated.
        measured replay_errors: u64,
        /// Times that a link had to be brought up again.
        measured recovery_errors: u64,
    }
}

readings! {
    /// Within which bounds the power limit can be set.
    PowerLimits {
        /// As the card comes.
        fixed default: MilliWatts,
        /// The lowest.
        fixed min: MilliWatts,
        /// The highest.
        fixed max: MilliWatts,
    }
}

readings! {
    /// Which card this is, and where.
    Identity {
        /// Number on the board's label.
        fixed serial: String,
        /// Version of the video BIOS.
        fixed vbios: String,
        /// Place on the PCI bus, `00000000:01:00.0`.
        fixed pci_bus_id: String,
        /// The NUMA node that it is nearest to.
        fixed numa_node: u32,
    }
}

readings! {
    /// How the card is set up.
    Settings {
        /// The driver stays loaded without a client.
        fixed persistence: bool,
        /// Who may use the card at a time.
        fixed compute_mode: ComputeMode,
    }
}

/// Where a device's memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MemoryKind {
    /// On the card.
    Dedicated,
    /// The machine's own, shared with the processor (Jetson, GB10): the driver counts no frame
    /// buffer, only what each process holds.
    Unified,
}

impl MemoryKind {
    /// One word for the screen, for JSON and for the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dedicated => "dedicated",
            Self::Unified => "unified",
        }
    }

    /// The kind with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Dedicated, Self::Unified]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// Who may use a card at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ComputeMode {
    /// Many processes.
    Default,
    /// One process, from one thread.
    ExclusiveThread,
    /// Nobody.
    Prohibited,
    /// One process.
    ExclusiveProcess,
}

impl ComputeMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [
        Self::Default,
        Self::ExclusiveThread,
        Self::Prohibited,
        Self::ExclusiveProcess,
    ];

    /// Stable name for JSON and the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::ExclusiveThread => "exclusive_thread",
            Self::Prohibited => "prohibited",
            Self::ExclusiveProcess => "exclusive_process",
        }
    }

    /// The mode with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// Performance state: 0 is full speed, 15 the deepest rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PState(pub u8);

impl fmt::Display for PState {
    /// `P0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("P{}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Failure, Reading};

    #[test]
    fn measurements_age_and_properties_do_not() {
        let clocks = Clocks {
            sm: MegaHertz(1200).into(),
            sm_max: MegaHertz(1980).into(),
            ..Clocks::default()
        };
        let aged = clocks.clone().aged(Duration::from_secs(3));
        assert_eq!(aged.sm.age(), Some(Duration::from_secs(3)));
        assert_eq!(aged.sm_max, Reading::Value(MegaHertz(1980)));
        assert!(aged.same_but_for_ages(&aged.clone().aged(Duration::from_secs(1))));
        assert!(!aged.same_but_for_ages(&clocks), "fresh is not stale");
        let lost = clocks.failed(Failure::GpuLost);
        assert_eq!(lost.sm, Reading::Failed(Failure::GpuLost));
        assert_eq!(lost.sm_max, Reading::Value(MegaHertz(1980)));
    }

    #[test]
    fn modes_are_read_back() {
        for mode in ComputeMode::ALL {
            assert_eq!(ComputeMode::from_name(mode.name()), Some(mode));
        }
        assert_eq!(PState(8).to_string(), "P8");
    }
}
