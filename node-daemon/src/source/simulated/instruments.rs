//! A simulated card's answers to what it can be asked besides the essentials.
//!
//! They depend on what the card does now and on a stream of numbers of their own, so that the
//! essentials stay what they are.

use std::time::Duration;

use gputop_model::{
    Bytes, BytesPerSecond, Celsius, ComputeMode, MegaHertz, MemoryKind, MilliJoules, MilliWatts,
    PState, Percent,
};

use super::cards::CardSpec;
use super::measure::{Load, percent};
use super::models::Ecc;
use super::noise::{mix, unit, wave};
use crate::source::ask::Refusal;
use crate::source::instruments::{
    Bar1, EccCount, Instruments, LinkErrors, RemappedRows, Shares, Threshold,
};

/// Separates the numbers in here from those of the essentials.
const STREAM: u64 = 0x6361_7264;

/// Clocks come in steps.
const STEP: u32 = 15;

/// A card at one moment.
#[derive(Debug)]
pub(super) struct SimulatedCard<'a> {
    pub(super) spec: &'a CardSpec,
    pub(super) load: Load,
    /// Of the core.
    pub(super) celsius: Celsius,
    /// The power limit holds the clocks back.
    pub(super) capped: bool,
    pub(super) energy: MilliJoules,
    /// Pages or rows wait for the next reset.
    pub(super) pending: bool,
    pub(super) now: Duration,
}

type Answer<T> = Result<T, Refusal>;

impl SimulatedCard<'_> {
    /// A number in 0..1 that belongs to the card.
    fn own(&self, number: u64) -> f64 {
        unit(mix(self.spec.seed ^ STREAM), number)
    }

    /// A number in 0..1 that moves.
    fn moving(&self, number: u64, step: f64) -> f64 {
        let seed = mix(self.spec.seed ^ STREAM ^ mix(number));
        wave(seed, self.now.as_secs_f64(), step)
    }

    fn is_busy(&self) -> bool {
        self.load.busy > 0.005
    }

    /// Temperature of the memory, where there is a sensor: some degrees above the core's. Where it
    /// is badly cooled it rises beyond its limit with the load.
    fn memory_celsius(&self) -> Option<Celsius> {
        let limit = f64::from(self.spec.model.limits.memory?.0);
        let core = f64::from(self.celsius.0.max(0));
        let cool = core + 4.0 + 6.0 * self.own(1) + 4.0 * self.load.busy;
        let celsius = if self.spec.hot_memory {
            cool + (limit + 4.0 - cool).max(0.0) * self.load.busy
        } else {
            cool
        };
        Some(Celsius(whole(celsius).cast_signed()))
    }

    /// Whether the memory is so hot that the driver holds the clocks back.
    pub(super) fn is_memory_too_hot(&self) -> bool {
        let limit = self.spec.model.limits.memory;
        self.memory_celsius() >= limit && limit.is_some()
    }

    /// Errors corrected in the card's life.
    fn corrected(&self) -> u64 {
        u64::from(whole(30.0 * self.own(2) * self.own(3)))
    }

    /// Most that goes over the PCIe link now, bytes a second: a lane carries 250 MB/s in the first
    /// generation, and each generation doubles it.
    fn link_rate(&self) -> Answer<f64> {
        let doubled = self.pcie_generation()?.saturating_sub(1).min(8);
        let lane = 250e6 * f64::from(1_u32 << doubled);
        Ok(lane * f64::from(self.pcie_width()?))
    }

    fn with_ecc<T>(&self, has: impl Fn(Ecc) -> bool, answer: T) -> Answer<T> {
        if has(self.spec.model.ecc) {
            Ok(answer)
        } else {
            Err(Refusal::Unsupported)
        }
    }
}

impl Instruments for SimulatedCard<'_> {
    type Error = Refusal;

    fn sm_clock(&self) -> Answer<MegaHertz> {
        if !self.is_busy() {
            return Ok(MegaHertz(if self.spec.model.server { 345 } else { 210 }));
        }
        let held_back = if self.is_memory_too_hot() {
            0.62
        } else if self.capped {
            0.88
        } else {
            1.0
        };
        let boost = 0.9 + 0.05 * self.own(4) + 0.04 * self.moving(4, 3.0);
        let clock = whole(f64::from(self.spec.model.sm_max.0) * boost * held_back);
        Ok(MegaHertz(clock / STEP * STEP))
    }

    fn memory_clock(&self) -> Answer<MegaHertz> {
        let max = self.spec.model.memory_max.ok_or(Refusal::Unsupported)?;
        let resting = !self.is_busy() && !self.spec.model.server;
        Ok(if resting { MegaHertz(405) } else { max })
    }

    fn p_state(&self) -> Answer<PState> {
        Ok(PState(match (self.spec.model.server, self.is_busy()) {
            (true, _) => 0,
            // CUDA programs keep desktop cards out of P0.
            (false, true) => 2,
            (false, false) => 8,
        }))
    }

    fn pcie_generation(&self) -> Answer<u32> {
        let best = self.pcie_generation_max()?;
        let resting = !self.is_busy() && !self.spec.model.server;
        Ok(if resting { 1 } else { best })
    }

    fn pcie_width(&self) -> Answer<u32> {
        let best = self.pcie_width_max()?;
        Ok(self.spec.pcie_width.map_or(best, |width| width.min(best)))
    }

    fn encoder(&self) -> Answer<Percent> {
        Ok(percent(self.load.video))
    }

    fn decoder(&self) -> Answer<Percent> {
        Ok(percent(self.load.video * (0.5 + 0.3 * self.own(5))))
    }

    fn fan(&self) -> Answer<Percent> {
        if self.spec.model.server || self.spec.model.is_unified() {
            return Err(Refusal::Unsupported);
        }
        if self.celsius.0 < 45 {
            return Ok(Percent(0));
        }
        let wanted = 1.5 * f64::from(self.celsius.0 - 25) + 3.0 * self.moving(6, 4.0);
        Ok(Percent::clamped(whole(wanted.max(30.0))))
    }

    fn memory_temperature(&self) -> Answer<Celsius> {
        self.memory_celsius().ok_or(Refusal::Unsupported)
    }

    fn bar1(&self) -> Answer<Bar1> {
        if self.spec.model.is_unified() {
            return Err(Refusal::Unsupported);
        }
        let total = if self.spec.model.server {
            // Large enough for all of the card's memory.
            let room = self.spec.memory.0.checked_next_power_of_two();
            Bytes(room.unwrap_or(u64::MAX))
        } else {
            Bytes::from_mib(256)
        };
        let used = Bytes::from_mib(u64::from(whole(2.0 + 8.0 * self.own(7))));
        Ok(Bar1 { used, total })
    }

    fn pcie_replays(&self) -> Answer<u32> {
        // A link that has lost lanes is not a good one.
        let bad = self.spec.pcie_width.is_some();
        let minutes = self.now.as_secs_f64() / 60.0;
        Ok(if bad { 40 + whole(3.0 * minutes) } else { 0 })
    }

    fn power_limit(&self) -> Answer<MilliWatts> {
        if self.spec.model.is_unified() {
            return Err(Refusal::Unsupported);
        }
        Ok(self.spec.power_limit)
    }

    fn activity(&self) -> Answer<Option<Shares>> {
        // In MIG mode it is counted by instance.
        if !self.spec.model.counts_activity() || !self.spec.instances.is_empty() {
            return Err(Refusal::Unsupported);
        }
        let busy = self.load.busy;
        Ok(Some(Shares {
            sm_active: Some(percent(busy * (0.8 + 0.15 * self.moving(5, 3.0)))),
            sm_occupancy: Some(percent(busy * (0.3 + 0.25 * self.own(5)))),
            tensor: Some(percent(busy * (0.15 + 0.4 * self.own(6)))),
            memory_bandwidth: Some(percent(busy * (0.3 + 0.3 * self.moving(6, 3.0)))),
        }))
    }

    fn pcie_receive(&self) -> Answer<BytesPerSecond> {
        let best = self.link_rate()?;
        let share = 0.0005 + 0.2 * self.load.busy * self.moving(7, 2.0);
        Ok(BytesPerSecond(bytes(best * share)))
    }

    fn pcie_transmit(&self) -> Answer<BytesPerSecond> {
        let best = self.link_rate()?;
        let share = 0.0005 + 0.1 * self.load.busy * self.moving(8, 2.0);
        Ok(BytesPerSecond(bytes(best * share)))
    }

    fn ecc_errors(&self, count: EccCount) -> Answer<u64> {
        let answer = match count {
            EccCount::AggregateCorrected => self.corrected(),
            EccCount::VolatileCorrected => self.corrected() / 8,
            EccCount::VolatileUncorrected | EccCount::AggregateUncorrected => 0,
        };
        self.with_ecc(|ecc| ecc != Ecc::None, answer)
    }

    fn retired_pages(&self, double_bit: bool) -> Answer<u32> {
        let single_bit = whole(2.5 * self.own(8));
        let answer = if double_bit { 0 } else { single_bit };
        self.with_ecc(|ecc| ecc == Ecc::Pages, answer)
    }

    fn retirement_pending(&self) -> Answer<bool> {
        self.with_ecc(|ecc| ecc == Ecc::Pages, self.pending)
    }

    fn remapped_rows(&self) -> Answer<RemappedRows> {
        let rows = RemappedRows {
            correctable: whole(1.4 * self.own(9)),
            uncorrectable: 0,
            pending: self.pending,
            failure: false,
        };
        self.with_ecc(|ecc| ecc == Ecc::Rows, rows)
    }

    fn energy(&self) -> Answer<MilliJoules> {
        Ok(self.energy)
    }

    fn nvlink_active(&self, links: u32) -> Answer<u32> {
        Ok(if self.spec.model.wired { links } else { 0 })
    }

    fn nvlink_errors(&self, _links: u32) -> Answer<LinkErrors> {
        let crc = u64::from(whole(1.8 * self.own(10)));
        Ok(LinkErrors {
            crc: if self.spec.model.wired { crc } else { 0 },
            ..LinkErrors::default()
        })
    }

    fn memory_kind(&self) -> Answer<MemoryKind> {
        Ok(if self.spec.model.is_unified() {
            MemoryKind::Unified
        } else {
            MemoryKind::Dedicated
        })
    }

    fn sm_clock_max(&self) -> Answer<MegaHertz> {
        Ok(self.spec.model.sm_max)
    }

    fn memory_clock_max(&self) -> Answer<MegaHertz> {
        self.spec.model.memory_max.ok_or(Refusal::Unsupported)
    }

    fn threshold(&self, threshold: Threshold) -> Answer<Celsius> {
        let limits = self.spec.model.limits;
        match threshold {
            Threshold::MaxOperating => Ok(limits.max_operating),
            Threshold::Slowdown => Ok(limits.slowdown),
            Threshold::Shutdown => Ok(limits.shutdown),
            Threshold::MemoryMax => limits.memory.ok_or(Refusal::Unsupported),
        }
    }

    fn pcie_generation_max(&self) -> Answer<u32> {
        if self.spec.model.is_unified() {
            return Err(Refusal::Unsupported);
        }
        Ok(self.spec.model.pcie_generation)
    }

    fn pcie_width_max(&self) -> Answer<u32> {
        if self.spec.model.is_unified() {
            return Err(Refusal::Unsupported);
        }
        Ok(self.spec.model.pcie_width)
    }

    fn ecc_enabled(&self) -> Answer<bool> {
        self.with_ecc(|ecc| ecc != Ecc::None, true)
    }

    fn nvlinks(&self) -> Answer<u32> {
        match self.spec.model.nvlinks {
            0 => Err(Refusal::Unsupported),
            links => Ok(links),
        }
    }

    fn default_power_limit(&self) -> Answer<MilliWatts> {
        self.power_limit()
    }

    fn power_limit_bounds(&self) -> Answer<(MilliWatts, MilliWatts)> {
        let limit = self.power_limit()?.0;
        let highest = if self.spec.model.server {
            limit
        } else {
            limit / 20 * 21
        };
        Ok((MilliWatts(limit / 7 * 2), MilliWatts(highest)))
    }

    fn serial(&self) -> Answer<String> {
        if !self.spec.model.server {
            return Err(Refusal::Unsupported);
        }
        Ok(format!("13247{:08}", whole(99_999_999.0 * self.own(11))))
    }

    fn vbios(&self) -> Answer<String> {
        let part = |number| whole(255.0 * self.own(number));
        Ok(format!("96.00.{:02X}.00.{:02X}", part(12), part(13)))
    }

    fn pci_bus_id(&self) -> Answer<String> {
        // Every second bus is a bridge's.
        Ok(format!("00000000:{:02X}:00.0", 1 + 2 * self.spec.index))
    }

    fn numa_node(&self) -> Answer<u32> {
        // Four cards a socket.
        Ok(self.spec.index / 4)
    }

    fn persistence(&self) -> Answer<bool> {
        Ok(self.spec.model.server)
    }

    fn compute_mode(&self) -> Answer<ComputeMode> {
        Ok(ComputeMode::Default)
    }
}

/// The whole part of a rate, which is not negative.
fn bytes(rate: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; float casts saturate"
    )]
    let whole = rate as u64;
    whole
}

/// The whole part of a number that is not negative.
fn whole(number: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and not negative; float casts saturate"
    )]
    let whole = number as u32;
    whole
}
