//! A recording as a source: delivered with the timing of then, wound in steps of ten seconds.

use std::collections::VecDeque;
use std::future::pending;
use std::path::Path;
use std::time::Duration;

use gputop_fleet::connect::Problem;
use gputop_fleet::engine::Event;
use gputop_model::{Clock, Moment};
use jiff::Timestamp;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::format::Header;
use super::tape::{Found, Index, Tape, Timed};
use crate::app::{Seek, Session};
use crate::runtime::{News, Source};

/// How far one step winds.
const STEP: Duration = Duration::from_secs(10);

/// How much is read ahead at a time…
const AHEAD: Duration = Duration::from_secs(2);

/// …and at most how many lines.
const LINES: usize = 64;

/// Plays a recording. Files are read and unpacked outside the screen's task.
#[derive(Debug)]
pub struct Replay {
    name: String,
    index: Index,
    reader: Reader,
    /// What was read and is not due yet.
    queue: VecDeque<Timed>,
    /// What is due now.
    due: VecDeque<Event>,
    /// What is to be said.
    said: VecDeque<String>,
    /// A moment of the recording, and when it was played.
    begun: (Duration, Instant),
    /// The wall clock at a moment of the recording.
    wall: (Timestamp, Duration),
    /// Where it is to be wound to.
    wanted: Option<Duration>,
    /// It was said that this is the end.
    is_ended: bool,
}

/// Who has the tape.
#[derive(Debug)]
enum Reader {
    Idle(Box<Tape>),
    Reading(JoinHandle<(Box<Tape>, Vec<Timed>)>),
    Winding(Duration, JoinHandle<(Box<Tape>, Box<Found>)>),
    /// It was lost in a crash while it was read.
    Lost,
}

/// What a reader has brought.
enum Brought {
    Read(Vec<Timed>),
    Found(Duration, Box<Found>),
    Nothing,
}

impl Replay {
    /// Opens a recording.
    ///
    /// # Errors
    /// When the file can not be read, is no recording, or is of a newer version.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let tape = Box::new(Tape::open(path)?);
        let index = tape.index().clone();
        let mut said = VecDeque::new();
        if index.is_cut_off {
            let why = index.damage.as_deref().unwrap_or("its end is missing");
            said.push_back(format!("this recording breaks off: {why}"));
        }
        let name = path.file_name().unwrap_or(path.as_os_str());
        Ok(Self {
            name: gputop_model::printable(name.to_string_lossy().into_owned()),
            reader: Reader::Idle(tape),
            queue: VecDeque::new(),
            due: VecDeque::new(),
            said,
            begun: (Duration::ZERO, Instant::now()),
            wall: (index.header.started, Duration::ZERO),
            wanted: None,
            is_ended: false,
            index,
        })
    }

    /// What was known when it was recorded.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.index.header
    }

    /// What is known before anything is shown.
    #[must_use]
    pub fn session(&self) -> Session {
        let header = self.header();
        Session {
            context: format!("replay {}", self.name),
            server_version: header.server_version.clone(),
            namespace: header.namespace.clone(),
            only_namespace: header.only_namespace.clone(),
            agents: header.agents,
            replay: true,
            settings: header.settings(),
            ..Session::default()
        }
    }

    fn now(&self) -> Duration {
        let (moment, instant) = self.begun;
        moment.saturating_add(instant.elapsed()).min(self.index.end)
    }

    /// When a moment of the recording is to be played.
    fn instant(&self, moment: Duration) -> Instant {
        let (begun, instant) = self.begun;
        instant + moment.saturating_sub(begun)
    }

    /// Begins to read on, if nothing else is being done.
    fn read_ahead(&mut self) {
        self.reader = match std::mem::replace(&mut self.reader, Reader::Lost) {
            Reader::Idle(tape) if !tape.is_over() => {
                Reader::Reading(spawn_blocking(move || read(tape)))
            }
            other => other,
        };
    }

    /// Begins to wind, if the tape is there.
    fn wind(&mut self, to: Duration) {
        self.reader = match std::mem::replace(&mut self.reader, Reader::Lost) {
            Reader::Idle(mut tape) => Reader::Winding(
                to,
                spawn_blocking(move || {
                    let found = Box::new(tape.wind(to));
                    (tape, found)
                }),
            ),
            other => other,
        };
    }

    /// Waits until the tape is there. Cancel-safe.
    async fn settle(&mut self) -> Brought {
        let (reader, brought) = match &mut self.reader {
            Reader::Idle(_) | Reader::Lost => return Brought::Nothing,
            Reader::Reading(task) => match task.await {
                Ok((tape, read)) => (Reader::Idle(tape), Brought::Read(read)),
                Err(_crashed) => (Reader::Lost, Brought::Nothing),
            },
            Reader::Winding(to, task) => {
                let to = *to;
                match task.await {
                    Ok((tape, found)) => (Reader::Idle(tape), Brought::Found(to, found)),
                    Err(_crashed) => (Reader::Lost, Brought::Nothing),
                }
            }
        };
        self.reader = reader;
        match &self.reader {
            Reader::Lost => self.index.is_cut_off = true,
            Reader::Idle(tape) => {
                // It may turn out to be damaged before its end.
                self.index.is_cut_off = tape.index().is_cut_off;
                self.index.end = tape.index().end;
                self.index.damage.clone_from(&tape.index().damage);
            }
            _ => {}
        }
        brought
    }

    /// Winds to where it is wanted. Cancel-safe: what was begun goes on when it is called again.
    async fn wound(&mut self) -> Option<News> {
        loop {
            let wanted = self.wanted?;
            match self.settle().await {
                // Somebody has wished for another place in the meantime, or it was read ahead.
                Brought::Found(to, _) if Some(to) != self.wanted => {}
                Brought::Found(to, found) => {
                    self.wanted = None;
                    let Found { fleet, wall, next } = *found;
                    self.queue.clear();
                    self.queue.extend(next);
                    self.due.clear();
                    self.begun = (to, Instant::now());
                    self.wall = wall.unwrap_or((self.header().started, Duration::ZERO));
                    self.is_ended = false;
                    return Some(News::Wound(Box::new(fleet)));
                }
                Brought::Read(_) | Brought::Nothing => {}
            }
            self.wind(wanted);
            if matches!(self.reader, Reader::Lost) {
                self.wanted = None;
            }
        }
    }

    /// Says that it is over.
    fn farewell(&mut self) -> String {
        self.is_ended = true;
        match &self.index.damage {
            _ if !self.index.is_cut_off => "the end of the recording".to_owned(),
            Some(why) => format!("the recording breaks off here: {why}"),
            None => "the recording breaks off here".to_owned(),
        }
    }
}

/// Reads a little.
fn read(mut tape: Box<Tape>) -> (Box<Tape>, Vec<Timed>) {
    let mut list: Vec<Timed> = Vec::new();
    while list.len() < LINES
        && let Some(timed) = tape.read()
    {
        let first = list.first().map_or(timed.at, |first| first.at);
        let is_enough = timed.at.saturating_sub(first) >= AHEAD;
        list.push(timed);
        if is_enough {
            break;
        }
    }
    (tape, list)
}

impl Source for Replay {
    async fn next(&mut self) -> News {
        loop {
            if let Some(news) = self.wound().await {
                return news;
            }
            if let Some(text) = self.said.pop_front() {
                return News::Said(text);
            }
            if let Some(event) = self.due.pop_front() {
                return News::Event(event);
            }
            if self.queue.len() <= LINES / 2 && matches!(self.reader, Reader::Idle(_)) {
                self.read_ahead();
            }
            if let Some(next) = self.queue.front() {
                sleep_until(self.instant(next.at)).await;
                if let Some(timed) = self.queue.pop_front() {
                    self.wall = timed.wall.map_or(self.wall, |wall| (wall, timed.at));
                    self.due.extend(timed.events);
                }
                continue;
            }
            match self.settle().await {
                Brought::Read(list) => self.queue.extend(list),
                Brought::Found(..) => {}
                Brought::Nothing if self.is_ended => pending().await,
                Brought::Nothing => {
                    sleep_until(self.instant(self.index.end)).await;
                    return News::Said(self.farewell());
                }
            }
        }
    }

    fn seek(&mut self, seek: Seek) {
        let from = self.wanted.unwrap_or_else(|| self.now());
        let to = match seek {
            Seek::Back => from.saturating_sub(STEP),
            Seek::On => from.saturating_add(STEP).min(self.index.end),
        };
        self.wanted = Some(to);
    }

    fn clock(&self, _epoch: Instant) -> Clock {
        let now = self.now();
        let (wall, at) = self.wall;
        let since = now.saturating_sub(at);
        Clock {
            now: Moment(now),
            wall: wall.checked_add(since).unwrap_or(Timestamp::MAX),
        }
    }

    fn position(&self) -> Option<(Duration, Duration)> {
        Some((self.now(), self.index.end))
    }
}
