//! What the product relies on in an API server. The same suite runs on the simulated and on the
//! real one: where they differ, the simulated one is wrong.

mod inspecting;
mod port_forward;
mod reading;
mod watching;
mod writing;

use std::future::Future;

use color_eyre::Result;
use color_eyre::eyre::{Context as _, ensure, eyre};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

/// Namespace for the pods that the suite makes.
const NAMESPACE: &str = "default";

/// Runs everything.
pub(crate) async fn run(client: &Client) -> Result<()> {
    step("list", reading::list_and_selectors(client)).await?;
    step("paging", reading::paging(client)).await?;
    step("watch", watching::events_in_order(client)).await?;
    step("streaming list", watching::streaming_list(client)).await?;
    step("bookmarks", watching::bookmarks(client)).await?;
    step("too old", watching::too_old(client)).await?;
    step("conflict", writing::conflicts(client)).await?;
    step("dry run", writing::dry_run(client)).await?;
    step("errors", writing::errors(client)).await?;
    step("events", inspecting::events(client)).await?;
    step("manifest", inspecting::manifest_and_description(client)).await?;
    step("nodes", inspecting::nodes(client)).await?;
    step("rights", inspecting::rights_and_namespaces(client)).await?;
    step("port-forward", port_forward::reaches_the_daemon(client)).await
}

async fn step(name: &str, check: impl Future<Output = Result<()>>) -> Result<()> {
    Box::pin(check)
        .await
        .wrap_err_with(|| format!("contract: {name}"))
}

fn pods(client: &Client) -> Api<Pod> {
    Api::namespaced(client.clone(), NAMESPACE)
}

/// A pod that nobody schedules.
fn gated(name: &str) -> Result<Pod> {
    Ok(serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"contract": name}},
        "spec": {
            "schedulingGates": [{"name": "gputop-k3s.io/contract"}],
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "none"}],
        }
    }))?)
}

async fn create(client: &Client, name: &str) -> Result<Pod> {
    Ok(pods(client)
        .create(&PostParams::default(), &gated(name)?)
        .await?)
}

async fn delete(client: &Client, name: &str) -> Result<()> {
    pods(client)
        .delete(name, &DeleteParams::default().grace_period(0))
        .await?;
    Ok(())
}

/// The status behind a refusal.
fn refused<T>(result: Result<T, kube::Error>) -> Result<(u16, String)> {
    match result {
        Ok(_) => Err(eyre!("was accepted")),
        Err(kube::Error::Api(status)) => Ok((status.code, status.reason.clone())),
        Err(other) => Err(other.into()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "reads like an assertion")]
fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<()> {
    ensure!(
        got == expected,
        "{what}: got {got:?}, expected {expected:?}"
    );
    Ok(())
}
