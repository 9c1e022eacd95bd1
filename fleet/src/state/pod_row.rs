//! The row of a pod. `None` means "not known".

use std::sync::Arc;
use std::time::Duration;

use gputop_model::{Bytes, GpuUuid, Phase, PodInfo};
use jiff::Timestamp;

use crate::fit::Pending;

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRow {
    /// As the API describes it.
    pub info: Arc<PodInfo>,
    /// Devices that it was given.
    pub devices: Option<Vec<GpuUuid>>,
    /// The devices of which it can be told that it has used them lately.
    pub(super) used: Vec<GpuUuid>,
    /// How many of its devices it has used lately (devices it uses without having been given
    /// them included).
    pub in_use: Option<usize>,
    /// Device memory that its processes hold.
    pub memory_used: Option<Bytes>,
    /// Since when it has had devices and done nothing with them.
    pub idle_since: Option<Timestamp>,
    /// It uses a device that it was not given.
    pub unrequested: bool,
    /// Age of the telemetry of its node.
    pub age: Option<Duration>,
    /// The telemetry is no longer fresh.
    pub stale: bool,
}

impl PodRow {
    /// Whether the pod has anything to do with GPUs.
    #[must_use]
    pub fn concerns_gpus(&self) -> bool {
        self.info.gpu_units() > 0
            || self.unrequested
            || self
                .devices
                .as_ref()
                .is_some_and(|devices| !devices.is_empty())
    }

    /// Why the pod waits, taken apart; `None`: it does not wait to be placed, and nobody has
    /// refused it.
    #[must_use]
    pub fn pending(&self) -> Option<Pending> {
        let info = &self.info;
        if info.phase == Phase::Pending && info.node.is_none() && info.deletion.is_none() {
            let said = info.reason.as_deref().map(Pending::parse);
            return Some(said.unwrap_or_else(Pending::unsaid));
        }
        // The kubelet's refusals.
        let refused = info.phase == Phase::Failed && info.reason.as_deref() == Some(REFUSED);
        let message = info.message.as_deref().filter(|_| refused)?;
        Some(Pending::parse(message))
    }

    /// Why the pod does not run or is not ready, in plain words; `None`: all is well, or nobody
    /// says. [`PodInfo::reason`] and [`PodInfo::message`] have the API's own.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        let info = &self.info;
        if let Some(pending) = self.pending() {
            return Some(pending.plain(&info.requests));
        }
        match (&info.reason, &info.message) {
            (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
            (reason, message) => reason.clone().or_else(|| message.clone()),
        }
    }

    /// One word on how the pod is, as kubectl's STATUS column has it.
    #[must_use]
    pub fn status(&self) -> &str {
        let info = &self.info;
        if info.deletion.is_some() && !info.phase.is_finished() {
            return "Terminating";
        }
        match &info.reason {
            // A container's reason is one word; the scheduler's message is a sentence.
            Some(reason) if !reason.contains(' ') => reason,
            Some(reason) if reason.contains("scheduling gates") => "SchedulingGated",
            _ => info.phase.name(),
        }
    }
}

/// The kubelet's word for a pod that it could not give what the scheduler had promised.
const REFUSED: &str = "UnexpectedAdmissionError";
