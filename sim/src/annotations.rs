//! Pod annotations by which a pod says how it is to be simulated. The first six mean the same to
//! the simulated kubelets of the real control plane (`testbed/control-plane/stages.yaml`).

/// Bound to Running; a duration, 200 ms when absent.
pub(crate) const CREATE_DELAY: &str = "sim/create-delay";
/// Running to Ready; a duration, 500 ms when absent.
pub(crate) const READY_DELAY: &str = "sim/ready-delay";
/// `true`: never becomes Ready.
pub(crate) const NEVER_READY: &str = "sim/never-ready";
/// Deleted to containers dead; a duration, 2 s when absent, cut short by the grace period.
pub(crate) const TERM_DELAY: &str = "sim/term-delay";
/// Exit code of a container that was asked to end; 143 when absent.
pub(crate) const EXIT_CODE: &str = "sim/exit-code";
/// Ready to Succeeded; a duration, never when absent.
pub(crate) const COMPLETE_AFTER: &str = "sim/complete-after";

/// Running to exit code 1, again and again; a duration.
pub(crate) const CRASH_AFTER: &str = "sim/crash-after";
/// How long each init container runs; a duration, 2 s when absent.
pub(crate) const INIT_DELAY: &str = "sim/init-delay";
/// What its processes do on the GPU: `training`, `inference`, `quiet-server`, `notebook`,
/// `media`, `desktop`, `loading`.
pub(crate) const BEHAVIOUR: &str = "sim/behaviour";
/// Device memory of its process on each device; a number of GiB.
pub(crate) const MEMORY_GIB: &str = "sim/memory-gib";
/// Login name of its processes.
pub(crate) const USER: &str = "sim/user";
/// Name of its processes' executable.
pub(crate) const PROCESS: &str = "sim/process";
/// Uses the GPU with this index of its node without having asked for one.
pub(crate) const UNREQUESTED: &str = "sim/unrequested-gpu";
/// How long it had run nothing when the cluster was started; a duration.
pub(crate) const IDLE_BEFORE: &str = "sim/idle-before";

/// On a Job: how long after its end the next of its series is created; a duration.
pub(crate) const NEXT_AFTER: &str = "sim/next-after";
/// On a Job: name of its series; the Job's name is that, a hyphen and a number.
pub(crate) const SERIES: &str = "sim/series";
/// On a Job, written by its controller: pods that were deleted under it, as `UID=TIME,…`.
pub(crate) const LOST_PODS: &str = "sim/lost-pods";
