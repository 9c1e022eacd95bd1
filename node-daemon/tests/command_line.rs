//! The program as its users start it.

use std::process::Output;

fn gputop_node(arguments: &[&str]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gputop-node"));
    #[expect(
        clippy::unwrap_used,
        reason = "a test that can not start fails rightly"
    )]
    command.args(arguments).output().unwrap()
}

#[test]
fn probe_prints_one_json_object() {
    let output = gputop_node(&["probe", "--source", "sim", "-o", "json"]);
    assert!(output.status.success(), "{output:?}");
    let probe: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(probe["schema"], "gputop-k3s/v1");
    assert_eq!(probe["kind"], "Probe");
    assert_eq!(probe["driver"]["state"], "ready");
    let devices = probe["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 2);
    assert!(
        devices
            .iter()
            .all(|device| device["memory_total_bytes"].is_u64())
    );
    assert!(!probe["processes"].as_array().unwrap().is_empty());
}

#[test]
fn a_door_to_the_network_is_refused() {
    let output = gputop_node(&["serve", "--source", "sim", "--listen", "0.0.0.0:0"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("127.0.0.1"), "{said}");
}

#[test]
fn health_without_a_daemon_is_a_no() {
    // Port 1 of loopback: nothing of ours ever listens there.
    let output = gputop_node(&["health", "--connect", "127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_wrong_scenario_names_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    std::fs::write(&file, "name = \"x\"\n[[node]]\nname = 3\n").unwrap();
    let source = format!("sim:{}", file.display());
    let output = gputop_node(&["probe", "--source", &source]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("wrong.toml") && said.contains("line 3"),
        "{said}"
    );
}
