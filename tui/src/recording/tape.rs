//! A recording on disk, read from any of its keyframes on. Nothing is kept in memory but where the
//! keyframes are and what is being read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use gputop_fleet::connect::Problem;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{AgentReport, Fleet};
use gputop_model::NodeName;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::format::{Entry, Header, LONGEST_LINE, Line};
use super::writer::FIELD;
use super::{clean, patch};

/// What is read before the moment that is wound to, so that graphs have their past: as much as a
/// store keeps at a report a second.
const PAST: Duration = Duration::from_secs(300);

type Lines = BufReader<MultiGzDecoder<BufReader<Arc<File>>>>;

/// An open recording.
#[derive(Debug)]
pub(super) struct Tape {
    file: Arc<File>,
    lines: Lines,
    /// What was last read of each daemon.
    reports: BTreeMap<NodeName, Value>,
    /// The next keyframe is not to be passed over.
    begins: bool,
    /// Nothing more can be read until it is wound.
    is_over: bool,
    /// The end was read, so that nothing is missing.
    is_whole: bool,
    /// The time of the line that was read last.
    last: Duration,
    index: Index,
}

/// What is known of a recording as a whole.
#[derive(Debug, Clone)]
pub(super) struct Index {
    pub(super) header: Header,
    /// Where a reader can begin, by time; never empty.
    marks: Vec<Mark>,
    /// The time of the last line.
    pub(super) end: Duration,
    /// It breaks off: the program that recorded was killed, or the disk was full.
    pub(super) is_cut_off: bool,
    /// Why it is not read to its end, where that is known.
    pub(super) damage: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    offset: u64,
    at: Duration,
}

/// What has happened at one moment.
#[derive(Debug)]
pub(super) struct Timed {
    pub(super) at: Duration,
    /// The wall clock then, where it is told.
    pub(super) wall: Option<Timestamp>,
    pub(super) events: Vec<Event>,
}

/// What was known at a moment that was wound to.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) fleet: Fleet,
    /// The last moment up to then at which the wall clock is told.
    pub(super) wall: Option<(Timestamp, Duration)>,
    /// What comes next.
    pub(super) next: Option<Timed>,
}

impl Tape {
    /// Opens a recording and looks through it.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let shown = path.display();
        let unreadable = |error: io::Error| Problem {
            what: format!("{shown} can not be read: {error}"),
            fix: "Name a file that `gputop-k3s --record FILE` has written.".to_owned(),
        };
        let file = Arc::new(File::open(path).map_err(unreadable)?);
        let mut lines = lines(&file, 0).map_err(unreadable)?;
        let first = match read_line(&mut lines) {
            Ok(line) => line.unwrap_or_default(),
            Err(error) if is_about_content(&error) => String::new(),
            Err(error) => return Err(unreadable(error)),
        };
        let header = Header::read(&first).map_err(|problem| Problem {
            what: format!("{shown} can not be played: {}", problem.what),
            fix: problem.fix,
        })?;
        let mut tape = Self {
            lines,
            reports: BTreeMap::new(),
            begins: true,
            is_over: false,
            is_whole: false,
            last: Duration::ZERO,
            index: Index {
                header,
                marks: marks(&file).map_err(unreadable)?,
                end: Duration::ZERO,
                is_cut_off: true,
                damage: None,
            },
            file,
        };
        tape.measure();
        tape.rewind(0);
        Ok(tape)
    }

    /// What is known of it as a whole.
    pub(super) const fn index(&self) -> &Index {
        &self.index
    }

    /// Whether nothing more can be read until it is wound.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Finds out how long it is: reads what follows the last keyframe that can be read.
    fn measure(&mut self) {
        #[derive(Deserialize)]
        struct Time {
            at_ms: u64,
        }
        while let Some(last) = self.index.marks.last().copied() {
            self.rewind(self.index.marks.len() - 1);
            let mut end = None;
            let mut newest = String::new();
            while let Some(line) = self.line() {
                let Ok(time) = serde_json::from_str::<Time>(&line) else {
                    break;
                };
                end = Some(Duration::from_millis(time.at_ms));
                newest = line;
            }
            if end.is_some() || self.index.marks.len() == 1 {
                let newest = serde_json::from_str::<Line>(&newest);
                let is_end = newest.is_ok_and(|line| matches!(line.event, Entry::End { .. }));
                self.index.is_cut_off = !is_end;
                self.index.end = end.unwrap_or(last.at);
                return;
            }
            self.index.marks.pop();
        }
    }

    /// Goes to a keyframe.
    fn rewind(&mut self, mark: usize) {
        let offset = self.index.marks.get(mark).map_or(0, |mark| mark.offset);
        self.reports.clear();
        self.begins = true;
        self.is_whole = false;
        self.is_over = match lines(&self.file, offset) {
            Ok(lines) => {
                self.lines = lines;
                // The first line of all is the header.
                offset == 0 && !matches!(read_line(&mut self.lines), Ok(Some(_)))
            }
            Err(_) => true,
        };
    }

    /// The next line; `None`: no more can be read.
    fn line(&mut self) -> Option<String> {
        match read_line(&mut self.lines) {
            Ok(line) => line,
            Err(error) => {
                // A file that was cut off says no more than that.
                if error.kind() == ErrorKind::FileTooLarge {
                    self.index.damage = Some(error.to_string());
                }
                None
            }
        }
    }

    /// The next that has happened; `None`: it is over.
    pub(super) fn read(&mut self) -> Option<Timed> {
        if self.is_over {
            return None;
        }
        let timed = self.line().and_then(|line| self.understand(&line));
        if let Some(timed) = timed {
            self.last = timed.at;
            return Some(timed);
        }
        self.is_over = true;
        if !self.is_whole {
            // Here ends what can be played, wherever the file ends.
            self.index.is_cut_off = true;
            self.index.end = self.last;
        }
        None
    }

    fn understand(&mut self, line: &str) -> Option<Timed> {
        let Line { at_ms, event } = clean::parse(line).ok()?;
        let mut timed = Timed {
            at: Duration::from_millis(at_ms),
            wall: None,
            events: Vec::new(),
        };
        match event {
            Entry::Keyframe(keyframe) => {
                self.reports.clear();
                for (node, report) in &keyframe.reports {
                    let value = serde_json::to_value(report).ok()?;
                    self.reports.insert(node.clone(), value);
                }
                timed.wall = Some(keyframe.wall);
                let is_new = std::mem::replace(&mut self.begins, false);
                if is_new || keyframe.gap {
                    timed.events = keyframe.events();
                }
            }
            Entry::Update(update) => timed.events.push(Event::Update(update)),
            Entry::Reports(changes) => {
                let mut reports = Vec::with_capacity(changes.len());
                for (node, change) in changes {
                    let value = self.reports.entry(node.clone()).or_default();
                    patch::apply(value, change);
                    reports.push((node, AgentReport::deserialize(&*value).ok()?));
                }
                timed.events.push(Event::Reports(reports));
            }
            Entry::Past(past) => timed.events.push(Event::Past(past)),
            Entry::End { .. } => self.is_whole = true,
        }
        Some(timed)
    }

    /// Finds out what was known at a moment, and goes on from there.
    pub(super) fn wind(&mut self, to: Duration) -> Found {
        let from = to.saturating_sub(PAST);
        let later = self.index.marks.partition_point(|mark| mark.at <= from);
        self.rewind(later.saturating_sub(1));
        let mut found = Found {
            fleet: self.index.header.fleet(),
            wall: None,
            next: None,
        };
        while let Some(timed) = self.read() {
            if timed.at > to {
                found.next = Some(timed);
                break;
            }
            found.wall = timed.wall.map(|wall| (wall, timed.at)).or(found.wall);
            for event in timed.events {
                // Answers are not recorded.
                let _answer = event.apply(&mut found.fleet);
            }
        }
        found
    }
}

fn lines(file: &Arc<File>, offset: u64) -> io::Result<Lines> {
    let mut file = file.clone();
    file.seek(SeekFrom::Start(offset))?;
    Ok(BufReader::new(MultiGzDecoder::new(BufReader::new(file))))
}

/// The next whole line; `None` at the end, also where the last line is not whole.
fn read_line(lines: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let most = LONGEST_LINE as u64 + 1;
    lines.take(most).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        // One letter is popped.
        if line.len() == LONGEST_LINE {
            let most = LONGEST_LINE >> 20;
            let why = format!("a line of it is longer than {most} MiB, which none of ours is");
            return Err(io::Error::new(ErrorKind::FileTooLarge, why));
        }
        return Ok(None);
    }
    String::from_utf8(line)
        .map(Some)
        .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Whether the file could be read, and what is in it is not what it should be.
fn is_about_content(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidInput
            | ErrorKind::InvalidData
            | ErrorKind::UnexpectedEof
            | ErrorKind::FileTooLarge
    )
}

/// Length of a gzip head with our field.
const HEAD: usize = 24;

/// The time in the head of a gzip member of ours at the beginning of `bytes`.
fn time_of(bytes: &[u8]) -> Option<Duration> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    // Magic, deflate, only an extra field, no time, any level, unknown system; 12 bytes of field.
    let (magic, rest) = head.split_first_chunk::<8>()?;
    let (_level, rest) = rest.split_first()?;
    let (system, rest) = rest.split_first_chunk::<7>()?;
    let [f0, f1] = FIELD;
    if *magic != [0x1f, 0x8b, 8, 4, 0, 0, 0, 0] || *system != [255, 12, 0, f0, f1, 8, 0] {
        return None;
    }
    let millis = u64::from_le_bytes(*rest.first_chunk()?);
    Some(Duration::from_millis(millis))
}

/// Where members of ours begin. A file that was packed anew has none but the first.
fn marks(file: &Arc<File>) -> io::Result<Vec<Mark>> {
    const CHUNK: usize = 1024 * 1024;
    let mut file = file.clone();
    file.seek(SeekFrom::Start(0))?;
    let mut marks = vec![Mark {
        offset: 0,
        at: Duration::ZERO,
    }];
    let mut window = Vec::with_capacity(CHUNK + HEAD);
    let mut offset = 0;
    loop {
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
        let mut from = 0;
        while let Some(next) = window.get(from..).and_then(|rest| find(rest, 0x1f)) {
            let at = from + next;
            let time = window.get(at..).and_then(time_of);
            let place = offset + at as u64;
            if let Some(at) = time
                && place > 0
                && marks.last().is_none_or(|last| last.at <= at)
            {
                marks.push(Mark { offset: place, at });
            }
            from = at + 1;
        }
        if read == 0 {
            return Ok(marks);
        }
        // A head may lie across two chunks.
        let done = window.len().saturating_sub(HEAD - 1);
        window.drain(..done);
        offset += done as u64;
    }
}

fn find(bytes: &[u8], byte: u8) -> Option<usize> {
    bytes.iter().position(|b| *b == byte)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::app::Session;

    #[test]
    fn a_line_that_would_fill_the_memory_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bomb.gptr");
        let header = Header::new(&Session::default(), Timestamp::UNIX_EPOCH, false);
        let mut file = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        let header = serde_json::to_string(&header).unwrap();
        writeln!(file, "{header}").unwrap();
        write!(file, r#"{{"at_ms":1,"event":{{"update":{{"OneNamespace":""#).unwrap();
        let chunk = vec![b'x'; 1024 * 1024];
        for _ in 0..40 {
            file.write_all(&chunk).unwrap();
        }
        writeln!(file, r#""}}}}}}"#).unwrap();
        writeln!(file, r#"{{"at_ms":2,"event":{{"end":{{"dropped":0}}}}}}"#).unwrap();
        file.finish().unwrap();

        let mut tape = Tape::open(&path).unwrap();
        assert!(tape.read().is_none() && tape.is_over());
        let index = tape.index();
        assert!(index.is_cut_off);
        let why = index.damage.as_deref().unwrap();
        assert!(why.contains("longer than 32 MiB"), "{why}");
    }

    #[test]
    fn lines_are_read_to_the_longest_that_there_are() {
        let mut text = "x".repeat(LONGEST_LINE);
        text.push('\n');
        let read = read_line(&mut text.as_bytes()).unwrap().unwrap();
        assert_eq!(read.len(), LONGEST_LINE);
        text.insert(0, 'x');
        assert!(read_line(&mut text.as_bytes()).is_err());
        // The end of the file is no line that is too long.
        let mut rest = "x\nhalf".as_bytes();
        assert_eq!(read_line(&mut rest).unwrap().as_deref(), Some("x"));
        assert_eq!(read_line(&mut rest).unwrap(), None);
        assert_eq!(read_line(&mut rest).unwrap(), None);
    }
}
