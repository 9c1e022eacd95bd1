//! Writes: conflicts, dry runs, refusals.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use kube::Client;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use super::{create, delete, gated, pods, refused, same};

pub(super) async fn conflicts(client: &Client) -> Result<()> {
    let name = "contract-conflict";
    let first = create(client, name).await?;
    let again = pods(client)
        .create(&PostParams::default(), &gated(name)?)
        .await;
    same(
        "second create",
        refused(again)?,
        (409, "AlreadyExists".to_owned()),
    )?;

    let old = first.metadata.resource_version.clone();
    let label = json!({"metadata": {"labels": {"touched": "yes"}}});
    let touched = pods(client)
        .patch(name, &PatchParams::default(), &Patch::Merge(&label))
        .await?;
    ensure!(
        touched.metadata.resource_version != old,
        "a change keeps the resourceVersion"
    );

    let stale = json!({"metadata": {"resourceVersion": old, "labels": {"touched": "again"}}});
    let stale = pods(client)
        .patch(name, &PatchParams::default(), &Patch::Merge(&stale))
        .await;
    same(
        "patch with an old version",
        refused(stale)?,
        (409, "Conflict".to_owned()),
    )?;

    let replaced = pods(client)
        .replace(name, &PostParams::default(), &first)
        .await;
    same(
        "put with an old version",
        refused(replaced)?,
        (409, "Conflict".to_owned()),
    )?;

    let mut current = pods(client).get(name).await?;
    current
        .metadata
        .labels
        .get_or_insert_default()
        .insert("put".into(), "yes".into());
    pods(client)
        .replace(name, &PostParams::default(), &current)
        .await?;
    delete(client, name).await
}

pub(super) async fn dry_run(client: &Client) -> Result<()> {
    let name = "contract-dry-run";
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    pods(client).create(&dry, &gated(name)?).await?;
    let got = pods(client).get(name).await;
    same(
        "get after a dry run",
        refused(got)?,
        (404, "NotFound".to_owned()),
    )
}

pub(super) async fn errors(client: &Client) -> Result<()> {
    let gone = pods(client).get("contract-nobody").await;
    same("get", refused(gone)?, (404, "NotFound".to_owned()))?;
    let gone = delete(client, "contract-nobody").await;
    ensure!(gone.is_err(), "deleting nothing succeeds");
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    let gone = pods(client)
        .patch(
            "contract-nobody",
            &PatchParams::default(),
            &Patch::Merge(&label),
        )
        .await;
    same("patch", refused(gone)?, (404, "NotFound".to_owned()))
}
