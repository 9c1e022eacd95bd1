//! Where telemetry comes from: NVML on a real node, a simulation everywhere else.

mod ask;
mod events;
mod gpu;
mod health;
mod idle;
mod instruments;
#[cfg(feature = "nvml")]
pub mod nvml;
pub mod simulated;
mod tiers;

use std::time::Duration;

use futures::future::BoxFuture;
use gputop_model::{Device, DeviceEvent, DriverState, GpuProcess};

#[cfg(test)]
pub(crate) use ask::Metric;
pub(crate) use events::whole_millis;
pub(crate) use gpu::aged_process;

/// Where telemetry comes from.
pub trait Source: Send + Sync + 'static {
    /// Driver state, devices and processes as of `round`.
    ///
    /// The future answers in bounded time, whatever the driver does, and never blocks the
    /// runtime's threads.
    fn sample(&self, round: Round) -> BoxFuture<'_, Sample>;
}

/// One round of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Time since the daemon's start (monotonic).
    pub now: Duration,
    /// Somebody looks: what is dear to ask is worth its price.
    pub watched: bool,
}

impl Round {
    /// A round at `now` that somebody looks at.
    #[must_use]
    pub const fn watched(now: Duration) -> Self {
        Self { now, watched: true }
    }
}

/// What a source says at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Whether there is a driver to ask.
    pub driver: DriverState,
    /// Physical GPUs in NVML's order, each followed by its MIG instances.
    pub devices: Vec<Device>,
    /// Processes on these devices.
    pub processes: Vec<GpuProcess>,
    /// What the driver has reported lately, oldest first.
    pub events: Vec<DeviceEvent>,
}

impl Sample {
    /// A sample of a node on which there is nothing to measure.
    #[must_use]
    pub const fn without_devices(driver: DriverState) -> Self {
        Self {
            driver,
            devices: Vec::new(),
            processes: Vec::new(),
            events: Vec::new(),
        }
    }
}
