//! The machine around the GPUs: processors, memory, disks, network.

use std::time::Duration;

use gputop_model::{Host, Limitation};

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
