//! Asks a card, and does not ask again for what it does not have.

use std::collections::BTreeSet;

use gputop_model::{DriverState, Failure, Reading};

/// What a card may not have.
#[cfg_attr(
    not(feature = "nvml"),
    expect(dead_code, reason = "the simulation is not asked for everything")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    // With every sample.
    Memory,
    Utilization,
    Temperature,
    Power,
    Throttle,
    ComputeProcesses,
    GraphicsProcesses,
    MpsProcesses,
    InstanceComputeProcesses,
    InstanceGraphicsProcesses,
    InstanceMpsProcesses,
    ProcessUtilization,
    SmClock,
    MemoryClock,
    PState,
    PcieGeneration,
    PcieWidth,
    // Normal.
    Encoder,
    Decoder,
    Fan,
    MemoryTemperature,
    Bar1,
    PcieReplays,
    PowerLimit,
    Activity,
    // While somebody looks.
    PcieReceive,
    PcieTransmit,
    // Slow.
    MigMode,
    VolatileCorrected,
    VolatileUncorrected,
    AggregateCorrected,
    AggregateUncorrected,
    RetiredSingleBit,
    RetiredDoubleBit,
    RetirementPending,
    RemappedRows,
    Energy,
    NvLinkActive,
    NvLinkErrors,
    // Inventory.
    MemoryKind,
    SmClockMax,
    MemoryClockMax,
    MaxOperating,
    Slowdown,
    Shutdown,
    MemoryMax,
    PcieGenerationMax,
    PcieWidthMax,
    EccEnabled,
    NvLinks,
    DefaultPowerLimit,
    PowerLimitBounds,
    Serial,
    Vbios,
    PciBusId,
    NumaNode,
    Persistence,
    ComputeMode,
}

/// Why a question has no answer.
#[cfg_attr(
    not(any(feature = "nvml", test)),
    expect(dead_code, reason = "a simulated card always answers")
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The card, or this version of the driver, will never answer it.
    Unsupported,
    /// The card has fallen off the bus or needs a reset.
    Lost,
    /// The driver as a whole is gone.
    DriverGone(DriverState, Failure),
    /// Anything else.
    Failed(Failure),
}

/// Asks one card, and does not ask again for what it does not support.
#[derive(Debug, Default)]
pub(crate) struct Asker {
    unsupported: BTreeSet<Metric>,
    /// The card has fallen off the bus or needs a reset, as of the last answer that said so.
    pub(crate) lost: bool,
    /// What has become of the driver as a whole, when an answer said that it is gone.
    pub(crate) driver_gone: Option<DriverState>,
    /// How often the card itself was asked.
    #[cfg(test)]
    pub(crate) calls: std::collections::BTreeMap<Metric, u32>,
}

impl Asker {
    /// Begins a new round: what was lost may be back.
    #[cfg_attr(
        not(any(feature = "nvml", test)),
        expect(dead_code, reason = "a simulated card always answers")
    )]
    pub(crate) fn begin(&mut self) {
        self.lost = false;
        self.driver_gone = None;
    }

    /// Forgets what is not supported: a mode or the driver may have changed.
    pub(crate) fn forget(&mut self) {
        self.unsupported.clear();
    }

    /// One question.
    pub(crate) fn ask<T, E: Into<Refusal>>(
        &mut self,
        metric: Metric,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Reading<T> {
        if self.unsupported.contains(&metric) {
            return Reading::Unsupported;
        }
        #[cfg(test)]
        {
            *self.calls.entry(metric).or_default() += 1;
        }
        match call().map_err(Into::into) {
            Ok(value) => Reading::Value(value),
            Err(Refusal::Unsupported) => {
                self.unsupported.insert(metric);
                Reading::Unsupported
            }
            Err(refusal) => Reading::Failed(self.failed(refusal)),
        }
    }

    /// Notes what a refusal says about card and driver.
    pub(crate) fn failed(&mut self, refusal: impl Into<Refusal>) -> Failure {
        match refusal.into() {
            // Nothing remembers it here: whoever asked another way decides.
            Refusal::Unsupported => Failure::NotFound,
            Refusal::Lost => {
                self.lost = true;
                Failure::GpuLost
            }
            Refusal::DriverGone(driver, failure) => {
                self.driver_gone = Some(driver);
                failure
            }
            Refusal::Failed(failure) => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_supported_is_asked_once() {
        let mut asker = Asker::default();
        for _ in 0..3 {
            let reading = asker.ask::<u32, _>(Metric::Power, || Err(Refusal::Unsupported));
            assert_eq!(reading, Reading::Unsupported);
        }
        assert_eq!(asker.calls[&Metric::Power], 1);
        let answer = |value: u32| Ok::<_, Refusal>(value);
        assert_eq!(asker.ask(Metric::Memory, || answer(1)), Reading::Value(1));
        asker.forget();
        assert_eq!(asker.ask(Metric::Power, || answer(2)), Reading::Value(2));
    }

    #[test]
    fn a_failure_is_asked_again_and_keeps_its_kind() {
        let mut asker = Asker::default();
        let mut fails = |refusal| asker.ask::<u32, _>(Metric::Power, || Err(refusal));
        let permission = fails(Refusal::Failed(Failure::NoPermission));
        assert_eq!(permission, Reading::Failed(Failure::NoPermission));
        assert_eq!(fails(Refusal::Lost), Reading::Failed(Failure::GpuLost));
        assert!(asker.lost);
        asker.begin();
        assert!(!asker.lost);
        let answer = asker.ask(Metric::Power, || Ok::<_, Refusal>(2));
        assert_eq!(answer, Reading::Value(2));
    }

    #[test]
    fn a_driver_that_is_gone_is_told_apart() {
        let mut asker = Asker::default();
        let why = "replaced".to_owned();
        let gone = Refusal::DriverGone(DriverState::Mismatch { why }, Failure::Other(18));
        let reading = asker.ask::<u32, _>(Metric::Power, || Err(gone));
        assert_eq!(reading, Reading::Failed(Failure::Other(18)));
        assert!(asker.driver_gone.is_some());
    }
}
