//! Turns NVML's answers into readings and remembers what a card does not have.

use std::collections::BTreeSet;

use gputop_model::{DriverState, Failure, Reading};
use nvml_wrapper::error::NvmlError;

/// What a card may not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Metric {
    Memory,
    Utilization,
    Temperature,
    Power,
    PowerLimit,
    Throttle,
    EccErrors,
    RetiredPages,
    RemappedRows,
    MigMode,
    ComputeProcesses,
    GraphicsProcesses,
    ProcessUtilization,
}

/// Asks one card, and does not ask again for what it does not support.
#[derive(Debug, Default)]
pub(super) struct Asker {
    unsupported: BTreeSet<Metric>,
    /// The card has fallen off the bus or needs a reset, as of the last answer that said so.
    pub(super) lost: bool,
    /// What has become of the driver as a whole, when an answer said that it is gone.
    pub(super) driver_gone: Option<DriverState>,
}

impl Asker {
    /// Begins a new round: what was lost may be back.
    pub(super) fn begin(&mut self) {
        self.lost = false;
        self.driver_gone = None;
    }

    /// Forgets what is not supported, such as after a change of MIG mode.
    pub(super) fn forget(&mut self) {
        self.unsupported.clear();
    }

    /// One question.
    pub(super) fn ask<T>(
        &mut self,
        metric: Metric,
        call: impl FnOnce() -> Result<T, NvmlError>,
    ) -> Reading<T> {
        if self.unsupported.contains(&metric) {
            return Reading::Unsupported;
        }
        match call() {
            Ok(value) => Reading::Value(value),
            Err(error) if is_unsupported(&error) => {
                self.unsupported.insert(metric);
                Reading::Unsupported
            }
            Err(error) => Reading::Failed(self.failed(error)),
        }
    }

    /// Notes what an error says about card and driver.
    pub(super) fn failed(&mut self, error: NvmlError) -> Failure {
        match error {
            NvmlError::GpuLost | NvmlError::ResetRequired => {
                self.lost = true;
                Failure::GpuLost
            }
            NvmlError::NoPermission | NvmlError::OperatingSystem => Failure::NoPermission,
            NvmlError::Timeout => Failure::Timeout,
            NvmlError::NotFound | NvmlError::NoData => Failure::NotFound,
            NvmlError::LibRmVersionMismatch
            | NvmlError::DriverNotLoaded
            | NvmlError::Uninitialized => {
                self.driver_gone = Some(driver_state(&error));
                Failure::Other(error.into())
            }
            // The number is NVML's own (`nvmlReturn_t`).
            other => Failure::Other(other.into()),
        }
    }
}

/// The card, or this version of the driver, will never answer this.
fn is_unsupported(error: &NvmlError) -> bool {
    matches!(
        error,
        NvmlError::NotSupported | NvmlError::FunctionNotFound | NvmlError::FailedToLoadSymbol(_)
    )
}

/// What an error says about the driver as a whole.
pub(super) fn driver_state(error: &NvmlError) -> DriverState {
    match error {
        // The loader's own words name the file and what is wrong with it.
        NvmlError::LibloadingError(error) => DriverState::NoDriver {
            why: error.to_string(),
        },
        NvmlError::LibraryNotFound => DriverState::NoDriver {
            why: "NVML finds a part of the driver's libraries missing".to_owned(),
        },
        NvmlError::DriverNotLoaded => DriverState::NoDriver {
            why: "libnvidia-ml.so.1 is there and the kernel module is not loaded".to_owned(),
        },
        NvmlError::LibRmVersionMismatch => DriverState::Mismatch {
            why: "libnvidia-ml.so.1 is of another version than the kernel module; \
                  restart this container, or reboot after a driver upgrade"
                .to_owned(),
        },
        other => DriverState::Failed {
            why: format!("NVML does not work ({other})"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_supported_is_asked_once() {
        let mut asker = Asker::default();
        let mut calls = 0;
        for _ in 0..3 {
            let reading: Reading<u32> = asker.ask(Metric::Power, || {
                calls += 1;
                Err(NvmlError::NotSupported)
            });
            assert_eq!(reading, Reading::Unsupported);
        }
        assert_eq!(calls, 1);
        assert_eq!(asker.ask(Metric::Memory, || Ok(1)), Reading::Value(1));
        asker.forget();
        assert_eq!(asker.ask(Metric::Power, || Ok(2)), Reading::Value(2));
    }

    #[test]
    fn a_failure_is_asked_again_and_keeps_its_kind() {
        let mut asker = Asker::default();
        let mut fails = |error| asker.ask::<u32>(Metric::Power, || Err(error));
        let permission = fails(NvmlError::NoPermission);
        assert_eq!(permission, Reading::Failed(Failure::NoPermission));
        let unknown = fails(NvmlError::Unknown);
        assert_eq!(unknown, Reading::Failed(Failure::Other(999)));
        let lost = fails(NvmlError::GpuLost);
        assert_eq!(lost, Reading::Failed(Failure::GpuLost));
        assert!(asker.lost);
        asker.begin();
        assert!(!asker.lost);
        assert_eq!(asker.ask(Metric::Power, || Ok(2)), Reading::Value(2));
    }

    #[test]
    fn a_mismatch_concerns_the_driver() {
        let mut asker = Asker::default();
        let reading = asker.ask::<u32>(Metric::Power, || Err(NvmlError::LibRmVersionMismatch));
        assert_eq!(reading, Reading::Failed(Failure::Other(18)));
        assert!(asker.driver_gone.is_some());
    }

    #[test]
    fn each_refusal_is_told_apart() {
        let name = |error| driver_state(&error).name();
        assert_eq!(name(NvmlError::LibraryNotFound), "no_driver");
        assert_eq!(name(NvmlError::DriverNotLoaded), "no_driver");
        assert_eq!(name(NvmlError::LibRmVersionMismatch), "mismatch");
        assert_eq!(name(NvmlError::NoPermission), "failed");
    }
}
