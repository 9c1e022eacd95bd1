//! The simulated cluster under the real client.

mod contract;
#[path = "simulated/inside.rs"]
mod inside;
#[path = "simulated/past.rs"]
mod past;

use color_eyre::Result;
use gputop_sim::{Options, SimCluster, scenario};
use jiff::Timestamp;

#[tokio::test(start_paused = true)]
async fn keeps_the_contract() -> Result<()> {
    let homelab = scenario::builtin("homelab").unwrap();
    let options = Options {
        seed: 7,
        start: Timestamp::UNIX_EPOCH,
    };
    let cluster = SimCluster::start(homelab, options);
    contract::run(&cluster.client()).await
}
