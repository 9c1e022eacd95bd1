//! The service end to end, over an in-memory connection.

use std::sync::Arc;

use gputop_model::{DriverState, Moment, NodeSnapshot, Percent, Reading};
use gputop_proto::pb::frame::Content;
use gputop_proto::pb::telemetry_client::TelemetryClient;
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};

use super::*;
use crate::machine::NoMachine;
use crate::pods::NoKubelet;
use crate::procs::NoAttribution;
use crate::sampler::{Inputs, Options, Sampler, SamplerHandle};
use crate::source::simulated::{SimulatedSource, builtin_node, builtin_tenants};

async fn connect(io: DuplexStream) -> Channel {
    let mut io = Some(TokioIo::new(io));
    Endpoint::from_static("http://node")
        .connect_with_connector(tower::service_fn(move |_| {
            let io = io.take();
            async move { io.ok_or_else(|| std::io::Error::other("connected twice")) }
        }))
        .await
        .unwrap()
}

/// A served connection: its client, the server's end and its cancellation.
async fn served(
    feed: impl Into<Feed>,
) -> (
    Channel,
    tokio::task::JoinHandle<Result<(), ServeError>>,
    CancellationToken,
) {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let cancel = CancellationToken::new();
    let task = tokio::spawn(serve_one(server, feed.into(), cancel.clone()));
    (connect(client).await, task, cancel)
}

fn snapshot(sequence: u64, busy: u8) -> Arc<NodeSnapshot> {
    let uuid = gputop_model::GpuUuid::new("GPU-1");
    let kind = gputop_model::DeviceKind::Gpu { mig_enabled: false };
    let mut device = gputop_model::Device::unmeasured(0, uuid, "Test".to_owned(), kind);
    device.utilization = Reading::Value(Percent(busy));
    Arc::new(NodeSnapshot {
        daemon_version: "0".to_owned(),
        sequence,
        driver: DriverState::NoGpu {
            version: "1".to_owned(),
        },
        devices: vec![device],
        ..NodeSnapshot::unsampled("n".into())
    })
}

/// The sampler of a made-up node with two cards.
fn sampler() -> SamplerHandle {
    sampler_until(CancellationToken::new())
}

/// The same until `cancel`.
fn sampler_until(cancel: CancellationToken) -> SamplerHandle {
    let source = SimulatedSource::new(builtin_node("n".into()), 9);
    source.set_tenants(builtin_tenants(&source.spec()));
    let inputs = Inputs {
        source: Arc::new(source),
        allocations: Arc::new(NoKubelet),
        attribution: Arc::new(NoAttribution),
        machine: Arc::new(NoMachine),
    };
    Sampler::start("n".into(), inputs, Options::default(), cancel)
}

/// Folds a frame into what the client has.
fn fold(known: Option<NodeSnapshot>, frame: pb::Frame) -> NodeSnapshot {
    let next = match (known, frame.content.unwrap()) {
        (None, Content::Full(full)) => full.try_into().unwrap(),
        (Some(known), Content::Delta(delta)) => {
            assert_eq!(frame.sequence, known.sequence + 1, "a gap");
            gputop_proto::apply(&known, frame.sequence, delta).unwrap()
        }
        (known, content) => panic!("{content:?} after {known:?}"),
    };
    assert_eq!(next.sequence, frame.sequence);
    next
}

#[tokio::test(start_paused = true)]
async fn a_watcher_ends_up_with_what_the_sampler_published() {
    let sampler = sampler();
    let mut published = sampler.subscribe();
    let (channel, _task, _cancel) = served(sampler.subscribe()).await;
    let mut client = TelemetryClient::new(channel);
    let mut frames = client
        .watch(pb::WatchRequest::default())
        .await
        .unwrap()
        .into_inner();
    let mut known = None;
    for _ in 0..20 {
        known = Some(fold(known, frames.message().await.unwrap().unwrap()));
    }
    let known = known.unwrap();
    // Nothing was skipped, so that the numbers are the sampler's own.
    published
        .wait_for(|snapshot| snapshot.sequence >= known.sequence)
        .await
        .unwrap();
    assert_eq!(known, **published.borrow());
}

#[tokio::test]
async fn a_slow_watcher_skips_snapshots_and_sees_no_gap() {
    let (publish, snapshots) = watch::channel(snapshot(7, 1));
    let (channel, _task, _cancel) = served(snapshots).await;
    let mut client = TelemetryClient::new(channel);
    let mut frames = client
        .watch(pb::WatchRequest::default())
        .await
        .unwrap()
        .into_inner();
    let known = fold(None, frames.message().await.unwrap().unwrap());
    assert_eq!(known.sequence, 7);
    // The server's task does not run before the next await, so that it sees the last one only.
    for busy in 2..=30u8 {
        publish.send_replace(snapshot(7 + u64::from(busy), busy));
    }
    let known = fold(Some(known), frames.message().await.unwrap().unwrap());
    assert_eq!(known.sequence, 8);
    assert_eq!(known.devices, snapshot(0, 30).devices);
}

#[tokio::test(start_paused = true)]
async fn a_client_gets_frames_no_faster_than_it_asked_for() {
    for (asked, pause) in [(None, 0), (Some(2_000), 2), (Some(3_600_000), 5)] {
        let (publish, snapshots) = watch::channel(snapshot(1, 0));
        let (channel, _task, _cancel) = served(snapshots).await;
        let request = pb::WatchRequest {
            min_interval_ms: asked,
            protocol: 0,
        };
        let mut client = TelemetryClient::new(channel);
        let mut frames = client.watch(request).await.unwrap().into_inner();
        let mut known = fold(None, frames.message().await.unwrap().unwrap());
        for busy in 1..=3 {
            let before = tokio::time::Instant::now();
            publish.send_replace(snapshot(1, busy));
            publish.send_replace(snapshot(1, busy + 50));
            known = fold(Some(known), frames.message().await.unwrap().unwrap());
            // What came in the pause is in the one frame after it.
            assert_eq!(known.devices, snapshot(0, busy + 50).devices);
            assert_eq!(before.elapsed().as_secs(), pause, "{asked:?}");
        }
    }
}

#[tokio::test]
async fn nothing_is_told_before_the_first_sample() {
    let (publish, snapshots) = watch::channel(snapshot(0, 0));
    let (channel, _task, _cancel) = served(snapshots).await;
    let mut client = TelemetryClient::new(channel);
    let answer = tokio::spawn(async move { client.get(pb::GetRequest {}).await });
    tokio::task::yield_now().await;
    assert!(!answer.is_finished());
    publish.send_replace(snapshot(1, 50));
    let answer = answer.await.unwrap().unwrap().into_inner();
    assert_eq!(NodeSnapshot::try_from(answer).unwrap(), *snapshot(1, 50));
}

#[tokio::test]
async fn cancelling_ends_streams_and_server() {
    let (_publish, snapshots) = watch::channel(snapshot(1, 1));
    let (channel, task, cancel) = served(snapshots).await;
    let mut client = TelemetryClient::new(channel);
    let mut frames = client
        .watch(pb::WatchRequest::default())
        .await
        .unwrap()
        .into_inner();
    frames.message().await.unwrap().unwrap();
    cancel.cancel();
    assert_eq!(frames.message().await.unwrap(), None);
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_closed_connection_ends_its_server_and_its_subscription() {
    let (publish, snapshots) = watch::channel(snapshot(1, 1));
    let (channel, task, _cancel) = served(snapshots).await;
    let mut client = TelemetryClient::new(channel);
    client.get(pb::GetRequest {}).await.unwrap();
    assert_ne!(publish.receiver_count(), 0);
    drop(client);
    task.await.unwrap().unwrap();
    assert_eq!(publish.receiver_count(), 0);
}

#[tokio::test]
async fn health_and_reflection_answer() {
    let (_publish, snapshots) = watch::channel(snapshot(1, 1));
    let (channel, _task, _cancel) = served(snapshots).await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    for service in ["", "gputop.v1.Telemetry"] {
        let service = service.to_owned();
        let request = tonic_health::pb::HealthCheckRequest { service };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), tonic_health::ServingStatus::Serving.into());
    }
    let mut reflection =
        tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient::new(channel);
    let request = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            tonic_reflection::pb::v1::server_reflection_request::MessageRequest::ListServices(
                String::new(),
            ),
        ),
    };
    let mut answers = reflection
        .server_reflection_info(stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("gputop.v1.Telemetry"), "{answer}");
}

/// Status of the daemon as it tells a probe.
async fn health(channel: &Channel) -> tonic_health::ServingStatus {
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let service = "gputop.v1.Telemetry".to_owned();
    let request = tonic_health::pb::HealthCheckRequest { service };
    let answer = client.check(request).await.unwrap().into_inner();
    if answer.status() == tonic_health::ServingStatus::Serving.into() {
        tonic_health::ServingStatus::Serving
    } else {
        tonic_health::ServingStatus::NotServing
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_nobody_who_looks() {
    let sampler = sampler();
    let (channel, task, _cancel) = served(sampler.feed()).await;
    assert_eq!(health(&channel).await, tonic_health::ServingStatus::Serving);
    assert_eq!(sampler.subscribers(), 0);
    let mut client = TelemetryClient::new(channel.clone());
    client.get(pb::GetRequest {}).await.unwrap();
    assert_ne!(sampler.subscribers(), 0);
    drop((client, channel));
    task.await.unwrap().unwrap();
    assert_eq!(sampler.subscribers(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_does_not_sample_does_not_serve() {
    let stop = CancellationToken::new();
    let sampler = sampler_until(stop.clone());
    let (open, _task, _cancel) = served(sampler.feed()).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(health(&open).await, tonic_health::ServingStatus::Serving);
    stop.cancel();
    tokio::time::sleep(Duration::from_secs(41)).await;
    let (new, _task, _cancel) = served(sampler.feed()).await;
    for channel in [open, new] {
        let said = health(&channel).await;
        assert_eq!(said, tonic_health::ServingStatus::NotServing);
    }
}

#[tokio::test(start_paused = true)]
async fn a_guest_is_told_the_health_and_nothing_else_and_not_for_long() {
    let sampler = sampler();
    let (client, server) = tokio::io::duplex(64 * 1024);
    let task = tokio::spawn(serve_guest(
        server,
        sampler.feed(),
        CancellationToken::new(),
    ));
    let channel = connect(client).await;
    assert_eq!(health(&channel).await, tonic_health::ServingStatus::Serving);
    let mut client = TelemetryClient::new(channel);
    let watched = client.watch(pb::WatchRequest::default()).await.map(drop);
    let asked = client.get(pb::GetRequest {}).await.map(drop);
    let past = client
        .history(pb::HistoryRequest::default())
        .await
        .map(drop);
    for refused in [watched, asked, past] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted, "{refused}");
    }
    assert_eq!(sampler.subscribers(), 0);
    let ended = tokio::time::timeout(Duration::from_secs(11), task).await;
    ended.expect("it is still there").unwrap().unwrap();
}

/// Times between the samples that a daemon told of its first device, in tenths of a second, the
/// first since the reply.
async fn steps(channel: &Channel, step: u32) -> Vec<u32> {
    let request = pb::HistoryRequest {
        step_ms: Some(step),
        ..pb::HistoryRequest::default()
    };
    let mut client = TelemetryClient::new(channel.clone());
    let reply = client.history(request).await.unwrap().into_inner();
    assert_eq!(reply.devices.len(), 2, "two cards");
    reply.devices[0].older_by_tenths.clone()
}

#[tokio::test(start_paused = true)]
async fn a_client_gets_the_past_of_the_time_when_nobody_looked() {
    let sampler = sampler();
    tokio::time::sleep(Duration::from_secs(122)).await;
    let _watching = sampler.subscribe();
    let (channel, _task, _cancel) = served(sampler.feed()).await;
    // At 0, 5 … 120 s, and at once when somebody comes.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let seconds = steps(&channel, 1_000).await;
    assert_eq!(seconds[..5], [5, 10, 10, 10, 20]);
    assert_eq!(seconds[5..], [50; 24]);
    let fives = steps(&channel, 5_000).await;
    assert_eq!((fives[0], &fives[1..]), (5, &[50; 25][..]));
}

#[tokio::test(start_paused = true)]
async fn the_past_can_be_asked_for_in_part() {
    let sampler = sampler();
    let _watching = sampler.subscribe();
    tokio::time::sleep(Duration::from_millis(60_500)).await;
    let (channel, _task, _cancel) = served(sampler.feed()).await;
    let mut client = TelemetryClient::new(channel);
    let uuid = sampler.latest().devices[1].uuid.clone();
    let request = pb::HistoryRequest {
        device_uuids: vec![uuid.to_string(), uuid.to_string(), "GPU-none".to_owned()],
        from_ms_ago: Some(20_000),
        to_ms_ago: Some(10_000),
        step_ms: None,
    };
    let reply = client.history(request).await.unwrap().into_inner();
    let now = Moment(Duration::from_secs(100));
    let past = gputop_proto::past_from_wire(reply, now, 300);
    let [past] = past.as_slice() else {
        panic!("one device, not {}", past.len());
    };
    assert_eq!(past.device, uuid);
    let times: Vec<_> = past.samples.iter().map(|s| s.at().0.as_millis()).collect();
    // Ages 19.5 to 10.5 s: ten samples.
    assert_eq!(
        times,
        (0..10).map(|s| 80_500 + 1_000 * s).collect::<Vec<_>>()
    );
    let known = past.samples.last().unwrap().sample();
    assert!(known.utilization.is_some() && known.power.is_some() && known.memory.is_some());
    let strange = pb::HistoryRequest {
        step_ms: Some(7),
        ..pb::HistoryRequest::default()
    };
    let refused = client.history(strange).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    assert!(refused.message().contains("1000 or 5000"), "{refused}");
}
