//! What a pod makes of the devices it was given.

use std::time::Duration;

use gputop_model::{Bytes, Device, GpuProcess};

/// What was found out about one pod.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PodUse {
    /// Devices used lately, whether given or not; `None`: can not be told.
    pub in_use: Option<usize>,
    /// Positions of the devices of which it can be told that they were used lately.
    pub used: Vec<usize>,
    /// Memory of its processes; `None`: not all of them could be seen and measured.
    pub memory_used: Option<Bytes>,
    /// How long all its given devices have been quiet, when that is at least `idle_after`.
    pub idle_for: Option<Duration>,
    /// It uses a device that it was not given.
    pub unrequested: bool,
}

/// One device from the pod's point of view.
pub(super) struct PodDeviceView<'a> {
    /// What was measured; `None`: the daemon does not list it.
    pub device: Option<&'a Device>,
    /// The pod was given (a share of) it.
    pub given: bool,
    /// Nobody else was given it.
    pub alone: bool,
    /// The pod's own processes on it.
    pub processes: Vec<&'a GpuProcess>,
}

impl PodDeviceView<'_> {
    /// Whether the driver lists the processes of the device.
    fn is_listed(&self) -> bool {
        self.device
            .is_some_and(|device| device.process_count.known().is_some())
    }
}

impl PodDeviceView<'_> {
    /// How long the pod has not used the device; `None`: can not be told.
    fn quiet_for(&self) -> Option<Duration> {
        let own = self
            .processes
            .iter()
            .map(|p| p.idle_for.get())
            .min_by_key(|idle| {
                // An unknown one may be the busiest.
                idle.unwrap_or_default()
            });
        match own {
            Some(Some(idle)) => Some(idle),
            // The device's own figure speaks for the pod when it is the only holder.
            Some(None) | None if self.alone => self.device.and_then(|d| d.idle_for.get()),
            // Shared, given, and not one process: this pod does nothing with it.
            None if self.given && self.is_listed() => Some(Duration::MAX),
            _ => None,
        }
    }
}

/// Sums up `views`, one for each device that the pod was given or uses.
pub(super) fn pod_use(views: &[PodDeviceView<'_>], idle_after: Duration) -> PodUse {
    let mut use_ = PodUse::default();
    let mut in_use = Some(0);
    let mut memory = Some(Bytes(0));
    let mut quiet: Option<Duration> = None;
    let mut all_given_quiet = true;
    for (at, view) in views.iter().enumerate() {
        use_.unrequested |= !view.given;
        let own: Option<Bytes> = view.processes.iter().map(|p| p.memory_used.get()).sum();
        let idle = view.quiet_for();
        let lately = match idle {
            Some(idle) => Some(idle < idle_after),
            // It has processes there and nobody can say what they do.
            None if !view.processes.is_empty() => Some(true),
            None => None,
        };
        // Work without a visible process has memory that is not visible either.
        let hidden = view.processes.is_empty() && (lately != Some(false) || !view.is_listed());
        let own = own.filter(|_| !hidden);
        memory = memory.zip(own).map(|(sum, own)| sum + own);
        if lately == Some(true) {
            use_.used.push(at);
        }
        in_use = in_use
            .zip(lately)
            .map(|(sum, lately)| sum + usize::from(lately));
        if view.given {
            match idle {
                Some(idle) if idle >= idle_after => {
                    quiet = Some(quiet.map_or(idle, |shortest| shortest.min(idle)));
                }
                _ => all_given_quiet = false,
            }
        }
    }
    use_.in_use = in_use;
    // Without any device there is no memory to speak of.
    use_.memory_used = memory.filter(|_| !views.is_empty());
    // A pod that never had a process on a shared device is idle without a known beginning.
    use_.idle_for = quiet.filter(|idle| all_given_quiet && *idle < Duration::MAX);
    use_
}

#[cfg(test)]
mod tests {
    use gputop_model::{DeviceKind, ProcessKind, Reading};

    use super::*;

    const IDLE_AFTER: Duration = Duration::from_secs(600);

    fn gpu(idle: Option<u64>) -> Device {
        let kind = DeviceKind::Gpu { mig_enabled: false };
        let mut device = Device::unmeasured(0, "GPU-0".into(), String::new(), kind);
        device.process_count = 1.into();
        device.idle_for = idle.map_or(Reading::Unsupported, |s| Duration::from_secs(s).into());
        device
    }

    fn process(idle: Option<u64>, mib: Option<u64>) -> GpuProcess {
        GpuProcess {
            memory_used: mib.map_or(Reading::Unsupported, |mib| Bytes::from_mib(mib).into()),
            idle_for: idle.map_or(Reading::Unsupported, |s| Duration::from_secs(s).into()),
            ..GpuProcess::unmeasured(1, "GPU-0".into(), ProcessKind::Compute)
        }
    }

    fn view<'a>(
        device: &'a Device,
        given: bool,
        alone: bool,
        processes: Vec<&'a GpuProcess>,
    ) -> PodDeviceView<'a> {
        PodDeviceView {
            device: Some(device),
            given,
            alone,
            processes,
        }
    }

    #[test]
    fn a_notebook_that_holds_memory_and_does_nothing_is_idle() {
        let (gpu, notebook) = (gpu(Some(7200)), process(Some(7200), Some(9000)));
        let use_ = pod_use(&[view(&gpu, true, true, vec![&notebook])], IDLE_AFTER);
        assert_eq!(use_.in_use, Some(0));
        assert_eq!(use_.idle_for, Some(Duration::from_secs(7200)));
        assert_eq!(use_.memory_used, Some(Bytes::from_mib(9000)));
    }

    #[test]
    fn on_a_shared_device_only_the_own_processes_count() {
        let (gpu, own) = (gpu(Some(0)), process(Some(900), Some(100)));
        let use_ = pod_use(&[view(&gpu, true, false, vec![&own])], IDLE_AFTER);
        assert_eq!(
            (use_.in_use, use_.idle_for),
            (Some(0), Some(Duration::from_secs(900)))
        );
        // No process at all on a shared device: not used, since nobody knows when.
        let use_ = pod_use(&[view(&gpu, true, false, vec![])], IDLE_AFTER);
        assert_eq!((use_.in_use, use_.idle_for), (Some(0), None));
    }

    #[test]
    fn invisible_processes_leave_the_word_to_the_device() {
        let gpu = gpu(Some(0));
        let use_ = pod_use(&[view(&gpu, true, true, vec![])], IDLE_AFTER);
        assert_eq!((use_.in_use, use_.memory_used), (Some(1), None));
    }

    #[test]
    fn what_can_not_be_measured_is_not_called_idle() {
        let (gpu, own) = (gpu(None), process(None, None));
        let use_ = pod_use(&[view(&gpu, true, true, vec![&own])], IDLE_AFTER);
        assert_eq!(
            (use_.in_use, use_.idle_for, use_.memory_used),
            (Some(1), None, None)
        );
    }

    #[test]
    fn one_busy_device_of_two_is_not_idle() {
        let (quiet, busy) = (gpu(Some(9000)), gpu(Some(0)));
        let views = [
            view(&quiet, true, true, vec![]),
            view(&busy, true, true, vec![]),
        ];
        let use_ = pod_use(&views, IDLE_AFTER);
        assert_eq!((use_.in_use, use_.idle_for), (Some(1), None));
    }

    #[test]
    fn use_without_a_request_is_said() {
        let (gpu, own) = (gpu(Some(0)), process(Some(0), Some(500)));
        let use_ = pod_use(&[view(&gpu, false, false, vec![&own])], IDLE_AFTER);
        assert!(use_.unrequested);
        assert_eq!(use_.in_use, Some(1));
    }
}
