//! Logs of containers, and programs started in them.

use futures::{AsyncBufReadExt, AsyncReadExt, StreamExt, TryStreamExt};
use gputop_sim::{Access, SimCluster};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, AttachedProcess, DeleteParams, LogParams, PostParams, TerminalSize};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt};

use crate::support::{cluster, gpu_pod, phases, pod_with, pods, refusal, seconds, wait};

async fn named(cluster: &SimCluster, namespace: &str, prefix: &str) -> String {
    let all = phases(cluster, namespace).await;
    let found = all.into_iter().find(|(name, _)| name.starts_with(prefix));
    found.unwrap().0
}

fn tail(lines: i64) -> LogParams {
    LogParams {
        tail_lines: Some(lines),
        ..LogParams::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_has_the_wanted_lines() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let llm = named(&cluster, "default", "llm").await;
    let log = api.logs(&llm, &tail(5)).await.unwrap();
    assert_eq!(log.lines().count(), 5);
    assert!(log.lines().all(|line| line.contains("POST /v1")), "{log}");
    let again = api.logs(&llm, &tail(5)).await.unwrap();
    assert_eq!(log, again, "what is written stays");
    let timed = LogParams {
        timestamps: true,
        ..tail(2)
    };
    let timed = api.logs(&llm, &timed).await.unwrap();
    for line in timed.lines() {
        let (time, text) = line.split_once(' ').unwrap();
        time.parse::<jiff::Timestamp>().unwrap();
        assert!(log.contains(text));
    }
    // Older lines were rotated away.
    let all = api.logs(&llm, &LogParams::default()).await.unwrap();
    assert_eq!(all.lines().count(), 2000);
}

#[tokio::test(start_paused = true)]
async fn a_followed_log_goes_on_and_ends_with_the_container() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let pod = pod_with("short", 0, &json!({"sim/complete-after": "30s"}));
    api.create(&PostParams::default(), &pod).await.unwrap();
    wait(seconds(2)).await;
    let follow = LogParams {
        follow: true,
        ..LogParams::default()
    };
    let mut lines = api.log_stream("short", &follow).await.unwrap().lines();
    let first = lines.try_next().await.unwrap().unwrap();
    assert!(first.contains("simulated"), "{first}");
    let before = cluster.now();
    let rest: Vec<String> = lines.try_collect().await.unwrap();
    assert_eq!(rest.last().unwrap(), "Done.");
    assert!(rest.len() >= 5, "{rest:?}");
    let took = cluster.now().duration_since(before).as_secs();
    assert!((20..40).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_ends_its_log() {
    let cluster = cluster();
    let api = pods(&cluster, "lab");
    let follow = LogParams {
        follow: true,
        ..tail(1)
    };
    let mut log = api.log_stream("media", &follow).await.unwrap();
    api.delete("media", &DeleteParams::default()).await.unwrap();
    let mut rest = String::new();
    log.read_to_string(&mut rest).await.unwrap();
    assert!(rest.ends_with("shutting down.\n"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn the_previous_run_tells_why_it_ended() {
    let cluster = cluster();
    let api = pods(&cluster, "lab");
    let crashing = named(&cluster, "lab", "crashing").await;
    let previous = LogParams {
        previous: true,
        ..LogParams::default()
    };
    let log = api.logs(&crashing, &previous).await.unwrap();
    assert!(
        log.ends_with("fatal: giving up with exit code 1\n"),
        "{log}"
    );
    let said = refusal(api.logs("media", &previous).await);
    assert_eq!(
        (said.0, said.2.as_str()),
        (
            400,
            "previous terminated container \"media\" in pod \"media\" not found"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn what_has_no_log_says_why() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let slow = pod_with("slow", 0, &json!({"sim/create-delay": "1h"}));
    api.create(&PostParams::default(), &slow).await.unwrap();
    api.create(&PostParams::default(), &gpu_pod("pending", 9))
        .await
        .unwrap();
    wait(seconds(2)).await;
    let (code, _, message) = refusal(api.logs("slow", &tail(1)).await);
    assert_eq!(code, 400);
    assert!(
        message.ends_with("is waiting to start: ContainerCreating"),
        "{message}"
    );
    assert_eq!(api.logs("pending", &tail(1)).await.unwrap(), "");
    assert_eq!(refusal(api.logs("none", &tail(1)).await).0, 404);
    let other = LogParams {
        container: Some("other".into()),
        ..tail(1)
    };
    let (code, _, message) = refusal(api.logs("slow", &other).await);
    assert_eq!(
        (code, message.as_str()),
        (400, "container other is not valid for pod slow")
    );
}

/// What a program has written until its end, and its status.
async fn finish(mut process: AttachedProcess) -> (String, Status) {
    let status = process.take_status().unwrap();
    let mut text = String::new();
    let mut stdout = process.stdout().unwrap();
    stdout.read_to_string(&mut text).await.unwrap();
    (text, status.await.unwrap())
}

fn exit_code(status: &Status) -> Option<&str> {
    let causes = status.details.as_ref()?.causes.as_ref()?;
    let cause = causes
        .iter()
        .find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    cause?.message.as_deref()
}

#[tokio::test(start_paused = true)]
async fn a_program_says_what_it_sees_and_how_it_ended() {
    let cluster = cluster();
    let llm = named(&cluster, "default", "llm").await;
    let api = pods(&cluster, "default");
    let quiet = AttachParams::default().stderr(false);
    let exec = |command: &'static [&'static str]| api.exec(&llm, command.to_vec(), &quiet);
    let (text, status) = finish(exec(&["nvidia-smi", "-L"]).await.unwrap()).await;
    assert!(
        text.starts_with("GPU 0: NVIDIA GeForce RTX 3090 (UUID: GPU-"),
        "{text}"
    );
    assert_eq!(
        text.lines().count(),
        1,
        "only the card that the pod was given"
    );
    assert_eq!(status.status.as_deref(), Some("Success"));
    let (text, status) = finish(exec(&["sh", "-c", "echo hi; exit 3"]).await.unwrap()).await;
    assert_eq!((text.as_str(), exit_code(&status)), ("hi\n", Some("3")));
    let (_, status) = finish(exec(&["python3"]).await.unwrap()).await;
    let message = status.message.unwrap();
    assert!(
        message.contains("executable file not found in $PATH"),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_shell_on_a_terminal() {
    let cluster = cluster();
    let api = pods(&cluster, "lab");
    let terminal = AttachParams::interactive_tty();
    let mut process = api.exec("media", ["sh"], &terminal).await.unwrap();
    let mut sizes = process.terminal_size().unwrap();
    let mut stdin = process.stdin().unwrap();
    let size = TerminalSize {
        width: 132,
        height: 43,
    };
    futures::SinkExt::send(&mut sizes, size).await.unwrap();
    // Its own channel: what is typed may overtake it.
    wait(seconds(1)).await;
    stdin
        .write_all(b"stty size; nvidia-smi\rexit 4\r")
        .await
        .unwrap();
    let (text, status) = finish(process).await;
    assert!(text.contains("43 132\r\n"), "{text}");
    assert!(text.contains("NVIDIA-SMI (simulated)"), "{text}");
    // It sees all cards of its node, since it was told to.
    assert_eq!(text.matches("RTX 3090").count(), 2, "{text}");
    assert_eq!(exit_code(&status), Some("4"));
}

#[tokio::test(start_paused = true)]
async fn a_shell_ends_with_its_container_and_with_its_input() {
    let cluster = cluster();
    let api = pods(&cluster, "lab");
    let terminal = AttachParams::interactive_tty();
    let process = api.exec("media", ["sh"], &terminal).await.unwrap();
    api.delete("media", &DeleteParams::default()).await.unwrap();
    let (_, status) = finish(process).await;
    assert_eq!(exit_code(&status), Some("137"));

    let mut process = api.exec("notebook-0", ["sh"], &terminal).await.unwrap();
    process.stdin().unwrap().shutdown().await.unwrap();
    let (_, status) = finish(process).await;
    assert_eq!(status.status.as_deref(), Some("Success"));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_run_can_not_be_entered() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let mut tiny = pod_with("tiny", 0, &json!({}));
    tiny.spec.as_mut().unwrap().containers[0].image = Some("gcr.io/distroless/static".into());
    api.create(&PostParams::default(), &tiny).await.unwrap();
    let slow = pod_with("slow", 0, &json!({"sim/create-delay": "1h"}));
    api.create(&PostParams::default(), &slow).await.unwrap();
    wait(seconds(3)).await;
    let terminal = AttachParams::interactive_tty();
    for (name, expected) in [
        ("tiny", "exec: \"sh\": executable file not found"),
        ("slow", "container not found (\"main\")"),
    ] {
        let (_, status) = finish(api.exec(name, ["sh"], &terminal).await.unwrap()).await;
        let message = status.message.unwrap();
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(
        refusal(api.exec("none", ["sh"], &terminal).await.map(drop)).0,
        404
    );
    let viewer = cluster.client_as(Access::ReadOnly);
    let viewer: kube::Api<k8s_openapi::api::core::v1::Pod> = kube::Api::namespaced(viewer, "lab");
    let (code, _, message) = refusal(viewer.exec("media", ["sh"], &terminal).await.map(drop));
    assert_eq!(code, 403);
    assert!(
        message.contains("cannot create resource \"pods/exec\""),
        "{message}"
    );
    assert!(viewer.logs("media", &tail(1)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_the_api_server_a_log_breaks_off() {
    let cluster = cluster();
    let api = pods(&cluster, "lab");
    let follow = LogParams {
        follow: true,
        ..tail(1)
    };
    let mut lines = api.log_stream("media", &follow).await.unwrap().lines();
    lines.next().await.unwrap().unwrap();
    cluster.set_api_available(false);
    let mut last = Ok(String::new());
    while let Some(next) = lines.next().await {
        last = next;
    }
    assert!(last.is_err(), "cut off in the middle is not the end");
}
