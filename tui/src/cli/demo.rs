//! The embedded simulated cluster.

use gputop_fleet::connect::Connection;
use gputop_sim::{Options, Scenario, SimCluster, scenario};
use jiff::Timestamp;

use super::exit::{Exit, Failure};

/// A running simulation; it ends when this is dropped.
pub(super) struct Demo {
    /// Where the app connects to.
    pub(super) connection: Connection,
    /// What it was made from.
    pub(super) seed: u64,
    _cluster: SimCluster,
}

/// Starts the homelab from `seed`, or from the clock.
pub(super) async fn start(seed: Option<u64>) -> Result<Demo, Failure> {
    let wall = Timestamp::now();
    // Short enough to be read off a screen and typed again.
    let seed = seed.unwrap_or_else(|| wall.as_millisecond().unsigned_abs() % 100_000);
    let cluster = SimCluster::start(homelab()?, Options { seed, start: wall });
    let client = cluster.client();
    let version = client.apiserver_version().await.map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("the simulated API server does not answer: {error}"),
            "This is a mistake in the program: report it with the seed.",
        )
    })?;
    let connection = Connection {
        client,
        context: "demo".to_owned(),
        namespace: "default".to_owned(),
        server_version: version.git_version,
    };
    Ok(Demo {
        connection,
        seed,
        _cluster: cluster,
    })
}

fn homelab() -> Result<Scenario, Failure> {
    scenario::builtin("homelab").ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "this build has no demo scenario",
            "Build it from a release.",
        )
    })
}
