//! Partial worlds and partial rights: what is left is shown, and what is missing is named.

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_sim::{Access, SimCluster};
use http::{Request, Uri, header};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::client::{Body, ConfigExt as _};
use ratatui::crossterm::event::KeyCode;
use serde_json::json;
use tower::ServiceBuilder;

use super::running::{App, Setup, rows};

#[tokio::test(start_paused = true)]
async fn without_any_daemon_the_allocation_is_shown() -> Result<()> {
    let mut setup = Setup::homelab()?;
    for node in &mut setup.scenario.nodes {
        node.agent = false;
    }
    let mut app = App::open(setup);
    let nodes = app
        .until("what is missing", |s| {
            s.has("No gputop-node daemon in this cluster")
        })
        .await?;
    ensure!(nodes.has("● live") && nodes.has("daemons 0/0"), "{nodes}");
    ensure!(
        nodes.has("it would add use, memory, processes and health"),
        "{nodes}"
    );
    ensure!(nodes.row(&["atlas", "2/2 full"]), "{nodes}");
    ensure!(nodes.row(&["dgx", "1 free"]), "{nodes}");
    // What nobody has measured is no zero.
    ensure!(!nodes.has("0%") && !nodes.has("0 free  ● 0"), "{nodes}");

    app.write("3").await?;
    let pods = app
        .until("the pods", |s| {
            s.row(&["research/jupyter-tom-0", "dgx", "Running"])
        })
        .await?;
    ensure!(
        pods.row(&["research/pretrain-moe", "Pending", "8"]),
        "{pods}"
    );
    ensure!(!pods.row(&["jupyter-tom-0", "19h"]), "{pods}");
    app.write("4").await?;
    let processes = app
        .until("no processes", |s| {
            rows(s, &["NODE", "PID"]).is_empty() && s.has("4 Processes")
        })
        .await?;
    ensure!(processes.has("No gputop-node daemon"), "{processes}");
    Ok(())
}

/// A user behind a proxy that passes requests on and drops what would upgrade a connection.
fn behind_a_proxy(cluster: &SimCluster) -> kube::Client {
    let config = kube::Config::new(Uri::from_static("http://simulated.invalid"));
    let http = HttpClient::builder(TokioExecutor::new()).build::<_, Body>(cluster.connector());
    let stack = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .map_request(|mut request: Request<Body>| {
            request.headers_mut().remove(header::UPGRADE);
            request.headers_mut().remove(header::CONNECTION);
            request
        })
        .service(http);
    kube::Client::new(stack, "default")
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_breaks_upgrades_costs_what_is_measured() -> Result<()> {
    let mut app = App::open(Setup {
        client: behind_a_proxy,
        ..Setup::homelab()?
    });
    let nodes = app
        .until("what is broken", |s| s.has("No daemon can be reached"))
        .await?;
    ensure!(nodes.has("you see what is allocated"), "{nodes}");
    ensure!(nodes.has("● live") && nodes.has("daemons 0/5"), "{nodes}");
    ensure!(nodes.row(&["atlas", "2/2 full"]), "{nodes}");
    app.write("3").await?;
    let pods = app
        .until("the pods", |s| {
            s.row(&["research/jupyter-tom-0", "dgx", "Running"])
        })
        .await?;
    ensure!(
        pods.row(&["research/pretrain-moe", "Pending", "8"]),
        "{pods}"
    );
    // What needs no upgrade works.
    app.select(&["research/finetune-llama3"]).await?;
    app.write("l").await?;
    app.until("its log", |s| s.row(&["step", "loss"])).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_user_of_one_namespace_gets_what_is_there() -> Result<()> {
    let mut app = App::open(Setup {
        client: |cluster| cluster.client_as(Access::Namespace("research")),
        namespace: "research",
        ..Setup::homelab()?
    });
    let nodes = app
        .until("what can not be seen", |s| s.has("◑ limited view"))
        .await?;
    ensure!(
        nodes.row(&["no right to see nodes, and only pods of namespace research"]),
        "{nodes}"
    );
    ensure!(nodes.has("You have no right to list the nodes"), "{nodes}");
    ensure!(!nodes.has("connecting"), "{nodes}");

    app.write("3").await?;
    let pods = app
        .until("the own pods", |s| {
            s.row(&["research/pretrain-moe", "Pending", "8"])
        })
        .await?;
    ensure!(
        pods.row(&["research/finetune-llama3", "atlas", "Running", "2"]),
        "{pods}"
    );
    ensure!(!pods.has("home/ollama") && !pods.has("serving/"), "{pods}");
    // What may be done there can be done.
    app.select(&["research/finetune-llama3"]).await?;
    app.write("l").await?;
    app.until("its log", |s| s.row(&["step", "loss"])).await?;
    app.press(KeyCode::Esc).await?;
    app.write("d").await?;
    app.until("its description", |s| s.row(&["Name:", "finetune-llama3"]))
        .await?;
    app.press(KeyCode::Esc).await?;
    // The server does not say which other namespaces there are; the own one can be chosen.
    app.write("n").await?;
    app.until("the own namespace", |s| s.row(&["│", "research", "pods"]))
        .await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_may_be_away_is_no_alarm() -> Result<()> {
    let mut app = App::settled().await?;
    let nodes: Api<Node> = Api::all(app.cluster.client());
    let laptop = serde_json::from_value(json!({
        "metadata": {"name": "laptop"},
        "status": {
            "capacity": {"nvidia.com/gpu": "1"},
            "allocatable": {"nvidia.com/gpu": "1"},
            "conditions": [{
                "type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }],
        },
    }))?;
    nodes.create(&PostParams::default(), &laptop).await?;
    let alarm = app
        .until("an alarm", |s| s.row(&["laptop", "NotReady"]))
        .await?;
    ensure!(
        alarm.row(&["▲ 1 critical", "laptop: node not ready"]),
        "{alarm}"
    );
    ensure!(alarm.has("nodes ready 6/7"), "{alarm}");

    let mark = json!({"metadata": {"labels": {"gputop-k3s.io/expected-away": "true"}}});
    let how = PatchParams::default();
    nodes.patch("laptop", &how, &Patch::Merge(mark)).await?;
    let away = app.until("away", |s| s.row(&["laptop", "away"])).await?;
    ensure!(!away.has("critical") && !away.has("laptop: node"), "{away}");
    ensure!(away.has("nodes ready 6/7 (1 away)"), "{away}");
    Ok(())
}
