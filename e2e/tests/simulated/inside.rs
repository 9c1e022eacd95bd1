//! Logs and shells, which need containers: asked for as the app does, answered by the simulation.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

use std::time::Duration;

use gputop_fleet::engine::{Engine, Event, Options};
use gputop_fleet::inspect::shell::{ShellTarget, shell};
use gputop_fleet::inspect::{Answer, Ask, AskId, LogRequest, Rights};
use gputop_model::PodKey;
use gputop_sim::{Access, SimCluster, scenario};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

/// How long something that must come may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// One node, and what writes logs of each kind.
const SCENARIO: &str = r#"
name = "inside"
[[node]]
name = "rig"
driver = "580.95.05"
cuda = "13.0"
age = "20d"
[[node.gpu]]
product = "NVIDIA GeForce RTX 3090"
memory_mib = 24576
power_limit_watts = 350
[[node.gpu]]
product = "NVIDIA GeForce RTX 3090"
memory_mib = 24576
power_limit_watts = 350
[[workload]]
kind = "Deployment"
name = "vllm"
namespace = "serving"
gpus = 1
image = "vllm/vllm-openai:v0.11.0"
behaviour = "inference"
age = "2d"
[[workload]]
kind = "Job"
name = "finetune-7"
namespace = "research"
gpus = 1
image = "pytorch/pytorch:2.9"
behaviour = "training"
age = "2h"
"#;

fn rig() -> SimCluster {
    let scenario = scenario::parse(SCENARIO).unwrap();
    let start = "2026-03-01T10:00:00Z".parse().unwrap();
    SimCluster::start(scenario, gputop_sim::Options { seed: 7, start })
}

fn engine(cluster: &SimCluster, access: Access) -> Engine {
    let options = Options {
        agents: false,
        namespace: "default".to_owned(),
        epoch: Instant::now(),
    };
    Engine::start(&cluster.client_as(access), &options)
}

async fn next(engine: &mut Engine) -> (AskId, Answer) {
    let answer = async {
        loop {
            if let Event::Answer(id, answer) = engine.next().await {
                return (id, answer);
            }
        }
    };
    tokio::time::timeout(PATIENCE, answer).await.unwrap()
}

/// All lines of a log that ends, and how it did.
async fn read(engine: &mut Engine, request: LogRequest) -> (Vec<String>, Answer) {
    engine.ask(AskId(7), Ask::Logs(request));
    let mut all = Vec::new();
    loop {
        match next(engine).await {
            (AskId(7), Answer::LogLines(lines)) => {
                assert!(lines.len() <= gputop_fleet::inspect::LOG_BATCH);
                all.extend(lines);
            }
            (AskId(7), end) => return (all, end),
            other => panic!("{other:?}"),
        }
    }
}

fn log(namespace: &str, name: &str) -> LogRequest {
    LogRequest {
        pod: PodKey::new(namespace, name),
        container: None,
        previous: false,
        follow: false,
        tail: 1000,
        timestamps: false,
    }
}

async fn named(cluster: &SimCluster, namespace: &str, prefix: &str) -> String {
    let api: Api<Pod> = Api::namespaced(cluster.client(), namespace);
    let list = api.list(&ListParams::default()).await.unwrap();
    let mut names = list.iter().filter_map(|pod| pod.metadata.name.clone());
    names.find(|name| name.starts_with(prefix)).unwrap()
}

async fn make(cluster: &SimCluster, name: &str, image: &str, annotations: serde_json::Value) {
    let pod = serde_json::from_value(json!({
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"containers": [{"name": "main", "image": image}, {"name": "side", "image": "x"}]},
    }));
    let api: Api<Pod> = Api::namespaced(cluster.client(), "default");
    api.create(&PostParams::default(), &pod.unwrap())
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_is_shown_without_its_colours() {
    let cluster = rig();
    let mut engine = engine(&cluster, Access::Admin);
    let name = named(&cluster, "serving", "vllm").await;
    let (lines, end) = read(&mut engine, log("serving", &name)).await;
    assert_eq!(end, Answer::LogEnded(None));
    assert_eq!(lines.len(), 1000);
    assert!(lines[0].starts_with("INFO:     10.42.0."), "{}", lines[0]);
    assert!(lines.iter().all(|line| !line.contains(char::is_control)));
}

#[tokio::test(start_paused = true)]
async fn a_progress_bar_is_one_short_line() {
    let cluster = rig();
    let mut engine = engine(&cluster, Access::Admin);
    let name = named(&cluster, "research", "finetune").await;
    let mut request = log("research", &name);
    request.timestamps = true;
    let (lines, _) = read(&mut engine, request).await;
    let bars = lines.iter().filter(|line| line.contains('|'));
    let mut count = 0;
    for bar in bars {
        let (time, bar) = bar.split_once(' ').unwrap();
        time.parse::<jiff::Timestamp>().unwrap();
        assert_eq!(bar.matches("epoch").count(), 1, "{bar}");
        count += 1;
    }
    assert!(count > 10, "{count} bars");
}

#[tokio::test(start_paused = true)]
async fn a_followed_log_comes_as_it_is_written_and_says_when_it_is_over() {
    let cluster = rig();
    let mut engine = engine(&cluster, Access::Admin);
    make(
        &cluster,
        "short",
        "train:1",
        json!({"sim/complete-after": "60s"}),
    )
    .await;
    let request = LogRequest {
        follow: true,
        tail: 1,
        ..log("default", "short")
    };
    let began = cluster.now();
    let (lines, end) = read(&mut engine, request).await;
    assert_eq!(end, Answer::LogEnded(None));
    assert_eq!(lines.last().unwrap(), "Done.");
    let took = cluster.now().duration_since(began).as_secs();
    assert!((50..70).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_ask_is_silent() {
    let cluster = rig();
    let mut engine = engine(&cluster, Access::Admin);
    let name = named(&cluster, "serving", "vllm").await;
    let request = LogRequest {
        follow: true,
        ..log("serving", &name)
    };
    engine.ask(AskId(1), Ask::Logs(request.clone()));
    assert!(matches!(
        next(&mut engine).await,
        (AskId(1), Answer::LogLines(_))
    ));
    // More is on its way by now.
    tokio::time::sleep(Duration::from_secs(30)).await;
    engine.cancel(AskId(1));
    engine.ask(AskId(2), Ask::Namespaces);
    assert!(matches!(
        next(&mut engine).await,
        (AskId(2), Answer::Namespaces(_))
    ));
    // A second ask under an id takes the place of the first.
    engine.ask(AskId(3), Ask::Logs(request));
    engine.ask(AskId(3), Ask::Namespaces);
    assert!(matches!(
        next(&mut engine).await,
        (AskId(3), Answer::Namespaces(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_can_not_be_had_says_why() {
    let cluster = rig();
    let mut engine = engine(&cluster, Access::Admin);
    make(&cluster, "slow", "x", json!({"sim/create-delay": "1h"})).await;
    let previous = LogRequest {
        previous: true,
        ..log("default", "slow")
    };
    let other = LogRequest {
        container: Some("other".to_owned()),
        ..log("default", "slow")
    };
    for (request, expected) in [
        (
            log("default", "none"),
            "pod default/none is not there any more",
        ),
        (
            log("default", "slow"),
            "container main has not started yet (ContainerCreating)",
        ),
        (previous, "container main has no earlier run"),
        (other, "the pod has no container other"),
    ] {
        match read(&mut engine, request).await {
            (lines, Answer::LogEnded(Some(problem))) => {
                assert!(lines.is_empty());
                assert_eq!(problem.what, expected);
            }
            other => panic!("{other:?}"),
        }
    }
    cluster.set_api_available(false);
    let (_, end) = read(&mut engine, log("default", "slow")).await;
    assert!(
        matches!(&end, Answer::LogEnded(Some(problem)) if problem.what.contains("API server")),
        "{end:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_that_breaks_off_is_not_over() {
    let cluster = rig();
    let mut engine = engine(&cluster, Access::Admin);
    let name = named(&cluster, "serving", "vllm").await;
    let request = LogRequest {
        follow: true,
        ..log("serving", &name)
    };
    engine.ask(AskId(1), Ask::Logs(request));
    next(&mut engine).await;
    cluster.set_api_available(false);
    loop {
        match next(&mut engine).await {
            (_, Answer::LogLines(_)) => {}
            (_, Answer::LogEnded(Some(problem))) => {
                assert!(problem.what.contains("broke"), "{problem}");
                return;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rights_are_those_of_the_user() {
    let cluster = rig();
    let mut viewer = engine(&cluster, Access::ReadOnly);
    viewer.ask(AskId(1), Ask::Rights(None));
    let (_, answer) = next(&mut viewer).await;
    let expected = Rights {
        logs: Some(true),
        // The right to read a socket alone was enough for older servers.
        exec: None,
        events: Some(true),
        portforward: None,
        list_nodes: Some(true),
        list_all_pods: Some(true),
        evict: Some(false),
        patch_nodes: Some(false),
        incomplete: true,
    };
    assert_eq!(answer, Answer::Rights(expected));

    let mut tenant = engine(&cluster, Access::Namespace("research"));
    tenant.ask(AskId(1), Ask::Rights(Some("research".to_owned())));
    let (_, answer) = next(&mut tenant).await;
    let expected = Rights {
        logs: Some(true),
        exec: Some(true),
        events: Some(true),
        portforward: Some(true),
        list_nodes: Some(false),
        list_all_pods: Some(false),
        evict: Some(true),
        patch_nodes: Some(false),
        incomplete: false,
    };
    assert_eq!(answer, Answer::Rights(expected));
    tenant.ask(AskId(2), Ask::Namespaces);
    let (_, answer) = next(&mut tenant).await;
    assert!(
        matches!(&answer, Answer::Failed(problem) if problem.what.contains("cannot list")),
        "{answer:?}"
    );
}

/// Types into a shell and returns what the terminal showed, and the exit code or problem.
async fn typed(
    cluster: &SimCluster,
    access: Access,
    (namespace, name): (&str, &str),
    keys: &'static [&'static str],
) -> (String, Result<i32, String>) {
    let (mut keyboard, stdin) = tokio::io::duplex(1024);
    let (stdout, mut screen) = tokio::io::duplex(1024);
    let (sizes, changed) = watch::channel((100, 30));
    let target = ShellTarget {
        pod: PodKey::new(namespace, name),
        container: None,
    };
    let client = cluster.client_as(access);
    let typing = async move {
        for key in keys {
            // Sizes have a channel of their own, which keys may overtake.
            tokio::time::sleep(Duration::from_secs(1)).await;
            if keyboard.write_all(key.as_bytes()).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            sizes.send_replace((132, 43));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        drop(keyboard);
        std::future::pending::<()>().await;
    };
    let reading = async {
        let mut shown = String::new();
        screen.read_to_string(&mut shown).await.unwrap();
        shown
    };
    let opened = async {
        let ended = shell(&client, target, stdin, stdout, changed);
        tokio::select! {
            ended = ended => ended,
            () = typing => panic!("typing ends never"),
        }
    };
    let both = async { tokio::join!(opened, reading) };
    let (ended, shown) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    let ended = ended.map(gputop_fleet::inspect::shell::ShellEnd::code);
    (shown, ended.map_err(|problem| problem.what))
}

#[tokio::test(start_paused = true)]
async fn a_shell_in_a_pod_takes_keys_and_sizes() {
    let cluster = rig();
    let name = named(&cluster, "serving", "vllm").await;
    let keys = &["stty size\r", "stty size\r", "nvidia-smi -L\r", "exit 3\r"];
    let (shown, ended) = typed(&cluster, Access::Admin, ("serving", &name), keys).await;
    assert_eq!(ended, Ok(3));
    assert!(shown.contains("simulated container"), "{shown}");
    assert!(shown.contains("\r\n30 100\r\n"), "{shown}");
    assert!(shown.contains("\r\n43 132\r\n"), "{shown}");
    assert!(shown.contains("GPU 0: "), "{shown}");
    // The end of the input is the shell's end too.
    let (_, ended) = typed(&cluster, Access::Admin, ("serving", &name), &["true\r"]).await;
    assert_eq!(ended, Ok(0));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_entered_says_why() {
    let cluster = rig();
    make(&cluster, "tiny", "gcr.io/distroless/cc", json!({})).await;
    make(&cluster, "slow", "x", json!({"sim/create-delay": "1h"})).await;
    let enter = async |access, place| typed(&cluster, access, place, &[]).await.1.unwrap_err();
    let said = enter(Access::Admin, ("default", "tiny")).await;
    assert!(said.starts_with("container main has no shell"), "{said}");
    let said = enter(Access::Admin, ("default", "slow")).await;
    assert!(said.starts_with("container main does not run"), "{said}");
    let said = enter(Access::Admin, ("default", "none")).await;
    assert!(said.contains("is not there any more"), "{said}");
    let said = enter(Access::ReadOnly, ("default", "tiny")).await;
    assert!(said.starts_with("you may not open a shell here"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_shell_ends_with_its_container_or_its_connection() {
    let cluster = rig();
    make(&cluster, "box", "x", json!({})).await;
    let api: Api<Pod> = Api::namespaced(cluster.client(), "default");
    let leave = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        api.delete("box", &DeleteParams::default()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let place = ("default", "box");
    let (_, ended) = tokio::select! {
        ended = typed(&cluster, Access::Admin, place, &["", "", "", ""]) => ended,
        () = leave => unreachable!(),
    };
    assert_eq!(ended, Ok(137));

    make(&cluster, "box", "x", json!({})).await;
    let cut = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.set_api_available(false);
        std::future::pending::<()>().await;
    };
    let (_, ended) = tokio::select! {
        ended = typed(&cluster, Access::Admin, place, &["", "", "", ""]) => ended,
        () = cut => unreachable!(),
    };
    let said = ended.unwrap_err();
    assert!(
        said.starts_with("the connection to the shell broke"),
        "{said}"
    );
}
