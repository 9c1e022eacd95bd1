//! The supervisor, as a real process with real children: nothing outlives it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that fails here fails rightly")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use xtask::cluster::Identity;
use xtask::process;
use xtask::wait::{self, Deadline};

const SOON: Duration = Duration::from_secs(10);

/// A supervisor with a folder, without a cluster.
struct Supervisor {
    dir: TempDir,
    child: Child,
}

impl Supervisor {
    fn launch(lifetime_secs: u64, starter: Option<Identity>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        let order = json!({"lifetime_secs": lifetime_secs, "starter": starter});
        std::fs::write(dir.path().join("supervisor.json"), order.to_string()).unwrap();
        let child = process::command(env!("CARGO_BIN_EXE_xtask"))
            .args(["cluster", "supervise"])
            .arg(dir.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        eventually(|| UnixStream::connect(dir.path().join("control.sock")).is_ok());
        Self { dir, child }
    }

    fn ask(&self, request: &Value) -> Value {
        let mut stream = UnixStream::connect(self.dir.path().join("control.sock")).unwrap();
        stream.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Starts a program that takes its time.
    fn start(&self, name: &str, script: &str) -> Identity {
        let spec = json!({"name": name, "program": "/bin/sh", "args": ["-c", script], "env": []});
        assert_eq!(self.ask(&json!({"Start": spec})), json!("Done"));
        self.process(name).0
    }

    fn process(&self, name: &str) -> (Identity, Value) {
        let all = self.ask(&json!("List"));
        let all = all["Processes"].as_array().unwrap();
        let found = all.iter().find(|process| process["name"] == name).unwrap();
        let identity = serde_json::from_value(found["identity"].clone()).unwrap();
        (identity, found["state"].clone())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn eventually(mut what: impl FnMut() -> bool) {
    let seen = wait::until(Deadline::after(SOON), Duration::from_millis(10), || {
        Ok::<_, std::convert::Infallible>(what().then_some(()))
    });
    assert_eq!(seen, Ok(Some(())), "did not happen within {SOON:?}");
}

fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}

#[test]
fn children_end_with_a_killed_supervisor() {
    let mut supervisor = Supervisor::launch(60, None);
    let child = supervisor.start("sleeper", "exec sleep 60");
    assert!(child.is_alive());
    supervisor.child.kill().unwrap();
    supervisor.child.wait().unwrap();
    eventually(|| !child.is_alive());
}

#[test]
fn the_lifetime_ends_everything_even_what_does_not_listen() {
    let supervisor = Supervisor::launch(1, None);
    let stubborn = supervisor.start("stubborn", "trap '' TERM; while :; do sleep 0.1; done");
    eventually(|| !stubborn.is_alive());
    eventually(|| !exists(supervisor.dir.path()));
}

#[test]
fn the_starters_end_is_the_clusters_end_until_it_detaches() {
    let mut starter = process::command("sleep").arg("60").spawn().unwrap();
    let identity = Identity::of(starter.id());
    let (left, kept) = (
        Supervisor::launch(60, identity),
        Supervisor::launch(60, identity),
    );
    assert_eq!(kept.ask(&json!("Detach")), json!("Done"));
    let (ends, stays) = (
        left.start("a", "exec sleep 60"),
        kept.start("b", "exec sleep 60"),
    );
    starter.kill().unwrap();
    starter.wait().unwrap();
    eventually(|| !ends.is_alive() && !exists(left.dir.path()));
    assert!(stays.is_alive());
}

#[test]
fn processes_are_frozen_thawed_killed_and_started_again() {
    let supervisor = Supervisor::launch(60, None);
    let first = supervisor.start("p", "exec sleep 60");
    supervisor.ask(&json!({"Freeze": "p"}));
    eventually(|| supervisor.process("p").1 == "Frozen");
    supervisor.ask(&json!({"Thaw": "p"}));
    eventually(|| supervisor.process("p").1 == "Running");

    assert_eq!(supervisor.ask(&json!({"Kill": "p"})), json!("Done"));
    assert_eq!(supervisor.process("p").1, json!({"Ended": "signal 9"}));
    assert_eq!(supervisor.ask(&json!({"Restart": "p"})), json!("Done"));
    let (second, state) = supervisor.process("p");
    assert_eq!(state, "Running");
    assert_ne!(first, second);

    assert_eq!(supervisor.ask(&json!({"Stop": "p"})), json!("Done"));
    assert_eq!(supervisor.process("p").1, json!({"Ended": "signal 15"}));
}

#[test]
fn wrong_requests_are_answered_and_harm_nobody() {
    let supervisor = Supervisor::launch(60, None);
    let child = supervisor.start("p", "exec sleep 60");
    let failed = |reply: Value, words: &str| {
        let why = reply["Failed"].as_str().unwrap().to_owned();
        assert!(why.contains(words), "{why}");
    };
    failed(supervisor.ask(&json!({"Kill": "q"})), "no process q");
    failed(supervisor.ask(&json!("Nonsense")), "not a request");
    let again = json!({"name": "p", "program": "/bin/true", "args": [], "env": []});
    failed(supervisor.ask(&json!({"Start": again})), "runs already");
    assert!(child.is_alive());
}

#[test]
fn down_answers_when_all_have_ended() {
    let mut supervisor = Supervisor::launch(60, None);
    let child = supervisor.start("p", "exec sleep 60");
    assert_eq!(supervisor.ask(&json!("Down")), json!("Done"));
    assert!(!child.is_alive());
    assert!(supervisor.child.wait().unwrap().success());
    assert!(
        exists(supervisor.dir.path()),
        "the folder belongs to the one who said down"
    );
}
