//! The product on a real control plane with real daemons behind its port-forward.
//!
//! Needs the control plane to be built (`cargo xtask cluster up` does it) and the workspace's
//! programs; without the control plane every test says so and passes, unless
//! `GPUTOP_K3S_REQUIRE_CLUSTER` is set.
#![cfg(target_os = "linux")]

#[path = "real/command_line.rs"]
mod command_line;
#[path = "real/connecting.rs"]
mod connecting;
mod contract;
#[path = "real/fixture.rs"]
mod fixture;
#[path = "real/numbers.rs"]
mod numbers;
#[path = "real/outages.rs"]
mod outages;
#[path = "real/tenant.rs"]
mod tenant;

use color_eyre::Result;

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() -> Result<()> {
    let Some(cluster) = fixture::cluster().await? else {
        return Ok(());
    };
    contract::run(&cluster.client).await
}
