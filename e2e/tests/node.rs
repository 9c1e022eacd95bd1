//! The daemon on one real node: systemd, kubelet, containerd, runc and NVIDIA's own device plugin
//! over the mock of NVML.
//!
//! Needs root and the node's parts to be built (`cargo xtask cluster up --node` does it). Without
//! them every test says so and passes, unless `GPUTOP_K3S_REQUIRE_NODE` is set.
#![cfg(target_os = "linux")]

#[path = "node/attribution.rs"]
mod attribution;
#[path = "node/daemon.rs"]
mod daemon;
#[path = "node/fixture.rs"]
mod fixture;
#[path = "node/health.rs"]
mod health;
#[path = "node/ids.rs"]
mod ids;
#[path = "node/leaving.rs"]
mod leaving;
#[path = "node/privileges.rs"]
mod privileges;
#[path = "node/restarts.rs"]
mod restarts;
