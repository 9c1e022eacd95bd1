//! Port-forwards to the daemons.

use gputop_model::{DriverState, Holder, NodeSnapshot, OutsideKind};
use gputop_proto::pb::telemetry_client::TelemetryClient;
use gputop_proto::pb::{GetRequest, WatchRequest};
use gputop_sim::{Fault, SimCluster};
use hyper_util::rt::TokioIo;
use kube::api::{ListParams, PostParams};
use tokio::io::{AsyncReadExt, DuplexStream};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{cluster, daemon_pod, gpu_pod, phases, pods, refusal, seconds, wait};

async fn tunnel(cluster: &SimCluster, node: &str) -> kube::api::Portforwarder {
    let name = daemon_pod(cluster, node).await;
    pods(cluster, "gputop-k3s")
        .portforward(&name, &[7475])
        .await
        .unwrap()
}

async fn channel(stream: DuplexStream) -> Channel {
    let mut stream = Some(TokioIo::new(stream));
    Endpoint::from_static("http://daemon.invalid")
        .connect_with_connector(tower::service_fn(move |_| {
            let stream = stream.take();
            async move { stream.ok_or_else(|| std::io::Error::other("used up")) }
        }))
        .await
        .unwrap()
}

async fn dial(cluster: &SimCluster, node: &str) -> Channel {
    let mut tunnel = tunnel(cluster, node).await;
    let stream = tunnel.take_stream(7475).unwrap();
    tokio::spawn(tunnel.join());
    channel(stream).await
}

async fn snapshot(cluster: &SimCluster, node: &str) -> NodeSnapshot {
    let mut client = TelemetryClient::new(dial(cluster, node).await);
    let answer = client.get(GetRequest {}).await.unwrap().into_inner();
    NodeSnapshot::try_from(answer).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_daemon_answers_through_a_port_forward() {
    let cluster = cluster();
    let channel = dial(&cluster, "gpu-a").await;
    let mut health = HealthClient::new(channel.clone());
    let service = "gputop.v1.Telemetry".to_owned();
    let status = health.check(HealthCheckRequest { service }).await.unwrap();
    assert_eq!(status.into_inner().status, 1);

    let mut frames = TelemetryClient::new(channel)
        .watch(WatchRequest::default())
        .await
        .unwrap()
        .into_inner();
    let first = frames.message().await.unwrap().unwrap();
    let second = frames.message().await.unwrap().unwrap();
    assert_eq!(second.sequence, first.sequence + 1);
}

#[tokio::test(start_paused = true)]
async fn processes_follow_the_pods() {
    let cluster = cluster();
    let seen = snapshot(&cluster, "gpu-a").await;
    assert!(matches!(seen.driver, DriverState::Ready { .. }));
    assert_eq!(seen.devices.len(), 2);
    let allocations = seen.allocations.known().unwrap();
    let [llm] = allocations.as_slice() else {
        panic!("one allocation, not {allocations:?}");
    };
    let pod = pods(&cluster, "default").get(&llm.pod).await.unwrap();
    let uid = pod.metadata.uid.unwrap();
    let server = seen.processes.iter().find(|process| {
        matches!(&process.holder, Holder::Pod { uid: Some(own), .. } if own.as_str() == uid)
    });
    assert_eq!(server.unwrap().device, llm.device_id.device());
    // The media server asked for nothing; the desktop is outside the cluster.
    let other = |process: &&gputop_model::GpuProcess| process.device != llm.device_id.device();
    assert_eq!(seen.processes.iter().filter(other).count(), 2);
    let desktop = |holder: &Holder| {
        matches!(
            holder,
            Holder::Outside {
                kind: OutsideKind::Desktop,
                ..
            }
        )
    };
    assert!(
        seen.processes
            .iter()
            .any(|process| desktop(&process.holder))
    );

    pods(&cluster, "default")
        .create(&PostParams::default(), &gpu_pod("extra", 1))
        .await
        .unwrap();
    wait(seconds(30)).await;
    let later = snapshot(&cluster, "gpu-a").await;
    let later = later.allocations.known().unwrap().len()
        + snapshot(&cluster, "gpu-b.lab")
            .await
            .allocations
            .known()
            .unwrap()
            .len();
    assert_eq!(later, 1 + 2 + 1 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_notebook_has_been_idle_since_before_the_start() {
    let cluster = cluster();
    let seen = snapshot(&cluster, "gpu-b.lab").await;
    let user = |process: &&gputop_model::GpuProcess| {
        process.user.known().is_some_and(|user| user == "jovyan")
    };
    // Two shares of one card are one process.
    assert_eq!(seen.processes.iter().filter(user).count(), 1);
    let notebook = seen.processes.iter().find(user).unwrap();
    assert!(notebook.idle_for.get().unwrap() >= seconds(5 * 3600));
}

#[tokio::test(start_paused = true)]
async fn a_stopped_daemon_is_refused_as_by_a_kubelet() {
    let cluster = cluster();
    let mut open = tunnel(&cluster, "gpu-a").await;
    let mut stream = open.take_stream(7475).unwrap();
    tokio::spawn(open.join());
    cluster.stop_daemon("gpu-a");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();

    let mut refused = tunnel(&cluster, "gpu-a").await;
    let error = refused.take_error(7475).unwrap();
    let mut stream = refused.take_stream(7475).unwrap();
    tokio::spawn(refused.join());
    let text = error.await.unwrap();
    assert!(text.contains("connect: connection refused"), "{text}");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());

    cluster.start_daemon("gpu-a");
    let seen = snapshot(&cluster, "gpu-a").await;
    assert_eq!(seen.sequence, 1, "a new process counts anew");
    assert_eq!(phases(&cluster, "gputop-k3s").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_running_pods_can_be_reached() {
    let cluster = cluster();
    let api = pods(&cluster, "default");
    let failure = refusal(api.portforward("none", &[7475]).await.map(drop));
    assert_eq!((failure.0, failure.1.as_str()), (404, "NotFound"));
    api.create(&PostParams::default(), &gpu_pod("pending", 9))
        .await
        .unwrap();
    wait(seconds(1)).await;
    let failure = refusal(api.portforward("pending", &[7475]).await.map(drop));
    assert_eq!(failure.0, 400);
    assert!(failure.2.contains("does not have a host assigned"));
    // Other pods have no such port.
    let running = phases(&cluster, "default").await;
    let name = &running
        .iter()
        .find(|(name, _)| name.starts_with("llm"))
        .unwrap()
        .0;
    let mut other = api.portforward(name, &[7475]).await.unwrap();
    let error = other.take_error(7475).unwrap().await.unwrap();
    assert!(error.contains("connection refused"));
}

#[tokio::test(start_paused = true)]
async fn without_the_api_server_every_connection_ends() {
    let cluster = cluster();
    let mut open = tunnel(&cluster, "gpu-a").await;
    let mut stream = open.take_stream(7475).unwrap();
    tokio::spawn(open.join());
    let client = cluster.client();
    client.apiserver_version().await.unwrap();
    cluster.set_api_available(false);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(client.apiserver_version().await.is_err());
    cluster.set_api_available(true);
    assert_eq!(client.apiserver_version().await.unwrap().minor, "36");
    snapshot(&cluster, "gpu-a").await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_card_is_unhealthy_everywhere() {
    let cluster = cluster();
    cluster.set_gpu_fault("gpu-a", Some(Fault::Lost(0)));
    wait(seconds(3)).await;
    let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(cluster.client());
    let status = nodes.get("gpu-a").await.unwrap().status.unwrap();
    assert_eq!(status.capacity.unwrap()["nvidia.com/gpu"].0, "2");
    assert_eq!(status.allocatable.unwrap()["nvidia.com/gpu"].0, "1");
    let list = pods(&cluster, "default")
        .list(&ListParams::default())
        .await
        .unwrap();
    let containers = list.items[0]
        .status
        .clone()
        .unwrap()
        .container_statuses
        .unwrap();
    let resources = containers[0].allocated_resources_status.clone().unwrap();
    let health = resources[0].resources.as_ref().unwrap()[0].health.clone();
    assert_eq!(health.as_deref(), Some("Unhealthy"));
}
