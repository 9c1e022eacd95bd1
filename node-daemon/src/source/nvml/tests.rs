//! The NVML source over made-up cards: one hangs, one answers.

use std::sync::mpsc;

use gputop_model::{EventKind, Percent, Reading};

use super::listen::{self, Listener};
use super::worker::{Probe, Report, Worker};
use super::*;
use crate::source::gpu::GpuSample;

/// A card that answers with its number of questions, and hangs on the question `hangs_at` until
/// its other end is dropped.
struct Card {
    index: u32,
    asked: u8,
    hangs_at: Option<u8>,
    released: mpsc::Receiver<()>,
    gone: Option<DriverState>,
}

impl Probe for Card {
    fn read(&mut self, _round: Round) -> Report {
        self.asked += 1;
        if self.hangs_at == Some(self.asked) {
            // Ends with an error when the test lets go.
            self.released.recv().ok();
        }
        let kind = DeviceKind::Gpu { mig_enabled: false };
        let uuid = format!("GPU-{}", self.index).into();
        let mut device = Device::unmeasured(self.index, uuid, "Test".to_owned(), kind);
        device.utilization = Reading::Value(Percent(self.asked));
        Report {
            gpu: GpuSample {
                devices: vec![device],
                processes: Vec::new(),
            },
            driver_gone: self.gone.clone(),
        }
    }
}

fn opened(
    hangs_at: [Option<u8>; 2],
    gone: Option<&DriverState>,
) -> (Opened, Vec<mpsc::Sender<()>>) {
    let mut releases = Vec::new();
    let mut workers = Vec::new();
    for (index, hangs_at) in (0..).zip(hangs_at) {
        let (release, released) = mpsc::channel();
        releases.push(release);
        let mut card = Card {
            index,
            asked: 0,
            hangs_at,
            released,
            gone: gone.cloned(),
        };
        workers.push(
            Worker::start(index, &Posts::default(), move |questions| {
                questions.answer(&mut card);
            })
            .unwrap(),
        );
    }
    let version = "1".to_owned();
    let opened = Opened {
        version,
        cuda: None,
        workers,
        listener: None,
    };
    (opened, releases)
}

/// A source whose library opens with `opened` at the first attempt and fails after that.
fn source(opened: Opened) -> NvmlSource {
    let opened = Mutex::new(Some(opened));
    NvmlSource::with(move || {
        let why = "not again".to_owned();
        opened
            .lock()
            .unwrap()
            .take()
            .ok_or(DriverState::NoDriver { why })
    })
}

/// Samples once a second of the daemon's clock until `done`.
async fn sample_until(source: &NvmlSource, from: u64, done: impl Fn(&Sample) -> bool) -> Sample {
    for second in from..from + 100 {
        let sample = source
            .sample(Round::watched(Duration::from_secs(second)))
            .await;
        if done(&sample) {
            return sample;
        }
    }
    panic!("never");
}

#[tokio::test]
async fn a_card_that_hangs_is_stale_and_the_other_goes_on() {
    let (opened, releases) = opened([Some(2), None], None);
    let source = source(opened);
    let both_fresh = |sample: &Sample| {
        let devices = &sample.devices;
        devices.len() == 2 && devices.iter().all(|d| d.utilization.fresh().is_some())
    };
    sample_until(&source, 0, both_fresh).await;
    let parked = sample_until(&source, 200, |sample| {
        let [hung, other] = sample.devices.as_slice() else {
            return false;
        };
        hung.utilization.age().is_some() && other.utilization.fresh().is_some()
    })
    .await;
    assert_eq!(parked.devices[0].utilization.known(), Some(&Percent(1)));
    assert!(matches!(parked.driver, DriverState::Ready { .. }));
    // The call returns, and the card is back.
    drop(releases);
    let back = sample_until(&source, 400, both_fresh).await;
    assert!(back.devices[0].utilization.fresh() > Some(&Percent(1)));
}

#[tokio::test]
async fn a_card_that_never_answered_is_there_and_sick() {
    let (opened, _releases) = opened([None, Some(1)], None);
    let source = source(opened);
    let sample = sample_until(&source, 0, |sample| {
        sample
            .devices
            .first()
            .is_some_and(|d| d.utilization.fresh().is_some())
    })
    .await;
    assert_eq!(sample.devices[1].index, 1);
    assert_eq!(sample.devices[1].power, Reading::Failed(Failure::Timeout));
    assert!(matches!(
        sample.devices[1].health.fresh(),
        Some(Health::Sick { .. })
    ));
}

#[tokio::test]
async fn a_driver_that_goes_away_is_closed_and_looked_for_again() {
    let why = "replaced".to_owned();
    let (opened, _releases) = opened([None, None], Some(&DriverState::Mismatch { why }));
    let source = source(opened);
    let gone = |sample: &Sample| matches!(sample.driver, DriverState::Mismatch { .. });
    let sample = sample_until(&source, 0, gone).await;
    assert_eq!(sample.devices, []);
    // Within the ten seconds before the next attempt nothing changes.
    let opens = |sample: &Sample| matches!(sample.driver, DriverState::NoDriver { .. });
    sample_until(&source, 200, opens).await;
}

#[tokio::test]
async fn a_missing_driver_is_looked_for_every_ten_seconds() {
    let attempts = Arc::new(Mutex::new(0));
    let count = Arc::clone(&attempts);
    let source = NvmlSource::with(move || {
        *count.lock().unwrap() += 1;
        let why = "none".to_owned();
        Err(DriverState::NoDriver { why })
    });
    let missing = |sample: &Sample| matches!(sample.driver, DriverState::NoDriver { .. });
    let first = sample_until(&source, 0, missing).await;
    assert_eq!(first.devices, []);
    let before = *attempts.lock().unwrap();
    for second in 101..=130 {
        source
            .sample(Round::watched(Duration::from_secs(second)))
            .await;
    }
    // At 101, 111 and 121 s, unless the first attempt was slow to be taken in.
    let attempts = *attempts.lock().unwrap() - before;
    assert!((2..=3).contains(&attempts), "{attempts}");
}

fn heard(index: u32, xid: u32) -> listen::Report {
    listen::Report {
        index,
        kind: EventKind::Xid(xid),
        at: Instant::now(),
    }
}

#[tokio::test]
async fn what_the_driver_reports_judges_its_card_alone() {
    let (mut opened, _releases) = opened([None, None], None);
    opened.listener = Some(Late::of(Listener::of(vec![heard(1, 48), heard(0, 31)])));
    let source = source(opened);
    let noted = |sample: &Sample| sample.events.len() == 2;
    let sample = sample_until(&source, 0, noted).await;
    let kinds: Vec<_> = sample.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Xid(48), EventKind::Xid(31)]);
    assert_eq!(sample.events[0].device, sample.devices[1].uuid);
    // The made-up cards say nothing of their health themselves.
    assert_eq!(sample.devices[0].health, Reading::default());
    let why = sample.devices[1].health.known().and_then(Health::why);
    assert!(
        why.is_some_and(|why| why.starts_with("Xid 48: ")),
        "{why:?}"
    );
}

#[tokio::test]
async fn what_was_reported_outlives_the_driver() {
    let why = "replaced".to_owned();
    let (mut opened, _releases) = opened([None, None], None);
    opened.listener = Some(Late::of(Listener::of(vec![heard(0, 48)])));
    let source = source(opened);
    sample_until(&source, 0, |sample| !sample.events.is_empty()).await;
    let gone = DriverState::Mismatch { why };
    *source.lock() = State::Closed {
        driver: gone.clone(),
        retry_at: Duration::from_secs(1_000_000),
    };
    let sample = source
        .sample(Round::watched(Duration::from_secs(200)))
        .await;
    assert_eq!(sample.driver, gone);
    assert_eq!(sample.events[0].kind, EventKind::Xid(48));
}
