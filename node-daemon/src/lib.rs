//! The daemon of one node: what its GPUs do, which processes hold them, and which pods these
//! belong to, over gRPC.
//!
//! | module | does |
//! |---|---|
//! | [`source`] | where telemetry comes from: NVML or a simulation |
//! | [`pods`] | which devices the kubelet has given to which container |
//! | [`procs`] | which pod, container or session a process belongs to |
//! | [`machine`] | the machine around the GPUs |
//! | [`history`] | what was measured in the last hour |
//! | [`sampler`] | asks these in turn and publishes numbered snapshots |
//! | `metrics` | what is known, for Prometheus |
//! | [`service`] | hands the snapshots to clients |
//! | `cli` | the command line of `gputop-node` |
//!
//! Without the features `nvml` and `host` only the simulation is left, so that others can run
//! whole simulated nodes in their own process.

#[cfg(all(feature = "host", feature = "nvml"))]
pub mod cli;
pub mod history;
pub mod machine;
#[cfg(feature = "host")]
pub mod metrics;
pub mod pods;
pub mod procs;
pub mod sampler;
pub mod service;
pub mod source;

/// Version of the daemon, as it tells its clients.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
