//! A source that is recorded while it delivers.

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use gputop_fleet::inspect::{Ask, AskId};
use gputop_fleet::link::Interest;
use gputop_model::Clock;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::file::NewFile;
use super::format::Header;
use super::lane::{Closed, Lane, ROOM};
use super::redact::Redactor;
use super::writer;
use crate::app::Seek;
use crate::runtime::{News, Source};

/// How long the disk may take for the end of a recording before the program leaves without it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often it is tried to say the end to a disk that is busy.
const RETRY: Duration = Duration::from_millis(20);

/// Passes on what a source delivers and, if it is to, records it. A disk that is slow or full
/// never holds it up.
#[derive(Debug)]
pub struct Recorder<S> {
    source: S,
    tape: Option<Running>,
    /// The recording has stopped by itself and nobody has been told.
    stopped: Option<String>,
}

/// A recording under way.
#[derive(Debug)]
struct Running {
    lane: Lane,
    path: PathBuf,
    epoch: Instant,
    ended: oneshot::Receiver<io::Result<()>>,
}

/// What a recording has become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The file.
    pub path: PathBuf,
    /// How long it is.
    pub length: Duration,
    /// Reports that are missing because the disk was too slow.
    pub dropped: u64,
    /// Why its end is missing, if it is.
    pub failure: Option<String>,
}

impl<S: Source> Recorder<S> {
    /// Passes everything on and records nothing.
    pub const fn idle(source: S) -> Self {
        Self {
            source,
            tape: None,
            stopped: None,
        }
    }

    /// Records from now on. `source` must not have delivered anything yet; `epoch` is the
    /// beginning of its moments.
    pub fn start(source: S, file: NewFile, header: Header, epoch: Instant) -> Self {
        let NewFile { file, path } = file;
        Self::start_on(source, file, path, header, epoch)
    }

    fn start_on<W: Write + Send + 'static>(
        source: S,
        file: W,
        path: PathBuf,
        header: Header,
        epoch: Instant,
    ) -> Self {
        let (sender, receiver) = sync_channel(ROOM);
        let (told, ended) = oneshot::channel();
        let lane = Lane::new(sender, header.fleet());
        let redactor = Redactor::new(header.names);
        let spawned = std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || {
                // The result is there before the lane is closed, which is how it is noticed.
                let result = writer::run(&receiver, file, header, redactor);
                let _nobody_waits = told.send(result);
                drop(receiver);
            });
        let mut recorder = Self::idle(source);
        match spawned {
            Ok(_runs_on) => {
                recorder.tape = Some(Running {
                    lane,
                    path,
                    epoch,
                    ended,
                });
            }
            Err(error) => recorder.stopped = Some(stopped(&error)),
        }
        recorder
    }

    /// Ends the recording, if there is one, and waits a few seconds for the disk.
    pub async fn finish(self) -> Option<Summary> {
        let Running {
            mut lane,
            path,
            epoch,
            ended,
        } = self.tape?;
        let clock = self.source.clock(epoch);
        let dropped = lane.dropped();
        let written = timeout(PATIENCE, async {
            while lane.end(clock) == Ok(false) {
                sleep(RETRY).await;
            }
            // Closes the lane: the writer ends.
            drop(lane);
            ended.await
        });
        let failure = match written.await {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(error))) => Some(reason(&error)),
            Ok(Err(_gone)) => Some("the writer has crashed".to_owned()),
            Err(_elapsed) => Some("the disk does not answer".to_owned()),
        };
        Some(Summary {
            path,
            length: clock.now.0,
            dropped,
            failure,
        })
    }

    fn record(&mut self, news: &News) {
        let (Some(tape), News::Event(event)) = (&mut self.tape, news) else {
            return;
        };
        let clock = self.source.clock(tape.epoch);
        if tape.lane.hear(event, clock) == Err(Closed) {
            self.stopped = Some(match tape.ended.try_recv() {
                Ok(Err(error)) => stopped(&error),
                _ => "the recording has stopped: its writer has crashed".to_owned(),
            });
            self.tape = None;
        }
    }
}

fn stopped(error: &io::Error) -> String {
    format!("the recording has stopped: {}", reason(error))
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        // Ours says all of it; the system's is about the file.
        ErrorKind::FileTooLarge if error.raw_os_error().is_none() => error.to_string(),
        _ => format!("the file can not be written: {error}"),
    }
}

impl<S: Source + Send> Source for Recorder<S> {
    async fn next(&mut self) -> News {
        if let Some(why) = self.stopped.take() {
            return News::RecordingStopped(why);
        }
        let news = self.source.next().await;
        self.record(&news);
        news
    }

    fn ask(&mut self, id: AskId, ask: Ask) {
        self.source.ask(id, ask);
    }

    fn cancel(&mut self, id: AskId) {
        self.source.cancel(id);
    }

    fn interest(&mut self, interest: Interest) {
        self.source.interest(interest);
    }

    fn seek(&mut self, seek: Seek) {
        self.source.seek(seek);
    }

    fn clock(&self, epoch: Instant) -> Clock {
        self.source.clock(epoch)
    }

    fn position(&self) -> Option<(Duration, Duration)> {
        self.source.position()
    }

    fn dropped(&self) -> u64 {
        self.tape.as_ref().map_or(0, |tape| tape.lane.dropped())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::pending;
    use std::sync::mpsc::{Receiver, sync_channel};

    use gputop_fleet::engine::Event;
    use gputop_fleet::state::{AgentReport, LinkState, Update};
    use gputop_model::Moment;
    use jiff::Timestamp;

    use super::*;
    use crate::app::Session;

    /// Delivers what it has, a second each, and then nothing more.
    struct Told(VecDeque<Event>, u64);

    impl Source for Told {
        async fn next(&mut self) -> News {
            match self.0.pop_front() {
                Some(event) => {
                    self.1 += 1;
                    News::Event(event)
                }
                None => pending().await,
            }
        }

        fn clock(&self, _epoch: Instant) -> Clock {
            Clock {
                now: Moment(Duration::from_secs(self.1)),
                wall: Timestamp::UNIX_EPOCH,
            }
        }
    }

    fn told(count: usize) -> Told {
        let report = AgentReport {
            link: LinkState::Live,
            last: None,
        };
        let events = (0..count).map(|_| Event::Reports(vec![("a".into(), report.clone())]));
        Told(events.collect(), 0)
    }

    fn header() -> Header {
        Header::new(&Session::default(), Timestamp::UNIX_EPOCH, true)
    }

    /// A disk that is full after so many bytes.
    struct Small(usize);

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.checked_sub(bytes.len()) {
                Some(rest) => self.0 = rest,
                None => return Err(ErrorKind::StorageFull.into()),
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_full_disk_ends_the_recording_and_nothing_else() {
        let source = told(10_000);
        let epoch = Instant::now();
        let mut recorder = Recorder::start_on(source, Small(300), "x".into(), header(), epoch);
        let (mut heard, mut said) = (0, Vec::new());
        while heard < 10_000 {
            match recorder.next().await {
                News::Event(_) => heard += 1,
                News::RecordingStopped(why) => said.push(why),
                other => panic!("{other:?}"),
            }
            // The writer is another thread: it is given its turn.
            tokio::task::spawn_blocking(std::thread::yield_now)
                .await
                .unwrap();
        }
        assert_eq!(said, ["the recording has stopped: the disk is full"]);
        assert_eq!(recorder.finish().await, None);
    }

    /// A disk that does nothing until it is let.
    struct Stuck(Option<Receiver<()>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(go) = self.0.take() {
                let _let_go = go.recv();
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_slow_disk_holds_nothing_up_and_what_is_missing_is_counted() {
        let count = ROOM + 50;
        let (go, stuck) = sync_channel(1);
        let mut recorder = Recorder::start_on(
            told(count),
            Stuck(Some(stuck)),
            "x".into(),
            header(),
            Instant::now(),
        );
        for _ in 0..count {
            assert!(matches!(recorder.next().await, News::Event(_)));
        }
        let dropped = recorder.dropped();
        assert!(dropped >= 50, "{dropped}");
        go.send(()).unwrap();
        let summary = recorder.finish().await.unwrap();
        assert_eq!((summary.dropped, summary.failure), (dropped, None));
        assert_eq!(summary.length, Duration::from_secs(count as u64));
    }

    #[tokio::test]
    async fn what_is_not_recorded_passes_through() {
        let mut recorder = Recorder::idle(told(1));
        assert!(matches!(
            recorder.next().await,
            News::Event(Event::Reports(_))
        ));
        assert_eq!(recorder.dropped(), 0);
        assert_eq!(recorder.finish().await, None);
        let update = Event::Update(Update::AllNamespaces);
        let mut recorder = Recorder::idle(Told(VecDeque::from([update]), 0));
        assert!(matches!(
            recorder.next().await,
            News::Event(Event::Update(_))
        ));
    }
}
