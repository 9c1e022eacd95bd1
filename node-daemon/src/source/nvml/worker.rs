//! One thread a GPU: a call that hangs parks its thread and nothing else.

use std::time::Duration;

use gputop_model::DriverState;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::source::gpu::GpuSample;

/// Reads one GPU. Lives on a thread of its own and may block there.
pub(super) trait Probe: Send + 'static {
    /// What the GPU says; `now` is the time since the daemon's start.
    fn read(&mut self, now: Duration) -> Report;
}

/// What a probe found.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) gpu: GpuSample,
    /// What has become of the driver as a whole, when this GPU's answers say that it is gone.
    pub(super) driver_gone: Option<DriverState>,
}

/// The async side of a GPU's thread.
///
/// The thread ends when this is dropped, or, if it is parked in a call, once that returns. It is
/// never killed and never replaced: a second thread would hang in the same call.
#[derive(Debug)]
pub(super) struct Worker {
    ask: mpsc::Sender<Duration>,
    reports: watch::Receiver<Option<(Duration, Report)>>,
}

impl Worker {
    /// Starts the thread of the GPU with NVML's index `index`.
    pub(super) fn start(index: u32, mut probe: impl Probe) -> std::io::Result<Self> {
        let (ask, mut asked) = mpsc::channel::<Duration>(1);
        let (report, reports) = watch::channel(None);
        std::thread::Builder::new()
            .name(format!("nvml-gpu-{index}"))
            .spawn(move || {
                while let Some(now) = asked.blocking_recv() {
                    let answer = probe.read(now);
                    report.send_replace(Some((now, answer)));
                }
            })?;
        Ok(Self { ask, reports })
    }

    /// The GPU's answer for `now`, or its last one, made older, when there is none by `deadline`.
    /// `None`: it has never answered.
    pub(super) async fn sample(&self, now: Duration, deadline: Instant) -> Option<Report> {
        let mut reports = self.reports.clone();
        // Full: the thread is still at an older question, and waiting for it again is no use.
        if self.ask.try_send(now).is_ok() {
            let answered = reports.wait_for(|report| matches!(report, Some((at, _)) if *at >= now));
            // Late or gone: the last report is what there is.
            timeout_at(deadline, answered).await.ok();
        }
        let (at, report) = reports.borrow().clone()?;
        let age = now.saturating_sub(at);
        Some(if age.is_zero() {
            report
        } else {
            Report {
                gpu: report.gpu.aged(age),
                ..report
            }
        })
    }
}
