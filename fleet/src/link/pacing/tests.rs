//! Hours of pacing in virtual time.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn name(at: usize) -> NodeName {
    format!("gpu-{at:03}").as_str().into()
}

fn names(range: std::ops::Range<usize>) -> Vec<NodeName> {
    range.map(name).collect()
}

/// A link layer that obeys the orders; visits last as long as they are told to.
struct World {
    pacing: Pacing,
    now: Moment,
    streaming: BTreeSet<NodeName>,
    visiting: Vec<(NodeName, Moment)>,
    heard: BTreeMap<NodeName, Moment>,
    most_open: usize,
    /// Visits that were begun, of whom and when.
    visits: Vec<(NodeName, Moment)>,
}

impl World {
    fn new(daemons: usize) -> Self {
        let mut pacing = Pacing::default();
        for node in names(0..daemons) {
            pacing.add(node);
        }
        Self {
            pacing,
            now: Moment(Duration::from_secs(100)),
            streaming: BTreeSet::new(),
            visiting: Vec::new(),
            heard: BTreeMap::new(),
            most_open: 0,
            visits: Vec::new(),
        }
    }

    fn step(&mut self, lasts: &mut impl FnMut(&NodeName) -> Duration) {
        let heard = &self.heard;
        let orders = self.pacing.step(self.now, |node| heard.contains_key(node));
        for order in orders {
            match order {
                Order::Close(node) => assert!(self.streaming.remove(&node), "{node} had no stream"),
                Order::Stream(node) => {
                    self.heard.insert(node.clone(), self.now);
                    assert!(self.streaming.insert(node), "two streams");
                }
                Order::Visit(node) => {
                    assert!(!self.streaming.contains(&node), "{node} has a stream");
                    assert!(self.visiting.iter().all(|(other, _)| *other != node));
                    self.visits.push((node.clone(), self.now));
                    let ends = Moment(self.now.0 + lasts(&node));
                    self.visiting.push((node, ends));
                }
            }
            let open = self.streaming.len() + self.visiting.len();
            self.most_open = self.most_open.max(open);
        }
    }

    /// Lets time go on; `lasts` says how long a visit takes, `answers` what comes of it.
    fn run(
        &mut self,
        time: Duration,
        mut lasts: impl FnMut(&NodeName) -> Duration,
        mut answers: impl FnMut(&NodeName) -> bool,
    ) {
        let end = Moment(self.now.0 + time);
        loop {
            self.step(&mut lasts);
            let over = self.visiting.iter().map(|(_, ends)| *ends).min();
            let wake = self.pacing.wake(self.now);
            let next = [over, wake].into_iter().flatten().min().unwrap_or(end);
            if next >= end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            let (over, going): (Vec<_>, Vec<_>) = std::mem::take(&mut self.visiting)
                .into_iter()
                .partition(|(_, ends)| *ends <= self.now);
            self.visiting = going;
            for (node, _) in over {
                let answered = answers(&node);
                self.pacing.visited(&node, answered, self.now);
                if answered {
                    self.heard.insert(node, self.now);
                }
            }
        }
    }

    fn oldest(&self) -> Duration {
        let ages = self.pacing.tracks.keys().map(|node| {
            if self.streaming.contains(node) {
                Duration::ZERO
            } else {
                self.heard
                    .get(node)
                    .map_or(Duration::MAX, |at| self.now.since(*at))
            }
        });
        ages.max().unwrap_or_default()
    }
}

const QUICK: Duration = Duration::from_millis(100);

#[test]
fn up_to_the_limit_each_daemon_has_a_stream() {
    let mut world = World::new(MAX_OPEN);
    world.run(Duration::from_secs(300), |_| QUICK, |_| true);
    assert_eq!(world.streaming.len(), MAX_OPEN);
    assert!(world.visits.is_empty());
    assert_eq!(world.pacing.wake(world.now), None);
}

#[test]
fn the_first_round_takes_all_places_and_no_pauses() {
    let mut world = World::new(200);
    world.run(Duration::from_millis(450), |_| QUICK, |_| true);
    // Five times forty.
    assert_eq!(world.visits.len(), 200);
    assert_eq!(world.most_open, MAX_OPEN);
}

#[test]
fn what_is_on_the_screen_is_streamed_and_the_rest_comes_in_turn() {
    let mut world = World::new(200);
    world.run(Duration::from_secs(5), |_| QUICK, |_| true);
    world.pacing.focus(&names(100..120));
    for _ in 0..60 {
        world.run(Duration::from_secs(10), |_| QUICK, |_| true);
        assert!(
            names(100..120)
                .iter()
                .all(|node| world.streaming.contains(node))
        );
        assert_eq!(world.streaming.len(), STREAMS, "no place is left unused");
        assert!(
            world.oldest() <= Duration::from_secs(62),
            "{:?}",
            world.oldest()
        );
    }
    // No more visits than the rounds need: 168 daemons a minute, after the first round.
    let after = world.visits.iter().skip(200).count();
    assert!((1_600..=1_700).contains(&after), "{after} in 600 s");
}

#[test]
fn scrolling_moves_the_streams_and_keeps_what_was_seen_last() {
    let mut world = World::new(200);
    world.run(Duration::from_secs(5), |_| QUICK, |_| true);
    for first in (0..180).step_by(20) {
        world.pacing.focus(&names(first..first + 20));
        world.run(Duration::from_secs(2), |_| QUICK, |_| true);
    }
    let streaming = |range: std::ops::Range<usize>| {
        names(range)
            .iter()
            .filter(|node| world.streaming.contains(*node))
            .count()
    };
    assert_eq!(streaming(160..180), 20, "on the screen");
    assert_eq!(streaming(140..160), 12, "a moment ago");
    assert_eq!(world.streaming.len(), STREAMS);
}

#[test]
fn a_screen_with_more_nodes_than_streams_visits_the_others_often() {
    let mut world = World::new(300);
    world.pacing.focus(&names(0..50));
    world.run(Duration::from_secs(120), |_| QUICK, |_| true);
    for node in names(0..32) {
        assert!(world.streaming.contains(&node), "{node} comes first");
    }
    let late = names(32..50)
        .iter()
        .map(|node| world.now.since(world.heard[node]))
        .max();
    assert!(late <= Some(Duration::from_secs(12)), "{late:?}");
    assert!(
        world.oldest() <= Duration::from_secs(70),
        "{:?}",
        world.oldest()
    );
}

#[test]
fn daemons_that_do_not_answer_do_not_hold_up_the_others() {
    let mut world = World::new(200);
    let dead = |node: &NodeName| node.as_str() < "gpu-060";
    let lasts = |node: &NodeName| {
        if dead(node) {
            Duration::from_secs(10)
        } else {
            QUICK
        }
    };
    world.run(Duration::from_secs(600), lasts, |node| !dead(node));
    let late = names(60..200)
        .iter()
        .filter(|node| !world.streaming.contains(*node))
        .map(|node| world.now.since(world.heard[node]))
        .max();
    assert!(late <= Some(Duration::from_secs(75)), "{late:?}");
    let tries = world
        .visits
        .iter()
        .filter(|(node, _)| dead(node) && !world.streaming.contains(node));
    assert!(tries.count() <= 60 * 5, "they are tried less often");
}

#[test]
fn another_pod_is_asked_at_once_and_a_gone_one_never_again() {
    let mut world = World::new(100);
    world.pacing.focus(&names(0..5));
    world.run(Duration::from_secs(90), |_| QUICK, |_| true);
    let visited = names(0..100)
        .into_iter()
        .find(|node| !world.streaming.contains(node))
        .unwrap();
    world.visits.clear();
    world.pacing.add(visited.clone());
    world.run(Duration::from_millis(1), |_| QUICK, |_| true);
    assert_eq!(world.visits.first().map(|(node, _)| node), Some(&visited));
    world.run(Duration::from_secs(1), |_| QUICK, |_| true);

    world.visits.clear();
    world.pacing.remove(&visited);
    world.run(Duration::from_secs(130), |_| QUICK, |_| true);
    assert!(world.visits.iter().all(|(node, _)| *node != visited));
    assert!(world.visits.len() > 67);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn never_too_many_open_and_everyone_has_its_turn(
        daemons in 1_usize..260,
        lasts in prop::collection::vec(1_u64..1_500, 1..40),
        focus in prop::collection::vec((0_usize..260, 0_usize..60, 1_u64..40), 0..12),
    ) {
        let mut world = World::new(daemons);
        let mut at = 0;
        let mut lasting = |_: &NodeName| {
            at += 1;
            Duration::from_millis(lasts[at % lasts.len()])
        };
        for (first, count, seconds) in focus {
            let shown = names(first..first + count);
            world.pacing.focus(&shown);
            world.run(Duration::from_secs(seconds), &mut lasting, |_| true);
            let places = if daemons <= MAX_OPEN { MAX_OPEN } else { STREAMS };
            if world.pacing.tracks.values().all(Track::is_tried) {
                for node in shown.iter().filter(|n| world.pacing.tracks.contains_key(*n)).take(places) {
                    prop_assert!(
                        world.streaming.contains(node)
                            || world.visiting.iter().any(|(visited, _)| visited == node),
                        "{node} is on the screen"
                    );
                }
            }
            prop_assert!(world.most_open <= MAX_OPEN);
        }
        world.pacing.focus(&names(0..10));
        world.run(Duration::from_secs(200), &mut lasting, |_| true);
        prop_assert!(world.most_open <= MAX_OPEN);
        // 228 visits of at most 1.5 s in eight places: 43 s.
        prop_assert!(world.oldest() <= Duration::from_secs(65), "{:?}", world.oldest());
    }
}
