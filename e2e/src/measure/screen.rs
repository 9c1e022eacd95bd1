//! The app in a terminal, with a stopwatch.

use std::path::PathBuf;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, WrapErr as _, ensure};
use tokio::time::Instant;

use crate::pty::{Pty, Start};
use crate::shown::Shown;

/// Time between two keys: more than any frame takes, and never in step with anything.
const BETWEEN_KEYS: [Duration; 3] = [
    Duration::from_millis(47),
    Duration::from_millis(83),
    Duration::from_millis(61),
];

/// Rows that the cursor goes down before it comes up again.
const WAY: usize = 12;

/// What a cluster has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Nodes.
    pub nodes: usize,
    /// GPUs on nodes with a daemon.
    pub gpus: usize,
    /// Pods.
    pub pods: usize,
    /// Pods that ask for a GPU.
    pub gpu_pods: usize,
    /// Name of the first node.
    pub first_node: String,
}

/// A terminal for the app.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// `gputop-k3s`.
    pub program: PathBuf,
    /// Which cluster.
    pub kubeconfig: String,
    /// An empty home.
    pub home: PathBuf,
    /// Columns and lines.
    pub size: (u16, u16),
}

/// How long a start took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Started {
    /// Until the first node was on the screen.
    pub(super) first: Duration,
    /// Until all nodes and all pods with GPUs were counted.
    pub(super) listed: Duration,
    /// Until all GPUs were, too: each daemon has been heard.
    pub(super) whole: Duration,
}

/// The running app.
pub(super) struct Screen {
    pty: Pty,
}

impl Terminal {
    /// Starts the app, waits until everything is there, and ends it.
    pub(super) fn start(&self, expected: &Counts) -> Result<Started> {
        let (screen, started) = self.open(expected)?;
        screen.quit()?;
        Ok(started)
    }

    /// Starts the app and waits until everything is there.
    pub(super) fn open(&self, expected: &Counts) -> Result<(Screen, Started)> {
        let began = Instant::now();
        let start = Start::new(&self.program, &[], &self.home)
            .sized(self.size.0, self.size.1)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("LANG", "C.UTF-8");
        let mut pty = start.spawn()?;
        let since = |pty: &Pty| pty.last_output().saturating_duration_since(began);
        let node = expected.first_node.as_str();
        pty.until("the first node", |shown| shown.has(node))?;
        let first = since(&pty);
        let listed = |shown: &Shown| {
            tab(shown, "Nodes") == Some(expected.nodes)
                && tab(shown, "Pods") == Some(expected.gpu_pods)
        };
        pty.until("all nodes and pods", listed)?;
        let all_listed = since(&pty);
        pty.until("all GPUs", |shown| {
            tab(shown, "GPUs").is_some_and(|gpus| gpus >= expected.gpus)
        })?;
        let whole = since(&pty);
        let started = Started {
            first,
            listed: all_listed,
            whole,
        };
        Ok((Screen { pty }, started))
    }
}

impl Screen {
    /// Presses keys and does not wait for anything.
    pub(super) fn press(&mut self, keys: &str) -> Result<()> {
        self.pty.keys(keys)
    }

    /// Lets it run.
    pub(super) fn run(&mut self, time: Duration) -> Result<()> {
        self.pty.run(time)
    }

    /// Its process id.
    pub(super) fn id(&self) -> Result<u32> {
        self.pty.id().ok_or_eyre("the app has no process id")
    }

    /// Goes to a view by its key, and moves its cursor `count` times: how long each time took
    /// until the frame with the cursor's new place was whole.
    pub(super) fn keys(&mut self, view: &str, count: usize) -> Result<Vec<Duration>> {
        self.pty.keys(view)?;
        self.pty.run(Duration::from_secs(1))?;
        // To the top, so that there is somewhere to go.
        self.pty.keys("g")?;
        self.pty.run(Duration::from_secs(1))?;
        let rows = self.pty.shown().lines().count();
        ensure!(rows > 0, "the screen is empty");
        let mut times = Vec::with_capacity(count);
        for number in 0..count {
            let key = if (number / WAY).is_multiple_of(2) {
                "j"
            } else {
                "k"
            };
            let before = self.pty.shown().cursor();
            let pressed = Instant::now();
            self.pty.keys(key)?;
            self.pty
                .until("the cursor moves", |shown| {
                    shown.cursor().is_some() && shown.cursor() != before
                })
                .wrap_err_with(|| format!("after {key}, number {number} on view {view}"))?;
            times.push(self.pty.last_output().saturating_duration_since(pressed));
            self.pty.run(BETWEEN_KEYS[number % BETWEEN_KEYS.len()])?;
        }
        Ok(times)
    }

    /// Ends it.
    pub(super) fn quit(mut self) -> Result<()> {
        self.pty.keys("q")?;
        let left = self.pty.left()?;
        ensure!(left.code == 0, "the app ended with code {}", left.code);
        Ok(())
    }
}

/// The number on a tab, as in ` 3 Pods 138 `.
fn tab(shown: &Shown, title: &str) -> Option<usize> {
    let line = shown.line(&[" 1 Nodes "])?;
    let (_, rest) = line.split_once(&format!(" {title} "))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_tabs() {
        let shown =
            Shown::new("  gputop-k3s\n   1 Nodes 23   2 GPUs 184   3 Pods 138   4 Processes 9 \n");
        assert_eq!(tab(&shown, "Nodes"), Some(23));
        assert_eq!(tab(&shown, "GPUs"), Some(184));
        assert_eq!(tab(&shown, "Pods"), Some(138));
        assert_eq!(tab(&shown, "Others"), None);
        let early = Shown::new("   1 Nodes   2 GPUs   3 Pods   4 Processes \n");
        assert_eq!(tab(&early, "Processes"), None);
    }
}
