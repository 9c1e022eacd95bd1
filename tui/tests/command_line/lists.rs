//! `get` once.

use std::process::Output;

use serde_json::Value;

use super::{gputop, list, printed, said};

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

/// `get` on the demo's cluster.
fn get(arguments: &[&str]) -> Output {
    gputop(&[&["get"], arguments, &["--demo", "--seed", "7"]].concat())
}

#[test]
fn a_name_that_nothing_has_ends_with_1_and_the_nearest() {
    let output = get(&["pods", "olama-0"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(printed(&output), "");
    let said = said(&output);
    assert!(
        said.contains("\"olama-0\" not found") && said.contains("ollama-0?"),
        "{said}"
    );
    // What is there is printed all the same.
    let output = get(&["nodes", "atlas", "node/altas", "-o", "name"]);
    assert_eq!(
        (output.status.code(), &*printed(&output)),
        (Some(1), "node/atlas\n")
    );
}

#[test]
fn mistakes_are_found_before_anything_is_asked() {
    for (wrong, words) in [
        (&["gpus", "--sort-by", "vrma"][..], "Did you mean VRAM?"),
        (&["gpus", "--sort-by", "node:up"], "'up' is no direction"),
        (&["nodes", "-l", "a b"], "is expected at 'b'"),
        (&["nodes", "-w", "-o", "prometheus"], "--watch"),
        (&["processes", "--no-agents"], "--no-agents"),
        (&["pods", "x", "-l", "a=b"], "cannot be used with"),
    ] {
        // Without --demo: there is no cluster to ask.
        let output = gputop(&[&["get"], wrong].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
        assert!(
            said(&output).contains(words),
            "{wrong:?}: {}",
            said(&output)
        );
    }
}

#[test]
fn every_form_is_for_pipes() {
    for form in ["table", "wide", "csv", "name", "prometheus", "json", "yaml"] {
        let output = get(&["gpus", "-o", form]);
        assert_eq!(output.status.code(), Some(0), "{form}: {output:?}");
        let text = printed(&output);
        assert!(
            text.contains("atlas") && !text.contains('\u{1b}'),
            "{form}: {text}"
        );
    }
    assert!(printed(&get(&["gpus", "-o", "prometheus"])).ends_with("# EOF\n"));
    let titles = printed(&get(&["nodes"]));
    let without = printed(&get(&["nodes", "--no-headers"]));
    assert!(
        titles.starts_with("NAME") && without.starts_with("atlas"),
        "{without}"
    );
    let sorted = printed(&get(&["nodes", "--no-headers", "--sort-by", "-name"]));
    assert!(sorted.starts_with("tesla"), "{sorted}");
    let csv = printed(&get(&["nodes", "-o", "csv", "--no-headers"]));
    assert!(csv.starts_with("atlas,") && csv.ends_with("\r\n"), "{csv}");
}

#[test]
fn nothing_found_is_no_error() {
    let output = get(&["nodes", "-l", "no/such=label"]);
    assert_eq!((output.status.code(), &*printed(&output)), (Some(0), ""));
    assert!(said(&output).contains("nothing found"), "{}", said(&output));
}

#[cfg(unix)]
#[test]
fn a_pipe_that_is_closed_is_a_good_end() {
    // The program is told to write where nobody reads.
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = std::process::Command::new("/bin/sh");
    let script = "{ \"$0\" get pods --demo --seed 7 -o json; echo $? >&2; } | true";
    let output = command
        .args(["-c", script, env!("CARGO_BIN_EXE_gputop-k3s")])
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    assert_eq!(said(&output).trim(), "0", "{output:?}");
}

#[test]
fn what_counts_as_idle_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let idle = |setting: &str| {
        std::fs::write(&file, setting).unwrap();
        let output = get(&["pods", "-o", "json", "--config", &file.to_string_lossy()]);
        assert!(output.status.success(), "{output:?}");
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        let pods = list["items"].as_array().unwrap().clone();
        pods.iter()
            .filter(|pod| !pod["idle_since"].is_null())
            .count()
    };
    assert!(idle("") > 0);
    assert_eq!(idle("idle_after = \"29d\""), 0);
    std::fs::write(&file, "idle_aftr = \"1h\"").unwrap();
    let output = get(&["pods", "--config", &file.to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(said(&output).contains("idle_after"), "{}", said(&output));
}

#[test]
fn another_scenario_is_chosen_by_name_and_a_misspelt_one_refused() {
    let output = get(&["nodes", "-o", "name", "--scenario", "lab"]);
    assert!(printed(&output).contains("node/hgx-1\n"), "{output:?}");
    let output = get(&["nodes", "--scenario", "lba"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(said(&output).contains("lab"), "{}", said(&output));
}
