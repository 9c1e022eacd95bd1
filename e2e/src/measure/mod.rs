//! How fast and how small the app is on a real control plane: starts, keys, rest, and the commands
//! without a screen; and the daemon on its own. What is measured how is said in docs/performance.md.

mod daemon;
mod process;
mod screen;
mod server;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr as _, ensure};
use xtask::cluster::Cluster;

pub use daemon::{Daemon, measure_daemon, watch_daemon};
pub use screen::{Counts, Terminal};
pub use table::{Row, table};

/// Starts of which the median is told.
const STARTS: usize = 5;

/// Runs of a command of which the median is told.
const RUNS: usize = 9;

/// Keys a view.
const KEYS: usize = 200;

/// How long the app is left alone.
const REST: Duration = Duration::from_secs(30);

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Subject {
    /// `gputop-k3s`.
    pub program: PathBuf,
    /// Size of the terminal.
    pub size: (u16, u16),
}

/// Measures everything; `progress` is told each step.
///
/// # Errors
/// When the app does not start, or does not show what the cluster has.
pub fn measure(
    subject: &Subject,
    cluster: &Cluster,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>> {
    let home = tempfile::tempdir()?;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let expected = server::counts(cluster)?;
    progress(&format!(
        "the cluster has {} nodes, {} GPUs with a daemon and {} pods, {} of them with a GPU",
        expected.nodes, expected.gpus, expected.pods, expected.gpu_pods
    ));
    let terminal = Terminal {
        program: subject.program.clone(),
        kubeconfig: kubeconfig.clone(),
        home: home.path().to_owned(),
        size: subject.size,
    };
    let mut rows = Vec::new();

    progress("commands without a screen");
    let mine = process::Timed::new(&subject.program, &["get", "pods", "-A", "--no-agents"])
        .env("KUBECONFIG", &kubeconfig);
    // The first answers come from an API server that has done nothing for a while.
    let lines = mine.run()?.lines;
    ensure!(
        lines > expected.gpu_pods.min(expected.pods),
        "get pods printed {lines} lines for {} pods",
        expected.pods
    );
    rows.push(Row::time(
        "`get pods -A --no-agents`, whole run",
        mine.median(RUNS)?,
    ));
    let kubectl = cluster
        .kubectl()
        .command(["get", "pods", "--all-namespaces"]);
    let kubectl = process::Timed::of(kubectl);
    kubectl.run()?;
    rows.push(Row::time(
        "`kubectl get pods -A`, whole run",
        kubectl.median(RUNS)?,
    ));

    progress("starts");
    let mut firsts = Vec::new();
    let mut listed = Vec::new();
    let mut whole = Vec::new();
    for _ in 0..STARTS {
        let start = terminal.start(&expected)?;
        firsts.push(start.first);
        listed.push(start.listed);
        whole.push(start.whole);
    }
    rows.push(Row::time("start → first useful frame", median(firsts)));
    rows.push(Row::time("start → all nodes and pods", median(listed)));
    rows.push(Row::time("start → all GPUs", median(whole)));

    let (mut screen, _) = terminal.open(&expected)?;
    for (key, name) in [("1", "Nodes"), ("2", "GPUs"), ("3", "Pods")] {
        progress(&format!("keys on {name}"));
        let mut times = screen.keys(key, KEYS)?;
        times.sort_unstable();
        let what = format!("key → frame on {name}, p50 and p99");
        rows.push(Row::times(
            &what,
            &[percentile(&times, 50), percentile(&times, 99)],
        ));
    }

    progress("rest on the Nodes view");
    screen.press("1")?;
    // What the keys have left to do is done by then.
    screen.run(Duration::from_secs(5))?;
    let lists = server::lists(cluster)?;
    let before = process::Usage::of(screen.id()?)?;
    screen.run(REST)?;
    let after = process::Usage::of(screen.id()?)?;
    let asked = server::lists(cluster)? - lists;
    rows.push(Row::share(
        "CPU at rest, of one core",
        after.cpu_since(&before, REST),
    ));
    rows.push(Row::bytes("RSS at rest", after.resident));
    rows.push(Row::bytes("RSS, the most so far", after.peak));
    rows.push(Row::count(
        "LISTs of nodes and pods at rest, a minute",
        a_minute(asked),
    ));
    screen.quit()?;

    progress("the same rest without the app");
    let lists = server::lists(cluster)?;
    xtask::wait::pause(REST, xtask::wait::Deadline::after(REST));
    let asked = server::lists(cluster)? - lists;
    rows.push(Row::count("the same without the app", a_minute(asked)));
    home.close().wrap_err("the app's home can not be removed")?;
    Ok(rows)
}

fn a_minute(count: f64) -> f64 {
    count * 60.0 / REST.as_secs_f64()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    percentile(&times, 50)
}

/// The smallest of `sorted` that is at least as large as that share of them; zero of none.
fn percentile(sorted: &[Duration], share: usize) -> Duration {
    let at = (sorted.len() * share).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_measured_values() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(100));
        assert_eq!(percentile(&times, 99), Duration::from_millis(198));
        assert_eq!(percentile(&times[..1], 99), Duration::from_millis(1));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
        assert_eq!(median(vec![times[9], times[0], times[4]]), times[4]);
    }
}
