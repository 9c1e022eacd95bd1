//! The links against daemons of all sorts, in paused time.

mod fake;
mod past;

use std::sync::Arc;
use std::time::Duration;

use gputop_model::{Clock, NodeInfo, NodeName};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::supervise::Links;
use super::{Interest, MAX_OPEN, Mailboxes, Pace};
use crate::engine::moment;
use crate::state::{
    AgentReport, AgentStatus, Fleet as Store, LinkState, Listing, Settings, Update, join,
};
use crate::watch::{DaemonPod, Daemons};
use fake::{Answers, FakeDial, Fleet};

/// Running links to made-up daemons.
struct World {
    fleet: Arc<Fleet>,
    daemons: watch::Sender<Daemons>,
    interest: watch::Sender<Option<Interest>>,
    mailboxes: Arc<Mailboxes>,
    store: Store,
    epoch: Instant,
    _guard: DropGuard,
}

fn name(at: usize) -> String {
    format!("gpu-{at:03}")
}

fn pod(node: &str, uid: &str) -> DaemonPod {
    DaemonPod {
        namespace: "gputop-k3s".to_owned(),
        name: node.to_owned(),
        uid: uid.into(),
    }
}

impl World {
    fn start(count: usize) -> Self {
        let fleet = Arc::new(Fleet::default());
        let mailboxes = Arc::new(Mailboxes::default());
        let pods = (0..count).map(|at| (name(at).as_str().into(), pod(&name(at), "1")));
        let (daemons, followed) = watch::channel(pods.collect());
        let (interest, wanted) = watch::channel(None);
        let epoch = Instant::now();
        let cancel = CancellationToken::new();
        let links = Links {
            dial: Arc::new(FakeDial(fleet.clone())),
            mailboxes: mailboxes.clone(),
            epoch,
        };
        let stop = cancel.clone();
        tokio::spawn(async move { links.run(followed, wanted, &stop).await });
        Self {
            fleet,
            daemons,
            interest,
            mailboxes,
            store: Store::new(),
            epoch,
            _guard: cancel.drop_guard(),
        }
    }

    fn look_at(&self, nodes: std::ops::Range<usize>, pace: Pace) {
        let focus = nodes.map(|at| name(at).as_str().into()).collect();
        self.interest.send_replace(Some(Interest { focus, pace }));
    }

    /// Lets time go on, and takes all reports.
    async fn run(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            tokio::select! {
                mail = self.mailboxes.take(Instant::now()) => {
                    for (node, report) in mail.reports {
                        self.store.report(node, report);
                    }
                    for (node, past) in mail.past {
                        self.store.fill(&node, &past);
                    }
                }
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }

    fn report(&self, node: &str) -> Option<&AgentReport> {
        self.store.agents().get(&NodeName::from(node))
    }

    fn age(&self, node: &str) -> Option<Duration> {
        let last = self.report(node)?.last.as_ref()?;
        Some(moment(self.epoch).since(last.at))
    }

    fn why(&self, node: &str) -> String {
        match self.report(node).map(|report| &report.link) {
            Some(LinkState::Lost { why, .. }) => why.clone(),
            other => format!("{other:?}"),
        }
    }

    fn live(&self) -> usize {
        let live = |report: &&AgentReport| report.link == LinkState::Live;
        self.store.agents().values().filter(live).count()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_small_cluster_is_streamed_and_what_is_not_on_the_screen_calmly() {
    let mut world = World::start(23);
    world.run(3 * SECOND).await;
    assert_eq!(world.live(), 23);
    assert_eq!(world.fleet.asked(&name(20)), [Some(900)]);
    world.look_at(0..10, Pace::Live);
    world.run(60 * SECOND).await;
    // One stream each, and a second one for the calmer pace.
    assert_eq!(world.fleet.asked(&name(3)), [Some(900)]);
    assert_eq!(world.fleet.asked(&name(20)), [Some(900), Some(5_000)]);
    let before = (world.fleet.frames(&name(3)), world.fleet.frames(&name(20)));
    world.run(60 * SECOND).await;
    assert_eq!(world.fleet.frames(&name(3)) - before.0, 60);
    assert_eq!(world.fleet.frames(&name(20)) - before.1, 12);
    assert_eq!(world.live(), 23);
    // Whoever comes on the screen is asked at once.
    world.look_at(15..23, Pace::Live);
    world.run(SECOND / 2).await;
    assert_eq!(world.fleet.asked(&name(20)).last(), Some(&Some(900)));
    assert_eq!(world.fleet.open(), (23, 23));
}

#[tokio::test(start_paused = true)]
async fn scrolling_to_and_fro_opens_no_streams() {
    let mut world = World::start(30);
    world.look_at(0..10, Pace::Live);
    world.run(30 * SECOND).await;
    let asked = world.fleet.asked(&name(5)).len();
    for round in 0..10 {
        world.look_at(if round % 2 == 0 { 10..20 } else { 0..10 }, Pace::Live);
        world.run(SECOND).await;
    }
    assert_eq!(world.fleet.asked(&name(5)).len(), asked);
}

#[tokio::test(start_paused = true)]
async fn of_many_daemons_those_on_the_screen_are_streamed_and_the_others_visited() {
    let mut world = World::start(200);
    world.run(3 * SECOND).await;
    let heard = (0..200).filter(|at| world.age(&name(*at)).is_some());
    assert_eq!(heard.count(), 200, "the first round takes no minute");
    world.look_at(100..120, Pace::Live);
    world.run(120 * SECOND).await;
    for _ in 0..10 {
        world.run(17 * SECOND).await;
        for at in 0..200 {
            let age = world.age(&name(at)).unwrap();
            let (limit, streamed) = if (100..120).contains(&at) {
                (2 * SECOND, true)
            } else {
                (63 * SECOND, false)
            };
            assert!(age <= limit, "{} is {age:?} old", name(at));
            let link = &world.report(&name(at)).unwrap().link;
            assert!(
                !streamed || *link == LinkState::Live,
                "{}: {link:?}",
                name(at)
            );
            assert!(
                !matches!(link, LinkState::Lost { .. }),
                "{}: {link:?}",
                name(at)
            );
        }
    }
    assert_eq!(world.fleet.open().1, MAX_OPEN);
}

#[tokio::test(start_paused = true)]
async fn a_visit_that_panics_leaves_its_place_to_the_others() {
    let mut world = World::start(200);
    // The screen has its streams: these are visited.
    world.look_at(0..32, Pace::Live);
    for at in 100..160 {
        world.fleet.set(&name(at), Answers::Panic);
    }
    world.run(120 * SECOND).await;
    let unheard = |at: &usize| world.age(&name(*at)).is_none();
    let unheard: Vec<_> = (0..200).filter(unheard).collect();
    assert_eq!(unheard, (100..160).collect::<Vec<_>>());
    assert!(world.why(&name(100)).contains("in this program"));
    world.fleet.set(&name(100), Answers::Daemon);
    world.run(600 * SECOND).await;
    assert!(world.age(&name(100)).is_some(), "it is tried again");
}

#[tokio::test(start_paused = true)]
async fn a_visited_node_says_when_it_is_asked_again() {
    let mut world = World::start(100);
    world.look_at(0..5, Pace::Live);
    world.run(30 * SECOND).await;
    let visited = world.store.agents().values().filter_map(|report| {
        let LinkState::Visited { next } = report.link else {
            return None;
        };
        Some(next.since(report.last.as_ref()?.at))
    });
    let pauses: Vec<Duration> = visited.collect();
    assert!(pauses.len() >= 60, "{}", pauses.len());
    assert!(
        pauses.iter().all(|pause| *pause <= 60 * SECOND),
        "{pauses:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_visited_node_is_stale_only_when_it_misses_its_turn() {
    let mut world = World::start(100);
    let nodes = (0..100).map(|at| NodeInfo::unknown(name(at).as_str().into()));
    let listed = Update::Nodes(Listing::Whole(nodes.collect()));
    world.store.apply(listed);
    world.look_at(0..5, Pace::Live);
    world.run(150 * SECOND).await;
    let picture = |world: &World| {
        let clock = Clock {
            now: moment(world.epoch),
            wall: Timestamp::UNIX_EPOCH,
        };
        join(&world.store, clock, &Settings::default())
    };
    let rows = picture(&world).nodes;
    assert!(rows.iter().all(|row| !row.stale));
    let (oldest, visited) = rows
        .iter()
        .filter_map(|row| match row.agent {
            AgentStatus::Visited { age } => Some((age, row.info.name.clone())),
            _ => None,
        })
        .max()
        .unwrap();
    assert!(oldest > 30 * SECOND, "its age is said: {oldest:?}");
    assert_eq!(picture(&world).totals.agents_live, 100);
    // It does not answer in its turn.
    world.fleet.set(visited.as_str(), Answers::Silence);
    world.run(80 * SECOND).await;
    let rows = picture(&world).nodes;
    let row = rows.iter().find(|row| row.info.name == visited).unwrap();
    assert!(row.stale && matches!(row.agent, AgentStatus::Lost { .. }));
    assert_eq!(rows.iter().filter(|row| row.stale).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_answers_nonsense_is_named_and_disturbs_nobody() {
    let strange = [
        (Answers::Nobody, "nobody is there"),
        (Answers::Silence, "does not answer"),
        (
            Answers::Ssh,
            "no gputop-node; it says \"SSH-2.0-OpenSSH_9.6p1",
        ),
        (
            Answers::Web,
            "no gputop-node; it says \"HTTP/1.1 400 Bad Request",
        ),
        (Answers::OtherService, "has no telemetry"),
        (Answers::EmptyFrames, "unreadable telemetry: "),
        (Answers::Huge, "unreadable telemetry: a message is larger"),
    ];
    let mut world = World::start(20);
    for (at, (answers, _)) in strange.iter().enumerate() {
        world.fleet.set(&name(at), *answers);
    }
    world.run(60 * SECOND).await;
    for (at, (answers, words)) in strange.iter().enumerate() {
        let why = world.why(&name(at));
        assert!(why.contains(words), "{answers:?}: {why}");
    }
    assert_eq!(world.live(), 20 - strange.len());
    for at in strange.len()..20 {
        assert!(world.age(&name(at)).unwrap() <= 2 * SECOND);
    }
    // It is not tried all the time.
    world.fleet.set(&name(5), Answers::Daemon);
    world.run(12 * SECOND).await;
    assert_eq!(
        world.live(),
        20 - strange.len() + 1,
        "it is tried again by itself"
    );
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_frames_is_taken_at_the_links_own_pace() {
    let mut world = World::start(3);
    world.fleet.set(&name(0), Answers::Flood);
    world.run(10 * SECOND).await;
    let taken = world.mailboxes.link(&name(0).as_str().into());
    assert_eq!(taken, Some(LinkState::Live));
    let taken = |world: &World| {
        let last = world
            .report(&name(0))
            .and_then(|report| report.last.as_ref());
        last.map_or(0, |last| last.snapshot.sequence)
    };
    let before = taken(&world);
    world.run(10 * SECOND).await;
    // The rest waits at the daemon.
    let frames = taken(&world) - before;
    assert!((80..=120).contains(&frames), "{frames} frames in 10 s");
}

#[tokio::test(start_paused = true)]
async fn a_lost_daemon_keeps_its_beginning_and_its_last_words() {
    let mut world = World::start(2);
    world.run(3 * SECOND).await;
    world.fleet.set(&name(0), Answers::OneFrame);
    world.fleet.set(&name(1), Answers::OneFrame);
    world.daemons.send_modify(|daemons| {
        daemons.insert(name(0).as_str().into(), pod(&name(0), "2"));
    });
    world.run(SECOND).await;
    world.fleet.set(&name(0), Answers::Nobody);
    world.run(20 * SECOND).await;
    let Some(LinkState::Lost { since, .. }) = world.report(&name(0)).map(|r| r.link.clone()) else {
        panic!("{:?}", world.report(&name(0)));
    };
    assert!(moment(world.epoch).since(since) > 15 * SECOND);
    assert!(world.age(&name(0)) > Some(15 * SECOND));
    // Its neighbour never noticed.
    assert_eq!(world.report(&name(1)).unwrap().link, LinkState::Live);
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_daemon_is_gone_is_forgotten_after_a_while() {
    let mut world = World::start(3);
    world.run(3 * SECOND).await;
    let gone = |daemons: &mut Daemons| {
        daemons.remove(&NodeName::from(name(0).as_str()));
    };
    world.daemons.send_modify(gone);
    world.run(30 * SECOND).await;
    assert!(world.why(&name(0)).contains("does not run any more"));
    assert!(world.age(&name(0)).is_some(), "its last words are kept");
    // It comes back in time, as after an update.
    world.daemons.send_modify(|daemons| {
        daemons.insert(name(0).as_str().into(), pod(&name(0), "2"));
    });
    world.run(60 * SECOND).await;
    assert_eq!(world.report(&name(0)).unwrap().link, LinkState::Live);
    // And then it does not.
    world.daemons.send_modify(gone);
    world.run(61 * SECOND).await;
    assert_eq!(world.report(&name(0)), None);
    assert_eq!(world.mailboxes.link(&name(0).as_str().into()), None);
    assert_eq!(world.fleet.open().0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_grows_and_shrinks_over_the_limit() {
    let mut world = World::start(38);
    world.look_at(0..20, Pace::Live);
    world.run(10 * SECOND).await;
    assert_eq!(world.live(), 38);
    world.daemons.send_modify(|daemons| {
        for at in 38..60 {
            daemons.insert(name(at).as_str().into(), pod(&name(at), "1"));
        }
    });
    world.run(20 * SECOND).await;
    assert_eq!(world.store.agents().len(), 60);
    for at in 0..60 {
        assert!(world.age(&name(at)).is_some(), "{}", name(at));
    }
    world.daemons.send_modify(|daemons| {
        daemons.retain(|node, _| node.as_str() < "gpu-030");
    });
    world.run(70 * SECOND).await;
    assert_eq!(world.live(), 30);
    assert_eq!(world.store.agents().len(), 30);
    assert_eq!(world.fleet.open(), (30, MAX_OPEN));
}

#[tokio::test(start_paused = true)]
async fn everything_ends_with_its_cancellation() {
    let mut world = World::start(60);
    world.run(5 * SECOND).await;
    let fleet = world.fleet.clone();
    assert!(fleet.open().0 > 0);
    drop(world);
    sleep(SECOND).await;
    assert_eq!(fleet.open().0, 0);
}
