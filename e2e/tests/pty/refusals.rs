//! What it says when it can not open a screen or find a cluster.

use std::path::Path;
use std::process::{Output, Stdio};

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::pty::{Start, program};
use tempfile::TempDir;

/// Runs the program to its end without a terminal, in surroundings of its own.
fn piped(arguments: &[&str], home: &Path) -> Result<Output> {
    let mut command = xtask::process::command(program("gputop-k3s")?);
    command.args(arguments).stdin(Stdio::null()).env_clear().env("HOME", home).current_dir(home);
    Ok(command.output()?)
}

#[test]
fn without_a_terminal_it_names_get() -> Result<()> {
    let home = TempDir::new()?;
    let output = piped(&["demo", "--seed", "7"], home.path())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code().is_some_and(|code| code != 0), "{:?}: {said}", output.status);
    ensure!(said.contains("terminal") && said.contains("gputop-k3s get"), "{said}");
    ensure!(output.stdout.is_empty(), "escapes in a pipe: {:?}", output.stdout);
    Ok(())
}

#[test]
fn without_a_kubeconfig_it_says_where_it_looked() -> Result<()> {
    if Path::new("/etc/rancher/k3s/k3s.yaml").exists() {
        // A machine with K3s has a cluster.
        return Ok(());
    }
    let home = TempDir::new()?;
    let pty = Start::new(&program("gputop-k3s")?, &[], home.path()).spawn()?;
    let left = pty.left()?;
    ensure!(left.code == 3, "exit code {}\n{}", left.code, left.shown);
    let said = left.shown.to_string().replace("\n│", "");
    ensure!(said.contains(".kube/config") && said.contains("/etc/rancher/k3s/k3s.yaml"), "{said}");
    ensure!(said.contains("gputop-k3s demo"), "{said}");
    ensure!(!left.raw.contains(&0x1b), "no escape before there is a screen: {said}");
    Ok(())
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() -> Result<()> {
    let home = TempDir::new()?;
    let wrong = home.path().join("wrong.yaml");
    let wrong = wrong.to_string_lossy();
    for named in ["--kubeconfig", "KUBECONFIG"] {
        let program = program("gputop-k3s")?;
        let start = if named == "KUBECONFIG" {
            Start::new(&program, &[], home.path()).env(named, &wrong)
        } else {
            Start::new(&program, &[named, &wrong], home.path())
        };
        let left = start.spawn()?.left()?;
        ensure!(left.code == 3, "{named}: exit code {}\n{}", left.code, left.shown);
        let said = left.shown.to_string().replace("\n│", "");
        ensure!(said.contains("wrong.yaml"), "{named}: {said}");
        ensure!(said.contains("gputop-k3s demo"), "{named}: no way to see it anyway: {said}");
    }
    Ok(())
}
