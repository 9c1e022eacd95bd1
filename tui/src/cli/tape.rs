//! `--record` and `--replay`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueHint;
use gputop_fleet::connect::Problem;
use gputop_fleet::engine::Engine;
use tokio::time::Instant;

use super::exit::{Exit, Failure, note};
use crate::app::Session;
use crate::recording::{Header, NewFile, Recorder, Replay, Summary};
use crate::runtime::Source as _;

/// What is to be recorded of what the app shows.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Record {
    /// Record what is shown into a new file. Arguments of programs, users, addresses and what looks
    /// like a secret are left out; names become pseudonyms.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,
    /// Record the real names of nodes, namespaces, pods and the like.
    #[arg(long, requires = "record")]
    pub record_names: bool,
}

/// Flags of the app itself.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Tapes {
    /// What is to be recorded.
    #[command(flatten)]
    pub record: Record,
    /// Show a recording instead of a cluster; `,` and `.` wind it.
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["record", "kubeconfig", "context", "impersonate"]
    )]
    pub replay: Option<PathBuf>,
}

impl Tapes {
    /// These flags stand before a command that has no use for them.
    pub(super) fn refuse(&self) -> Result<(), Failure> {
        let flag = match (&self.replay, &self.record.record) {
            (Some(_), _) => "--replay",
            (None, Some(_)) => "--record",
            (None, None) => return Ok(()),
        };
        Err(Failure::new(
            Exit::Usage,
            format!("{flag} is for the screens, and this command has none"),
            "Recorded are `gputop-k3s --record FILE` and `gputop-k3s demo --record FILE`; \
             `gputop-k3s --replay FILE` plays it.",
        ))
    }
}

impl Record {
    /// The source, which is recorded if it is to be; `session` says then where to.
    pub(super) fn start(
        &self,
        engine: Engine,
        session: &mut Session,
        epoch: Instant,
    ) -> Result<Recorder<Engine>, Failure> {
        let Some(path) = &self.record else {
            return Ok(Recorder::idle(engine));
        };
        let file = NewFile::create(path).map_err(|problem| failure(Exit::Usage, problem))?;
        let clock = engine.clock(epoch);
        let header = Header::new(session, clock.date(clock.now.0), self.record_names);
        session.recording = Some(path.display().to_string());
        Ok(Recorder::start(engine, file, header, epoch))
    }
}

/// Opens a recording.
pub(super) fn open(path: &Path) -> Result<Replay, Failure> {
    Replay::open(path).map_err(|problem| failure(Exit::Failed, problem))
}

/// Says on stderr what has become of a recording.
pub(super) fn report(summary: &Summary) {
    note(&told(summary));
}

/// What has become of a recording.
pub(super) fn told(summary: &Summary) -> String {
    let path = summary.path.display();
    let length = clock_face(summary.length);
    let text = match &summary.failure {
        None => format!("recorded {length} into {path}"),
        Some(why) => format!("the end of the recording {path} ({length}) is missing: {why}"),
    };
    match summary.dropped {
        0 => text,
        1 => format!("{text}; a report is missing, the disk was too slow"),
        count => format!("{text}; {count} reports are missing, the disk was too slow"),
    }
}

/// `05:12`, `1:05:12`.
fn clock_face(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes:02}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

fn failure(exit: Exit, problem: Problem) -> Failure {
    Failure { exit, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said() {
        let mut summary = Summary {
            path: "x.gptr".into(),
            length: Duration::from_secs(3912),
            dropped: 0,
            failure: None,
        };
        assert_eq!(told(&summary), "recorded 1:05:12 into x.gptr");
        summary.dropped = 3;
        summary.failure = Some("the disk is full".to_owned());
        assert_eq!(
            told(&summary),
            "the end of the recording x.gptr (1:05:12) is missing: the disk is full; 3 reports are \
             missing, the disk was too slow"
        );
    }

    #[test]
    fn other_commands_refuse_the_flags() {
        let mut tapes = Tapes::default();
        assert!(tapes.refuse().is_ok());
        tapes.replay = Some("x".into());
        let refusal = tapes.refuse().unwrap_err();
        assert!(refusal.problem.what.starts_with("--replay is for"));
    }
}
