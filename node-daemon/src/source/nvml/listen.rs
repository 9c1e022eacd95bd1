//! One thread that listens to what the driver reports by itself.
//!
//! Each card has an event set of its own: one that has fallen off the bus fails alone, and whose
//! event it is need not be asked of a card that may no longer answer. A call that hangs parks this
//! thread and costs the events, nothing else.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gputop_model::{EventKind, EventSeverity};
use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::event::EventData;
use nvml_wrapper::{EventSet, Nvml};
use tokio::time::Instant;

use super::late::Taken;
use crate::source::ask::Refusal;

/// What is listened to, as far as a card has it.
const WANTED: EventTypes = EventTypes::all();

/// One round of listening to all cards; also the longest time until the thread sees that it is to
/// end.
const ROUND: Duration = Duration::from_secs(1);

/// Time until a card that could not be listened to is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// Most reports that wait to be taken; the oldest go first.
const MOST: usize = 256;

/// NVML's number for an Xid that it does not know either.
const UNKNOWN_XID: u32 = 999;

/// What the driver reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Report {
    /// NVML's index of the card.
    pub(super) index: u32,
    pub(super) kind: EventKind,
    pub(super) at: Instant,
}

/// The other end of the thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    reports: Arc<Mutex<VecDeque<Report>>>,
    _end: SyncSender<()>,
}

/// Where the thread of a [`Listener`] puts what it hears.
struct Desk {
    reports: Arc<Mutex<VecDeque<Report>>>,
    /// To be set for a card whose properties may have changed.
    changed: Vec<Arc<AtomicBool>>,
    end: Receiver<()>,
}

/// Hears what the driver says of one card.
trait Ear {
    /// What was said within `patience`, if anything.
    fn listen(&mut self, patience: Duration) -> Result<Option<EventKind>, Refusal>;
}

impl Listener {
    /// Starts to listen to the cards whose flags are `changed`, in NVML's order; the thread keeps
    /// `taken` until it ends.
    pub(super) fn start(
        nvml: Arc<Nvml>,
        changed: Vec<Arc<AtomicBool>>,
        taken: Taken,
    ) -> std::io::Result<Self> {
        Self::spawn(changed, move |desk| {
            let _taken = taken;
            let nvml = &*nvml;
            desk.run(|index| NvmlEar::open(nvml, index));
        })
    }

    fn spawn(
        changed: Vec<Arc<AtomicBool>>,
        work: impl FnOnce(&Desk) + Send + 'static,
    ) -> std::io::Result<Self> {
        let reports = Arc::new(Mutex::default());
        let (end, ended) = mpsc::sync_channel(0);
        let desk = Desk {
            reports: Arc::clone(&reports),
            changed,
            end: ended,
        };
        std::thread::Builder::new()
            .name("nvml-events".to_owned())
            .spawn(move || work(&desk))?;
        Ok(Self { reports, _end: end })
    }

    /// One that has heard `reports` and hears no more.
    #[cfg(test)]
    pub(super) fn of(reports: Vec<Report>) -> Self {
        let (end, _) = mpsc::sync_channel(0);
        Self {
            reports: Arc::new(Mutex::new(reports.into())),
            _end: end,
        }
    }

    /// What was reported since the last call.
    pub(super) fn take(&self) -> Vec<Report> {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.drain(..).collect()
    }
}

impl Desk {
    /// Listens to all cards in turn until the other end is gone.
    fn run<E: Ear>(&self, open: impl Fn(u32) -> Result<E, Refusal>) {
        let mut cards: Vec<_> = (0..).zip(&self.changed).map(Card::new).collect();
        while self.end.try_recv() != Err(TryRecvError::Disconnected) {
            for card in &mut cards {
                card.open(&open);
            }
            let open = cards.iter().filter(|card| card.ear.is_some()).count();
            let Some(patience) = u32::try_from(open).ok().and_then(|n| ROUND.checked_div(n)) else {
                // Nobody to listen to: the pause is this side's own.
                match self.end.recv_timeout(ROUND) {
                    Err(RecvTimeoutError::Disconnected) => return,
                    _ => continue,
                }
            };
            let failed = cards
                .iter_mut()
                .filter_map(|card| card.listen(patience, &self.reports).err())
                .count();
            if failed == open {
                // No call has waited.
                self.end.recv_timeout(patience).ok();
            }
        }
    }
}

/// A card in the thread's round.
struct Card<'a, E> {
    index: u32,
    changed: &'a AtomicBool,
    ear: Option<E>,
    /// When to try again; `None`: the card never reports anything.
    retry_at: Option<Instant>,
}

impl<'a, E: Ear> Card<'a, E> {
    fn new((index, changed): (u32, &'a Arc<AtomicBool>)) -> Self {
        Self {
            index,
            changed,
            ear: None,
            retry_at: Some(Instant::now()),
        }
    }

    fn open(&mut self, open: impl Fn(u32) -> Result<E, Refusal>) {
        if self.ear.is_some() || self.retry_at.is_none_or(|at| at > Instant::now()) {
            return;
        }
        match open(self.index) {
            Ok(ear) => self.ear = Some(ear),
            Err(refusal) => self.fail(&refusal),
        }
    }

    fn listen(
        &mut self,
        patience: Duration,
        reports: &Mutex<VecDeque<Report>>,
    ) -> Result<(), Refusal> {
        let Some(ear) = &mut self.ear else {
            return Ok(());
        };
        match ear.listen(patience) {
            Ok(None) => {}
            Ok(Some(kind)) => {
                if concerns_card(kind) {
                    self.changed.store(true, Ordering::Relaxed);
                }
                let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
                if reports.len() == MOST {
                    reports.pop_front();
                }
                reports.push_back(Report {
                    index: self.index,
                    kind,
                    at: Instant::now(),
                });
            }
            Err(refusal) => {
                self.ear = None;
                self.fail(&refusal);
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn fail(&mut self, refusal: &Refusal) {
        tracing::debug!(gpu = self.index, ?refusal, "no events of this card");
        self.retry_at = match refusal {
            Refusal::Unsupported => None,
            _ => Some(Instant::now() + RETRY),
        };
    }
}

/// Whether what is asked seldom has other answers after such an event: error counts, the instances.
/// A program that fails again and again says nothing new about the card.
fn concerns_card(kind: EventKind) -> bool {
    kind == EventKind::MigConfigChange || kind.severity() > EventSeverity::Notice
}

/// A card's event set.
struct NvmlEar<'a>(EventSet<'a>);

impl<'a> NvmlEar<'a> {
    fn open(nvml: &'a Nvml, index: u32) -> Result<Self, Refusal> {
        let card = nvml.device_by_index(index)?;
        let types = card.supported_event_types()? & WANTED;
        if types.is_empty() {
            return Err(Refusal::Unsupported);
        }
        let set = nvml.create_event_set()?;
        let set = card
            .register_events(types, set)
            .map_err(|error| error.error)?;
        Ok(Self(set))
    }
}

impl Ear for NvmlEar<'_> {
    fn listen(&mut self, patience: Duration) -> Result<Option<EventKind>, Refusal> {
        let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        match self.0.wait(millis) {
            Ok(event) => Ok(kind(&event)),
            Err(NvmlError::Timeout) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What an event is; `None` for kinds that this version does not know.
fn kind(event: &EventData<'_>) -> Option<EventKind> {
    if let Some(xid) = &event.event_data {
        let number = match xid {
            XidError::Value(number) => u32::try_from(*number).unwrap_or(UNKNOWN_XID),
            XidError::Unknown => UNKNOWN_XID,
        };
        return Some(EventKind::Xid(number));
    }
    let kinds = [
        (EventTypes::DOUBLE_BIT_ECC_ERROR, EventKind::UncorrectedEcc),
        (EventTypes::SINGLE_BIT_ECC_ERROR, EventKind::CorrectedEcc),
        (EventTypes::MIG_CONFIG_CHANGE, EventKind::MigConfigChange),
        (EventTypes::PSTATE_CHANGE, EventKind::PowerStateChange),
        (EventTypes::CLOCK_CHANGE, EventKind::ClockChange),
        (
            EventTypes::POWER_SOURCE_CHANGE,
            EventKind::PowerSourceChange,
        ),
    ];
    let found = kinds
        .into_iter()
        .find(|(bit, _)| event.event_type.contains(*bit));
    found.map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An ear that hears what a test says, and fails when it has fallen silent for good.
    struct Told(Receiver<Result<EventKind, Refusal>>);

    impl Ear for Told {
        fn listen(&mut self, patience: Duration) -> Result<Option<EventKind>, Refusal> {
            match self.0.recv_timeout(patience) {
                Ok(said) => said.map(Some),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(Refusal::Lost),
            }
        }
    }

    type Mouth = SyncSender<Result<EventKind, Refusal>>;

    /// A listener to so many made-up cards, what each of them hears, and its flags. `done` is
    /// disconnected when the thread has ended.
    fn listener(cards: usize) -> (Listener, Vec<Mouth>, Vec<Arc<AtomicBool>>, Receiver<()>) {
        let (mouths, ears): (Vec<_>, Vec<_>) = (0..cards).map(|_| mpsc::sync_channel(8)).unzip();
        let changed: Vec<_> = (0..cards).map(|_| Arc::default()).collect();
        let (alive, done) = mpsc::sync_channel(0);
        let ears = Mutex::new(ears.into_iter().map(Some).collect::<Vec<_>>());
        let listener = Listener::spawn(changed.clone(), move |desk| {
            let _alive: SyncSender<()> = alive;
            desk.run(|index| {
                let mut ears = ears.lock().unwrap();
                let ear = ears[usize::try_from(index).unwrap()].take();
                ear.map(Told).ok_or(Refusal::Unsupported)
            });
        });
        (listener.unwrap(), mouths, changed, done)
    }

    /// What is heard until there are `count` reports.
    fn heard(listener: &Listener, count: usize) -> Vec<(u32, EventKind)> {
        let mut all = Vec::new();
        while all.len() < count {
            let reports = listener.take();
            all.extend(
                reports
                    .into_iter()
                    .map(|report| (report.index, report.kind)),
            );
            std::thread::yield_now();
        }
        all
    }

    #[test]
    fn each_cards_events_are_its_own() {
        let (listener, mouths, changed, _done) = listener(2);
        mouths[1].send(Ok(EventKind::Xid(63))).unwrap();
        assert_eq!(heard(&listener, 1), [(1, EventKind::Xid(63))]);
        assert!(changed[1].load(Ordering::Relaxed));
        assert!(!changed[0].load(Ordering::Relaxed));
        mouths[0].send(Ok(EventKind::Xid(13))).unwrap();
        assert_eq!(heard(&listener, 1), [(0, EventKind::Xid(13))]);
        assert!(!changed[0].load(Ordering::Relaxed), "nothing to look up");
    }

    #[test]
    fn a_lost_card_does_not_silence_the_others() {
        let (listener, mouths, _changed, _done) = listener(2);
        mouths[0].send(Err(Refusal::Lost)).unwrap();
        mouths[1].send(Ok(EventKind::Xid(79))).unwrap();
        assert_eq!(heard(&listener, 1), [(1, EventKind::Xid(79))]);
    }

    #[test]
    fn the_thread_ends_with_its_listener() {
        for cards in [0, 2] {
            let (listener, mouths, _changed, done) = listener(cards);
            drop(listener);
            // Disconnected, not timed out.
            let ended = done.recv_timeout(Duration::from_secs(60));
            assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
            drop(mouths);
        }
    }

    #[test]
    fn what_nobody_takes_is_bounded() {
        let (listener, mouths, _changed, done) = listener(1);
        for number in 0..=u32::try_from(MOST).unwrap() {
            mouths[0].send(Ok(EventKind::Xid(number))).unwrap();
        }
        let reports = Arc::clone(&listener.reports);
        // All that was said has been heard when the ear fails.
        drop(mouths);
        while reports.lock().unwrap().back().map(|report| report.kind)
            != Some(EventKind::Xid(u32::try_from(MOST).unwrap()))
        {
            std::thread::yield_now();
        }
        let reports = listener.take();
        assert_eq!(reports.len(), MOST);
        assert_eq!(reports[0].kind, EventKind::Xid(1));
        drop((listener, done));
    }
}
