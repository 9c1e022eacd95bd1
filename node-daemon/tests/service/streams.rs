//! Many streams, and those whose other end does not read.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use gputop_model::NodeSnapshot;
use gputop_node::machine::NoMachine;
use gputop_node::pods::NoKubelet;
use gputop_node::procs::NoAttribution;
use gputop_node::sampler::{Inputs, Options, Sampler, SamplerHandle};
use gputop_node::service::serve_one;
use gputop_node::source::simulated::{SimulatedSource, builtin_node, builtin_tenants};
use gputop_node::source::{Round, Sample, Source};
use gputop_proto::pb;
use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::big::{Size, snapshot};
use crate::client::{Connection, Watcher};

const SECOND: Duration = Duration::from_secs(1);

const BUSY: Size = Size {
    gpus: 8,
    instances: 0,
    processes: 64,
};

/// A driver that takes its time.
struct Slow(SimulatedSource);

impl Source for Slow {
    fn sample(&self, round: Round) -> BoxFuture<'_, Sample> {
        let sample = async move {
            sleep(SECOND / 4).await;
            self.0.sample(round).await
        };
        sample.boxed()
    }
}

fn sampler() -> SamplerHandle {
    let source = SimulatedSource::new(builtin_node("n".into()), 9);
    source.set_tenants(builtin_tenants(&source.spec()));
    Sampler::start(
        "n".into(),
        Inputs {
            source: Arc::new(Slow(source)),
            allocations: Arc::new(NoKubelet),
            attribution: Arc::new(NoAttribution),
            machine: Arc::new(NoMachine),
        },
        Options::default(),
        CancellationToken::new(),
    )
}

#[tokio::test(start_paused = true)]
async fn fifty_streams_keep_the_pace_of_the_sampler() {
    let sampler = sampler();
    let mut open = Vec::new();
    for _ in 0..50 {
        let mut connection = Connection::open(sampler.subscribe()).await;
        let watcher = connection.watch(1).await;
        open.push((connection, watcher));
    }
    for second in 0..10 {
        for (_, watcher) in &mut open {
            assert_eq!(watcher.next().await.uptime, SECOND * second);
        }
    }
    // Ten samples in nine seconds: none was late because of so many.
    let latest = sampler.latest();
    assert_eq!((latest.sequence, latest.uptime), (10, SECOND * 9));
    for (_, watcher) in &open {
        assert_eq!(watcher.known.as_ref(), Some(&*latest));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_frame_comes_before_any_new_sample_and_says_how_old_it_is() {
    let sampler = sampler();
    sleep(SECOND * 8 + SECOND / 2).await;
    let mut connection = Connection::open(sampler.subscribe()).await;
    let mut watcher = connection.watch(1).await;
    let first = watcher.next().await;
    assert_eq!(first.uptime, SECOND * 8 + SECOND / 2, "no time has passed");
    // Sampled at five seconds.
    let age = Some(SECOND * 3 + SECOND / 2);
    assert!(first.devices.iter().all(|device| device.power.age() == age));
    // The sample that was begun for it, without a change of pace.
    let second = watcher.next().await;
    assert!(second.devices.iter().all(|d| d.power.fresh().is_some()));
    assert_eq!(second.uptime, SECOND * 8 + SECOND / 2);
}

/// Publishes snapshots and counts those that somebody still holds.
struct Publisher {
    publish: watch::Sender<Arc<NodeSnapshot>>,
    all: Vec<Weak<NodeSnapshot>>,
}

impl Publisher {
    fn new() -> Self {
        let first = Arc::new(snapshot(BUSY, 1));
        let all = vec![Arc::downgrade(&first)];
        let (publish, _) = watch::channel(first);
        Self { publish, all }
    }

    fn publish(&mut self, number: u64) {
        let next = Arc::new(snapshot(BUSY, number));
        self.all.push(Arc::downgrade(&next));
        self.publish.send_replace(next);
    }

    fn alive(&self) -> usize {
        let alive = self.all.iter().filter(|one| one.strong_count() > 0);
        alive.count()
    }
}

#[tokio::test(start_paused = true)]
async fn clients_that_do_not_read_cost_a_snapshot_each_and_hold_up_nobody() {
    const LAST: u64 = 400;
    let mut publisher = Publisher::new();
    let open = async |publisher: &Publisher| -> (Connection, Watcher) {
        let mut connection = Connection::open(publisher.publish.subscribe()).await;
        let mut watcher = connection.watch(1).await;
        watcher.next().await;
        (connection, watcher)
    };
    let (mut paused, mut half_open) = (Vec::new(), Vec::new());
    for _ in 0..25 {
        paused.push(open(&publisher).await);
        let (connection, watcher) = open(&publisher).await;
        connection.die();
        half_open.push((connection, watcher));
    }
    let (_connection, mut good) = open(&publisher).await;
    for number in 2..=LAST {
        publisher.publish(number);
        // Time stands still: nobody is waited for.
        assert_eq!(
            good.next().await.uptime,
            SECOND * u32::try_from(number).unwrap()
        );
    }
    let alive = publisher.alive();
    assert!(alive <= 51 + 1, "{alive} snapshots for 51 streams");

    // Those who were away skip what they have missed.
    for (_, watcher) in &mut paused {
        while watcher.next().await.uptime != SECOND * u32::try_from(LAST).unwrap() {}
        assert!(
            watcher.frames_read < LAST / 2,
            "{} frames",
            watcher.frames_read
        );
    }

    // Those who answer no ping are given up; the others are still served.
    sleep(SECOND * 36).await;
    for (connection, _) in &half_open {
        assert!(connection.served.is_finished());
    }
    publisher.publish(LAST + 1);
    good.next().await;
    for (connection, watcher) in &mut paused {
        assert!(!connection.served.is_finished());
        watcher.next().await;
    }
    let alive = publisher.alive();
    assert!(alive <= 26 + 1, "{alive} snapshots for 26 streams");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed() {
    let (publish, snapshots) = watch::channel(Arc::new(snapshot(BUSY, 1)));
    let (mut near, far) = tokio::io::duplex(64);
    let served = tokio::spawn(serve_one(far, snapshots, CancellationToken::new()));
    let mut said = Vec::new();
    let read = timeout(SECOND * 60, near.read_to_end(&mut said)).await;
    assert!(read.is_ok(), "it is still open");
    served.await.unwrap().unwrap();
    assert_eq!(publish.receiver_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_so_many_streams_and_no_more() {
    let (_publish, snapshots) = watch::channel(Arc::new(snapshot(BUSY, 1)));
    let mut connection = Connection::open(snapshots).await;
    let mut open = Vec::new();
    loop {
        let watch = timeout(SECOND, connection.watch(1)).await;
        let Ok(mut watcher) = watch else { break };
        watcher.next().await;
        open.push(watcher);
    }
    assert_eq!(open.len(), 16);
    // Room again.
    open.pop();
    let mut client = connection.client.clone();
    let answer = timeout(SECOND, client.get(pb::GetRequest {})).await;
    assert!(answer.is_ok());
}
