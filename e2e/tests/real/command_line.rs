//! `get`, `wait` and completion against what kubectl says of the same cluster.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use super::fixture::{self, Real};

/// Time after which something that has not come is not awaited any longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The last parts of names, one a line: `pod/ml/x` and `pod/x` are both `x`.
fn plain(text: &str) -> BTreeSet<String> {
    let names = text.lines().filter_map(|line| line.rsplit('/').next());
    names.map(str::to_owned).collect()
}

async fn names(real: &Real, arguments: &[&str]) -> Result<BTreeSet<String>> {
    let arguments = [&["get", "-o", "name"], arguments].concat();
    let output = real.gputop(&arguments).await?;
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    Ok(plain(&String::from_utf8_lossy(&output.stdout)))
}

#[tokio::test(flavor = "multi_thread")]
async fn selectors_choose_what_kubectl_chooses() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let mut chosen = 0;
    for selector in [
        "kubernetes.io/hostname=gpu-a",
        "kubernetes.io/hostname==gpu-a",
        "kubernetes.io/hostname!=gpu-a",
        "kubernetes.io/hostname in (gpu-a, gpu-b)",
        "kubernetes.io/hostname notin (gpu-a,gpu-b)",
        "nvidia.com/gpu.product",
        "!nvidia.com/gpu.product",
        "nvidia.com/gpu.product,kubernetes.io/hostname!=gpu-a",
        "no/such=label",
    ] {
        let arguments = ["nodes", "--no-agents", "-l", selector];
        let ours = names(&real, &arguments).await?;
        let theirs = real.kubectl(&["get", "nodes", "-o", "name", "-l", selector])?;
        ensure!(
            ours == plain(&theirs),
            "{selector}: {ours:?}, kubectl: {theirs}"
        );
        chosen += ours.len();
    }
    ensure!(chosen > 10, "the labels are too dull: {chosen}");
    for selector in ["app=vllm", "app notin (vllm)", "!app", "app"] {
        let arguments = ["pods", "-A", "--no-agents", "-l", selector];
        let ours = names(&real, &arguments).await?;
        let theirs = real.kubectl(&["get", "pods", "-A", "-o", "name", "-l", selector])?;
        ensure!(
            ours == plain(&theirs),
            "{selector}: {ours:?}, kubectl: {theirs}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_found_where_kubectl_finds_them() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let get = async |arguments: &[&str]| {
        let arguments = [&["get", "pods", "--no-agents", "-o", "name"], arguments].concat();
        real.gputop(&arguments).await
    };
    let found = get(&["-n", "media", "jellyfin"]).await?;
    ensure!(found.status.success(), "{found:?}");
    ensure!(found.stdout == b"pod/media/jellyfin\n", "{found:?}");
    let found = get(&["media/jellyfin"]).await?;
    ensure!(found.stdout == b"pod/media/jellyfin\n", "{found:?}");
    // The default namespace has none of that name.
    let missing = get(&["jellyfin"]).await?;
    ensure!(missing.status.code() == Some(1), "{missing:?}");
    let said = String::from_utf8_lossy(&missing.stderr);
    ensure!(
        said.contains("\"jellyfin\" not found in namespace default"),
        "{said}"
    );
    Ok(())
}

/// A running `get --watch`.
struct Watch {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    fn start(real: &Real, arguments: &[&str]) -> Result<Self> {
        let mut child = fixture::gputop()?
            .args(["get", "--watch", "-o", "json"])
            .args(arguments)
            .env("KUBECONFIG", real.cluster.kubeconfig())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or_eyre("no output")?;
        Ok(Self {
            child,
            lines: BufReader::new(stdout).lines(),
        })
    }

    /// The next change of this type.
    async fn next(&mut self, kind: &str) -> Result<Value> {
        timeout(PATIENCE, async {
            loop {
                let line = self.lines.next_line().await?.ok_or_eyre("it has ended")?;
                let change: Value = serde_json::from_str(&line)?;
                if change["type"] == kind {
                    return Ok(change["object"].clone());
                }
            }
        })
        .await?
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_tells_of_what_comes_changes_and_goes() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let mut nodes = Watch::start(&real, &["nodes", "gpu-b", "--no-agents"])?;
    let node = nodes.next("ADDED").await?;
    ensure!(
        node["name"] == "gpu-b" && node["cordoned"] == false,
        "{node}"
    );
    real.kubectl(&["cordon", "gpu-b"])?;
    let node = nodes.next("MODIFIED").await?;
    real.kubectl(&["uncordon", "gpu-b"])?;
    ensure!(node["cordoned"] == true, "{node}");
    let node = nodes.next("MODIFIED").await?;
    ensure!(node["cordoned"] == false, "{node}");

    let mut pods = Watch::start(&real, &["pods", "--no-agents", "-l", "run=passing"])?;
    nodes.child.kill().await?;
    real.kubectl(&["run", "passing", "--image=example.com/passing"])?;
    let pod = pods.next("ADDED").await?;
    ensure!(
        pod["name"] == "passing" && pod["namespace"] == "default",
        "{pod}"
    );
    real.kubectl(&["delete", "pod", "passing", "--now"])?;
    let pod = pods.next("DELETED").await?;
    ensure!(pod["name"] == "passing", "{pod}");
    pods.child.kill().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn live_names_are_kubectls() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let complete = async |words: &[&str]| -> Result<BTreeSet<String>> {
        let arguments = [&["__complete"], words].concat();
        let output = real.gputop(&arguments).await?;
        ensure!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
        let text = String::from_utf8(output.stdout)?;
        let names = text.lines().filter(|line| !line.starts_with(':'));
        let names = names.filter_map(|line| line.split('\t').next());
        Ok(names.map(str::to_owned).collect())
    };
    let nodes = plain(&real.kubectl(&["get", "nodes", "-o", "name"])?);
    ensure!(complete(&["get", "nodes", ""]).await? == nodes);
    ensure!(complete(&["wait", "--free", "1", "--node", ""]).await? == nodes);
    let pods = plain(&real.kubectl(&["get", "pods", "-n", "ml", "-o", "name"])?);
    ensure!(!pods.is_empty() && complete(&["get", "pods", "-n", "ml", ""]).await? == pods);
    let namespaces = complete(&["get", "pods", "-n", ""]).await?;
    for name in ["default", "media", "ml"] {
        ensure!(namespaces.contains(name), "{namespaces:?}");
    }
    let context = real.kubectl(&["config", "current-context"])?;
    ensure!(complete(&["--context", ""]).await?.contains(context.trim()));
    // Somebody who may see nothing is offered nothing, and told nothing.
    ensure!(
        complete(&["--as", "nobody", "get", "nodes", ""])
            .await?
            .is_empty()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_counts_what_nobody_has() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let wait = async |arguments: &[&str]| -> Result<(Option<i32>, Value)> {
        let arguments = [&["wait", "-o", "json"], arguments].concat();
        let output = real.gputop(&arguments).await?;
        let result = serde_json::from_slice(&output.stdout).unwrap_or_default();
        Ok((output.status.code(), result))
    };
    // gpu-b has four GPUs: two replicas and a notebook have one each.
    let (code, result) = wait(&["--free", "1", "--node", "gpu-b", "--timeout", "1m"]).await?;
    ensure!(
        code == Some(0) && result["basis"] == "devices",
        "{code:?} {result}"
    );
    ensure!(
        result["free"]
            .as_array()
            .is_some_and(|free| free.len() == 1),
        "{result}"
    );
    let (code, result) = wait(&["--free", "2", "--node", "gpu-b", "--timeout", "0"]).await?;
    ensure!(
        code == Some(1) && result["most_free"] == 1,
        "{code:?} {result}"
    );
    // The scheduler counts the same.
    let (code, result) = wait(&["--free", "1", "--node", "gpu-b", "--no-agents"]).await?;
    ensure!(
        code == Some(0) && result["basis"] == "units",
        "{code:?} {result}"
    );
    ensure!(result["free"][0]["units"] == 1, "{result}");
    // Somebody who may not list nodes is told so.
    let (code, _) = wait(&["--free", "1", "--as", "nobody"]).await?;
    ensure!(code == Some(5), "{code:?}");
    Ok(())
}
