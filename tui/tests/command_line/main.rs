//! The program as its users start it, on the simulated cluster.
#![cfg(feature = "demo")]

#[cfg(test)]
mod lists;
#[cfg(test)]
mod shells;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod watching;

use std::process::Output;

use serde_json::Value;

/// The program in an environment without a cluster, and what it has said.
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

/// `get KIND -o json` on the demo's cluster.
fn list(kind: &str) -> Value {
    let output = gputop(&["get", kind, "--demo", "--seed", "7", "-o", "json"]);
    assert!(output.status.success(), "{output:?}");
    let list: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert_eq!(list["schema"], "gputop-k3s/v1", "{list}");
    list
}

/// What is on stderr.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is on stdout.
fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
