//! How the supervisor of a cluster is talked to: one JSON line each way over a
//! Unix socket in the cluster's folder.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::identity::Identity;

/// The longest line that either side reads.
const LONGEST_LINE: u64 = 1 << 20;
/// Longer than the supervisor takes to end the slowest process.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a process is started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessSpec {
    /// The name it is known by in this cluster; also that of its log file.
    pub name: String,
    /// The file to start.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables on top of the supervisor's own.
    pub env: Vec<(String, String)>,
}

/// A wish to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    /// Start a new process; its name must not be in use by a live one.
    Start(ProcessSpec),
    /// Start a process again as it was started before; a live one is killed first.
    Restart(String),
    /// End a process: ask, wait, then kill.
    Stop(String),
    /// End a process without asking it.
    Kill(String),
    /// Halt a process; it keeps its memory, files and ports.
    Freeze(String),
    /// Let a halted process go on.
    Thaw(String),
    /// Say what runs.
    List,
    /// Go on when the starter ends; only `Down` and the lifetime end it now.
    Detach,
    /// End all processes, then yourself.
    Down,
}

/// The supervisor's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It is done.
    Done,
    /// The answer to [`Request::List`], in order of start.
    Processes(Vec<ProcessStatus>),
    /// It could not be done; why.
    Failed(String),
}

/// One process of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Its name in the cluster.
    pub name: String,
    /// Which process it is, or was.
    pub identity: Identity,
    /// What it does.
    pub state: ProcessState,
}

/// What a process of a cluster does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessState {
    /// It runs.
    Running,
    /// It is halted and can go on.
    Frozen,
    /// It has ended; how.
    Ended(String),
}

/// The socket of the cluster in `dir`.
#[must_use]
pub(super) fn socket(dir: &Path) -> PathBuf {
    dir.join("control.sock")
}

/// Sends one request to the supervisor of the cluster in `dir`.
///
/// # Errors
///
/// When nobody listens there, the answer is late, or the request failed.
pub(super) fn ask(dir: &Path, request: &Request) -> Result<Reply> {
    let path = socket(dir);
    let mut stream = UnixStream::connect(&path).wrap_err_with(|| {
        format!(
            "the cluster's supervisor does not answer on {}",
            path.display()
        )
    })?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    send(&mut stream, request)?;
    match receive(&stream).wrap_err("the cluster's supervisor gave no answer")? {
        Reply::Failed(why) => bail!("the cluster's supervisor: {why}"),
        reply => Ok(reply),
    }
}

/// Writes one message as a line.
pub(super) fn send<T: Serialize>(stream: &mut UnixStream, message: &T) -> Result<()> {
    let mut line = serde_json::to_string(message)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    Ok(())
}

/// Reads one message.
pub(super) fn receive<T: DeserializeOwned>(stream: &UnixStream) -> Result<T> {
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_LINE)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_wire() {
        let (mut near, far) = UnixStream::pair().unwrap();
        let request = Request::Start(ProcessSpec {
            name: "kine".into(),
            program: "/bin/kine".into(),
            args: vec!["--endpoint".into(), "sqlite://x\ny".into()],
            env: vec![("A".into(), "b".into())],
        });
        send(&mut near, &request).unwrap();
        assert_eq!(receive::<Request>(&far).unwrap(), request);
    }

    #[test]
    fn nobody_there_is_an_error_that_names_the_socket() {
        let dir = tempfile::tempdir().unwrap();
        let error = ask(dir.path(), &Request::List).unwrap_err();
        assert!(error.to_string().contains("control.sock"), "{error}");
    }
}
