//! The machine of a cluster that is one real node: switched on and off, entered, looked into.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use rustix::process::Signal;
use serde_json::Value;

use super::{NODE, cgroups};
use crate::cluster::children::log_path;
use crate::cluster::control::{self, ProcessState, Request};
use crate::cluster::identity::Identity;
use crate::cluster::{Cluster, files};
use crate::process;
use crate::wait::{self, Deadline};

/// The supervisor's name for the process that holds the machine.
pub(super) const MACHINE: &str = "machine";
/// How long the machine may take until its first process runs.
const BOOT_WITHIN: Duration = Duration::from_secs(20);

/// The folder of the machine in its cluster's.
pub(super) fn folder(dir: &Path) -> PathBuf {
    dir.join("node")
}

fn first_process_file(dir: &Path) -> PathBuf {
    folder(dir).join("first-process.json")
}

/// The machine's first process, as it is seen from outside; it may have ended.
pub(super) fn first_process(dir: &Path) -> Result<Identity> {
    let file = first_process_file(dir);
    let text = fs::read_to_string(&file).wrap_err("the machine is not switched on")?;
    serde_json::from_str(&text).wrap_err_with(|| format!("cannot read {}", file.display()))
}

/// One part of what K3s is made of, which can fail alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The datastore.
    Kine,
    /// The container runtime; containers outlive it.
    Containerd,
    /// The API server.
    ApiServer,
    /// The node agent; containers outlive it.
    Kubelet,
}

impl Component {
    const fn name(self) -> &'static str {
        match self {
            Self::Kine => "kine",
            Self::Containerd => "containerd",
            Self::ApiServer => "apiserver",
            Self::Kubelet => "kubelet",
        }
    }
}

/// A process in the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Its id as this side sees it.
    pub outer: u32,
    /// Its id as the machine sees it: what NVML would name.
    pub pid: u32,
    /// The name of its program, at most 15 bytes.
    pub name: String,
    /// Its variables, `NAME=VALUE`, as it was started with them.
    pub environment: Vec<String>,
}

/// The machine of a cluster.
#[derive(Debug, Clone, Copy)]
pub struct Machine<'a> {
    cluster: &'a Cluster,
}

impl<'a> Machine<'a> {
    pub(super) fn of(cluster: &'a Cluster) -> Option<Self> {
        folder(&cluster.dir).is_dir().then_some(Self { cluster })
    }

    fn folder(self) -> PathBuf {
        folder(&self.cluster.dir)
    }

    /// The kubelet's `PodResources` socket; it can be dialled from outside.
    #[must_use]
    pub fn pod_resources(self) -> PathBuf {
        self.folder().join("kubelet/pod-resources/kubelet.sock")
    }

    /// What the mock library is told, for NVIDIA's plugin and the daemon. To be replaced by
    /// renaming, so that nobody reads half of it.
    #[must_use]
    pub fn scenario(self) -> PathBuf {
        self.folder().join("nvml/scenario.toml")
    }

    /// The configuration of NVIDIA's plugin, which reads it when it starts.
    #[must_use]
    pub fn plugin_configuration(self) -> PathBuf {
        self.folder().join("nvml/plugin.yaml")
    }

    /// A command inside the machine, not started.
    ///
    /// # Errors
    ///
    /// When the machine is switched off.
    pub fn command<A: AsRef<OsStr>>(self, words: impl IntoIterator<Item = A>) -> Result<Command> {
        let folder = self.folder();
        let mut command = process::command(folder.join("scripts/enter.sh"));
        command
            .arg(&folder)
            .arg(first_process(&self.cluster.dir)?.pid.to_string())
            .args(words);
        Ok(command)
    }

    /// Runs a command inside the machine and returns what it printed.
    ///
    /// # Errors
    ///
    /// When the machine is switched off or the command fails; then with what it said.
    pub fn read<A: AsRef<OsStr>>(self, words: impl IntoIterator<Item = A>) -> Result<String> {
        process::read(&mut self.command(words)?)
    }

    /// Ends a component at once; it is started again at once.
    ///
    /// # Errors
    ///
    /// As [`Machine::read`].
    pub fn kill(self, component: Component) -> Result<()> {
        self.component("kill", component)
    }

    /// Ends a component at once and keeps it down.
    ///
    /// # Errors
    ///
    /// As [`Machine::read`].
    pub fn hold(self, component: Component) -> Result<()> {
        self.component("hold", component)
    }

    /// Lets a held component start again.
    ///
    /// # Errors
    ///
    /// As [`Machine::read`].
    pub fn release(self, component: Component) -> Result<()> {
        self.component("release", component)
    }

    fn component(self, verb: &str, component: Component) -> Result<()> {
        self.read(["k3s", "component", verb, component.name()])
            .map(|_| ())
    }

    /// Restarts K3s as its administrator would. Returns when the service says that it is ready, or,
    /// in a machine without systemd, when it has begun to start.
    ///
    /// # Errors
    ///
    /// As [`Machine::read`].
    pub fn restart_k3s(self) -> Result<()> {
        if self.has_systemd() {
            self.read(["systemctl", "restart", "k3s.service"])
        } else {
            self.read(["sh", "-c", "kill -TERM \"$(cat /run/k3s/server.pid)\""])
        }
        .map(|_| ())
    }

    /// Whether the first process is systemd.
    #[must_use]
    pub fn has_systemd(self) -> bool {
        let name = first_process(&self.cluster.dir)
            .ok()
            .and_then(|first| fs::read_to_string(format!("/proc/{}/comm", first.pid)).ok());
        name.is_some_and(|name| name.trim() == "systemd")
    }

    /// Cuts the power: every process ends at once, the disk stays.
    ///
    /// # Errors
    ///
    /// When a process does not end.
    pub fn power_off(self) -> Result<()> {
        let dir = &self.cluster.dir;
        control::ask(dir, &Request::Kill(MACHINE.to_owned()))?;
        clear(dir)
    }

    /// Switches the machine on. Returns when its first process runs; what starts then takes seconds.
    ///
    /// # Errors
    ///
    /// When it does not come up.
    pub fn power_on(self) -> Result<()> {
        let folder = self.folder();
        let list = folder.join("cgroups");
        let folders = fs::read_to_string(&list)
            .wrap_err_with(|| format!("cannot read {}", list.display()))?;
        cgroups::make(&folders)?;
        control::ask(&self.cluster.dir, &Request::Restart(MACHINE.to_owned()))?;
        self.wait_boot()
    }

    /// Waits until the first process runs, and writes down which one it is.
    pub(super) fn wait_boot(self) -> Result<()> {
        let dir = &self.cluster.dir;
        let ready = self.folder().join("ready");
        let log = log_path(dir, MACHINE);
        let found = wait::until(
            Deadline::after(BOOT_WITHIN),
            Duration::from_millis(50),
            || {
                let all = self.cluster.processes()?;
                let holder = all
                    .iter()
                    .find(|one| one.name == MACHINE)
                    .ok_or_else(|| eyre!("there is no machine in this cluster"))?;
                if let ProcessState::Ended(how) = &holder.state {
                    bail!(
                        "the machine ended ({how}); it said last:\n{}",
                        files::tail(&log, 12)
                    );
                }
                let first = child_of(holder.identity.pid).and_then(Identity::of);
                Ok(first.filter(|_| ready.exists()))
            },
        )?;
        let Some(first) = found else {
            bail!(
                "the machine did not come up within {} s; it said last:\n{}",
                BOOT_WITHIN.as_secs(),
                files::tail(&log, 12)
            );
        };
        files::write(&first_process_file(dir), &serde_json::to_string(&first)?)
    }

    /// Waits until the kubelet has reported the node Ready since this call: what the API server
    /// knew before may be from before a restart.
    ///
    /// # Errors
    ///
    /// When it does not within `patience`.
    pub fn wait_ready(self, patience: Duration) -> Result<()> {
        let mut before = None;
        let done = wait::until(
            Deadline::after(patience),
            Duration::from_millis(250),
            || {
                let now = self.heartbeat();
                if before.is_none() {
                    before.clone_from(&now);
                }
                Ok::<_, color_eyre::Report>((now.is_some() && now != before).then_some(()))
            },
        )?;
        match done {
            Some(()) => Ok(()),
            None => bail!(
                "the node was not Ready after {} s:\n{}",
                patience.as_secs(),
                self.last_words()
            ),
        }
    }

    /// When the kubelet last said that the node is Ready; `None`: it is not, or nobody answers.
    fn heartbeat(self) -> Option<String> {
        let node = self.cluster.kubectl().json(["get", "node", NODE]).ok()?;
        let conditions = node["status"]["conditions"].as_array()?;
        let ready = conditions.iter().find(|one| one["type"] == "Ready")?;
        let text = |field: &Value| field.as_str().map(str::to_owned);
        (ready["status"] == "True").then(|| text(&ready["lastHeartbeatTime"]))?
    }

    /// The last lines of the logs of K3s.
    #[must_use]
    pub fn last_words(self) -> String {
        let Ok(first) = first_process(&self.cluster.dir) else {
            return "the machine is switched off".to_owned();
        };
        let logs = PathBuf::from(format!("/proc/{}/root/var/log", first.pid));
        let mut text = files::tail(&log_path(&self.cluster.dir, MACHINE), 8);
        for name in ["kubelet", "containerd", "apiserver"] {
            let tail = files::tail(&logs.join(format!("k3s-{name}.log")), 8);
            // Writing to a String cannot fail.
            let _ = write!(text, "\n── {name}\n{tail}");
        }
        text
    }

    /// All processes in the machine's containers and outside them.
    ///
    /// # Errors
    ///
    /// When `/proc` cannot be read.
    pub fn processes(self) -> Result<Vec<Inside>> {
        let first = first_process(&self.cluster.dir)?;
        let depth = namespace_ids(first.pid)
            .map(|ids| ids.len())
            .ok_or_else(|| eyre!("the machine is switched off"))?;
        let mut found = Vec::new();
        for outer in pids()? {
            // It may have ended since; then it is not one of them.
            let Some(ids) = namespace_ids(outer) else {
                continue;
            };
            let (true, Some(pid)) = (descends(outer, first.pid), ids.get(depth - 1)) else {
                continue;
            };
            let environment = fs::read(format!("/proc/{outer}/environ")).unwrap_or_default();
            found.push(Inside {
                outer,
                pid: *pid,
                name: fs::read_to_string(format!("/proc/{outer}/comm"))
                    .unwrap_or_default()
                    .trim()
                    .to_owned(),
                environment: environment
                    .split(|byte| *byte == 0)
                    .filter(|part| !part.is_empty())
                    .map(|part| String::from_utf8_lossy(part).into_owned())
                    .collect(),
            });
        }
        Ok(found)
    }
}

/// Sees that the machine of the cluster in `dir` is gone, and takes its cgroups away. Nothing
/// happens to a cluster without one.
pub(super) fn clear(dir: &Path) -> Result<()> {
    if let Ok(first) = first_process(dir) {
        // The kernel ends it with its parent, and every other process of the machine with it.
        if !first.wait_gone(Duration::from_secs(5)) {
            first.signal(Signal::KILL)?;
            if !first.wait_gone(Duration::from_secs(5)) {
                bail!("the machine's first process {} does not end", first.pid);
            }
        }
    }
    let folder = folder(dir);
    for name in ["ready", "first-process.json"] {
        match fs::remove_file(folder.join(name)) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
                return Err(why).wrap_err_with(|| format!("cannot remove {name}"));
            }
            _ => {}
        }
    }
    match fs::read_to_string(folder.join("cgroups")) {
        Ok(folders) => cgroups::remove(&folders),
        Err(_none) => Ok(()),
    }
}

fn pids() -> Result<Vec<u32>> {
    let entries = fs::read_dir("/proc").wrap_err("cannot read /proc")?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}

fn status_field(pid: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches(':').trim().to_owned())
}

/// The process's ids in its PID namespaces, from this one inwards.
fn namespace_ids(pid: u32) -> Option<Vec<u32>> {
    let ids = status_field(pid, "NSpid")?;
    ids.split_whitespace().map(|id| id.parse().ok()).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    status_field(pid, "PPid")?.parse().ok()
}

fn child_of(parent: u32) -> Option<u32> {
    pids()
        .ok()?
        .into_iter()
        .find(|pid| parent_of(*pid) == Some(parent))
}

/// Whether `ancestor` is the process itself or one above it. Orphans in the machine become its
/// first process's, so that all of them are found so, but for what was entered from outside.
fn descends(pid: u32, ancestor: u32) -> bool {
    const DEEPEST: usize = 64;
    std::iter::successors(Some(pid), |pid| parent_of(*pid))
        .take(DEEPEST)
        .any(|one| one == ancestor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found() {
        let own = std::process::id();
        assert_eq!(
            namespace_ids(own).and_then(|ids| ids.first().copied()),
            Some(own)
        );
        let parent = parent_of(own).unwrap();
        assert!(descends(own, parent) && !descends(parent, own));
        let mut child = process::command("sleep").arg("60").spawn().unwrap();
        let found = pids().unwrap().into_iter().any(|pid| pid == child.id());
        let descends = descends(child.id(), own);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found && descends);
    }

    #[test]
    fn without_a_machine_there_is_nothing_to_clear() {
        let dir = tempfile::tempdir().unwrap();
        clear(dir.path()).unwrap();
        assert!(first_process(dir.path()).is_err());
    }
}
