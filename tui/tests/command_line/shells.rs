//! Completion, manual pages, and the names under which kubectl starts the program.

use std::process::Output;

use super::{gputop, printed, said};

/// What a shell is told: candidates and the directive.
fn completed(words: &[&str]) -> (Vec<String>, String) {
    let output = gputop(&[&["__complete"], words].concat());
    assert_eq!(
        (output.status.code(), &*said(&output)),
        (Some(0), ""),
        "{words:?}"
    );
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
    assert_eq!(
        values(&["wait", "--demo", "--node=r"]),
        ["--node=rig.lab.home"]
    );
    assert_eq!(
        values(&["get", "pods", "--demo", "-n", "home", "oll"]),
        ["ollama-0"]
    );
    assert_eq!(
        values(&["get", "pods", "--demo", "home/oll"]),
        ["home/ollama-0"]
    );
    assert!(values(&["get", "pods", "--demo", "-n", ""]).contains(&"research".to_owned()));
    assert_eq!(
        values(&["get", "nodes", "--demo", "tesla", "t"]),
        [""; 0],
        "once is enough"
    );
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
    assert_eq!(
        completed(&["--log-file", ""]),
        (Vec::new(), ":0".to_owned())
    );
    assert_eq!(
        completed(&["man", "--dir", ""]),
        (Vec::new(), ":16".to_owned())
    );
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
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(0), 0),
        "{output:?}"
    );
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
    assert!(
        said.contains("Usage: kubectl gputop-k3s wait --free <N>"),
        "{said}"
    );
    let output = under_another_name("kubectl_complete-gputop_k3s", &["get", "no"]);
    assert!(printed(&output).starts_with("nodes\t"), "{output:?}");
}
