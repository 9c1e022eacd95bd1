//! What NVML's errors mean for a question, for the card and for the driver.

use gputop_model::{DriverState, Failure};
use nvml_wrapper::error::NvmlError;

use crate::source::ask::Refusal;

impl From<NvmlError> for Refusal {
    fn from(error: NvmlError) -> Self {
        if is_unsupported(&error) {
            return Self::Unsupported;
        }
        match error {
            NvmlError::GpuLost | NvmlError::ResetRequired => Self::Lost,
            NvmlError::NoPermission | NvmlError::OperatingSystem => {
                Self::Failed(Failure::NoPermission)
            }
            NvmlError::Timeout => Self::Failed(Failure::Timeout),
            NvmlError::NotFound | NvmlError::NoData => Self::Failed(Failure::NotFound),
            NvmlError::LibRmVersionMismatch
            | NvmlError::DriverNotLoaded
            | NvmlError::Uninitialized => {
                let driver = driver_state(&error);
                Self::DriverGone(driver, Failure::Other(error.into()))
            }
            // The number is NVML's own (`nvmlReturn_t`).
            other => Self::Failed(Failure::Other(other.into())),
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
    fn errors_keep_their_kind() {
        assert_eq!(Refusal::from(NvmlError::NotSupported), Refusal::Unsupported);
        assert_eq!(Refusal::from(NvmlError::GpuLost), Refusal::Lost);
        let refused = Refusal::Failed(Failure::NoPermission);
        assert_eq!(Refusal::from(NvmlError::NoPermission), refused);
        let unknown = Refusal::Failed(Failure::Other(999));
        assert_eq!(Refusal::from(NvmlError::Unknown), unknown);
    }

    #[test]
    fn a_mismatch_concerns_the_driver() {
        let refusal = Refusal::from(NvmlError::LibRmVersionMismatch);
        assert!(matches!(
            refusal,
            Refusal::DriverGone(DriverState::Mismatch { .. }, Failure::Other(18))
        ));
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
