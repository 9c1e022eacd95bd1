//! What detail pages ask for: events, manifests, descriptions, rights, namespaces.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{bail, ensure, eyre};
use gputop_fleet::engine::{Engine, Event, Options};
use gputop_fleet::inspect::{Answer, Ask, AskId, EventInfo, Subject};
use gputop_model::{NodeName, PodKey};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;
use tokio::time::Instant;

use super::{NAMESPACE, delete, pods};

/// How long an answer, or what it is to tell of, may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An engine without daemons.
fn engine(client: &Client) -> Engine {
    let options = Options {
        agents: false,
        namespace: NAMESPACE.to_owned(),
        epoch: Instant::now(),
    };
    Engine::start(client, &options)
}

/// The one answer to what is asked once.
async fn ask(engine: &mut Engine, ask: Ask) -> Result<Answer> {
    let id = AskId(1);
    engine.ask(id, ask);
    let answer = async {
        loop {
            if let Event::Answer(of, answer) = engine.next().await {
                return (of, answer);
            }
        }
    };
    let (of, answer) = tokio::time::timeout(PATIENCE, answer).await?;
    ensure!(of == id, "an answer to {of:?}");
    Ok(answer)
}

fn pod(name: &str) -> Subject {
    Subject::Pod(PodKey::new(NAMESPACE, name))
}

/// A pod that fits nowhere and has what must not be shown.
async fn hopeless(client: &Client, name: &str) -> Result<()> {
    let pod: Pod = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"contract": name}},
        "spec": {
            "nodeSelector": {"contract": "nowhere"},
            "terminationGracePeriodSeconds": 0,
            "containers": [{
                "name": "main", "image": "none", "args": ["--api-key=s3cret"],
                "env": [{"name": "HF_TOKEN", "value": "s3cret"}],
                "resources": {"limits": {"nvidia.com/gpu": "1"}},
            }],
        }
    }))?;
    pods(client).create(&PostParams::default(), &pod).await?;
    Ok(())
}

async fn events_until(engine: &mut Engine, subject: &Subject, reason: &str) -> Result<EventInfo> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask(engine, Ask::Events(subject.clone())).await?;
        let Answer::Events(events) = answer else {
            bail!("{answer:?} in place of events")
        };
        if let Some(event) = events.iter().find(|event| event.reason == reason) {
            return Ok(event.clone());
        }
        ensure!(Instant::now() < deadline, "no {reason} among {events:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

pub(super) async fn events(client: &Client) -> Result<()> {
    let name = "contract-events";
    hopeless(client, name).await?;
    let mut engine = engine(client);
    let told = events_until(&mut engine, &pod(name), "FailedScheduling").await?;
    ensure!(told.is_warning(), "{told:?} is no warning");
    ensure!(told.count >= 1 && told.last.is_some(), "{told:?}");
    ensure!(told.source.starts_with("default-scheduler"), "{told:?}");
    ensure!(told.message.starts_with("0/"), "{told:?}");
    delete(client, name).await?;
    // Events outlive their object: there is nothing to tell them from an earlier one's by.
    events_until(&mut engine, &pod(name), "FailedScheduling").await?;
    // A new pod of the same name does not inherit them.
    super::create(client, name).await?;
    let answer = ask(&mut engine, Ask::Events(pod(name))).await?;
    ensure!(answer == Answer::Events(Vec::new()), "inherited {answer:?}");
    delete(client, name).await
}

pub(super) async fn manifest_and_description(client: &Client) -> Result<()> {
    let name = "contract-inspect";
    hopeless(client, name).await?;
    let mut engine = engine(client);
    events_until(&mut engine, &pod(name), "FailedScheduling").await?;
    let Answer::Manifest(yaml) = ask(&mut engine, Ask::Manifest(pod(name))).await? else {
        bail!("no manifest")
    };
    for part in [
        "apiVersion: v1\n",
        "kind: Pod\n",
        "contract: nowhere\n",
        "value: •••\n",
    ] {
        ensure!(yaml.contains(part), "no {part:?} in {yaml}");
    }
    for part in ["managedFields", "s3cret"] {
        ensure!(!yaml.contains(part), "{part} in {yaml}");
    }
    let Answer::Describe(text) = ask(&mut engine, Ask::Describe(pod(name))).await? else {
        bail!("no description")
    };
    for part in [
        "nvidia.com/gpu × 1 for main",
        "Node selector:     contract=nowhere",
        "PodScheduled  False",
        "FailedScheduling",
        "HF_TOKEN=•••",
    ] {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }
    ensure!(!text.contains("s3cret"), "a secret in {text}");
    delete(client, name).await?;
    for gone in [Ask::Manifest(pod(name)), Ask::Describe(pod(name))] {
        let Answer::Failed(problem) = ask(&mut engine, gone).await? else {
            bail!("a pod that is gone is still described")
        };
        ensure!(problem.what.contains("is not there any more"), "{problem}");
    }
    Ok(())
}

pub(super) async fn nodes(client: &Client) -> Result<()> {
    let list = Api::<Node>::all(client.clone())
        .list(&ListParams::default())
        .await?;
    let gpu = |node: &&Node| {
        let status = node.status.as_ref();
        let capacity = status.and_then(|status| status.capacity.as_ref());
        capacity.is_some_and(|capacity| capacity.contains_key("nvidia.com/gpu"))
    };
    let node = list
        .iter()
        .find(gpu)
        .ok_or_else(|| eyre!("no node has GPUs"))?;
    let subject = Subject::Node(NodeName::new(node.name_any()));
    let mut engine = engine(client);
    let Answer::Describe(text) = ask(&mut engine, Ask::Describe(subject.clone())).await? else {
        bail!("no description")
    };
    for part in ["nvidia.com/gpu: ", "\nConditions\n", "\nEvents\n"] {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }
    let Answer::Manifest(yaml) = ask(&mut engine, Ask::Manifest(subject.clone())).await? else {
        bail!("no manifest")
    };
    ensure!(yaml.contains("kind: Node\n"), "{yaml}");
    let answer = ask(&mut engine, Ask::Events(subject)).await?;
    ensure!(matches!(answer, Answer::Events(_)), "{answer:?}");
    Ok(())
}

pub(super) async fn rights_and_namespaces(client: &Client) -> Result<()> {
    let mut engine = engine(client);
    for namespace in [None, Some(NAMESPACE.to_owned())] {
        let answer = ask(&mut engine, Ask::Rights(namespace.clone())).await?;
        let Answer::Rights(rights) = answer else {
            bail!("{answer:?} in place of rights")
        };
        let all = [
            rights.logs,
            rights.exec,
            rights.events,
            rights.portforward,
            rights.list_nodes,
            rights.list_all_pods,
            rights.evict,
            rights.patch_nodes,
        ];
        ensure!(
            all.iter().all(|right| *right == Some(true)) && !rights.incomplete,
            "an administrator may do all in {namespace:?}: {rights:?}"
        );
    }
    let answer = ask(&mut engine, Ask::Namespaces).await?;
    let Answer::Namespaces(names) = answer else {
        bail!("{answer:?} in place of namespaces")
    };
    ensure!(names.is_sorted(), "{names:?}");
    ensure!(names.iter().any(|name| name == NAMESPACE), "{names:?}");
    Ok(())
}
