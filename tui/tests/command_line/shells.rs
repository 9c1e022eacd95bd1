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

/// What bash would offer for these words, the last of which is being written.
#[cfg(unix)]
fn offered_by_bash(line: &str, words: &[&str]) -> Option<Vec<String>> {
    let script = "source <(\"$1\" completion bash); shift
        COMP_LINE=$1; COMP_POINT=${#COMP_LINE}; shift
        COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))
        _gputop_k3s; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let program = env!("CARGO_BIN_EXE_gputop-k3s");
    #[expect(clippy::disallowed_methods, reason = "the shell under test")]
    let mut command = std::process::Command::new("bash");
    let command = command
        .args(["--norc", "-c", script, "bash", program, line, program])
        .args(words)
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent");
    let output = command.output().ok()?;
    assert_eq!(said(&output), "", "{words:?}");
    Some(printed(&output).lines().map(str::to_owned).collect())
}

#[cfg(unix)]
#[test]
#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
fn bash_puts_together_what_it_has_taken_apart() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let contexts = "contexts: [{name: 'arn:aws:eks:lab'}, {name: 'arn:aws:eks:prod'}]";
    std::fs::write(&config, contexts).unwrap();
    let config = &*config.to_string_lossy();
    let Some(offered) = offered_by_bash(
        "x wait --demo --node=te",
        &["wait", "--demo", "--node", "=", "te"],
    ) else {
        eprintln!("SKIPPED: there is no bash");
        return;
    };
    // bash replaces only the part after the sign.
    assert_eq!(offered, ["tesla"]);
    let line = "x --kubeconfig c --context arn:aws:eks:p";
    let words = [
        "--kubeconfig",
        config,
        "--context",
        "arn",
        ":",
        "aws",
        ":",
        "eks",
        ":",
        "p",
    ];
    assert_eq!(offered_by_bash(line, &words).unwrap(), ["prod"]);
    let offered = offered_by_bash("x get nodes --demo ", &["get", "nodes", "--demo", ""]);
    assert!(offered.unwrap().contains(&"rig.lab.home".to_owned()));
    let place = folder.path().to_string_lossy().into_owned();
    let line = format!("x --log-file={place}/c");
    let offered = offered_by_bash(&line, &["--log-file", "=", &format!("{place}/c")]);
    assert_eq!(offered.unwrap(), [format!("{place}/config")]);
}
