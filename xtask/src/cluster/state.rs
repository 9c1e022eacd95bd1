//! What is written down about a cluster, in its folder.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::binaries::Program;
use super::components::Ports;
use super::files;
use super::identity::Identity;

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeState {
    /// Its name.
    pub name: String,
    /// The port on 127.0.0.1 of its daemon's process; `None`: it has no daemon.
    pub daemon_port: Option<u16>,
}

/// Everything another process needs to find and to end the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub supervisor: Identity,
    /// False while it is being brought up.
    pub ready: bool,
    /// The version that the nodes report.
    pub version: String,
    pub kubeconfig: PathBuf,
    pub kubectl: Program,
    pub ports: Ports,
    pub nodes: Vec<NodeState>,
    /// What we made in a cluster that is not ours, in the order of creation.
    pub borrowed: Vec<Value>,
}

fn path(dir: &Path) -> PathBuf {
    dir.join("cluster.json")
}

impl State {
    /// What is written in `dir`; `None` when there is no such folder.
    pub(super) fn load(dir: &Path) -> Result<Option<Self>> {
        match fs::symlink_metadata(dir) {
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => {
                return Err(why).wrap_err_with(|| format!("cannot look at {}", dir.display()));
            }
            // The default folder's name can be guessed: in a folder of somebody
            // else's we would start somebody else's programs.
            Ok(meta) if !meta.is_dir() || meta.uid() != rustix::process::getuid().as_raw() => {
                bail!(
                    "{} is not a folder of yours: name another with --dir",
                    dir.display()
                );
            }
            Ok(_) => {}
        }
        let file = path(dir);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(why) if why.kind() == ErrorKind::NotFound => bail!(
                "{} holds no cluster: it is another folder, or a cluster that is just starting",
                dir.display()
            ),
            Err(why) => {
                return Err(why).wrap_err_with(|| format!("cannot read {}", file.display()));
            }
        };
        let state = serde_json::from_str(&text).wrap_err_with(|| {
            format!(
                "{} does not describe a cluster; remove it by hand",
                file.display()
            )
        })?;
        Ok(Some(state))
    }

    pub(super) fn save(&self, dir: &Path) -> Result<()> {
        files::write(&path(dir), &serde_json::to_string_pretty(self)?)
    }
}

/// The folder of the cluster that `cargo xtask cluster` uses when none is
/// named: one for each user of the machine.
#[must_use]
pub fn default_dir() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("gputop-k3s-cluster-{user}"))
}

/// A folder name for one more cluster, such as a test's own: not there yet, and
/// short enough for sockets.
///
/// # Errors
///
/// When the kernel's random source cannot be read.
pub fn scratch_dir() -> Result<PathBuf> {
    let token = files::random_token()?;
    Ok(std::env::temp_dir().join(format!("gputop-k3s-cluster-{}", &token[..12])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let state = State {
            supervisor: Identity {
                pid: 1,
                start_ticks: 2,
            },
            ready: true,
            version: "v1.36.3+k3s1".into(),
            kubeconfig: dir.path().join("admin.kubeconfig"),
            kubectl: Program {
                path: "/b/testbed".into(),
                leading: vec!["kubectl".into()],
            },
            ports: Ports {
                api: 1,
                kubelet: 2,
                etcd_client: 3,
                etcd_peer: 4,
            },
            nodes: vec![NodeState {
                name: "rig.lab.home".into(),
                daemon_port: Some(5),
            }],
            borrowed: Vec::new(),
        };
        state.save(dir.path()).unwrap();
        assert_eq!(State::load(dir.path()).unwrap(), Some(state));
    }

    #[test]
    fn no_folder_is_no_cluster_but_a_foreign_folder_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(State::load(&dir.path().join("none")).unwrap(), None);
        let error = State::load(dir.path()).unwrap_err();
        assert!(error.to_string().contains("holds no cluster"), "{error}");
    }
}
