//! A simulated node: cards and processes that exist in memory only.
//!
//! Values follow from the seed, the time and the tenants, plus a short memory for heat and idle
//! time; the same calls always give the same values. No thread, no clock, no I/O.

mod behaviour;
mod builtin;
mod cards;
mod commands;
mod follow;
mod instruments;
mod machine;
mod measure;
mod models;
mod noise;
mod physics;
mod scenario;
mod spec;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use gputop_model::{Bytes, GpuUuid, Holder, ProcessKind};

pub use behaviour::Behaviour;
pub use builtin::{builtin_node, builtin_tenants};
pub use follow::{FollowKubelet, tenants_for};
pub use machine::SimulatedMachine;
pub use scenario::{Scenario, ScenarioError, parse_scenario};
pub use spec::{GpuSpec, NodeSpec};

use super::{Round, Sample, Source};
use cards::State;

/// A simulated process that holds a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Process id; unique on its node.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start_ticks: Option<u64>,
    /// Name of the executable.
    pub name: String,
    /// Login name.
    pub user: String,
    /// Compute, graphics or both.
    pub kind: ProcessKind,
    /// GPU or MIG instance; a tenant of a device that the node does not have is not shown.
    pub device: GpuUuid,
    /// What holds the process.
    pub holder: Holder,
    /// What it does.
    pub behaviour: Behaviour,
    /// Working set when all is loaded.
    pub memory: Bytes,
    /// When it appeared, on the same clock as `now`.
    pub since: Duration,
    /// How long it had run already when it appeared: an old process has loaded its memory.
    pub age_before: Duration,
    /// How long it had been idle already when it appeared, such as 5 h for a forgotten notebook.
    pub idle_before: Duration,
}

impl Tenant {
    fn key(&self) -> cards::ProcessKey {
        (self.pid, self.start_ticks, self.device.clone())
    }
}

/// Something that goes wrong on a simulated node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The driver does not answer for the GPU with this index: its values become stale.
    Hung(u32),
    /// The GPU with this index has fallen off the bus.
    Lost(u32),
    /// The GPU with this index works and has pages that wait for retirement.
    Degraded(u32),
    /// The driver is gone.
    NoDriver,
    /// Library and kernel driver are of different versions.
    Mismatch,
}

/// A source of made-up telemetry.
#[derive(Debug)]
pub struct SimulatedSource {
    state: Mutex<State>,
}

impl SimulatedSource {
    /// A node without tenants and without a fault.
    #[must_use]
    pub fn new(spec: NodeSpec, seed: u64) -> Self {
        Self {
            state: Mutex::new(State::new(spec, seed)),
        }
    }

    /// Replaces all tenants. One that stays (same pid and start time) keeps its idle time.
    pub fn set_tenants(&self, tenants: Vec<Tenant>) {
        self.lock().tenants = tenants;
    }

    /// Begins a fault, or ends the one that is.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.lock().set_fault(fault);
    }

    /// What the node is made of.
    #[must_use]
    pub fn spec(&self) -> NodeSpec {
        self.lock().spec.clone()
    }

    /// How often its cards were asked for `metric`, all together.
    #[cfg(test)]
    pub(crate) fn calls(&self, metric: super::ask::Metric) -> u32 {
        let calls = |card: &cards::CardState| card.asker.calls.get(&metric).copied();
        self.lock().cards.iter().filter_map(calls).sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change, so that the state is always whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for SimulatedSource {
    fn sample(&self, round: Round) -> BoxFuture<'_, Sample> {
        let sample = self.lock().sample(round);
        ready(sample).boxed()
    }
}

#[cfg(test)]
mod tests;
