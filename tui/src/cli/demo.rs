//! The embedded simulated cluster.

use gputop_fleet::connect::Connection;
use gputop_sim::{Options, Scenario, SimCluster, scenario};
use jiff::Timestamp;

use super::exit::{Exit, Failure};
use crate::nearest::nearest;

/// A running simulation; it ends when this is dropped.
pub(super) struct Demo {
    /// Where the app connects to.
    pub(super) connection: Connection,
    /// What it was made from.
    pub(super) seed: u64,
    _cluster: SimCluster,
}

/// Starts the cluster of `scenario`, a name or a file, from `seed` or from the clock.
pub(super) async fn start(scenario: &str, seed: Option<u64>) -> Result<Demo, Failure> {
    let scenario = find(scenario)?;
    let wall = Timestamp::now();
    // Short enough to be read off a screen and typed again.
    let seed = seed.unwrap_or_else(|| wall.as_millisecond().unsigned_abs() % 100_000);
    let cluster = SimCluster::start(scenario, Options { seed, start: wall });
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

/// The scenario of that name, or the one in that file.
fn find(name: &str) -> Result<Scenario, Failure> {
    if let Some(scenario) = scenario::builtin(name) {
        return Ok(scenario);
    }
    let unusable = |what: String| {
        let names = scenario::builtin_names();
        let near = nearest(name, names.iter().copied());
        let fix = near.map_or_else(
            || format!("Name a scenario file, or one of {}.", names.join(", ")),
            |near| format!("Did you mean {near}?"),
        );
        Failure::new(Exit::Usage, what, fix)
    };
    let text = std::fs::read_to_string(name)
        .map_err(|error| unusable(format!("the scenario {name} can not be read: {error}")))?;
    scenario::parse(&text).map_err(|error| {
        Failure::new(
            Exit::Usage,
            format!("the scenario {name} can not be used: {error}"),
            "Mend that line.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_found_by_name_and_by_file() {
        for name in scenario::builtin_names() {
            assert!(find(name).is_ok(), "{name}");
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/scenarios/lab.toml");
        assert!(find(file).is_ok());
    }

    #[test]
    fn a_misspelt_scenario_and_a_broken_file_are_told_apart() {
        let missing = find("homlab").unwrap_err();
        assert!(missing.problem.fix.contains("homelab"), "{missing:?}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "nodes = 3").unwrap();
        let broken = find(&file.path().display().to_string()).unwrap_err();
        assert!(broken.problem.what.contains("line 1"), "{broken:?}");
    }
}
