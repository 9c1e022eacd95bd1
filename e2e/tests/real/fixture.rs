//! One real cluster for all tests of this program, one test at a time.

use std::process::Output;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr as _, bail, ensure};
use gputop_e2e::programs::{self, program};
use gputop_fleet::connect::{Request, connect};
use kube::Client;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard, OnceCell};
use xtask::cluster::{Cluster, Options, find_testbed, scratch_dir};

/// Set where the real control plane must be there (`cargo xtask ci`).
const REQUIRE: &str = "GPUTOP_K3S_REQUIRE_CLUSTER";

static CLUSTER: OnceCell<Option<Mutex<Cluster>>> = OnceCell::const_new();

/// The cluster while a test has it to itself.
pub(crate) struct Real {
    /// What starts, stops and asks it. The processes end when this program does.
    pub(crate) cluster: MutexGuard<'static, Cluster>,
    /// A client made by the product's own connection code.
    pub(crate) client: Client,
}

/// The cluster; `None`, and said so, when there is no control plane to start.
pub(crate) async fn cluster() -> Result<Option<Real>> {
    let shared = CLUSTER
        .get_or_try_init(|| async { tokio::task::spawn_blocking(start).await? })
        .await?;
    let Some(shared) = shared else {
        return Ok(None);
    };
    let cluster = shared.lock().await;
    let request = Request {
        kubeconfig: Some(cluster.kubeconfig().to_owned()),
        ..Request::default()
    };
    let client = connect(&request).await?.client;
    Ok(Some(Real { cluster, client }))
}

#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
fn start() -> Result<Option<Mutex<Cluster>>> {
    let Some(binaries) = find_testbed() else {
        if std::env::var_os(REQUIRE).is_some() {
            bail!("the real control plane is not built: run `cargo xtask ci`");
        }
        eprintln!(
            "SKIPPED: the real control plane is not built, so nothing was tested on it. \
             `cargo xtask cluster up` builds one (Go, about 6 minutes)."
        );
        return Ok(None);
    };
    for name in [
        "gputop-node",
        "gputop-k3s",
        "gputop-testbed-kubelets",
        "xtask",
    ] {
        program(name)?;
    }
    let options = Options::new(scratch_dir()?, binaries, &programs::folder()?)?;
    let cluster = Cluster::start(&options, &mut |_| ()).wrap_err("the test cluster")?;
    Ok(Some(Mutex::new(cluster)))
}

impl Real {
    /// Runs `gputop-k3s` with the cluster's kubeconfig.
    pub(crate) async fn gputop(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = gputop()?;
        command
            .args(arguments)
            .env("KUBECONFIG", self.cluster.kubeconfig());
        Ok(command.output().await?)
    }

    /// `gputop-k3s get KIND -o json`.
    pub(crate) async fn get(&self, arguments: &[&str]) -> Result<Value> {
        let output = self
            .gputop(&[&["get"], arguments, &["-o", "json"]].concat())
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "get {arguments:?}: {}: {said}",
            output.status
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// kubectl's answer.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.cluster.kubectl().read(arguments)
    }
}

/// The product's program, in an environment without a cluster.
pub(crate) fn gputop() -> Result<tokio::process::Command> {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = tokio::process::Command::new(program("gputop-k3s")?);
    command
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent")
        .kill_on_drop(true);
    Ok(command)
}
