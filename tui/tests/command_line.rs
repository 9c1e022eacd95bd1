//! The program as its users start it, on the simulated cluster.
#![cfg(feature = "demo")]

use std::process::Output;

use serde_json::Value;

fn gputop(arguments: &[&str]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gputop-k3s"));
    #[expect(
        clippy::unwrap_used,
        reason = "a test that can not start fails rightly"
    )]
    command
        .args(arguments)
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent")
        .output()
        .unwrap()
}

fn list(kind: &str) -> Value {
    let output = gputop(&["get", kind, "--demo", "--seed", "7", "-o", "json"]);
    assert!(output.status.success(), "{output:?}");
    let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert_eq!(list["schema"], "gputop-k3s/v1", "{list}");
    list
}

#[test]
fn every_kind_is_one_object_with_items() {
    for (kind, name) in [
        ("nodes", "NodeList"),
        ("gpus", "GpuList"),
        ("pods", "PodList"),
        ("processes", "ProcessList"),
    ] {
        let list = list(kind);
        assert_eq!(list["kind"], name);
        assert!(
            list["items"]
                .as_array()
                .is_some_and(|items| !items.is_empty()),
            "{kind}"
        );
    }
}

#[test]
fn the_demo_looks_like_a_homelab() {
    let nodes = list("nodes");
    let items = nodes["items"].as_array().unwrap();
    assert!(items.len() >= 4);
    assert!(
        items.iter().any(|n| n["cordoned"] == true),
        "one is cordoned"
    );
    let reason = |n: &Value| n["reason"].as_str().unwrap_or_default().to_owned();
    assert!(
        items.iter().any(|n| reason(n).contains("no NVIDIA driver")),
        "one has no driver"
    );
    let mig = |n: &Value| n["resources"].to_string().contains("nvidia.com/mig-");
    assert!(items.iter().any(mig), "one has MIG");
    for node in items {
        let free = node["gpu_allocatable"]
            .as_i64()
            .zip(node["gpu_requested"].as_i64());
        assert_eq!(
            free.map(|(all, asked)| all - asked),
            node["gpu_free"].as_i64(),
            "{node}"
        );
    }

    let pods = list("pods");
    let items = pods["items"].as_array().unwrap();
    let pending = |p: &&Value| p["phase"] == "Pending" && p["gpus_requested"].as_i64() > Some(0);
    assert!(items.iter().any(|p| pending(&p)), "one waits for a GPU");
    assert!(
        items.iter().any(|p| !p["idle_since"].is_null()),
        "one holds a GPU and does nothing"
    );
    assert!(
        items.iter().any(|p| p["unrequested"] == true),
        "one uses a GPU without a request"
    );

    let processes = list("processes");
    let items = processes["items"].as_array().unwrap();
    let outside = |p: &Value| {
        p["outside"]
            .as_str()
            .unwrap_or_default()
            .contains("desktop")
    };
    assert!(items.iter().any(outside), "a desktop uses a GPU");
}

#[test]
fn yaml_and_tables_say_the_same() {
    let yaml = gputop(&["get", "nodes", "--demo", "--seed", "7", "-o", "yaml"]);
    assert!(
        String::from_utf8_lossy(&yaml.stdout).starts_with("schema: gputop-k3s/v1\nkind: NodeList")
    );
    let table = gputop(&["get", "nodes", "--demo", "--seed", "7"]);
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(text.starts_with("NAME"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn mistakes_of_usage_end_with_2() {
    for wrong in [
        &["get"][..],
        &["get", "cats"],
        &["get", "pods", "-A", "-n", "x"],
        &["fly"],
    ] {
        assert_eq!(gputop(wrong).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(gputop(&["--help"]).status.code(), Some(0));
}
