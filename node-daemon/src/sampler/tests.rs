//! The sampler under paused time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt as _;
use futures::future::{BoxFuture, pending};
use gputop_model::{Bytes, DeviceId, DriverState, EventKind, Health, Holder, Host};

use super::*;
use crate::machine::NoMachine;
use crate::pods::NoKubelet;
use crate::procs::{NoAttribution, ProcessFacts};
use crate::source::simulated::{Behaviour, SimulatedSource, Tenant, builtin_node, builtin_tenants};
use crate::source::{Metric, Round, Sample};

const INTERVAL: Duration = Duration::from_secs(1);

/// Counts how often it is asked.
struct Counting {
    inner: SimulatedSource,
    asked: AtomicU32,
}

impl Source for Counting {
    fn sample(&self, round: Round) -> BoxFuture<'_, Sample> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.sample(round)
    }
}

fn quiet_source() -> Arc<Counting> {
    let mut node = builtin_node("n".into());
    // One card without a tenant moves by its jitter of power only; none at all does not move.
    node.gpus.clear();
    Arc::new(Counting {
        inner: SimulatedSource::new(node, 1),
        asked: AtomicU32::new(0),
    })
}

fn start(
    source: Arc<dyn Source>,
    allocations: Arc<dyn Allocations>,
) -> (SamplerHandle, CancellationToken) {
    let cancel = CancellationToken::new();
    let options = Options { interval: INTERVAL };
    let handle = Sampler::start(
        "n".into(),
        Inputs {
            source,
            allocations,
            attribution: Arc::new(NoAttribution),
            machine: Arc::new(NoMachine),
        },
        options,
        cancel.clone(),
    );
    (handle, cancel)
}

#[tokio::test(start_paused = true)]
async fn snapshots_are_numbered_from_one_without_a_gap() {
    let source = SimulatedSource::new(builtin_node("n".into()), 1);
    source.set_tenants(builtin_tenants(&source.spec()));
    let (handle, _cancel) = start(Arc::new(source), Arc::new(NoKubelet));
    let mut snapshots = handle.subscribe();
    assert_eq!(snapshots.borrow().sequence, 0);
    for expected in 1..=5 {
        snapshots.changed().await.unwrap();
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        assert_eq!(snapshot.sequence, expected);
        assert_eq!(snapshot.devices.len(), 2);
        assert_eq!(snapshot.processes.len(), 3);
        assert_eq!(snapshot.daemon_version, crate::VERSION);
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_change_is_published_for_its_ages_only() {
    let (handle, _cancel) = start(quiet_source(), Arc::new(NoKubelet));
    let mut snapshots = handle.subscribe();
    tokio::time::sleep(INTERVAL * 19 + INTERVAL / 2).await;
    // Samples at 0…19 s, published at 0, 5, 10, 15 s.
    assert_eq!(snapshots.borrow_and_update().sequence, 4);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_published_at_once() {
    let source = quiet_source();
    let (handle, _cancel) = start(source.clone(), Arc::new(NoKubelet));
    let mut snapshots = handle.subscribe();
    tokio::time::sleep(INTERVAL / 2).await;
    source
        .inner
        .set_fault(Some(crate::source::simulated::Fault::NoDriver));
    tokio::time::sleep(INTERVAL).await;
    let snapshot = Arc::clone(&snapshots.borrow_and_update());
    assert_eq!(snapshot.sequence, 2);
    assert!(matches!(snapshot.driver, DriverState::NoDriver { .. }));
}

#[tokio::test(start_paused = true)]
async fn without_a_subscriber_it_slows_down_and_speeds_up_for_one() {
    let source = quiet_source();
    let (handle, _cancel) = start(source.clone(), Arc::new(NoKubelet));
    tokio::time::sleep(Duration::from_millis(20_500)).await;
    // At 0, 5, 10, 15 and 20 s.
    assert_eq!(source.asked.load(Ordering::Relaxed), 5);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let _snapshots = handle.subscribe();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(source.asked.load(Ordering::Relaxed), 6, "not asked at once");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(source.asked.load(Ordering::Relaxed), 9);
}

#[tokio::test(start_paused = true)]
async fn the_first_to_look_is_told_how_old_the_last_values_are() {
    let source = SimulatedSource::new(builtin_node("n".into()), 1);
    source.set_tenants(builtin_tenants(&source.spec()));
    let (handle, _cancel) = start(Arc::new(source), Arc::new(Told::nothing()));
    // Sampled at 0 and 5 s; nobody looks.
    tokio::time::sleep(Duration::from_millis(8_200)).await;
    let last = handle.latest();
    assert_eq!((last.sequence, last.uptime.as_secs()), (2, 5));
    let mut snapshots = handle.subscribe();
    // No time has passed, so that nothing can have been sampled.
    let told = Arc::clone(&snapshots.borrow_and_update());
    let age = Duration::from_millis(3_200);
    assert_eq!(told.sequence, 3);
    for (old, now) in last.devices.iter().zip(&told.devices) {
        assert_eq!(now.power, old.power.clone().aged(age));
        assert_eq!(now.power.age(), Some(age));
        assert_eq!(now.memory_total.known(), old.memory_total.known());
        assert_eq!(now.identity, old.identity, "a property does not age");
    }
    assert!(told.processes.iter().all(|p| p.sm.age() == Some(age)));
    assert_eq!(told.allocations.age(), Some(age));
    // Another one that comes at once hears the same.
    assert_eq!(handle.subscribe().borrow().sequence, 3);
    // Then what is measured for them.
    snapshots.changed().await.unwrap();
    let fresh = Arc::clone(&snapshots.borrow_and_update());
    assert_eq!(fresh.uptime, Duration::from_millis(8_200));
    assert!(fresh.devices.iter().all(|d| d.power.fresh().is_some()));
    // A second later they are still fresh, and nobody who comes then is told of ages.
    tokio::time::sleep(INTERVAL / 2).await;
    let late = handle.subscribe();
    assert!(late.borrow().devices[0].power.fresh().is_some());
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_sampling() {
    let source = quiet_source();
    let (handle, cancel) = start(source.clone(), Arc::new(NoKubelet));
    let _snapshots = handle.subscribe();
    tokio::time::sleep(INTERVAL / 2).await;
    cancel.cancel();
    tokio::time::sleep(INTERVAL * 10).await;
    assert_eq!(source.asked.load(Ordering::Relaxed), 1);
}

/// A kubelet that never answers.
struct Silent;

impl Allocations for Silent {
    fn list(&self) -> BoxFuture<'_, Reading<Vec<Allocation>>> {
        pending().boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_kubelet_fails_alone() {
    let source = SimulatedSource::new(builtin_node("n".into()), 1);
    let (handle, _cancel) = start(Arc::new(source), Arc::new(Silent));
    let mut snapshots = handle.subscribe();
    snapshots.changed().await.unwrap();
    let snapshot = Arc::clone(&snapshots.borrow_and_update());
    assert_eq!(snapshot.allocations, Reading::Failed(Failure::Timeout));
    assert!(
        snapshot
            .devices
            .iter()
            .all(|device| device.power.fresh().is_some())
    );
}

/// A kubelet that says what it is told to.
struct Told(Mutex<Reading<Vec<Allocation>>>);

impl Told {
    fn nothing() -> Self {
        Self(Mutex::new(Reading::Value(Vec::new())))
    }
}

impl Allocations for Told {
    fn list(&self) -> BoxFuture<'_, Reading<Vec<Allocation>>> {
        futures::future::ready(self.0.lock().unwrap().clone()).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn allocations_are_part_of_the_snapshot_and_their_age_alone_is_no_news() {
    let stale = |seconds| Reading::Stale {
        value: vec![Allocation {
            namespace: "default".to_owned(),
            pod: "train".to_owned(),
            container: "main".to_owned(),
            resource: "nvidia.com/gpu".to_owned(),
            device_id: DeviceId::new("GPU-1"),
        }],
        age: Duration::from_secs(seconds),
    };
    let told = Arc::new(Told(Mutex::new(stale(1))));
    let (handle, _cancel) = start(quiet_source(), told.clone());
    let mut snapshots = handle.subscribe();
    snapshots.changed().await.unwrap();
    assert_eq!(snapshots.borrow_and_update().allocations, stale(1));
    *told.0.lock().unwrap() = stale(2);
    tokio::time::sleep(INTERVAL * 2).await;
    assert!(!snapshots.has_changed().unwrap());
    *told.0.lock().unwrap() = Reading::Value(Vec::new());
    tokio::time::sleep(INTERVAL).await;
    assert_eq!(
        snapshots.borrow_and_update().allocations,
        Reading::Value(Vec::new())
    );
}

/// An operating system that knows every process as the same.
struct Everybody;

impl Attribution for Everybody {
    fn describe(&self, pid: u32) -> ProcessFacts {
        ProcessFacts {
            start_ticks: Some(u64::from(pid) + 7),
            name: Some("found".to_owned()),
            user: Reading::Value("ada".to_owned()),
            ..ProcessFacts::unknown()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn attribution_fills_in_what_the_source_does_not_say() {
    let source = SimulatedSource::new(builtin_node("n".into()), 1);
    let device = source.spec().gpu_uuid(0);
    source.set_tenants(vec![Tenant {
        pid: 3,
        start_ticks: None,
        name: String::new(),
        user: "simulated".to_owned(),
        kind: gputop_model::ProcessKind::Compute,
        device,
        holder: Holder::Unknown,
        behaviour: Behaviour::Training,
        memory: Bytes::from_gib(1),
        since: Duration::ZERO,
        age_before: Duration::ZERO,
        idle_before: Duration::ZERO,
    }]);
    let cancel = CancellationToken::new();
    let handle = Sampler::start(
        "n".into(),
        Inputs {
            source: Arc::new(source),
            allocations: Arc::new(NoKubelet),
            attribution: Arc::new(Everybody),
            machine: Arc::new(NoMachine),
        },
        Options::default(),
        cancel,
    );
    let mut snapshots = handle.subscribe();
    snapshots.changed().await.unwrap();
    let snapshot = Arc::clone(&snapshots.borrow_and_update());
    let [process] = snapshot.processes.as_slice() else {
        panic!("one process, not {:?}", snapshot.processes);
    };
    assert_eq!(process.start_ticks, Some(10));
    assert_eq!(process.name, "found");
    assert_eq!(process.user, Reading::Value("simulated".to_owned()));
}

/// How often both cards of the made-up node were asked, each for each metric.
fn calls(source: &SimulatedSource, metrics: [Metric; 5]) -> [u32; 5] {
    metrics.map(|metric| source.calls(metric) / 2)
}

#[tokio::test(start_paused = true)]
async fn what_is_dear_is_asked_seldom() {
    let source = Arc::new(SimulatedSource::new(builtin_node("n".into()), 1));
    let (handle, _cancel) = start(source.clone(), Arc::new(NoKubelet));
    let _snapshots = handle.subscribe();
    let metrics = [
        Metric::SmClock,
        Metric::Fan,
        Metric::Energy,
        Metric::Vbios,
        // Cards for desktops do not have it.
        Metric::VolatileCorrected,
    ];
    tokio::time::sleep(INTERVAL / 2).await;
    assert_eq!(calls(&source, metrics), [1, 1, 1, 1, 1], "all at first");
    // Samples at 0, 1 … 64 s.
    tokio::time::sleep(INTERVAL * 64).await;
    assert_eq!(calls(&source, metrics), [65, 13, 3, 1, 1]);
    // The inventory is due at 300 s, and with it what was not supported.
    tokio::time::sleep(INTERVAL * 240).await;
    assert_eq!(calls(&source, metrics), [305, 61, 11, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn without_a_subscriber_nothing_is_asked_more_often_than_every_five_seconds() {
    let source = Arc::new(SimulatedSource::new(builtin_node("n".into()), 1));
    let (_handle, _cancel) = start(source.clone(), Arc::new(NoKubelet));
    tokio::time::sleep(Duration::from_millis(60_500)).await;
    let metrics = [
        Metric::SmClock,
        Metric::Fan,
        Metric::Energy,
        Metric::Vbios,
        Metric::VolatileCorrected,
    ];
    assert_eq!(calls(&source, metrics), [13, 13, 3, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_the_driver_reports_is_part_of_the_snapshot() {
    let mut node = builtin_node("n".into());
    node.gpus[1].xids = vec![31, 63];
    let uuid = node.gpu_uuid(1);
    let (handle, _cancel) = start(Arc::new(SimulatedSource::new(node, 1)), Arc::new(NoKubelet));
    let mut snapshots = handle.subscribe();
    let told = |count| move |snapshot: &Arc<NodeSnapshot>| snapshot.events.len() == count;
    let first = Arc::clone(&*snapshots.wait_for(told(1)).await.unwrap());
    assert_eq!(first.events[0].kind, EventKind::Xid(31));
    assert_eq!(first.events[0].device, uuid);
    assert_eq!(first.devices[1].health, Reading::Value(Health::Ok));
    let second = Arc::clone(&*snapshots.wait_for(told(2)).await.unwrap());
    let ages: Vec<_> = second
        .events
        .iter()
        .map(|e| second.event_age(e).as_secs())
        .collect();
    assert_eq!(ages, [20, 0]);
    assert_eq!(second.uptime, Duration::from_secs(40));
    let level = |index: usize| second.devices[index].health.known().map(Health::name);
    assert_eq!([level(0), level(1)], [Some("ok"), Some("degraded")]);
}

/// A machine that is asked at the moment when somebody begins to look.
#[derive(Default)]
struct Looked {
    sampler: std::sync::OnceLock<SamplerHandle>,
    told: Mutex<Vec<u64>>,
}

impl Machine for Looked {
    fn read(&self, _now: Duration) -> Host {
        if let Some(sampler) = self.sampler.get() {
            let told = sampler.subscribe().borrow().sequence;
            self.told.lock().unwrap().push(told);
        }
        Host::default()
    }

    fn limitations(&self) -> Vec<Limitation> {
        Vec::new()
    }
}

#[tokio::test(start_paused = true)]
async fn no_number_is_given_twice_when_somebody_comes_during_a_sample() {
    let machine = Arc::new(Looked::default());
    let handle = Sampler::start(
        "n".into(),
        Inputs {
            source: Arc::new(SimulatedSource::new(builtin_node("n".into()), 1)),
            allocations: Arc::new(NoKubelet),
            attribution: Arc::new(NoAttribution),
            machine: machine.clone(),
        },
        Options { interval: INTERVAL },
        CancellationToken::new(),
    );
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(machine.sampler.set(handle.clone()).is_ok());
    // The sample at 5 s: whoever comes is told the values of 0 s, made older.
    tokio::time::sleep(Duration::from_millis(1_010)).await;
    assert_eq!(machine.told.lock().unwrap().first(), Some(&2));
    let latest = handle.latest();
    assert!(latest.sequence > 2, "{} twice", latest.sequence);
    assert!(latest.devices.iter().all(|d| d.power.fresh().is_some()));
}

/// A driver that answers twice and never again, not even by saying so.
struct Mute(Counting);

impl Source for Mute {
    fn sample(&self, round: Round) -> BoxFuture<'_, Sample> {
        if self.0.asked.load(Ordering::Relaxed) == 2 {
            return pending().boxed();
        }
        self.0.sample(round)
    }
}

#[tokio::test(start_paused = true)]
async fn a_sampler_without_a_sample_is_dead_after_a_while() {
    let counting = Arc::into_inner(quiet_source()).unwrap();
    let (mute, _cancel) = start(Arc::new(Mute(counting)), Arc::new(NoKubelet));
    let (other, cancel) = start(quiet_source(), Arc::new(NoKubelet));
    // The last sample is that of 5 s, and the next was due at 10 s.
    tokio::time::sleep(Duration::from_millis(39_900)).await;
    assert!(mute.is_alive() && other.is_alive());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!mute.is_alive() && other.is_alive());
    cancel.cancel();
    tokio::time::sleep(Duration::from_secs(36)).await;
    assert!(!other.is_alive());
}
