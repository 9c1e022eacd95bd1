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

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
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
    assert!(said.contains("\"olama-0\" not found") && said.contains("ollama-0?"), "{said}");
    // What is there is printed all the same.
    let output = get(&["nodes", "atlas", "node/altas", "-o", "name"]);
    assert_eq!((output.status.code(), &*printed(&output)), (Some(1), "node/atlas\n"));
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
        assert!(said(&output).contains(words), "{wrong:?}: {}", said(&output));
    }
}

#[test]
fn every_form_is_for_pipes() {
    for form in ["table", "wide", "csv", "name", "prometheus", "json", "yaml"] {
        let output = get(&["gpus", "-o", form]);
        assert_eq!(output.status.code(), Some(0), "{form}: {output:?}");
        let text = printed(&output);
        assert!(text.contains("GPU-") && !text.contains('\u{1b}'), "{form}: {text}");
    }
    assert!(printed(&get(&["gpus", "-o", "prometheus"])).ends_with("# EOF\n"));
    let titles = printed(&get(&["nodes"]));
    let without = printed(&get(&["nodes", "--no-headers"]));
    assert!(titles.starts_with("NAME") && without.starts_with("atlas"), "{without}");
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
        #[expect(clippy::unwrap_used, reason = "a test that can not start fails rightly")]
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
    use std::io::{BufRead as _, BufReader};
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
    use std::io::{BufRead as _, BufReader};
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

/// `wait` on the demo's cluster.
fn wait(arguments: &[&str]) -> Output {
    gputop(&[&["wait"], arguments, &["--demo", "--seed", "7"]].concat())
}

#[test]
fn waiting_ends_when_devices_are_free() {
    let output = wait(&["--free", "1", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["satisfied"], true, "{result}");
    assert_eq!(result["basis"], "devices");
    let free = result["free"].as_array().unwrap();
    let listed = list("gpus");
    let expected: Vec<&Value> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|gpu| gpu["state"] == "free" && gpu["closed"].is_null())
        .map(|gpu| &gpu["uuid"])
        .collect();
    assert_eq!(free.iter().map(|gpu| &gpu["uuid"]).collect::<Vec<_>>(), expected);
    let names = printed(&wait(&["--free", "1", "-o", "name"]));
    assert!(names.starts_with("gpu/") && names.lines().count() == expected.len(), "{names}");
}

#[test]
fn waiting_says_how_close_it_came() {
    let output = wait(&["--free", "90", "--timeout", "0"]);
    assert_eq!((output.status.code(), &*printed(&output)), (Some(1), ""));
    let said = said(&output);
    assert!(said.contains("of 90 free; others that match: ") && said.contains("working"), "{said}");
    let output = wait(&["--free", "2", "--product", "3090", "--timeout", "0", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&result["satisfied"], &result["most_free"]), (&false.into(), &0.into()));
}

#[test]
fn waiting_without_daemons_counts_units_and_says_so() {
    let output = wait(&["--free", "1", "--no-agents", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["basis"], "units");
    assert!(said(&output).contains("units are counted"), "{}", said(&output));
    // The demo's nodes have no labels of GPU feature discovery.
    let output = wait(&["--free", "1", "--no-agents", "--vram", "1G"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(said(&output).contains("nvidia.com/gpu.memory"), "{}", said(&output));
}

#[test]
fn waiting_for_nonsense_ends_at_once() {
    for wrong in [
        &["--free", "0"][..],
        &["--free", "1", "--vram", "20X"],
        &["--free", "1", "--product", "("],
        &["--free", "1", "--timeout", "soon"],
        &[],
    ] {
        assert_eq!(wait(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let output = wait(&["--free", "1", "--node", "altas"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("Did you mean atlas?"), "{}", said(&output));
}

/// What a shell is told: candidates and the directive.
fn completed(words: &[&str]) -> (Vec<String>, String) {
    let output = gputop(&[&["__complete"], words].concat());
    assert_eq!((output.status.code(), &*said(&output)), (Some(0), ""), "{words:?}");
    let text = printed(&output);
    let mut lines: Vec<&str> = text.lines().collect();
    let directive = lines.pop().unwrap_or_default().to_owned();
    let values = lines.iter().filter_map(|line| line.split('\t').next());
    (values.map(str::to_owned).collect(), directive)
}

#[test]
fn live_names_are_completed() {
    let values = |words: &[&str]| completed(words).0;
    assert_eq!(values(&["get", "nodes", "--demo", "t"]), ["tesla"]);
    assert_eq!(values(&["wait", "--demo", "--node=r"]), ["--node=rig.lab.home"]);
    assert_eq!(values(&["get", "pods", "--demo", "-n", "home", "oll"]), ["ollama-0"]);
    assert_eq!(values(&["get", "pods", "--demo", "home/oll"]), ["home/ollama-0"]);
    assert!(values(&["get", "pods", "--demo", "-n", ""]).contains(&"research".to_owned()));
    assert_eq!(values(&["get", "nodes", "--demo", "tesla", "t"]), [""; 0], "once is enough");
}

#[test]
fn without_a_cluster_nothing_is_completed_and_nothing_said() {
    for words in [
        &["get", "nodes", ""][..],
        &["get", "pods", "-n", ""],
        &["--context", ""],
        &["--kubeconfig", "/nonexistent", "--context", ""],
        &["wait", "--node", ""],
        &["get", "cats", ""],
        &["fly", "--high"],
    ] {
        assert_eq!(completed(words), (Vec::new(), ":4".to_owned()), "{words:?}");
    }
    assert_eq!(completed(&["--log-file", ""]), (Vec::new(), ":0".to_owned()));
    assert_eq!(completed(&["man", "--dir", ""]), (Vec::new(), ":16".to_owned()));
    assert_eq!(completed(&["comp"]).0, ["completion"]);
}

#[test]
fn every_shell_gets_a_script_that_asks() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let output = gputop(&["completion", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(printed(&output).contains("__complete"), "{shell}");
    }
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("man1");
    let output = gputop(&["man", "--dir", &place.to_string_lossy()]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{output:?}");
    for name in ["gputop-k3s", "gputop-k3s-get", "gputop-k3s-wait"] {
        let page = std::fs::read_to_string(place.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".TH") && page.contains("SYNOPSIS"), "{page}");
    }
    assert!(printed(&gputop(&["man"])).contains(".TH gputop-k3s"));
    let output = gputop(&["man", "--dir", "/dev/null/man"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}

/// The program under another file name.
#[cfg(unix)]
fn under_another_name(name: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(name);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gputop-k3s"), &program).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = std::process::Command::new(program);
    #[expect(clippy::unwrap_used, reason = "a test that can not start fails rightly")]
    command
        .args(arguments)
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent")
        .output()
        .unwrap()
}

#[cfg(unix)]
#[test]
fn kubectl_finds_a_plugin_and_its_completion() {
    let output = under_another_name("kubectl-gputop_k3s", &["wait"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("Usage: kubectl gputop-k3s wait --free <N>"), "{said}");
    let output = under_another_name("kubectl_complete-gputop_k3s", &["get", "no"]);
    assert!(printed(&output).starts_with("nodes\t"), "{output:?}");
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
