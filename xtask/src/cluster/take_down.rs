//! Ending a cluster, whatever state it is in.

use std::fs;
use std::path::Path;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use serde_json::Value;

use super::children::record_path;
use super::control::{self, Request};
use super::identity::Identity;
use super::kubectl::Kubectl;
use super::state::State;

/// Ends the cluster in `dir` and removes the folder. Returns whether there was
/// anything to end or remove.
pub(super) fn run(dir: &Path) -> Result<bool> {
    let Some(state) = State::load(dir)? else {
        return Ok(false);
    };
    give_back(&state, dir);
    super::node::cut_power(dir);
    let recorded = recorded(dir);
    // The supervisor ends its children and then itself. If it does not answer,
    // it is ended, and then whatever it has left.
    let answered = control::ask(dir, &Request::Down).is_ok();
    if !(answered && state.supervisor.wait_gone(Duration::from_secs(10))) {
        state.supervisor.end(Duration::from_secs(2))?;
    }
    let mut left = Vec::new();
    for process in recorded {
        if process.is_alive() && !process.end(Duration::from_secs(2))? {
            left.push(process.pid.to_string());
        }
    }
    if !left.is_empty() {
        bail!(
            "these processes of the cluster do not end: {}; {} is kept",
            left.join(", "),
            dir.display()
        );
    }
    super::node::clear(dir)?;
    match fs::remove_dir_all(dir) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
            Err(why).wrap_err_with(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(true),
    }
}

/// Deletes what we made in a cluster that is not ours, while kwok still plays
/// the kubelets that must let the pods go.
fn give_back(state: &State, dir: &Path) {
    let kubectl = Kubectl::new(&state.kubectl, &state.kubeconfig, dir);
    let flags = ["--ignore-not-found", "--wait=true", "--timeout=60s"];
    let (nodes, mut others): (Vec<Value>, Vec<Value>) = state
        .borrowed
        .iter()
        .cloned()
        .partition(|item| item["kind"] == "Node");
    others.reverse();
    // Nodes last: a pod on a node that is gone waits for the garbage collector.
    // That cluster may be gone by now, which is no reason to keep our processes.
    for items in [others, nodes] {
        let _ = kubectl.hand_over("delete", &items, &flags);
    }
}

/// The processes that the supervisor wrote down; none when it did not come to it.
fn recorded(dir: &Path) -> Vec<Identity> {
    fs::read_to_string(record_path(dir))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}
