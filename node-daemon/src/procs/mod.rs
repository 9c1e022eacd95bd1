//! Which pod, container or session a process belongs to.

#[cfg(feature = "host")]
mod cgroup;
#[cfg(feature = "host")]
mod command;
#[cfg(feature = "host")]
mod commands;
#[cfg(feature = "host")]
mod host;
#[cfg(feature = "host")]
mod limits;
mod rights;
#[cfg(feature = "host")]
mod stat;
#[cfg(feature = "host")]
mod users;

use std::collections::HashSet;

use gputop_model::{GpuProcess, Holder, Limitation, Reading};

#[cfg(feature = "host")]
pub use cgroup::holder_from_cgroups;
#[cfg(feature = "host")]
pub use host::{HostAttribution, Outlook};
pub use rights::no_mig_rights;

/// What the node's operating system knows of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFacts {
    /// Start time in clock ticks since boot.
    pub start_ticks: Option<u64>,
    /// Name of the executable (`comm`).
    pub name: Option<String>,
    /// Command line with its arguments, without secrets; missing unless it was asked for.
    pub command: Reading<String>,
    /// Login name, or the numeric id where there is no name.
    pub user: Reading<String>,
    /// What holds the process.
    pub holder: Holder,
}

impl ProcessFacts {
    /// Nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            start_ticks: None,
            name: None,
            command: Reading::default(),
            user: Reading::default(),
            holder: Holder::Unknown,
        }
    }

    /// Fills in what `process` does not say itself.
    pub fn complete(self, process: &mut GpuProcess) {
        process.start_ticks = process.start_ticks.or(self.start_ticks);
        if process.name.is_empty() {
            process.name = self.name.unwrap_or_default();
        }
        if process.command.known().is_none() {
            process.command = self.command;
        }
        if process.user.known().is_none() {
            process.user = self.user;
        }
        if process.holder == Holder::Unknown {
            process.holder = self.holder;
        }
    }
}

/// Someone who can describe a process of the node.
pub trait Attribution: Send + Sync {
    /// What is known of the process `pid`. Called for each process at each sample: takes
    /// microseconds and never waits.
    fn describe(&self, pid: u32) -> ProcessFacts;

    /// The sample is complete: nobody but these processes is asked about again soon.
    fn retain(&self, _alive: &HashSet<u32>) {}

    /// What of the processes can not be seen from where the daemon runs.
    fn limitations(&self) -> Vec<Limitation> {
        Vec::new()
    }
}

/// For sources whose processes carry everything already.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAttribution;

impl Attribution for NoAttribution {
    fn describe(&self, _pid: u32) -> ProcessFacts {
        ProcessFacts::unknown()
    }
}
