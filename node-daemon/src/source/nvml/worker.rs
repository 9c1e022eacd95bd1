//! One thread a GPU: a call that hangs parks its thread and nothing else.

use std::time::Duration;

use gputop_model::DriverState;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::source::Round;
use crate::source::gpu::GpuSample;

/// Reads one GPU. Lives on a thread of its own and may block there.
pub(super) trait Probe {
    /// What the GPU says.
    fn read(&mut self, round: Round) -> Report;
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
    ask: mpsc::Sender<Round>,
    reports: watch::Receiver<Option<Answer>>,
}

/// What a GPU said, and when it was asked.
type Answer = (Duration, Report);

/// The other side of a [`Worker`]: what its thread is asked.
pub(super) struct Questions {
    asked: mpsc::Receiver<Round>,
    report: watch::Sender<Option<Answer>>,
}

impl Questions {
    /// Answers until the worker is dropped.
    pub(super) fn answer(mut self, probe: &mut impl Probe) {
        while let Some(round) = self.asked.blocking_recv() {
            let report = probe.read(round);
            self.report.send_replace(Some((round.now, report)));
        }
    }
}

impl Worker {
    /// Starts the thread of the GPU with NVML's index `index`, which does `work`.
    pub(super) fn start(
        index: u32,
        work: impl FnOnce(Questions) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (ask, asked) = mpsc::channel(1);
        let (report, reports) = watch::channel(None);
        std::thread::Builder::new()
            .name(format!("nvml-gpu-{index}"))
            .spawn(move || work(Questions { asked, report }))?;
        Ok(Self { ask, reports })
    }

    /// The GPU's answer for `round`, or its last one, made older, when there is none by `deadline`.
    /// `None`: it has never answered.
    pub(super) async fn sample(&self, round: Round, deadline: Instant) -> Option<Report> {
        let now = round.now;
        let mut reports = self.reports.clone();
        // Full: the thread is still at an older question, and waiting for it again is no use.
        if self.ask.try_send(round).is_ok() {
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
