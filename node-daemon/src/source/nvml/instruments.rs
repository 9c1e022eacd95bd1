//! NVML's answers to what a card can be asked besides the essentials.

use std::cell::Cell;

use gputop_model::{
    Bytes, BytesPerSecond, Celsius, ComputeMode, MegaHertz, MemoryKind, MilliJoules, MilliWatts,
    PState, Percent, printable,
};
use nvml_wrapper::enum_wrappers::device::{
    Clock, ComputeMode as NvmlComputeMode, EccCounter, MemoryError, PcieUtilCounter,
    RetirementCause, TemperatureThreshold,
};
use nvml_wrapper::enum_wrappers::nv_link::ErrorCounter;
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::enums::gpm::GpmMetricId;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::gpm::{GpmSample, gpm_metrics_get};
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::{Device as Handle, Nvml};

use crate::source::instruments::{
    Bar1, EccCount, Instruments, LinkErrors, RemappedRows, Shares, Threshold,
};

/// Fields of nvml.h (`NVML_FI_DEV_…`).
const MEMORY_TEMP: FieldId = FieldId(82);
const NVLINK_LINK_COUNT: FieldId = FieldId(91);
const REMAPPED: [FieldId; 4] = [FieldId(142), FieldId(143), FieldId(144), FieldId(145)];

/// `NVML_AFFINITY_SCOPE_NODE` of nvml.h.
const SCOPE_NODE: u32 = 0;

/// Words in names of products whose memory is the machine's own.
const UNIFIED: [&str; 7] = ["GB10", "Thor", "Orin", "Xavier", "Tegra", "Jetson", "nvgpu"];

/// What is asked of the hardware's own counters, in this order.
const ACTIVITY: [GpmMetricId; 4] = [
    GpmMetricId::SmUtil,
    GpmMetricId::SmOccupancy,
    GpmMetricId::AnyTensorUtil,
    GpmMetricId::DramBwUtil,
];

/// A card, with its product name and the last state of its counters.
pub(super) struct NvmlCard<'a, 'nvml> {
    pub(super) nvml: &'nvml Nvml,
    pub(super) handle: &'a Handle<'nvml>,
    pub(super) product: &'a str,
    pub(super) counters: &'a Cell<Option<GpmSample<'nvml>>>,
}

impl NvmlCard<'_, '_> {
    fn field(&self, id: FieldId) -> Result<u64, NvmlError> {
        let mut values = self.handle.field_values_for(&[id])?;
        whole(&values.pop().ok_or(NvmlError::NoData)??.value?)
    }

    fn active_links(&self, links: u32) -> Result<Vec<u32>, NvmlError> {
        let mut active = Vec::new();
        for link in 0..links {
            if self.handle.link_wrapper_for(link).is_active()? {
                active.push(link);
            }
        }
        Ok(active)
    }
}

impl Instruments for NvmlCard<'_, '_> {
    type Error = NvmlError;

    fn sm_clock(&self) -> Result<MegaHertz, NvmlError> {
        self.handle.clock_info(Clock::SM).map(MegaHertz)
    }

    fn memory_clock(&self) -> Result<MegaHertz, NvmlError> {
        self.handle.clock_info(Clock::Memory).map(MegaHertz)
    }

    fn p_state(&self) -> Result<PState, NvmlError> {
        let state = self.handle.performance_state()?.as_c();
        match u8::try_from(state) {
            Ok(number @ 0..=15) => Ok(PState(number)),
            // NVML's word for "unknown" is 32.
            _ => Err(NvmlError::NoData),
        }
    }

    fn pcie_generation(&self) -> Result<u32, NvmlError> {
        self.handle.current_pcie_link_gen()
    }

    fn pcie_width(&self) -> Result<u32, NvmlError> {
        self.handle.current_pcie_link_width()
    }

    fn encoder(&self) -> Result<Percent, NvmlError> {
        let rate = self.handle.encoder_utilization()?;
        Ok(Percent::clamped(rate.utilization))
    }

    fn decoder(&self) -> Result<Percent, NvmlError> {
        let rate = self.handle.decoder_utilization()?;
        Ok(Percent::clamped(rate.utilization))
    }

    fn fan(&self) -> Result<Percent, NvmlError> {
        let mut fastest = None;
        for fan in 0..self.handle.num_fans()? {
            fastest = fastest.max(Some(self.handle.fan_speed(fan)?));
        }
        fastest.map(Percent::clamped).ok_or(NvmlError::NotSupported)
    }

    fn memory_temperature(&self) -> Result<Celsius, NvmlError> {
        celsius(self.field(MEMORY_TEMP)?)
    }

    fn bar1(&self) -> Result<Bar1, NvmlError> {
        let info = self.handle.bar1_memory_info()?;
        Ok(Bar1 {
            used: Bytes(info.used),
            total: Bytes(info.total),
        })
    }

    fn pcie_replays(&self) -> Result<u32, NvmlError> {
        self.handle.pcie_replay_counter()
    }

    fn power_limit(&self) -> Result<MilliWatts, NvmlError> {
        self.handle.enforced_power_limit().map(MilliWatts)
    }

    fn activity(&self) -> Result<Option<Shares>, NvmlError> {
        let before = self.counters.take();
        if before.is_none() && !self.handle.gpm_support()? {
            return Err(NvmlError::NotSupported);
        }
        let after = self.handle.gpm_sample()?;
        let answers = before.map(|before| gpm_metrics_get(self.nvml, &before, &after, &ACTIVITY));
        self.counters.set(Some(after));
        let Some(answers) = answers.transpose()? else {
            return Ok(None);
        };
        let shares: Vec<_> = answers
            .into_iter()
            .map(|answer| answer.ok().and_then(|answer| share(answer.value)))
            .collect();
        match *shares.as_slice() {
            [sm_active, sm_occupancy, tensor, memory_bandwidth] => Ok(Some(Shares {
                sm_active,
                sm_occupancy,
                tensor,
                memory_bandwidth,
            })),
            _ => Err(NvmlError::NoData),
        }
    }

    fn pcie_receive(&self) -> Result<BytesPerSecond, NvmlError> {
        let rate = self.handle.pcie_throughput(PcieUtilCounter::Receive)?;
        Ok(BytesPerSecond(u64::from(rate) * 1000))
    }

    fn pcie_transmit(&self) -> Result<BytesPerSecond, NvmlError> {
        let rate = self.handle.pcie_throughput(PcieUtilCounter::Send)?;
        Ok(BytesPerSecond(u64::from(rate) * 1000))
    }

    fn ecc_errors(&self, count: EccCount) -> Result<u64, NvmlError> {
        let (error, counter) = match count {
            EccCount::VolatileCorrected => (MemoryError::Corrected, EccCounter::Volatile),
            EccCount::VolatileUncorrected => (MemoryError::Uncorrected, EccCounter::Volatile),
            EccCount::AggregateCorrected => (MemoryError::Corrected, EccCounter::Aggregate),
            EccCount::AggregateUncorrected => (MemoryError::Uncorrected, EccCounter::Aggregate),
        };
        self.handle.total_ecc_errors(error, counter)
    }

    fn retired_pages(&self, double_bit: bool) -> Result<u32, NvmlError> {
        let pages = self.handle.retired_pages(if double_bit {
            RetirementCause::DoubleBitEccError
        } else {
            RetirementCause::MultipleSingleBitEccErrors
        })?;
        Ok(u32::try_from(pages.len()).unwrap_or(u32::MAX))
    }

    fn retirement_pending(&self) -> Result<bool, NvmlError> {
        self.handle.are_pages_pending_retired()
    }

    fn remapped_rows(&self) -> Result<RemappedRows, NvmlError> {
        let mut values = Vec::with_capacity(REMAPPED.len());
        for field in self.handle.field_values_for(&REMAPPED)? {
            values.push(whole(&field?.value?)?);
        }
        let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        match values.as_slice() {
            [correctable, uncorrectable, pending, failure] => Ok(RemappedRows {
                correctable: count(*correctable),
                uncorrectable: count(*uncorrectable),
                pending: *pending != 0,
                failure: *failure != 0,
            }),
            _ => Err(NvmlError::NoData),
        }
    }

    fn energy(&self) -> Result<MilliJoules, NvmlError> {
        self.handle.total_energy_consumption().map(MilliJoules)
    }

    fn nvlink_active(&self, links: u32) -> Result<u32, NvmlError> {
        let active = self.active_links(links)?.len();
        Ok(u32::try_from(active).unwrap_or(u32::MAX))
    }

    fn nvlink_errors(&self, links: u32) -> Result<LinkErrors, NvmlError> {
        let mut errors = LinkErrors::default();
        for link in self.active_links(links)? {
            let link = self.handle.link_wrapper_for(link);
            let add = |sum: &mut u64, counter| -> Result<(), NvmlError> {
                *sum = sum.saturating_add(link.error_counter(counter)?);
                Ok(())
            };
            add(&mut errors.crc, ErrorCounter::DlCrcFlit)?;
            add(&mut errors.replay, ErrorCounter::DlReplay)?;
            add(&mut errors.recovery, ErrorCounter::DlRecovery)?;
        }
        Ok(errors)
    }

    fn memory_kind(&self) -> Result<MemoryKind, NvmlError> {
        if is_unified(self.product) {
            return Ok(MemoryKind::Unified);
        }
        match self.handle.memory_info() {
            Ok(_) => Ok(MemoryKind::Dedicated),
            // A card with a frame buffer knows its size.
            Err(NvmlError::NotSupported) => Ok(MemoryKind::Unified),
            Err(error) => Err(error),
        }
    }

    fn sm_clock_max(&self) -> Result<MegaHertz, NvmlError> {
        self.handle.max_clock_info(Clock::SM).map(MegaHertz)
    }

    fn memory_clock_max(&self) -> Result<MegaHertz, NvmlError> {
        self.handle.max_clock_info(Clock::Memory).map(MegaHertz)
    }

    fn threshold(&self, threshold: Threshold) -> Result<Celsius, NvmlError> {
        let limit = self.handle.temperature_threshold(match threshold {
            Threshold::MaxOperating => TemperatureThreshold::GpuMax,
            Threshold::Slowdown => TemperatureThreshold::Slowdown,
            Threshold::Shutdown => TemperatureThreshold::Shutdown,
            Threshold::MemoryMax => TemperatureThreshold::MemoryMax,
        })?;
        celsius(limit.into())
    }

    fn pcie_generation_max(&self) -> Result<u32, NvmlError> {
        self.handle.max_pcie_link_gen()
    }

    fn pcie_width_max(&self) -> Result<u32, NvmlError> {
        self.handle.max_pcie_link_width()
    }

    fn ecc_enabled(&self) -> Result<bool, NvmlError> {
        Ok(self.handle.is_ecc_enabled()?.currently_enabled)
    }

    fn nvlinks(&self) -> Result<u32, NvmlError> {
        let count = self.field(NVLINK_LINK_COUNT)?;
        u32::try_from(count).map_err(|_| NvmlError::NoData)
    }

    fn default_power_limit(&self) -> Result<MilliWatts, NvmlError> {
        self.handle.power_management_limit_default().map(MilliWatts)
    }

    fn power_limit_bounds(&self) -> Result<(MilliWatts, MilliWatts), NvmlError> {
        let bounds = self.handle.power_management_limit_constraints()?;
        Ok((MilliWatts(bounds.min_limit), MilliWatts(bounds.max_limit)))
    }

    fn serial(&self) -> Result<String, NvmlError> {
        self.handle.serial().map(printable)
    }

    fn vbios(&self) -> Result<String, NvmlError> {
        self.handle.vbios_version().map(printable)
    }

    fn pci_bus_id(&self) -> Result<String, NvmlError> {
        Ok(printable(self.handle.pci_info()?.bus_id))
    }

    fn numa_node(&self) -> Result<u32, NvmlError> {
        let nodes = self.handle.memory_affinity(1, SCOPE_NODE)?;
        match nodes.first() {
            Some(0) | None => Err(NvmlError::NotSupported),
            Some(bits) => Ok(bits.trailing_zeros()),
        }
    }

    fn persistence(&self) -> Result<bool, NvmlError> {
        self.handle.is_in_persistent_mode()
    }

    fn compute_mode(&self) -> Result<ComputeMode, NvmlError> {
        Ok(match self.handle.compute_mode()? {
            NvmlComputeMode::Default => ComputeMode::Default,
            NvmlComputeMode::ExclusiveThread => ComputeMode::ExclusiveThread,
            NvmlComputeMode::Prohibited => ComputeMode::Prohibited,
            NvmlComputeMode::ExclusiveProcess => ComputeMode::ExclusiveProcess,
        })
    }
}

/// Whether a product's memory is the machine's own, by its name.
fn is_unified(product: &str) -> bool {
    let mut words = product.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| UNIFIED.contains(&word))
}

/// A share in per cent; `None` for what is no number.
fn share(value: f64) -> Option<Percent> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "float casts saturate"
    )]
    let whole = value.round() as u32;
    value.is_finite().then(|| Percent::clamped(whole))
}

/// A temperature. Where there is no sensor or no limit, some drivers say 0.
fn celsius(value: u64) -> Result<Celsius, NvmlError> {
    match i32::try_from(value) {
        Ok(0) | Err(_) => Err(NvmlError::NotSupported),
        Ok(value) => Ok(Celsius(value)),
    }
}

/// A field's value, which is never negative nor broken.
fn whole(value: &SampleValue) -> Result<u64, NvmlError> {
    match *value {
        SampleValue::U32(value) => Ok(value.into()),
        SampleValue::U64(value) => Ok(value),
        SampleValue::I64(value) => u64::try_from(value).map_err(|_| NvmlError::NoData),
        SampleValue::F64(_) => Err(NvmlError::NoData),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unified_memory_is_known_by_name() {
        for product in ["NVIDIA GB10", "NVIDIA Thor", "Orin (nvgpu)"] {
            assert!(is_unified(product), "{product}");
        }
        for product in [
            "NVIDIA GB200",
            "NVIDIA GB102",
            "NVIDIA H100 80GB HBM3",
            "NVIDIA GH200 480GB",
        ] {
            assert!(!is_unified(product), "{product}");
        }
    }

    #[test]
    fn shares_are_whole_per_cent() {
        assert_eq!(share(41.5), Some(Percent(42)));
        assert_eq!(share(100.4), Some(Percent(100)));
        assert_eq!(share(-0.1), Some(Percent(0)));
        assert_eq!(share(f64::NAN), None);
    }

    #[test]
    fn nought_degrees_are_no_temperature() {
        assert!(matches!(celsius(95), Ok(Celsius(95))));
        assert!(celsius(0).is_err());
        assert!(celsius(u64::MAX).is_err());
    }
}
