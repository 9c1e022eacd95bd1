//! kubectl, run against one cluster.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use serde_json::Value;

use super::binaries::Program;
use super::{files, objects};
use crate::process;
use crate::wait::{self, Deadline};

/// kubectl bound to a kubeconfig.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: Program,
    kubeconfig: PathBuf,
    /// A folder for its caches and for the objects handed to it.
    scratch: PathBuf,
}

impl Kubectl {
    pub(super) fn new(program: &Program, kubeconfig: &Path, scratch: &Path) -> Self {
        Self {
            program: program.clone(),
            kubeconfig: kubeconfig.to_path_buf(),
            scratch: scratch.to_path_buf(),
        }
    }

    /// The command, not started: for what runs on, such as `port-forward`.
    #[must_use]
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = process::command(&self.program.path);
        command
            .args(&self.program.leading)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--cache-dir")
            .arg(self.scratch.join("kubectl-cache"))
            .args(args);
        command
    }

    /// Runs it and returns its stdout.
    ///
    /// # Errors
    ///
    /// When it cannot be started or fails; then with what it said.
    pub fn read<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<String> {
        process::read(&mut self.command(args))
    }

    /// Runs it and returns all there is, also when it fails.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn output<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Output> {
        process::output(&mut self.command(args))
    }

    /// Runs it with `-o json` and returns what it printed.
    ///
    /// # Errors
    ///
    /// As [`Kubectl::read`], and when the answer is no JSON.
    pub fn json<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Result<Value> {
        let mut command = self.command(args);
        command.args(["-o", "json"]);
        let text = process::read(&mut command)?;
        serde_json::from_str(&text)
            .wrap_err_with(|| format!("`{}` did not print JSON", process::describe(&command)))
    }

    /// Hands objects to `kubectl VERB -f`, `VERB` being `create`, `apply` or
    /// `delete`.
    ///
    /// # Errors
    ///
    /// As [`Kubectl::read`]; some of the objects may have been taken.
    pub fn hand_over(&self, verb: &str, items: &[Value], flags: &[&str]) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        let token = files::random_token()?;
        let path = self.scratch.join(format!("objects-{}.json", &token[..12]));
        files::write(&path, &objects::list(items).to_string())?;
        let mut args = vec![verb.as_ref(), "-f".as_ref(), path.as_os_str()];
        args.extend(flags.iter().map(OsStr::new));
        let said = self.read(args);
        let removed = std::fs::remove_file(&path);
        said?;
        removed.wrap_err_with(|| format!("cannot remove {}", path.display()))
    }

    /// Waits until the API server says that it is ready.
    ///
    /// # Errors
    ///
    /// When the time is over, with its last words; when `alive` fails.
    pub fn wait_ready(
        &self,
        patience: Duration,
        mut alive: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let mut last = String::new();
        let ready = wait::until(
            Deadline::after(patience),
            Duration::from_millis(100),
            || {
                alive()?;
                let output = self.output(["get", "--raw", "/readyz"])?;
                String::from_utf8_lossy(&output.stderr)
                    .trim()
                    .clone_into(&mut last);
                Ok::<_, color_eyre::Report>(output.status.success().then_some(()))
            },
        )?;
        if ready.is_none() {
            bail!(
                "the API server was not ready after {} s: {last}",
                patience.as_secs()
            );
        }
        Ok(())
    }

    /// Waits until these nodes are Ready.
    ///
    /// # Errors
    ///
    /// When the time is over: then with the nodes that are not Ready.
    pub fn wait_nodes(&self, names: &[&str], patience: Duration) -> Result<()> {
        const COLUMNS: &str = "jsonpath={range .items[*]}{.metadata.name} \
            {.status.conditions[?(@.type=='Ready')].status}{'\\n'}{end}";
        let mut missing = Vec::new();
        let done = wait::until(
            Deadline::after(patience),
            Duration::from_millis(200),
            || {
                let text = self.read(["get", "nodes", "-o", COLUMNS])?;
                let ready: HashSet<&str> = text
                    .lines()
                    .filter_map(|line| line.strip_suffix(" True"))
                    .collect();
                missing = names
                    .iter()
                    .filter(|name| !ready.contains(*name))
                    .copied()
                    .collect();
                Ok::<_, color_eyre::Report>(missing.is_empty().then_some(()))
            },
        )?;
        match done {
            Some(()) => Ok(()),
            None => bail!(
                "not Ready after {} s: {}",
                patience.as_secs(),
                shortened(&missing)
            ),
        }
    }

    /// Waits until `count` pods on these nodes are Ready, or have Succeeded.
    ///
    /// # Errors
    ///
    /// When the time is over: then with the pods that are not Ready.
    pub fn wait_pods(&self, nodes: &[&str], count: usize, patience: Duration) -> Result<()> {
        const COLUMNS: &str = "jsonpath={range .items[*]}{.spec.nodeName} {.metadata.namespace}/\
            {.metadata.name} {.status.phase} {.status.conditions[?(@.type=='Ready')].status}\
            {'\\n'}{end}";
        let nodes: HashSet<&str> = nodes.iter().copied().collect();
        let mut text = String::new();
        // Listing thousands of pods takes the API server longer than making some.
        let pause = Duration::from_millis(250) + Duration::from_millis(1) * u32::try_from(count)?;
        let done = wait::until(Deadline::after(patience), pause, || {
            text = self.read(["get", "pods", "--all-namespaces", "-o", COLUMNS])?;
            let ready = text
                .lines()
                .filter(|line| is_ready_on(line, &nodes))
                .count();
            Ok::<_, color_eyre::Report>((ready >= count).then_some(()))
        })?;
        if done.is_none() {
            let missing: Vec<&str> = text
                .lines()
                .filter(|line| !is_ready_on(line, &nodes))
                .collect();
            bail!(
                "fewer than {count} pods are Ready after {} s; not Ready (node, pod, phase): {}",
                patience.as_secs(),
                shortened(&missing)
            );
        }
        Ok(())
    }
}

/// Whether a line `NODE NAMESPACE/NAME PHASE READY` is a Ready pod on one of
/// these nodes. The node is empty for a pod without a place.
fn is_ready_on(line: &str, nodes: &HashSet<&str>) -> bool {
    let mut words = line.split(' ');
    let node = words.next().unwrap_or_default();
    nodes.contains(node) && (words.nth(1) == Some("Succeeded") || words.next() == Some("True"))
}

fn shortened(names: &[&str]) -> String {
    const MOST: usize = 10;
    let more = if names.len() > MOST { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(MOST)].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_pods_columns() {
        let nodes = HashSet::from(["gpu-a"]);
        assert!(is_ready_on("gpu-a ml/vllm-0 Running True", &nodes));
        assert!(is_ready_on("gpu-a ml/train Succeeded False", &nodes));
        assert!(!is_ready_on("gpu-a ml/vllm-0 Running False", &nodes));
        assert!(!is_ready_on("other ml/vllm-0 Running True", &nodes));
        assert!(!is_ready_on(" ml/big-train Pending ", &nodes));
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(shortened(&["a", "b"]), "a, b");
        assert!(shortened(&["x"; 11]).ends_with(", …"));
    }
}
