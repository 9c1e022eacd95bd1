//! Writes a recording: redacts, tells differences, compresses, and flushes once a second.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use gputop_fleet::engine::Event;
use gputop_fleet::state::AgentReport;
use gputop_model::NodeName;
use serde_json::Value;

use super::format::{Entry, Header, Keyframe, LONGEST_LINE, Line};
use super::patch;
use super::redact::Redactor;

/// A crash loses no more than this.
const FLUSH: Duration = Duration::from_secs(1);

/// Name of the field in a gzip member's head that has the time of its keyframe.
pub(super) const FIELD: [u8; 2] = *b"GR";

/// What is to be written; times are milliseconds since the moments began.
#[derive(Debug)]
pub(super) enum Message {
    /// All that is known.
    Keyframe(u64, Box<Keyframe>),
    /// What has happened.
    Event(u64, Event),
    /// The recording is ended; so many reports were dropped.
    End(u64, u64),
}

/// Writes what comes until the end is told or the sender is gone.
pub(super) fn run<W: Write>(
    lane: &Receiver<Message>,
    file: W,
    header: Header,
    redactor: Redactor,
) -> io::Result<()> {
    let mut writer = Writer::begin(file, header, redactor)?;
    loop {
        match lane.recv_timeout(FLUSH) {
            Ok(message) => writer.write(message)?,
            Err(RecvTimeoutError::Timeout) => writer.flush()?,
            Err(RecvTimeoutError::Disconnected) => return writer.finish(),
        }
    }
}

/// The beginning of a gzip member; `at_ms` is the time of its keyframe.
fn member<W: Write>(file: W, at_ms: u64) -> GzEncoder<W> {
    let mut extra = Vec::with_capacity(12);
    extra.extend(FIELD);
    extra.extend(8_u16.to_le_bytes());
    extra.extend(at_ms.to_le_bytes());
    let head = GzBuilder::new().mtime(0).operating_system(255).extra(extra);
    head.write(file, Compression::default())
}

/// An open recording.
pub(super) struct Writer<W: Write> {
    /// `None` only after an error.
    out: Option<GzEncoder<W>>,
    redactor: Redactor,
    /// What was last written of each daemon.
    last: BTreeMap<NodeName, Value>,
    has_keyframe: bool,
    /// Time of the newest line that a crash can not take any more.
    flushed_ms: u64,
    is_dirty: bool,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub(super) fn begin(file: W, header: Header, mut redactor: Redactor) -> io::Result<Self> {
        let header = redactor.header(header);
        let mut writer = Self {
            out: Some(member(file, 0)),
            redactor,
            last: BTreeMap::new(),
            has_keyframe: false,
            flushed_ms: 0,
            is_dirty: false,
        };
        writer.line(&header)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Writes one message.
    pub(super) fn write(&mut self, message: Message) -> io::Result<()> {
        let (at_ms, event) = match message {
            Message::Keyframe(at_ms, keyframe) => {
                // The first is in the same member as the header.
                if std::mem::replace(&mut self.has_keyframe, true) {
                    let file = self.out.take().ok_or_else(broken)?.finish()?;
                    self.out = Some(member(file, at_ms));
                }
                let keyframe = self.redactor.keyframe(*keyframe);
                self.last.clear();
                for (node, report) in &keyframe.reports {
                    let value = serde_json::to_value(report)?;
                    self.last.insert(node.clone(), value);
                }
                (at_ms, Entry::Keyframe(keyframe))
            }
            Message::Event(at_ms, Event::Update(update)) => {
                (at_ms, Entry::Update(self.redactor.update(update)))
            }
            Message::Event(at_ms, Event::Reports(reports)) => {
                (at_ms, Entry::Reports(self.differences(reports)?))
            }
            Message::Event(at_ms, Event::Past(past)) => {
                (at_ms, Entry::Past(self.redactor.past(past)))
            }
            // Answers have logs and manifests in them, and nothing that a table shows.
            Message::Event(_, Event::Answer(..)) => return Ok(()),
            Message::End(at_ms, dropped) => (at_ms, Entry::End { dropped }),
        };
        self.line(&Line { at_ms, event })?;
        let since = Duration::from_millis(at_ms.saturating_sub(self.flushed_ms));
        if since >= FLUSH {
            self.flush()?;
            self.flushed_ms = at_ms;
        }
        Ok(())
    }

    /// What differs from what was last written of the same daemons.
    fn differences(
        &mut self,
        reports: Vec<(NodeName, AgentReport)>,
    ) -> io::Result<BTreeMap<NodeName, Value>> {
        let mut changes = BTreeMap::new();
        for (node, report) in reports {
            let (node, report) = self.redactor.report(&node, report);
            let new = serde_json::to_value(report)?;
            let old = self.last.entry(node.clone()).or_default();
            if let Some(change) = patch::diff(old, &new) {
                *old = new;
                changes.insert(node, change);
            }
        }
        Ok(changes)
    }

    fn line(&mut self, line: &impl serde::Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        if text.len() > LONGEST_LINE {
            return Err(too_long(text.len()));
        }
        text.push(b'\n');
        self.is_dirty = true;
        self.out()?.write_all(&text)
    }

    /// Brings what was written to the file, in a form that can be read as far as it goes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_dirty) {
            self.out()?.flush()?;
        }
        Ok(())
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.out.take().ok_or_else(broken)?.finish()?.flush()
    }

    fn out(&mut self) -> io::Result<&mut GzEncoder<W>> {
        self.out.as_mut().ok_or_else(broken)
    }
}

fn broken() -> io::Error {
    io::Error::other("the recording has failed before")
}

/// What nobody could read is not written.
fn too_long(length: usize) -> io::Error {
    let why = format!(
        "this cluster is too large to be recorded: what is known of it takes {} MiB, and at most \
         {} MiB at a time can be played",
        length.div_ceil(1 << 20),
        LONGEST_LINE >> 20
    );
    io::Error::new(ErrorKind::FileTooLarge, why)
}

#[cfg(test)]
mod tests {
    use gputop_fleet::state::Fleet;
    use jiff::Timestamp;

    use super::*;
    use crate::app::Session;

    #[test]
    fn what_could_not_be_played_is_not_written() {
        let header = Header::new(&Session::default(), Timestamp::UNIX_EPOCH, true);
        let mut writer = Writer::begin(Vec::new(), header, Redactor::new(true)).unwrap();
        let mut keyframe = Keyframe::of(&Fleet::new(), Timestamp::UNIX_EPOCH, 0);
        writer
            .write(Message::Keyframe(0, Box::new(keyframe.clone())))
            .unwrap();
        keyframe.one_namespace = Some("x".repeat(LONGEST_LINE));
        let error = writer
            .write(Message::Keyframe(1, Box::new(keyframe)))
            .unwrap_err();
        assert!(error.to_string().contains("takes 33 MiB"), "{error}");
    }
}
