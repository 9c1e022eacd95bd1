//! One thread a GPU: a call that hangs parks its thread and nothing else.

use std::time::Duration;

use gputop_model::DriverState;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use super::late::{Late, Post, Posts, Taken};
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
/// never killed and never replaced: a second thread would hang in the same call. For that reason it
/// is not even started as long as one of an earlier opening is left.
#[derive(Debug)]
pub(super) struct Worker(Late<Line>);

/// Where questions go and answers come from.
#[derive(Debug)]
struct Line {
    ask: mpsc::Sender<Round>,
    reports: watch::Receiver<Option<Answer>>,
}

/// Why a GPU has said nothing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// It has not answered since NVML was opened.
    NeverAnswered,
    /// A question of before the driver was loaded anew has not returned.
    Parked,
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
    /// Starts the thread of the GPU with NVML's index `index`, which does `work`, as soon as its
    /// post is free among `posts`.
    pub(super) fn start(
        index: u32,
        posts: &Posts,
        work: impl FnOnce(Questions) + Send + 'static,
    ) -> std::io::Result<Self> {
        let start = move |taken: Taken| {
            let (ask, asked) = mpsc::channel(1);
            let (report, reports) = watch::channel(None);
            std::thread::Builder::new()
                .name(format!("nvml-gpu-{index}"))
                .spawn(move || {
                    let _taken = taken;
                    work(Questions { asked, report });
                })?;
            Ok(Line { ask, reports })
        };
        Ok(Self(Late::new(posts, Post::Gpu(index), start)?))
    }

    /// The GPU's answer for `round`, or its last one, made older, when there is none by `deadline`.
    ///
    /// # Errors
    /// Why there has never been an answer.
    pub(super) async fn sample(&self, round: Round, deadline: Instant) -> Result<Report, Silence> {
        let line = self.0.get().ok_or(Silence::Parked)?;
        let now = round.now;
        let mut reports = line.reports.clone();
        // Full: the thread is still at an older question, and waiting for it again is no use.
        if line.ask.try_send(round).is_ok() {
            let answered = reports.wait_for(|report| matches!(report, Some((at, _)) if *at >= now));
            // Late or gone: the last report is what there is.
            timeout_at(deadline, answered).await.ok();
        }
        let answer = reports.borrow().clone();
        let (at, report) = answer.ok_or(Silence::NeverAnswered)?;
        let age = now.saturating_sub(at);
        Ok(if age.is_zero() {
            report
        } else {
            Report {
                gpu: report.gpu.aged(age),
                ..report
            }
        })
    }
}
