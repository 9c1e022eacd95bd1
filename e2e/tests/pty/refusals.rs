//! What it says when it can not open a screen or find a cluster.

use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::programs::program;
use gputop_e2e::pty::Start;
use tempfile::TempDir;

#[test]
fn without_a_terminal_it_names_get() -> Result<()> {
    let home = TempDir::new()?;
    let program = program("gputop-k3s")?;
    let out = home.path().join("out.txt");
    for redirected in ["> out.txt", "< /dev/null", "< /dev/null > out.txt"] {
        let script = format!("exec \"$0\" demo --seed 7 {redirected}");
        let arguments = ["-c", &*script, &*program.to_string_lossy()];
        let left = Start::new(Path::new("/bin/sh"), &arguments, home.path())
            .spawn()?
            .left()?;
        ensure!(
            left.code == 4,
            "{redirected}: exit code {}\n{}",
            left.code,
            left.shown
        );
        let said = left.shown.to_string().replace("\n│", "");
        ensure!(
            said.contains("terminal") && said.contains("gputop-k3s get"),
            "{said}"
        );
        ensure!(
            !left.raw.contains(&0x1b),
            "{redirected}: the terminal was taken: {said}"
        );
        if redirected.contains('>') {
            ensure!(
                std::fs::read(&out)?.is_empty(),
                "{redirected}: something in the file"
            );
        }
    }
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
    ensure!(
        said.contains(".kube/config") && said.contains("/etc/rancher/k3s/k3s.yaml"),
        "{said}"
    );
    ensure!(said.contains("gputop-k3s demo"), "{said}");
    ensure!(
        !left.raw.contains(&0x1b),
        "no escape before there is a screen: {said}"
    );
    Ok(())
}

#[test]
fn a_kubeconfig_that_is_not_there_is_named() -> Result<()> {
    let home = TempDir::new()?;
    let program = program("gputop-k3s")?;
    let wrong = home
        .path()
        .join("wrong.yaml")
        .to_string_lossy()
        .into_owned();

    let left = Start::new(&program, &["--kubeconfig", &wrong], home.path())
        .spawn()?
        .left()?;
    ensure!(left.code == 3, "exit code {}\n{}", left.code, left.shown);
    let said = left.shown.to_string().replace("\n│", "");
    ensure!(
        said.contains(&wrong) && said.contains("--kubeconfig"),
        "{said}"
    );

    if Path::new("/etc/rancher/k3s/k3s.yaml").exists() {
        return Ok(());
    }
    let start = Start::new(&program, &[], home.path()).env("KUBECONFIG", &wrong);
    let left = start.spawn()?.left()?;
    ensure!(left.code == 3, "exit code {}\n{}", left.code, left.shown);
    let said = left.shown.to_string().replace("\n│", "");
    ensure!(
        said.contains(&wrong) && said.contains("$KUBECONFIG"),
        "{said}"
    );
    ensure!(said.contains("gputop-k3s demo"), "{said}");
    Ok(())
}

#[test]
fn a_cluster_that_does_not_answer_is_named() -> Result<()> {
    let home = TempDir::new()?;
    let file = home.path().join("config.yaml");
    // Nothing listens on port 1.
    let config = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "clusters": [{"name": "lab", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"token": "t"}}]}"#;
    std::fs::write(&file, config)?;
    let arguments = ["--kubeconfig", &*file.to_string_lossy()];
    let left = Start::new(&program("gputop-k3s")?, &arguments, home.path())
        .spawn()?
        .left()?;
    ensure!(left.code == 3, "exit code {}\n{}", left.code, left.shown);
    let said = left.shown.to_string().replace("\n│", "");
    ensure!(
        said.contains("127.0.0.1:1") && said.contains("nothing listens"),
        "{said}"
    );
    ensure!(
        !left.raw.contains(&0x1b),
        "no escape before there is a screen: {said}"
    );
    Ok(())
}
