//! What daemons have measured before: asked for once, then only what is missing.

use gputop_model::Sample;

use super::fake::CARD;
use super::*;
use crate::state::history_time;

impl World {
    fn remembering(count: usize) -> Self {
        let world = Self::start(count);
        for at in 0..count {
            world.fleet.set(&name(at), Answers::Remembers);
        }
        world
    }

    /// Samples of a node's card, oldest first.
    fn samples(&self, at: usize) -> Vec<Sample> {
        let node = NodeName::from(name(at).as_str());
        let series = self.store.history(&node, &CARD.into());
        series
            .into_iter()
            .flat_map(gputop_model::Ring::samples)
            .collect()
    }

    /// The longest time between two samples of the last five minutes, and since the oldest one.
    fn gap_and_reach(&self, at: usize) -> (Duration, Duration) {
        let samples = self.samples(at);
        let gaps = samples.windows(2).map(|pair| pair[1].at.since(pair[0].at));
        let oldest = samples.first().map(|sample| sample.at).unwrap();
        let now = history_time(moment(self.epoch));
        (gaps.max().unwrap_or_default(), now.since(oldest))
    }
}

#[tokio::test(start_paused = true)]
async fn graphs_are_full_when_a_client_comes_and_the_past_is_asked_for_once() {
    let mut world = World::remembering(5);
    world.run(3 * SECOND).await;
    assert!(
        world.fleet.past(&name(0)).is_empty(),
        "nobody looks at graphs"
    );
    world.look_at(0..2, Pace::Live);
    world.run(2 * SECOND).await;
    // Also of those that are not on the screen: somebody may scroll there.
    for at in 0..5 {
        let asked = world.fleet.past(&name(at));
        let [seconds] = asked.as_slice() else {
            panic!("{}: {asked:?}", name(at));
        };
        assert!((300..=306).contains(seconds), "{seconds}");
        let (gap, reach) = world.gap_and_reach(at);
        assert!(gap <= 2 * SECOND, "{gap:?}");
        assert!(reach >= 295 * SECOND, "{reach:?}");
        // What was heard itself is not replaced.
        let newest = world.samples(at).last().copied().unwrap();
        assert_eq!(newest.utilization, Some(99));
    }
    let other = world
        .store
        .history(&name(0).as_str().into(), &"GPU-other".into());
    assert_eq!(other, None);
    world.run(600 * SECOND).await;
    assert_eq!(world.fleet.past(&name(0)).len(), 1);
    assert_eq!(world.samples(0).len(), 300);
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_link_only_the_gap_is_asked_for() {
    let mut world = World::remembering(2);
    world.look_at(0..2, Pace::Live);
    world.run(20 * SECOND).await;
    world.fleet.set(&name(0), Answers::Nobody);
    world.daemons.send_modify(|daemons| {
        daemons.insert(name(0).as_str().into(), pod(&name(0), "2"));
    });
    world.run(60 * SECOND).await;
    assert!(matches!(
        world.report(&name(0)).unwrap().link,
        LinkState::Lost { .. }
    ));
    world.fleet.set(&name(0), Answers::Remembers);
    world.run(20 * SECOND).await;
    let asked = world.fleet.past(&name(0));
    assert_eq!(asked.len(), 2);
    assert!((60..=80).contains(&asked[1]), "{asked:?}");
    assert!(world.gap_and_reach(0).0 <= 2 * SECOND);
    assert_eq!(world.fleet.past(&name(1)).len(), 1);
    // A link that is back at once has missed nothing.
    world.daemons.send_modify(|daemons| {
        daemons.insert(name(0).as_str().into(), pod(&name(0), "3"));
    });
    world.run(20 * SECOND).await;
    assert_eq!(world.fleet.past(&name(0)).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_can_not_tell_is_not_asked_and_one_that_does_not_costs_nothing() {
    let mut world = World::start(2);
    world.fleet.set(&name(1), Answers::Forgets);
    world.look_at(0..2, Pace::Live);
    world.run(120 * SECOND).await;
    assert!(world.fleet.past(&name(0)).is_empty());
    assert_eq!(world.fleet.past(&name(1)).len(), 1, "once on a link");
    assert_eq!(world.live(), 2);
    assert!(world.samples(1).len() > 100);
}

#[tokio::test(start_paused = true)]
async fn visits_bring_what_was_measured_between_them() {
    let mut world = World::remembering(100);
    world.fleet.set(&name(60), Answers::Forgets);
    world.look_at(0..5, Pace::Live);
    world.run(400 * SECOND).await;
    for at in 0..100 {
        let asked = world.fleet.past(&name(at));
        if at == 60 {
            assert!(asked.len() > 3, "a visit that hangs is followed by others");
            continue;
        }
        assert!(asked[0] >= 300, "{}: {asked:?}", name(at));
        assert!(
            asked[1..].iter().all(|seconds| *seconds <= 70),
            "{}: {asked:?}",
            name(at)
        );
        // One a minute.
        assert!(asked.len() <= 400 / 55 + 2, "{}: {asked:?}", name(at));
        let (gap, reach) = world.gap_and_reach(at);
        // Some have a stream at the calm pace, and are asked for nothing between its frames.
        assert!(gap <= 6 * SECOND, "{}: {gap:?}", name(at));
        assert!(reach >= 290 * SECOND, "{}: {reach:?}", name(at));
    }
    assert_eq!(world.fleet.open().1, MAX_OPEN);
    let lost = |report: &&AgentReport| matches!(report.link, LinkState::Lost { .. });
    assert_eq!(world.store.agents().values().filter(lost).count(), 0);
}
