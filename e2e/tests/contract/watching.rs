//! Watches.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{bail, ensure, eyre};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::json;

use super::{create, delete, pods, same};

/// How long an event may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn events_in_order(client: &Client) -> Result<()> {
    let name = "contract-watch";
    let before = pods(client).list(&ListParams::default().limit(1)).await?;
    let version = before
        .metadata
        .resource_version
        .ok_or_else(|| eyre!("no resourceVersion"))?;
    let selector = WatchParams::default()
        .labels("contract=contract-watch")
        .timeout(30);
    let mut events = pods(client).watch(&selector, &version).await?.boxed();
    create(client, name).await?;
    let label = json!({"metadata": {"labels": {"seen": "yes"}}});
    pods(client)
        .patch(name, &PatchParams::default(), &Patch::Merge(&label))
        .await?;
    delete(client, name).await?;
    let mut seen = Vec::new();
    let mut last = 0;
    while seen.last() != Some(&"DELETED") {
        let event = tokio::time::timeout(PATIENCE, events.try_next()).await??;
        let (kind, pod) = match event {
            Some(WatchEvent::Added(pod)) => ("ADDED", pod),
            Some(WatchEvent::Modified(pod)) => ("MODIFIED", pod),
            Some(WatchEvent::Deleted(pod)) => ("DELETED", pod),
            other => bail!("unexpected {other:?} after {seen:?}"),
        };
        let number: u64 = pod.metadata.resource_version.unwrap_or_default().parse()?;
        ensure!(number > last, "{kind} goes back from {last} to {number}");
        last = number;
        seen.push(kind);
    }
    // The server may add a MODIFIED of its own (a condition, the deletion mark).
    seen.dedup();
    same("events", seen, vec!["ADDED", "MODIFIED", "DELETED"])
}

pub(super) async fn streaming_list(client: &Client) -> Result<()> {
    let all = Api::<Pod>::all(client.clone());
    let expected = all.list(&ListParams::default()).await?.items.len();
    let parameters = WatchParams::default().initial_events().timeout(30);
    let mut events = all.watch(&parameters, "0").await?.boxed();
    let mut added = 0_usize;
    loop {
        match tokio::time::timeout(PATIENCE, events.try_next()).await?? {
            Some(WatchEvent::Added(_)) => added += 1,
            Some(WatchEvent::Modified(_) | WatchEvent::Deleted(_)) => {}
            Some(WatchEvent::Bookmark(mark)) => {
                let annotation = mark.metadata.annotations.get("k8s.io/initial-events-end");
                if annotation.map(String::as_str) == Some("true") {
                    break;
                }
            }
            other => bail!("unexpected {other:?}"),
        }
    }
    ensure!(
        added.abs_diff(expected) <= 2,
        "{added} initial events for {expected} pods"
    );
    Ok(())
}

/// How often a watch may end without a bookmark: they are sent as far as the server finds the time.
const BOOKMARK_ATTEMPTS: u32 = 4;

pub(super) async fn bookmarks(client: &Client) -> Result<()> {
    for _attempt in 0..BOOKMARK_ATTEMPTS {
        if tokio::time::timeout(PATIENCE, watch_for_bookmarks(client)).await?? > 0 {
            return Ok(());
        }
    }
    bail!("no bookmark before the end of {BOOKMARK_ATTEMPTS} watches")
}

/// Watches nothing for 12 s; how many bookmarks came.
async fn watch_for_bookmarks(client: &Client) -> Result<usize> {
    let before = pods(client).list(&ListParams::default().limit(1)).await?;
    let version = before
        .metadata
        .resource_version
        .ok_or_else(|| eyre!("no resourceVersion"))?;
    // A server sends one about two seconds before the end, and none at all in a very short watch.
    let parameters = WatchParams::default()
        .labels("contract=nothing")
        .timeout(12);
    let mut events = pods(client).watch(&parameters, &version).await?.boxed();
    let mut marks = 0;
    while let Some(event) = events.try_next().await? {
        match event {
            WatchEvent::Bookmark(mark) => {
                let at: u64 = mark.metadata.resource_version.parse()?;
                ensure!(
                    at >= version.parse()?,
                    "a bookmark in the past: {at} < {version}"
                );
                marks += 1;
            }
            other => bail!("unexpected {other:?}"),
        }
    }
    Ok(marks)
}

pub(super) async fn too_old(client: &Client) -> Result<()> {
    let all = Api::<Pod>::all(client.clone());
    let mut events = all
        .watch(&WatchParams::default().timeout(10), "1")
        .await?
        .boxed();
    match tokio::time::timeout(PATIENCE, events.try_next()).await?? {
        Some(WatchEvent::Error(status)) => {
            same("code", status.code, 410)?;
            same("reason", status.reason.as_str(), "Expired")?;
        }
        other => bail!("watching from the beginning of time gives {other:?}"),
    }
    Ok(())
}
