//! What else is measured and known of a card: clocks, heat, links, memory errors.

use gputop_model::{ComputeMode, Device, MemoryKind};
use serde::Serialize;

use super::column::{Column, cell};
use super::gpu::GpuItem;

/// Declares a struct of values that may be unknown.
macro_rules! values {
    ($(#[$doc:meta])* $name:ident { $( $(#[$field_doc:meta])* $field:ident: $type:ty, )+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize)]
        pub struct $name {
            $( $(#[$field_doc])* pub $field: Option<$type>, )+
        }
    };
}

/// A card in detail; all `null` where nobody could look. Counts of errors are since the driver
/// was loaded where nothing else is said.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct HardwareItem {
    /// `dedicated`, or `unified` where the card uses the machine's own memory.
    pub memory_kind: Option<&'static str>,
    /// What driver and firmware keep of the memory.
    pub memory_reserved_bytes: Option<u64>,
    /// What is mapped through the PCIe window.
    pub bar1_used_bytes: Option<u64>,
    /// Size of that window.
    pub bar1_total_bytes: Option<u64>,
    /// 0 is full speed, 15 the deepest rest.
    pub performance_state: Option<u8>,
    /// Energy used since the driver was loaded, in millijoules.
    pub energy_mj: Option<u64>,
    /// Clock rates.
    pub clocks: ClocksItem,
    /// The video engines.
    pub video: VideoItem,
    /// Further temperatures, limits, the fan.
    pub thermal: ThermalItem,
    /// Bounds of the power limit.
    pub power_limits: PowerLimitsItem,
    /// The PCIe link.
    pub pcie: PcieItem,
    /// Links to other GPUs.
    pub nvlink: NvLinkItem,
    /// Memory errors.
    pub ecc: EccItem,
    /// Which card this is, and how it is set up.
    pub identity: IdentityItem,
}

values! {
    /// Clock rates.
    ClocksItem {
        /// Of the multiprocessors now.
        sm_mhz: u32,
        /// The highest that they can have.
        sm_max_mhz: u32,
        /// Of the memory now.
        memory_mhz: u32,
        /// The highest that it can have.
        memory_max_mhz: u32,
    }
}

values! {
    /// The video engines.
    VideoItem {
        /// 0..=100.
        encoder_percent: u8,
        /// 0..=100.
        decoder_percent: u8,
    }
}

values! {
    /// Heat besides the core's temperature.
    ThermalItem {
        /// Temperature of the memory.
        memory_celsius: i32,
        /// The fastest fan, of its highest speed.
        fan_percent: u8,
        /// Core temperature up to which the card is meant to run.
        max_operating_celsius: i32,
        /// Core temperature at which the hardware slows down.
        slowdown_celsius: i32,
        /// Core temperature at which the card switches itself off.
        shutdown_celsius: i32,
        /// Memory temperature at which the driver slows down.
        memory_max_celsius: i32,
    }
}

values! {
    /// Bounds of the power limit.
    PowerLimitsItem {
        /// As the card comes.
        default_mw: u32,
        /// The lowest.
        min_mw: u32,
        /// The highest.
        max_mw: u32,
    }
}

values! {
    /// The PCIe link.
    PcieItem {
        /// Generation now; idle cards lower it.
        generation: u32,
        /// The best that card and slot can have.
        generation_max: u32,
        /// Lanes now.
        width: u32,
        /// The most that card and slot can have.
        width_max: u32,
        /// Packets sent again.
        replays: u32,
        /// What is worse than it could be, such as `x4 of x16`.
        degraded: String,
    }
}

values! {
    /// Links to other GPUs.
    NvLinkItem {
        /// Links that the card has.
        links: u32,
        /// Links that are up.
        active: u32,
        /// Checksum errors.
        crc_errors: u64,
        /// Transfers that were repeated.
        replay_errors: u64,
        /// Times that a link had to be brought up again.
        recovery_errors: u64,
    }
}

values! {
    /// Memory errors; `aggregate` ones are those of the card's life.
    EccItem {
        /// Whether errors are corrected at all.
        enabled: bool,
        /// Corrected.
        volatile_corrected: u64,
        /// Found and not corrected.
        volatile_uncorrected: u64,
        /// Corrected.
        aggregate_corrected: u64,
        /// Found and not corrected.
        aggregate_uncorrected: u64,
        /// Pages retired after single-bit errors.
        retired_single_bit: u32,
        /// Pages retired after a double-bit error.
        retired_double_bit: u32,
        /// Pages wait for retirement.
        retirement_pending: bool,
        /// Rows remapped after correctable errors.
        remapped_correctable: u32,
        /// Rows remapped after uncorrectable errors.
        remapped_uncorrectable: u32,
        /// Rows wait to be remapped.
        remap_pending: bool,
        /// No spare row is left.
        remap_failure: bool,
    }
}

values! {
    /// Which card this is, and how it is set up.
    IdentityItem {
        /// Version of the video BIOS.
        vbios: String,
        /// Place on the PCI bus.
        pci_bus_id: String,
        /// The NUMA node that it is nearest to.
        numa_node: u32,
        /// The driver stays loaded without a client.
        persistence: bool,
        /// `default`, `exclusive_process`, `exclusive_thread` or `prohibited`.
        compute_mode: &'static str,
    }
}

/// What `device` says.
pub(super) fn hardware(device: &Device) -> HardwareItem {
    let (clocks, thermal, ecc) = (&device.clocks, &device.thermal, &device.ecc);
    let (pcie, nvlink) = (&device.pcie, &device.nvlink);
    HardwareItem {
        memory_kind: device.memory_kind.get().map(MemoryKind::name),
        memory_reserved_bytes: device.memory.reserved.get().map(|v| v.0),
        bar1_used_bytes: device.memory.bar1_used.get().map(|v| v.0),
        bar1_total_bytes: device.memory.bar1_total.get().map(|v| v.0),
        performance_state: device.p_state.get().map(|v| v.0),
        energy_mj: device.energy.get().map(|v| v.0),
        clocks: ClocksItem {
            sm_mhz: clocks.sm.get().map(|v| v.0),
            sm_max_mhz: clocks.sm_max.get().map(|v| v.0),
            memory_mhz: clocks.memory.get().map(|v| v.0),
            memory_max_mhz: clocks.memory_max.get().map(|v| v.0),
        },
        video: VideoItem {
            encoder_percent: device.video.encoder.get().map(|v| v.0),
            decoder_percent: device.video.decoder.get().map(|v| v.0),
        },
        thermal: ThermalItem {
            memory_celsius: thermal.memory.get().map(|v| v.0),
            fan_percent: thermal.fan.get().map(|v| v.0),
            max_operating_celsius: thermal.max_operating.get().map(|v| v.0),
            slowdown_celsius: thermal.slowdown.get().map(|v| v.0),
            shutdown_celsius: thermal.shutdown.get().map(|v| v.0),
            memory_max_celsius: thermal.memory_max.get().map(|v| v.0),
        },
        power_limits: PowerLimitsItem {
            default_mw: device.power_limits.default.get().map(|v| v.0),
            min_mw: device.power_limits.min.get().map(|v| v.0),
            max_mw: device.power_limits.max.get().map(|v| v.0),
        },
        pcie: PcieItem {
            generation: pcie.generation.get(),
            generation_max: pcie.generation_max.get(),
            width: pcie.width.get(),
            width_max: pcie.width_max.get(),
            replays: pcie.replays.get(),
            degraded: device.pcie_degraded().map(|degraded| degraded.to_string()),
        },
        nvlink: NvLinkItem {
            links: nvlink.links.get(),
            active: nvlink.active.get(),
            crc_errors: nvlink.crc_errors.get(),
            replay_errors: nvlink.replay_errors.get(),
            recovery_errors: nvlink.recovery_errors.get(),
        },
        ecc: EccItem {
            enabled: ecc.enabled.get(),
            volatile_corrected: ecc.volatile_corrected.get(),
            volatile_uncorrected: ecc.volatile_uncorrected.get(),
            aggregate_corrected: ecc.aggregate_corrected.get(),
            aggregate_uncorrected: ecc.aggregate_uncorrected.get(),
            retired_single_bit: ecc.retired_single_bit.get(),
            retired_double_bit: ecc.retired_double_bit.get(),
            retirement_pending: ecc.retirement_pending.get(),
            remapped_correctable: ecc.remapped_correctable.get(),
            remapped_uncorrectable: ecc.remapped_uncorrectable.get(),
            remap_pending: ecc.remap_pending.get(),
            remap_failure: ecc.remap_failure.get(),
        },
        identity: IdentityItem {
            vbios: device.identity.vbios.known().cloned(),
            pci_bus_id: device.identity.pci_bus_id.known().cloned(),
            numa_node: device.identity.numa_node.get(),
            persistence: device.settings.persistence.get(),
            compute_mode: device.settings.compute_mode.get().map(ComputeMode::name),
        },
    }
}

/// Columns of single values: the name, then the way to the value.
macro_rules! columns {
    ($($name:literal $($way:ident).+;)+) => {
        &[$(Column::of($name, |g: &GpuItem| g.hardware.$($way).+.as_ref().into()),)+]
    };
}

/// The columns that tables show.
pub(super) const SHOWN: &[Column<GpuItem>] = &[
    Column::of("clocks_sm_mhz", |g: &GpuItem| {
        g.hardware.clocks.sm_mhz.into()
    })
    .wide("CLOCK")
    .said(|g| cell(g.hardware.clocks.sm_mhz.map(|v| format!("{v}MHz")))),
    Column::of("performance_state", |g: &GpuItem| {
        g.hardware.performance_state.into()
    })
    .wide("PSTATE")
    .said(|g| cell(g.hardware.performance_state.map(|v| format!("P{v}")))),
    Column::of("thermal_fan_percent", |g: &GpuItem| {
        g.hardware.thermal.fan_percent.into()
    })
    .wide("FAN")
    .said(|g| cell(g.hardware.thermal.fan_percent.map(|v| format!("{v}%")))),
    Column::of("pcie_width", |g: &GpuItem| g.hardware.pcie.width.into())
        .wide("PCIE")
        .said(pcie),
    Column::of("ecc_volatile_uncorrected", |g: &GpuItem| {
        g.hardware.ecc.volatile_uncorrected.into()
    })
    .wide("ECC ERRORS"),
];

/// The link as it is, and what is wrong with it.
fn pcie(item: &GpuItem) -> String {
    let pcie = &item.hardware.pcie;
    match (&pcie.degraded, pcie.generation, pcie.width) {
        (Some(degraded), _, _) => degraded.clone(),
        (None, Some(generation), Some(width)) => format!("gen{generation} x{width}"),
        _ => cell(None::<u8>),
    }
}

/// The columns that only CSV has.
pub(super) const HIDDEN: &[Column<GpuItem>] = columns! {
    "memory_kind" memory_kind;
    "memory_reserved_bytes" memory_reserved_bytes;
    "bar1_used_bytes" bar1_used_bytes;
    "bar1_total_bytes" bar1_total_bytes;
    "energy_mj" energy_mj;
    "clocks_sm_max_mhz" clocks.sm_max_mhz;
    "clocks_memory_mhz" clocks.memory_mhz;
    "clocks_memory_max_mhz" clocks.memory_max_mhz;
    "video_encoder_percent" video.encoder_percent;
    "video_decoder_percent" video.decoder_percent;
    "thermal_memory_celsius" thermal.memory_celsius;
    "thermal_max_operating_celsius" thermal.max_operating_celsius;
    "thermal_slowdown_celsius" thermal.slowdown_celsius;
    "thermal_shutdown_celsius" thermal.shutdown_celsius;
    "thermal_memory_max_celsius" thermal.memory_max_celsius;
    "power_limits_default_mw" power_limits.default_mw;
    "power_limits_min_mw" power_limits.min_mw;
    "power_limits_max_mw" power_limits.max_mw;
    "pcie_generation" pcie.generation;
    "pcie_generation_max" pcie.generation_max;
    "pcie_width_max" pcie.width_max;
    "pcie_replays" pcie.replays;
    "pcie_degraded" pcie.degraded;
    "nvlink_links" nvlink.links;
    "nvlink_active" nvlink.active;
    "nvlink_crc_errors" nvlink.crc_errors;
    "nvlink_replay_errors" nvlink.replay_errors;
    "nvlink_recovery_errors" nvlink.recovery_errors;
    "ecc_enabled" ecc.enabled;
    "ecc_volatile_corrected" ecc.volatile_corrected;
    "ecc_aggregate_corrected" ecc.aggregate_corrected;
    "ecc_aggregate_uncorrected" ecc.aggregate_uncorrected;
    "ecc_retired_single_bit" ecc.retired_single_bit;
    "ecc_retired_double_bit" ecc.retired_double_bit;
    "ecc_retirement_pending" ecc.retirement_pending;
    "ecc_remapped_correctable" ecc.remapped_correctable;
    "ecc_remapped_uncorrectable" ecc.remapped_uncorrectable;
    "ecc_remap_pending" ecc.remap_pending;
    "ecc_remap_failure" ecc.remap_failure;
    "identity_vbios" identity.vbios;
    "identity_pci_bus_id" identity.pci_bus_id;
    "identity_numa_node" identity.numa_node;
    "identity_persistence" identity.persistence;
    "identity_compute_mode" identity.compute_mode;
};
