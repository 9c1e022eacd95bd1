//! What a card can be asked besides the essentials, and the last answers.

use std::time::Duration;

use gputop_model::{
    Activity, Bytes, BytesPerSecond, Celsius, Clocks, ComputeMode, Device, Ecc, Identity,
    MegaHertz, MemoryDetail, MemoryKind, MilliJoules, MilliWatts, NvLink, PState, Pcie, Percent,
    PowerLimits, Reading, Settings, Thermal, Traffic, Video,
};

use super::ask::{Asker, Metric, Refusal};
use super::tiers::Due;

/// One method a question. An answer may take long or never come: for a thread of its own.
pub(crate) trait Instruments {
    type Error: Into<Refusal>;

    fn sm_clock(&self) -> Result<MegaHertz, Self::Error>;
    fn memory_clock(&self) -> Result<MegaHertz, Self::Error>;
    fn p_state(&self) -> Result<PState, Self::Error>;
    fn pcie_generation(&self) -> Result<u32, Self::Error>;
    fn pcie_width(&self) -> Result<u32, Self::Error>;

    fn encoder(&self) -> Result<Percent, Self::Error>;
    fn decoder(&self) -> Result<Percent, Self::Error>;
    /// Of the fastest fan.
    fn fan(&self) -> Result<Percent, Self::Error>;
    fn memory_temperature(&self) -> Result<Celsius, Self::Error>;
    fn bar1(&self) -> Result<Bar1, Self::Error>;
    fn pcie_replays(&self) -> Result<u32, Self::Error>;
    fn power_limit(&self) -> Result<MilliWatts, Self::Error>;
    /// Since the last call; `None` at the first.
    fn activity(&self) -> Result<Option<Shares>, Self::Error>;

    fn pcie_receive(&self) -> Result<BytesPerSecond, Self::Error>;
    fn pcie_transmit(&self) -> Result<BytesPerSecond, Self::Error>;

    fn ecc_errors(&self, count: EccCount) -> Result<u64, Self::Error>;
    /// Pages retired after double-bit errors, or else after several single-bit ones.
    fn retired_pages(&self, double_bit: bool) -> Result<u32, Self::Error>;
    fn retirement_pending(&self) -> Result<bool, Self::Error>;
    fn remapped_rows(&self) -> Result<RemappedRows, Self::Error>;
    fn energy(&self) -> Result<MilliJoules, Self::Error>;
    /// How many of the first `links` links are up.
    fn nvlink_active(&self, links: u32) -> Result<u32, Self::Error>;
    /// Errors of the first `links` links, those that are up.
    fn nvlink_errors(&self, links: u32) -> Result<LinkErrors, Self::Error>;

    fn memory_kind(&self) -> Result<MemoryKind, Self::Error>;
    fn sm_clock_max(&self) -> Result<MegaHertz, Self::Error>;
    fn memory_clock_max(&self) -> Result<MegaHertz, Self::Error>;
    fn threshold(&self, threshold: Threshold) -> Result<Celsius, Self::Error>;
    fn pcie_generation_max(&self) -> Result<u32, Self::Error>;
    fn pcie_width_max(&self) -> Result<u32, Self::Error>;
    fn ecc_enabled(&self) -> Result<bool, Self::Error>;
    fn nvlinks(&self) -> Result<u32, Self::Error>;
    fn default_power_limit(&self) -> Result<MilliWatts, Self::Error>;
    /// Lowest and highest limit that can be set.
    fn power_limit_bounds(&self) -> Result<(MilliWatts, MilliWatts), Self::Error>;
    fn serial(&self) -> Result<String, Self::Error>;
    fn vbios(&self) -> Result<String, Self::Error>;
    fn pci_bus_id(&self) -> Result<String, Self::Error>;
    fn numa_node(&self) -> Result<u32, Self::Error>;
    fn persistence(&self) -> Result<bool, Self::Error>;
    fn compute_mode(&self) -> Result<ComputeMode, Self::Error>;
}

/// The window through which the processor sees the card's memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bar1 {
    pub(crate) used: Bytes,
    pub(crate) total: Bytes,
}

/// What the multiprocessors did; `None`: the card does not count it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shares {
    pub(crate) sm_active: Option<Percent>,
    pub(crate) sm_occupancy: Option<Percent>,
    pub(crate) tensor: Option<Percent>,
    pub(crate) memory_bandwidth: Option<Percent>,
}

/// Which memory errors are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EccCount {
    VolatileCorrected,
    VolatileUncorrected,
    AggregateCorrected,
    AggregateUncorrected,
}

/// Limits of temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threshold {
    MaxOperating,
    Slowdown,
    Shutdown,
    MemoryMax,
}

/// What has become of faulty rows of the memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RemappedRows {
    pub(crate) correctable: u32,
    pub(crate) uncorrectable: u32,
    pub(crate) pending: bool,
    pub(crate) failure: bool,
}

/// Errors of all links of a card.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LinkErrors {
    pub(crate) crc: u64,
    pub(crate) replay: u64,
    pub(crate) recovery: u64,
}

/// The last answer to each question.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    p_state: Reading<PState>,
    energy: Reading<MilliJoules>,
    memory_kind: Reading<MemoryKind>,
    power_limit: Reading<MilliWatts>,
    clocks: Clocks,
    video: Video,
    thermal: Thermal,
    /// Its reserve comes with the frame buffer's size, not from here.
    memory: MemoryDetail,
    pcie: Pcie,
    ecc: Ecc,
    nvlink: NvLink,
    power_limits: PowerLimits,
    identity: Identity,
    settings: Settings,
    activity: Activity,
    traffic: Traffic,
    /// When the traffic was asked.
    traffic_at: Duration,
}

impl Gauges {
    /// Asks what is due, the fast tier always.
    pub(crate) fn read(&mut self, asker: &mut Asker, card: &impl Instruments, due: Due) {
        if due.inventory {
            asker.forget();
            self.read_limits(asker, card);
            self.read_identity(asker, card);
        }
        if due.slow {
            self.read_slow(asker, card);
        }
        if due.normal {
            self.read_normal(asker, card);
        }
        self.read_traffic(asker, card, due);
        self.clocks.sm = asker.ask(Metric::SmClock, || card.sm_clock());
        self.clocks.memory = asker.ask(Metric::MemoryClock, || card.memory_clock());
        self.p_state = asker.ask(Metric::PState, || card.p_state());
        self.pcie.generation = asker.ask(Metric::PcieGeneration, || card.pcie_generation());
        self.pcie.width = asker.ask(Metric::PcieWidth, || card.pcie_width());
    }

    fn read_normal(&mut self, asker: &mut Asker, card: &impl Instruments) {
        self.video.encoder = asker.ask(Metric::Encoder, || card.encoder());
        self.video.decoder = asker.ask(Metric::Decoder, || card.decoder());
        self.thermal.fan = asker.ask(Metric::Fan, || card.fan());
        self.thermal.memory = asker.ask(Metric::MemoryTemperature, || card.memory_temperature());
        let bar1 = asker.ask(Metric::Bar1, || card.bar1());
        self.memory.bar1_used = bar1.as_ref().map(|bar1| bar1.used);
        keep(&mut self.memory.bar1_total, bar1.map(|bar1| bar1.total));
        self.pcie.replays = asker.ask(Metric::PcieReplays, || card.pcie_replays());
        self.power_limit = asker.ask(Metric::PowerLimit, || card.power_limit());
        self.read_activity(asker, card);
    }

    fn read_activity(&mut self, asker: &mut Asker, card: &impl Instruments) {
        let of = |share: Option<Percent>| share.map_or(Reading::Unsupported, Reading::Value);
        self.activity = match asker.ask(Metric::Activity, || card.activity()) {
            Reading::Value(Some(shares)) => Activity {
                sm_active: of(shares.sm_active),
                sm_occupancy: of(shares.sm_occupancy),
                tensor: of(shares.tensor),
                memory_bandwidth: of(shares.memory_bandwidth),
            },
            Reading::Value(None) | Reading::Stale { .. } => Activity::default(),
            Reading::Unsupported => Activity::unsupported(),
            Reading::Failed(failure) => Activity::default().failed(failure),
        };
    }

    fn read_traffic(&mut self, asker: &mut Asker, card: &impl Instruments, due: Due) {
        if due.traffic {
            self.traffic.pcie_receive = asker.ask(Metric::PcieReceive, || card.pcie_receive());
            self.traffic.pcie_transmit = asker.ask(Metric::PcieTransmit, || card.pcie_transmit());
            self.traffic_at = due.round.now;
        } else if !due.round.watched {
            // Nobody looks, nobody asks: what is known gets older.
            let age = due.round.now.saturating_sub(self.traffic_at);
            self.traffic = std::mem::take(&mut self.traffic).aged(age);
            self.traffic_at = due.round.now;
        }
    }

    fn read_slow(&mut self, asker: &mut Asker, card: &impl Instruments) {
        let mut errors =
            |metric, count: EccCount| asker.ask(metric, move || card.ecc_errors(count));
        let ecc = &mut self.ecc;
        ecc.volatile_corrected = errors(Metric::VolatileCorrected, EccCount::VolatileCorrected);
        ecc.volatile_uncorrected =
            errors(Metric::VolatileUncorrected, EccCount::VolatileUncorrected);
        ecc.aggregate_corrected = errors(Metric::AggregateCorrected, EccCount::AggregateCorrected);
        ecc.aggregate_uncorrected =
            errors(Metric::AggregateUncorrected, EccCount::AggregateUncorrected);
        ecc.retired_single_bit = asker.ask(Metric::RetiredSingleBit, || card.retired_pages(false));
        ecc.retired_double_bit = asker.ask(Metric::RetiredDoubleBit, || card.retired_pages(true));
        ecc.retirement_pending = asker.ask(Metric::RetirementPending, || card.retirement_pending());
        let rows = asker.ask(Metric::RemappedRows, || card.remapped_rows());
        ecc.remapped_correctable = rows.as_ref().map(|rows| rows.correctable);
        ecc.remapped_uncorrectable = rows.as_ref().map(|rows| rows.uncorrectable);
        ecc.remap_pending = rows.as_ref().map(|rows| rows.pending);
        ecc.remap_failure = rows.map(|rows| rows.failure);
        self.energy = asker.ask(Metric::Energy, || card.energy());
        let Some(links @ 1..) = self.nvlink.links.get() else {
            return;
        };
        self.nvlink.active = asker.ask(Metric::NvLinkActive, || card.nvlink_active(links));
        let errors = asker.ask(Metric::NvLinkErrors, || card.nvlink_errors(links));
        self.nvlink.crc_errors = errors.as_ref().map(|errors| errors.crc);
        self.nvlink.replay_errors = errors.as_ref().map(|errors| errors.replay);
        self.nvlink.recovery_errors = errors.map(|errors| errors.recovery);
    }

    fn read_limits(&mut self, asker: &mut Asker, card: &impl Instruments) {
        let clock = asker.ask(Metric::SmClockMax, || card.sm_clock_max());
        keep(&mut self.clocks.sm_max, clock);
        let clock = asker.ask(Metric::MemoryClockMax, || card.memory_clock_max());
        keep(&mut self.clocks.memory_max, clock);
        let mut limit =
            |metric, threshold: Threshold| asker.ask(metric, move || card.threshold(threshold));
        let max_operating = limit(Metric::MaxOperating, Threshold::MaxOperating);
        keep(&mut self.thermal.max_operating, max_operating);
        let slowdown = limit(Metric::Slowdown, Threshold::Slowdown);
        keep(&mut self.thermal.slowdown, slowdown);
        let shutdown = limit(Metric::Shutdown, Threshold::Shutdown);
        keep(&mut self.thermal.shutdown, shutdown);
        let memory_max = limit(Metric::MemoryMax, Threshold::MemoryMax);
        keep(&mut self.thermal.memory_max, memory_max);
        let generation = asker.ask(Metric::PcieGenerationMax, || card.pcie_generation_max());
        keep(&mut self.pcie.generation_max, generation);
        let width = asker.ask(Metric::PcieWidthMax, || card.pcie_width_max());
        keep(&mut self.pcie.width_max, width);
        let default = asker.ask(Metric::DefaultPowerLimit, || card.default_power_limit());
        keep(&mut self.power_limits.default, default);
        let bounds = asker.ask(Metric::PowerLimitBounds, || card.power_limit_bounds());
        keep(
            &mut self.power_limits.min,
            bounds.as_ref().map(|(min, _)| *min),
        );
        keep(&mut self.power_limits.max, bounds.map(|(_, max)| max));
    }

    fn read_identity(&mut self, asker: &mut Asker, card: &impl Instruments) {
        let kind = asker.ask(Metric::MemoryKind, || card.memory_kind());
        keep(&mut self.memory_kind, kind);
        let enabled = asker.ask(Metric::EccEnabled, || card.ecc_enabled());
        keep(&mut self.ecc.enabled, enabled);
        let identity = &mut self.identity;
        keep(
            &mut identity.serial,
            asker.ask(Metric::Serial, || card.serial()),
        );
        keep(
            &mut identity.vbios,
            asker.ask(Metric::Vbios, || card.vbios()),
        );
        let bus_id = asker.ask(Metric::PciBusId, || card.pci_bus_id());
        keep(&mut identity.pci_bus_id, bus_id);
        let node = asker.ask(Metric::NumaNode, || card.numa_node());
        keep(&mut identity.numa_node, node);
        let persistence = asker.ask(Metric::Persistence, || card.persistence());
        keep(&mut self.settings.persistence, persistence);
        let mode = asker.ask(Metric::ComputeMode, || card.compute_mode());
        keep(&mut self.settings.compute_mode, mode);
        match asker.ask(Metric::NvLinks, || card.nvlinks()) {
            Reading::Unsupported | Reading::Value(0) => self.nvlink = NvLink::unsupported(),
            links => keep(&mut self.nvlink.links, links),
        }
    }

    /// What the card's memory errors are.
    pub(crate) const fn ecc(&self) -> &Ecc {
        &self.ecc
    }

    /// Writes the answers into the card's entry.
    pub(crate) fn fill(&self, device: &mut Device) {
        device.p_state = self.p_state.clone();
        device.energy = self.energy.clone();
        device.memory_kind = self.memory_kind.clone();
        device.power_limit = self.power_limit.clone();
        device.clocks = self.clocks.clone();
        device.video = self.video.clone();
        device.thermal = self.thermal.clone();
        device.memory.bar1_used = self.memory.bar1_used.clone();
        device.memory.bar1_total = self.memory.bar1_total.clone();
        device.pcie = self.pcie.clone();
        device.ecc = self.ecc.clone();
        device.nvlink = self.nvlink.clone();
        device.power_limits = self.power_limits.clone();
        device.identity = self.identity.clone();
        device.settings = self.settings.clone();
        device.activity = self.activity.clone();
        device.traffic = self.traffic.clone();
    }
}

/// Takes in a property; one question without an answer does not change what is known.
fn keep<T>(known: &mut Reading<T>, answer: Reading<T>) {
    if !matches!((&*known, &answer), (Reading::Value(_), Reading::Failed(_))) {
        *known = answer;
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::Failure;

    use super::*;

    #[test]
    fn a_property_outlives_a_question_without_an_answer() {
        let mut known = Reading::default();
        keep(&mut known, Reading::Value(3));
        keep(&mut known, Reading::Failed(Failure::Timeout));
        assert_eq!(known, Reading::Value(3));
        keep(&mut known, Reading::Unsupported);
        assert_eq!(known, Reading::Unsupported);
        keep(&mut known, Reading::Failed(Failure::Timeout));
        assert_eq!(known, Reading::Failed(Failure::Timeout));
    }
}
