//! Lists, selectors, pages.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};

use super::{create, delete, pods, refused, same};

pub(super) async fn list_and_selectors(client: &Client) -> Result<()> {
    let nodes = Api::<Node>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    ensure!(!nodes.items.is_empty(), "no nodes");
    ensure!(
        nodes.metadata.resource_version.is_some(),
        "a list has no resourceVersion"
    );
    let all = Api::<Pod>::all(client.clone());
    let every = all.list(&ListParams::default()).await?;
    for node in &nodes {
        let name = node.name_any();
        let fields = ListParams::default().fields(&format!("spec.nodeName={name}"));
        let bound = all.list(&fields).await?.items.len();
        let on_node =
            |pod: &&Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()) == Some(&name);
        // Pods come and go in a living cluster; a selector that selects nothing or everything
        // is what this finds.
        ensure!(
            bound.abs_diff(every.items.iter().filter(on_node).count()) <= 2,
            "spec.nodeName={name} selects {bound} pods"
        );
    }
    create(client, "contract-labels").await?;
    for (selector, expected) in [
        ("contract=contract-labels", 1),
        ("contract in (contract-labels, other)", 1),
        ("contract,contract!=other", 1),
        ("contract=other", 0),
        ("contract,!contract", 0),
    ] {
        let found = pods(client)
            .list(&ListParams::default().labels(selector))
            .await?;
        same(selector, found.items.len(), expected)?;
    }
    delete(client, "contract-labels").await
}

pub(super) async fn paging(client: &Client) -> Result<()> {
    for number in 0..5 {
        create(client, &format!("contract-page-{number}")).await?;
    }
    let page = |token: Option<String>| {
        let parameters = ListParams {
            continue_token: token,
            ..ListParams::default()
        };
        parameters.labels("contract").limit(2)
    };
    let mut names = Vec::new();
    let mut versions = Vec::new();
    let mut token = None;
    loop {
        let list = pods(client).list(&page(token)).await?;
        ensure!(
            list.items.len() <= 2,
            "a page of {} items",
            list.items.len()
        );
        names.extend(list.items.iter().map(kube::ResourceExt::name_any));
        versions.push(list.metadata.resource_version.clone());
        token = list
            .metadata
            .continue_
            .clone()
            .filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    let expected: Vec<String> = (0..5).map(|n| format!("contract-page-{n}")).collect();
    same("names over all pages", names, expected)?;
    same("pages", versions.len(), 3)?;
    versions.dedup();
    same("resource versions over all pages", versions.len(), 1)?;
    let forged = pods(client)
        .list(&page(Some("bm90IGEgdG9rZW4".to_owned())))
        .await;
    let (code, _) = refused(forged)?;
    ensure!(
        code == 410 || code == 400,
        "a forged continue token gives {code}"
    );
    for number in 0..5 {
        delete(client, &format!("contract-page-{number}")).await?;
    }
    Ok(())
}
