//! The machine around the GPUs: processors, memory, disks, network.
//!
//! | reading | from | needs in a pod |
//! |---|---|---|
//! | processors, load, memory, uptime, kernel | `/proc/stat`, `loadavg`, `meminfo`, `uptime`, `sys/kernel/osrelease` | nothing: the kernel tells them to everybody |
//! | network | `/proc/1/net/dev` | the host's PID namespace; cards are told from bridges by `sys/class/net` below the host's root, else by their names |
//! | disks | `/proc/1/mounts`, and statvfs below the host's root | both |
//! | restart required | `run/reboot-required` below the host's root | that root, mounted read-only |
//!
//! All is read every 5 s. What needs a mount that is not there is `Failed(NotFound)`, and a
//! [`Limitation`] says what would mend it.

#[cfg(feature = "host")]
mod disks;
#[cfg(feature = "host")]
pub(crate) mod host;
#[cfg(feature = "host")]
mod links;
#[cfg(feature = "host")]
pub(crate) mod mounts;
#[cfg(feature = "host")]
mod network;
#[cfg(feature = "host")]
mod parse;

use std::time::Duration;

use gputop_model::{Host, Limitation};

#[cfg(feature = "host")]
pub use host::{HostMachine, Places};

/// Someone who knows the machine.
pub trait Machine: Send + Sync {
    /// What is measured at `now`, the time since the daemon's start. Called with each sample:
    /// takes microseconds most times and never waits.
    fn read(&self, now: Duration) -> Host;

    /// What of the machine can not be seen from where the daemon runs.
    fn limitations(&self) -> Vec<Limitation>;
}

/// For nodes whose machine is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMachine;

impl Machine for NoMachine {
    fn read(&self, _now: Duration) -> Host {
        Host::default()
    }

    fn limitations(&self) -> Vec<Limitation> {
        Vec::new()
    }
}
