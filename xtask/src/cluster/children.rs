//! The processes that a supervisor owns.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use rustix::process::Signal;

use super::control::{ProcessSpec, ProcessState, ProcessStatus};
use super::files;
use super::identity::{Activity, Identity};
use super::supervise::child_arguments;
use crate::process;
use crate::wait::{self, Deadline};

/// How long one process may take to end by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same when all end together. The state is thrown away with the cluster,
/// so that nothing is lost by not waiting for the API server's many seconds.
const PATIENCE_AT_END: Duration = Duration::from_millis(1500);

struct Entry {
    spec: ProcessSpec,
    child: Child,
    identity: Identity,
    ended: Option<ExitStatus>,
}

/// All processes of one cluster, in order of their start.
pub(super) struct Children {
    dir: PathBuf,
    entries: Vec<Entry>,
}

impl Children {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_path_buf(),
            entries: Vec::new(),
        }
    }

    /// Starts a process; what it prints goes to `logs/NAME.log`.
    pub(super) fn start(&mut self, spec: ProcessSpec) -> Result<()> {
        self.reap();
        if let Ok(at) = self.find(&spec.name) {
            if self.entries[at].ended.is_none() {
                bail!("{} runs already", spec.name);
            }
            self.entries.remove(at);
        }
        let log_path = log_path(&self.dir, &spec.name);
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&log_path)
            .wrap_err_with(|| format!("cannot write {}", log_path.display()))?;
        // By way of our own program, whatever has become of its file since.
        let child = process::command("/proc/self/exe")
            .args(child_arguments(std::process::id()))
            .arg(&spec.program)
            .args(&spec.args)
            .envs(spec.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .wrap_err_with(|| format!("cannot start {}", spec.name))?;
        let Some(identity) = Identity::of(child.id()) else {
            bail!("{} is not in /proc: is it mounted?", spec.name);
        };
        self.entries.push(Entry {
            spec,
            child,
            identity,
            ended: None,
        });
        self.record()
    }

    /// Starts a known process again; a live one is killed first.
    pub(super) fn restart(&mut self, name: &str) -> Result<()> {
        let at = self.find(name)?;
        let spec = self.entries[at].spec.clone();
        self.kill(name)?;
        self.start(spec)
    }

    /// Ends a process: asks, waits, kills. Nothing happens to a dead one.
    pub(super) fn stop(&mut self, name: &str) -> Result<()> {
        let at = self.find(name)?;
        self.entries[at].ask_to_end();
        self.wait_for(PATIENCE, |entry| entry.spec.name == name);
        self.kill(name)
    }

    /// Ends a process without asking it. Nothing happens to a dead one.
    pub(super) fn kill(&mut self, name: &str) -> Result<()> {
        let at = self.find(name)?;
        let entry = &mut self.entries[at];
        if entry.ended.is_none() {
            entry
                .child
                .kill()
                .wrap_err_with(|| format!("cannot kill {name}"))?;
            entry.ended = Some(entry.child.wait()?);
        }
        Ok(())
    }

    /// Sends a signal to a live process.
    pub(super) fn signal(&mut self, name: &str, signal: Signal) -> Result<()> {
        self.reap();
        let entry = &self.entries[self.find(name)?];
        if entry.ended.is_some() {
            bail!("{name} has ended");
        }
        entry.identity.signal(signal)
    }

    /// What all processes do.
    pub(super) fn list(&mut self) -> Vec<ProcessStatus> {
        self.reap();
        self.entries.iter().map(Entry::status).collect()
    }

    /// Takes note of the processes that have ended.
    pub(super) fn reap(&mut self) {
        for entry in &mut self.entries {
            if entry.ended.is_none() {
                // An error would mean that it is not our child: not possible here.
                entry.ended = entry.child.try_wait().unwrap_or_default();
            }
        }
    }

    /// Ends all processes: asks all at once, waits, kills the rest.
    pub(super) fn end_all(&mut self) {
        for entry in self.entries.iter().rev() {
            entry.ask_to_end();
        }
        self.wait_for(PATIENCE_AT_END, |_| true);
        for entry in &mut self.entries {
            if entry.ended.is_none() {
                // Fails only for a process that has just ended.
                let _ = entry.child.kill();
                entry.ended = entry.child.wait().ok();
            }
        }
    }

    fn find(&self, name: &str) -> Result<usize> {
        match self
            .entries
            .iter()
            .position(|entry| entry.spec.name == name)
        {
            Some(at) => Ok(at),
            None => bail!("there is no process {name} in this cluster"),
        }
    }

    fn wait_for(&mut self, patience: Duration, which: impl Fn(&Entry) -> bool) {
        // Running out of time is no error here: the caller kills what is left.
        let _ = wait::until(Deadline::after(patience), Duration::from_millis(20), || {
            self.reap();
            let alive = self
                .entries
                .iter()
                .any(|entry| which(entry) && entry.ended.is_none());
            Ok::<_, std::convert::Infallible>((!alive).then_some(()))
        });
    }

    /// Writes down which processes are ours, for the one who cleans up when
    /// the supervisor is no more.
    fn record(&self) -> Result<()> {
        let all: Vec<Identity> = self.entries.iter().map(|entry| entry.identity).collect();
        files::write(&record_path(&self.dir), &serde_json::to_string(&all)?)
    }
}

impl Entry {
    /// Fails only for a process that has ended: then there is nothing to ask.
    fn ask_to_end(&self) {
        if self.ended.is_none() {
            let _ = self.identity.signal(Signal::TERM);
            let _ = self.identity.signal(Signal::CONT);
        }
    }

    fn status(&self) -> ProcessStatus {
        let state = match (self.ended, self.identity.activity()) {
            (Some(status), _) => ProcessState::Ended(describe(status)),
            (None, Activity::Frozen) => ProcessState::Frozen,
            (None, Activity::Running | Activity::Gone) => ProcessState::Running,
        };
        ProcessStatus {
            name: self.spec.name.clone(),
            identity: self.identity,
            state,
        }
    }
}

/// The log file of a process.
pub(super) fn log_path(dir: &Path, name: &str) -> PathBuf {
    dir.join("logs").join(format!("{name}.log"))
}

/// The file that says which processes the supervisor has started.
pub(super) fn record_path(dir: &Path) -> PathBuf {
    dir.join("processes.json")
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown cause".to_owned(),
    }
}
