//! One card.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::parts::{Event, Link, Mig, Process};
use super::{Rule, Text};

/// What a card says when it is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of a card")]
pub struct Gpu {
    /// Absent: made from the card's place in the list.
    pub uuid: Option<Text>,
    /// Product name.
    pub name: Text,
    /// Serial number.
    pub serial: Text,
    /// Version of the VBIOS.
    pub vbios: Text,
    /// Plugged in. A card that is pulled answers `GPU_IS_LOST`, and is no longer there once the
    /// library is initialised again.
    pub plugged: bool,
    /// PCI bus number; absent: place in the list + 1.
    pub bus: Option<u32>,
    /// NVML's number of the architecture (9: Hopper).
    pub architecture: u32,
    /// CUDA compute capability, major and minor.
    pub capability: (i32, i32),
    /// Frame buffer, MiB.
    pub memory_total_mib: u64,
    /// Of which programs hold, MiB.
    pub memory_used_mib: u64,
    /// Of which the driver keeps, MiB.
    pub memory_reserved_mib: u64,
    /// Window through which the processor sees the memory, MiB.
    pub bar1_total_mib: u64,
    /// Of which is used, MiB.
    pub bar1_used_mib: u64,
    /// Share of time in which a kernel ran, per cent.
    pub utilization: u32,
    /// Share of time in which memory was read or written, per cent.
    pub memory_utilization: u32,
    /// Video encoder, per cent.
    pub encoder: u32,
    /// Video decoder, per cent.
    pub decoder: u32,
    /// Of the core, °C.
    pub temperature: u32,
    /// Of the memory, °C; 0: no sensor.
    pub memory_temperature: u32,
    /// At which it switches off, °C.
    pub shutdown_c: u32,
    /// At which it slows down, °C.
    pub slowdown_c: u32,
    /// Highest for operation, °C.
    pub gpu_max_c: u32,
    /// Highest of the memory, °C.
    pub memory_max_c: u32,
    /// Drawn power, mW.
    pub power_mw: u32,
    /// Enforced limit, mW.
    pub power_limit_mw: u32,
    /// Limit as delivered, mW.
    pub power_default_mw: u32,
    /// Lowest and highest limit, mW.
    pub power_bounds_mw: (u32, u32),
    /// Energy since the driver was loaded, mJ.
    pub energy_mj: u64,
    /// NVML's bits for what holds the clocks back.
    pub throttle: u64,
    /// Clock of graphics and of the multiprocessors, MHz.
    pub sm_mhz: u32,
    /// Clock of the memory, MHz.
    pub memory_mhz: u32,
    /// Clock of the video engines, MHz.
    pub video_mhz: u32,
    /// Highest clock of graphics and of the multiprocessors, MHz.
    pub sm_max_mhz: u32,
    /// Highest clock of the memory, MHz.
    pub memory_max_mhz: u32,
    /// Performance state, 0 to 15; 32: unknown.
    pub p_state: u32,
    /// Speed of each fan, per cent.
    pub fans: Vec<u32>,
    /// Generation of the PCIe link.
    pub pcie_generation: u32,
    /// Lanes of the PCIe link.
    pub pcie_width: u32,
    /// Highest generation.
    pub pcie_generation_max: u32,
    /// Most lanes.
    pub pcie_width_max: u32,
    /// Replays on the PCIe link.
    pub pcie_replays: u32,
    /// Sent and received over PCIe, KB/s.
    pub pcie_kb_s: (u32, u32),
    /// Errors of memory are corrected.
    pub ecc_enabled: bool,
    /// Corrected and uncorrected errors since the last reset.
    pub ecc_volatile: (u64, u64),
    /// Corrected and uncorrected errors in the card's life.
    pub ecc_aggregate: (u64, u64),
    /// Pages retired after single-bit and double-bit errors.
    pub retired: (u32, u32),
    /// Pages wait to be retired.
    pub retirement_pending: bool,
    /// Rows remapped after correctable and uncorrectable errors.
    pub remapped: (u32, u32),
    /// Rows wait to be remapped.
    pub remap_pending: bool,
    /// A row could not be remapped.
    pub remap_failed: bool,
    /// Persistence mode.
    pub persistence: bool,
    /// NVML's number of the compute mode.
    pub compute_mode: u32,
    /// NUMA node of its memory's processor; absent: none.
    pub numa_node: Option<u32>,
    /// MIG mode; absent: the card has none.
    pub mig_mode: Option<bool>,
    /// Most MIG instances.
    pub mig_most: u32,
    /// Processes that join each process list between the call for its size and the next.
    pub list_growth: u32,
    /// How often lists grow so.
    pub list_growths: u32,
    /// Further or other answers by number of NVML's field.
    pub fields: BTreeMap<String, u64>,
    /// Performance monitoring by NVML's number of the metric; absent: the card has none.
    pub gpm: Option<BTreeMap<String, f64>>,
    /// What calls about this card do, by function.
    pub calls: BTreeMap<String, Rule>,
    /// Links to other cards.
    pub links: Vec<Link>,
    /// MIG instances.
    pub mig: Vec<Mig>,
    /// Processes on the card and its instances.
    pub processes: Vec<Process>,
    /// What the driver reports, each once for each program.
    pub events: Vec<Event>,
}

impl Default for Gpu {
    fn default() -> Self {
        Self {
            uuid: None,
            name: "NVIDIA H100 80GB HBM3".into(),
            serial: "1650522000000".into(),
            vbios: "96.00.74.00.01".into(),
            plugged: true,
            bus: None,
            architecture: 9,
            capability: (9, 0),
            memory_total_mib: 81_559,
            memory_used_mib: 0,
            memory_reserved_mib: 530,
            bar1_total_mib: 131_072,
            bar1_used_mib: 1,
            utilization: 0,
            memory_utilization: 0,
            encoder: 0,
            decoder: 0,
            temperature: 31,
            memory_temperature: 38,
            shutdown_c: 92,
            slowdown_c: 89,
            gpu_max_c: 87,
            memory_max_c: 95,
            power_mw: 69_500,
            power_limit_mw: 700_000,
            power_default_mw: 700_000,
            power_bounds_mw: (200_000, 700_000),
            energy_mj: 1_000_000,
            throttle: 1,
            sm_mhz: 345,
            memory_mhz: 2619,
            video_mhz: 765,
            sm_max_mhz: 1980,
            memory_max_mhz: 2619,
            p_state: 0,
            fans: Vec::new(),
            pcie_generation: 5,
            pcie_width: 16,
            pcie_generation_max: 5,
            pcie_width_max: 16,
            pcie_replays: 0,
            pcie_kb_s: (0, 0),
            ecc_enabled: true,
            ecc_volatile: (0, 0),
            ecc_aggregate: (0, 0),
            retired: (0, 0),
            retirement_pending: false,
            remapped: (0, 0),
            remap_pending: false,
            remap_failed: false,
            persistence: true,
            compute_mode: 0,
            numa_node: Some(0),
            mig_mode: Some(false),
            mig_most: 7,
            list_growth: 0,
            list_growths: 0,
            fields: BTreeMap::new(),
            gpm: None,
            calls: BTreeMap::new(),
            links: Vec::new(),
            mig: Vec::new(),
            processes: Vec::new(),
            events: Vec::new(),
        }
    }
}

impl Gpu {
    /// The UUID of the card at `place` in the list.
    pub(crate) fn uuid_at(&self, place: usize) -> Text {
        let made = || Text::Plain(format!("GPU-5f1c1d2e-0a3b-4c5d-8e9f-{:012}", place + 1));
        self.uuid.clone().unwrap_or_else(made)
    }

    /// PCI address of the card at `place` in the list.
    pub(crate) fn bus_at(&self, place: usize) -> u32 {
        let made = u32::try_from(place + 1).unwrap_or(u32::MAX);
        self.bus.unwrap_or(made)
    }
}
