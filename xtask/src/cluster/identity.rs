//! Which process is meant: its id and when it started.
//!
//! A process id alone is not enough: after the process has ended the kernel
//! gives the number to another one, and that one must never be killed.

use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::wait::{self, Deadline};

/// One process, for as long as the machine is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`).
    pub start_ticks: u64,
}

/// What a process is doing, as far as this testbed cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It runs or sleeps.
    Running,
    /// It is stopped by a signal and can be continued.
    Frozen,
    /// It is not there, or dead and not yet reaped.
    Gone,
}

impl Identity {
    /// The identity of the process that has this id now, if there is one.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        read_stat(pid).map(|stat| Self {
            pid,
            start_ticks: stat.start_ticks,
        })
    }

    /// The identity of the calling process, if `/proc` is there.
    #[must_use]
    pub fn of_self() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// What this very process is doing. A process that only has the same id is
    /// not this one: then it is `Gone`.
    #[must_use]
    pub fn activity(&self) -> Activity {
        match read_stat(self.pid) {
            Some(stat) if stat.start_ticks == self.start_ticks => match stat.state {
                'T' | 't' => Activity::Frozen,
                'Z' | 'X' => Activity::Gone,
                _ => Activity::Running,
            },
            _ => Activity::Gone,
        }
    }

    /// Whether this very process still exists.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.activity() != Activity::Gone
    }

    /// Sends a signal to this very process; nothing happens when it is gone.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it, for example for another user's process.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) else {
            return Ok(());
        };
        // The handle is taken first and the identity is checked afterwards: from
        // here on the handle cannot come to mean another process.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            return Ok(());
        };
        if !self.is_alive() {
            return Ok(());
        }
        match pidfd_send_signal(&handle, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(why) => Err(why).wrap_err_with(|| format!("cannot signal process {}", self.pid)),
        }
    }

    /// Ends this very process: asks, waits up to `patience`, then kills.
    /// Returns whether it is gone.
    ///
    /// # Errors
    ///
    /// As [`Identity::signal`].
    pub fn end(&self, patience: Duration) -> Result<bool> {
        self.signal(Signal::TERM)?;
        // A frozen process takes the signal only when it continues.
        self.signal(Signal::CONT)?;
        if self.wait_gone(patience) {
            return Ok(true);
        }
        self.signal(Signal::KILL)?;
        Ok(self.wait_gone(Duration::from_secs(5)))
    }

    /// Waits until this very process is gone; says whether it is.
    #[must_use]
    pub fn wait_gone(&self, patience: Duration) -> bool {
        let gone = wait::until(Deadline::after(patience), Duration::from_millis(20), || {
            Ok::<_, std::convert::Infallible>((!self.is_alive()).then_some(()))
        });
        matches!(gone, Ok(Some(())))
    }
}

struct Stat {
    state: char,
    start_ticks: u64,
}

fn read_stat(pid: u32) -> Option<Stat> {
    parse_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads `PID (NAME) STATE …`. The name may hold blanks and brackets: what
/// counts begins after the last closing one.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    // The state is field 3, the start time field 22.
    let start_ticks = fields.nth(18)?.parse().ok()?;
    Some(Stat { state, start_ticks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;

    #[test]
    fn parses_a_name_with_brackets() {
        let line = "42 (a) b (c)) T 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.state, stat.start_ticks), ('T', 987_654));
    }

    #[test]
    fn too_short_is_no_identity() {
        assert!(parse_stat("42 (sh) S 1 2").is_none());
        assert!(parse_stat("").is_none());
    }

    #[test]
    fn a_recycled_pid_is_left_alone() {
        let mut child = process::command("sleep").arg("60").spawn().unwrap();
        let real = Identity::of(child.id()).unwrap();
        let former = Identity {
            start_ticks: real.start_ticks - 1,
            ..real
        };
        assert!(!former.is_alive());
        assert!(former.end(Duration::ZERO).unwrap());
        assert!(
            real.is_alive(),
            "the process that only has the same id was killed"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!real.is_alive());
    }

    #[test]
    fn sees_frozen() {
        let mut child = process::command("sleep").arg("60").spawn().unwrap();
        let id = Identity::of(child.id()).unwrap();
        id.signal(Signal::STOP).unwrap();
        let frozen = wait::until(
            Deadline::after(Duration::from_secs(5)),
            Duration::from_millis(5),
            || Ok::<_, ()>((id.activity() == Activity::Frozen).then_some(())),
        );
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(frozen, Ok(Some(())));
    }
}
