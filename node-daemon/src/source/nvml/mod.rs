//! NVIDIA's management library, opened at run time.
//!
//! NVML calls can hang, all of them. The library is opened on a thread of its own and each GPU is
//! asked on a thread of its own; this side waits for a while and then goes on with what it last
//! knew. A missing driver is looked for again every ten seconds. What the driver reports by itself,
//! Xid errors above all, is heard on one more thread.

mod ask;
mod card;
mod instruments;
mod late;
mod listen;
mod lists;
mod mig;
mod open;
mod throttle;
mod usage;
mod worker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use gputop_model::{Device, DeviceKind, DriverState, EventSeverity, Failure, Health};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::events::EventLog;
use super::{Round, Sample, Source};
use late::{Late, Posts};
use listen::Report;
use open::Opened;
use worker::Silence;

/// Time between attempts to open NVML.
const RETRY: Duration = Duration::from_secs(10);

/// How long samples wait for NVML to open, all of them together. Without persistence mode that
/// takes seconds.
const OPEN_LIMIT: Duration = Duration::from_secs(3);

/// How long a sample waits for the GPUs, all of them together.
const READ_LIMIT: Duration = Duration::from_millis(500);

type Open = dyn Fn() -> Result<Opened, DriverState> + Send + Sync;
type Outcome = Result<Arc<Opened>, DriverState>;

/// The GPUs of this machine.
pub struct NvmlSource {
    open: Arc<Open>,
    state: Mutex<State>,
    log: Mutex<EventLog>,
}

enum State {
    Closed {
        driver: DriverState,
        retry_at: Duration,
    },
    Opening {
        since: Duration,
        outcome: watch::Receiver<Option<Outcome>>,
    },
    Open(Arc<Opened>),
}

impl Default for NvmlSource {
    fn default() -> Self {
        Self::new()
    }
}

impl NvmlSource {
    /// A source that opens NVML at its first sample.
    #[must_use]
    pub fn new() -> Self {
        let posts = Posts::default();
        Self::with(move || open::open(None, &posts))
    }

    /// The same with the library at `library` instead of the one that the loader finds.
    #[must_use]
    pub fn of(library: PathBuf) -> Self {
        let posts = Posts::default();
        Self::with(move || open::open(Some(&library), &posts))
    }

    fn with(open: impl Fn() -> Result<Opened, DriverState> + Send + Sync + 'static) -> Self {
        Self {
            open: Arc::new(open),
            state: Mutex::new(State::Closed {
                driver: not_opened(Duration::ZERO),
                retry_at: Duration::ZERO,
            }),
            log: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, EventLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to open NVML if it is time to; returns what to wait for, if anything, and how long.
    fn begin(&self, now: Duration) -> Option<(watch::Receiver<Option<Outcome>>, Duration)> {
        let mut state = self.lock();
        if let State::Closed { retry_at, .. } = &*state
            && now >= *retry_at
        {
            *state = start_opening(Arc::clone(&self.open), now);
        }
        match &*state {
            State::Opening { since, outcome } => {
                let waited = now.saturating_sub(*since);
                Some((outcome.clone(), OPEN_LIMIT.saturating_sub(waited)))
            }
            _ => None,
        }
    }

    /// Takes the outcome of opening, if there is one, and says what to ask.
    fn settle(&self, now: Duration) -> Outcome {
        let mut state = self.lock();
        if let State::Opening { since, outcome } = &*state {
            let since = *since;
            let outcome = outcome.borrow().clone();
            match outcome {
                None => return Err(not_opened(now.saturating_sub(since))),
                Some(Ok(opened)) => *state = State::Open(opened),
                Some(Err(driver)) => {
                    let retry_at = now + RETRY;
                    *state = State::Closed { driver, retry_at };
                }
            }
        }
        match &*state {
            State::Open(opened) => Ok(Arc::clone(opened)),
            State::Closed { driver, .. } => Err(driver.clone()),
            State::Opening { since, .. } => Err(not_opened(now.saturating_sub(*since))),
        }
    }

    async fn ask(&self, round: Round) -> Sample {
        if let Some((mut outcome, patience)) = self.begin(round.now) {
            let opened = outcome.wait_for(Option::is_some);
            // Not yet, or its thread has ended: settled below.
            timeout(patience, opened).await.ok();
        }
        match self.settle(round.now) {
            Err(driver) => self.without_devices(driver),
            Ok(opened) => self.read(&opened, round).await,
        }
    }

    /// A sample without a driver to ask; what it reported before is still told.
    fn without_devices(&self, driver: DriverState) -> Sample {
        Sample {
            events: self.log().recent(),
            ..Sample::without_devices(driver)
        }
    }

    async fn read(&self, opened: &Opened, round: Round) -> Sample {
        let now = round.now;
        let deadline = Instant::now() + READ_LIMIT;
        let reports = opened
            .workers
            .iter()
            .map(|worker| worker.sample(round, deadline));
        let mut sample = Sample::without_devices(DriverState::Ready {
            version: opened.version.clone(),
            cuda: opened.cuda.clone(),
        });
        let mut gone = None;
        for (index, report) in (0..).zip(join_all(reports).await) {
            let report = match report {
                Ok(report) => report,
                Err(silence) => {
                    sample.devices.push(unanswered(index, silence));
                    continue;
                }
            };
            gone = gone.or(report.driver_gone);
            sample.devices.extend(report.gpu.devices);
            sample.processes.extend(report.gpu.processes);
        }
        if let Some(driver) = gone {
            *self.lock() = State::Closed {
                driver: driver.clone(),
                retry_at: now + RETRY,
            };
            self.log().forget_health();
            return self.without_devices(driver);
        }
        if let Some(listener) = opened.listener.as_ref().and_then(Late::get) {
            self.note(listener.take(), &sample, now);
        }
        self.judge(&mut sample);
        sample
    }

    /// Notes what the driver reported about the cards of `sample`.
    fn note(&self, reports: Vec<Report>, sample: &Sample, now: Duration) {
        let mut log = self.log();
        for report in reports {
            // The whole card comes before its instances.
            let card = sample.devices.iter().find(|d| d.index == report.index);
            let Some(card) = card else { continue };
            if report.kind.severity() > EventSeverity::Notice {
                tracing::warn!(gpu = %card.uuid, "{}", report.kind.meaning());
            } else {
                tracing::debug!(gpu = %card.uuid, "{}", report.kind.meaning());
            }
            log.note(
                &card.uuid,
                report.kind,
                now.saturating_sub(report.at.elapsed()),
            );
        }
    }

    /// Adds the events, and what they say about the cards' health.
    fn judge(&self, sample: &mut Sample) {
        let log = self.log();
        for device in &mut sample.devices {
            let card = match &device.kind {
                DeviceKind::Gpu { .. } => &device.uuid,
                DeviceKind::MigInstance { parent, .. } => parent,
            };
            device.health = log.judge(card, std::mem::take(&mut device.health));
        }
        sample.events = log.recent();
    }
}

impl Source for NvmlSource {
    fn sample(&self, round: Round) -> BoxFuture<'_, Sample> {
        self.ask(round).boxed()
    }
}

fn start_opening(open: Arc<Open>, now: Duration) -> State {
    let (done, outcome) = watch::channel(None);
    let thread = std::thread::Builder::new()
        .name("nvml-open".to_owned())
        .spawn(move || {
            done.send_replace(Some(open().map(Arc::new)));
        });
    match thread {
        Ok(_) => State::Opening {
            since: now,
            outcome,
        },
        Err(error) => State::Closed {
            driver: DriverState::Failed {
                why: format!("no thread could be started to open NVML: {error}"),
            },
            retry_at: now + RETRY,
        },
    }
}

fn not_opened(waited: Duration) -> DriverState {
    DriverState::Failed {
        why: format!("NVML has been opening for {} s", waited.as_secs()),
    }
}

/// Stands for a GPU that has not answered since NVML was opened. Its UUID is unknown.
fn unanswered(index: u32, silence: Silence) -> Device {
    let kind = DeviceKind::Gpu { mig_enabled: false };
    let device = Device::unmeasured(index, placeholder(index).into(), "GPU".to_owned(), kind);
    let mut device = device.failed(Failure::Timeout);
    let why = match silence {
        Silence::NeverAnswered => "it has not answered since the daemon's start",
        Silence::Parked => {
            "the driver was loaded anew, and an earlier question about this card still hangs in it; \
             reboot the node if that stays so"
        }
    };
    let why = why.to_owned();
    device.health = Health::Sick { why }.into();
    device
}

/// The id of a GPU whose UUID could not be read.
fn placeholder(index: u32) -> String {
    format!("GPU-unknown-{index}")
}

#[cfg(test)]
mod tests;
