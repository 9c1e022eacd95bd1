//! Is this device free, and if not, is it used? (README.md lists the states.)

use std::time::Duration;

use gputop_model::{Bytes, Device, Health};

/// State of a device, in the order in which a table sorts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceState {
    /// Must not be given work.
    Sick,
    /// Given to a container that has done nothing with it for minutes.
    Idle,
    /// Nobody was given it, yet something uses it.
    Occupied,
    /// Nobody was given it and nothing uses it.
    Free,
    /// Given to a container that used it a short while ago.
    Ready,
    /// Given to a container; whether it is used can not be measured.
    Allocated,
    /// Given to a container and at work.
    Working,
    /// Split into MIG instances, which have states of their own.
    Partitioned,
    /// The kubelet could not be asked who holds it.
    Unknown,
}

impl DeviceState {
    /// Every state, in sorting order.
    pub const ALL: [Self; 9] = [
        Self::Sick,
        Self::Idle,
        Self::Occupied,
        Self::Free,
        Self::Ready,
        Self::Allocated,
        Self::Working,
        Self::Partitioned,
        Self::Unknown,
    ];

    /// Stable name for JSON and the word on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sick => "sick",
            Self::Idle => "idle",
            Self::Occupied => "occupied",
            Self::Free => "free",
            Self::Ready => "ready",
            Self::Allocated => "allocated",
            Self::Working => "working",
            Self::Partitioned => "partitioned",
            Self::Unknown => "unknown",
        }
    }
}

/// A device counts as at work until it has been quiet for this long: utilisation is sampled once
/// a second and an inference server is quiet between two requests.
pub(super) const WORKING_WINDOW: Duration = Duration::from_secs(10);

/// Utilisation in percent from which a device without any visible process counts as occupied:
/// below it the driver's own housekeeping may show.
const OCCUPIED_UTILIZATION: u8 = 5;

/// What is known of a device's use when its state is decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    /// Whether a container was given the device; `None`: not known.
    pub allocated: Option<bool>,
    /// Number of processes on the device.
    pub processes: usize,
    /// The driver answers for the device, and lately: "nothing uses it" can be said.
    pub looked: bool,
    /// How long the device, or its busiest process, has been quiet; `None`: not measurable.
    pub idle_for: Option<Duration>,
}

/// Memory in use from which a device without any visible process counts as occupied, in percent of
/// the card and in bytes: driver and page tables take up to about 0.6 GiB.
const OCCUPIED_MEMORY: (u8, Bytes) = (4, Bytes::from_gib(1));

/// Whether something invisible uses the device: a process of a virtual machine, or one that the
/// daemon may not see.
fn is_busy(device: &Device) -> bool {
    let used = device.memory_used.get().zip(device.memory_total.get());
    let holds = used.is_some_and(|(used, total)| {
        let share = used.share_of(total).unwrap_or_default();
        used >= OCCUPIED_MEMORY.1 && share.0 >= OCCUPIED_MEMORY.0
    });
    holds
        || device
            .utilization
            .get()
            .is_some_and(|u| u.0 >= OCCUPIED_UTILIZATION)
}

/// The state of `device`.
pub(super) fn device_state(device: &Device, use_: Use, idle_after: Duration) -> DeviceState {
    if let Some(Health::Sick { .. }) = device.health.known() {
        return DeviceState::Sick;
    }
    if device.is_partitioned() {
        return DeviceState::Partitioned;
    }
    match use_.allocated {
        None => DeviceState::Unknown,
        Some(false) => {
            if use_.processes > 0 || is_busy(device) {
                DeviceState::Occupied
            } else if use_.looked {
                DeviceState::Free
            } else {
                DeviceState::Unknown
            }
        }
        Some(true) => match use_.idle_for {
            None => DeviceState::Allocated,
            Some(quiet) if quiet < WORKING_WINDOW => DeviceState::Working,
            Some(quiet) if quiet < idle_after => DeviceState::Ready,
            Some(_) => DeviceState::Idle,
        },
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::{DeviceKind, Percent};

    use super::*;

    const IDLE_AFTER: Duration = Duration::from_secs(600);

    fn gpu() -> Device {
        Device::unmeasured(
            0,
            "GPU-0".into(),
            String::new(),
            DeviceKind::Gpu { mig_enabled: false },
        )
    }

    fn state(
        device: &Device,
        allocated: Option<bool>,
        processes: usize,
        idle: Option<u64>,
    ) -> &str {
        let idle_for = idle.map(Duration::from_secs);
        device_state(
            device,
            Use {
                allocated,
                processes,
                idle_for,
                looked: true,
            },
            IDLE_AFTER,
        )
        .name()
    }

    #[test]
    fn an_allocated_device_goes_from_working_over_ready_to_idle() {
        let gpu = gpu();
        assert_eq!(state(&gpu, Some(true), 1, Some(0)), "working");
        assert_eq!(state(&gpu, Some(true), 1, Some(9)), "working");
        assert_eq!(state(&gpu, Some(true), 1, Some(10)), "ready");
        assert_eq!(state(&gpu, Some(true), 1, Some(599)), "ready");
        assert_eq!(state(&gpu, Some(true), 1, Some(600)), "idle");
        assert_eq!(state(&gpu, Some(true), 0, Some(600)), "idle");
        assert_eq!(state(&gpu, Some(true), 1, None), "allocated");
    }

    #[test]
    fn free_is_not_always_free() {
        let mut gpu = gpu();
        assert_eq!(state(&gpu, Some(false), 0, Some(900)), "free");
        assert_eq!(state(&gpu, Some(false), 1, Some(900)), "occupied");
        gpu.utilization = Percent(30).into();
        assert_eq!(state(&gpu, Some(false), 0, Some(0)), "occupied");
        gpu.utilization = Percent(1).into();
        assert_eq!(state(&gpu, Some(false), 0, Some(0)), "free");
    }

    #[test]
    fn memory_that_nobody_visible_holds_is_somebodys() {
        let mut gpu = gpu();
        gpu.memory_total = Bytes::from_gib(24).into();
        gpu.memory_used = Bytes::from_mib(600).into();
        assert_eq!(state(&gpu, Some(false), 0, None), "free");
        gpu.memory_used = Bytes::from_gib(20).into();
        assert_eq!(state(&gpu, Some(false), 0, None), "occupied");
    }

    #[test]
    fn a_card_that_does_not_answer_is_not_free() {
        let use_ = Use {
            allocated: Some(false),
            processes: 0,
            idle_for: None,
            looked: false,
        };
        assert_eq!(device_state(&gpu(), use_, IDLE_AFTER), DeviceState::Unknown);
    }

    #[test]
    fn an_unasked_kubelet_never_makes_a_device_free() {
        assert_eq!(state(&gpu(), None, 0, Some(900)), "unknown");
    }

    #[test]
    fn sickness_comes_before_everything() {
        let mut gpu = gpu();
        gpu.health = Health::Sick {
            why: "lost".to_owned(),
        }
        .into();
        for allocated in [None, Some(true), Some(false)] {
            assert_eq!(state(&gpu, allocated, 1, Some(0)), "sick");
        }
    }

    #[test]
    fn a_gpu_in_mig_mode_is_partitioned() {
        let device = Device::unmeasured(
            0,
            "GPU-0".into(),
            String::new(),
            DeviceKind::Gpu { mig_enabled: true },
        );
        assert_eq!(state(&device, Some(false), 0, None), "partitioned");
    }
}
