//! `get --watch`.

use std::io::{BufRead as _, BufReader};

use serde_json::Value;

/// The program while it runs; it is killed when this is dropped.
struct Running(std::process::Child);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        use std::process::Stdio;
        #[expect(clippy::disallowed_methods, reason = "the program under test")]
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gputop-k3s"));
        command
            .args(arguments)
            .env_remove("KUBECONFIG")
            .env("HOME", "/nonexistent")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_watch_prints_changes_and_ends_when_nobody_reads_them() {
    let arguments = ["get", "gpus", "-w", "-o", "json", "--demo", "--seed", "7"];
    let mut running = Running::start(&arguments);
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let mut types = Vec::new();
    loop {
        let line = lines.next().unwrap().unwrap();
        let change: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(change["schema"], "gputop-k3s/v1");
        assert_eq!(change["kind"], "gpu");
        assert!(change["object"]["node"].is_string(), "{line}");
        let kind = change["type"].as_str().unwrap().to_owned();
        types.push(kind);
        if types.last().is_some_and(|kind| kind == "MODIFIED") {
            break;
        }
    }
    let added = types.iter().filter(|kind| *kind == "ADDED").count();
    assert_eq!(added, types.len() - 1);
    assert!(added > 5, "first the whole list: {types:?}");
    // The next change finds the pipe closed.
    drop(lines);
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_watch_ends_well_when_it_is_told_to() {
    use rustix::process::{Pid, Signal, kill_process};
    for signal in [Signal::INT, Signal::TERM] {
        let mut running = Running::start(&["get", "nodes", "-w", "--demo", "--seed", "7"]);
        let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().starts_with("NAME"));
        assert!(lines.next().unwrap().unwrap().starts_with("atlas"));
        let id = Pid::from_child(&running.0);
        kill_process(id, signal).unwrap();
        assert_eq!(running.0.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}
