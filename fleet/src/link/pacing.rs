//! Which daemons have a tunnel, and which are asked in turn. Pure: orders out, no I/O.
//!
//! With few daemons each has a stream of its own. With more than [`MAX_OPEN`], those that are on
//! the screen keep theirs, and the others are visited: opened, asked once, closed. The one that
//! is due first comes first, so that the visits make a round.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{Moment, NodeName};

/// Tunnels that may be open at a time. Each is a WebSocket through the API server, which holds a
/// connection to the node's kubelet for it: K3s servers are small machines, and a client must not
/// weigh on one with the size of the cluster.
pub const MAX_OPEN: usize = 40;

/// Of these, how many may be streams when not all daemons have one; the rest is for visits.
const STREAMS: usize = 32;

/// How often a daemon is visited that is not on the screen.
pub(super) const ROUND: Duration = Duration::from_secs(60);

/// How often one is visited that is on the screen, when the screen shows more than [`STREAMS`].
const FOCUS_ROUND: Duration = Duration::from_secs(10);

/// A daemon that does not answer is visited less often: at most 2 to this power times.
const RAREST: u32 = 2;

/// What is to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// End the stream; the node will be visited.
    Close(NodeName),
    /// Keep a stream.
    Stream(NodeName),
    /// Ask once.
    Visit(NodeName),
}

/// Where a daemon stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Waiting,
    Streaming,
    Visiting,
}

#[derive(Debug)]
struct Track {
    slot: Slot,
    /// When it is to be visited; `None`: it has not been tried yet.
    due: Option<Moment>,
    /// Visits in a row that came to nothing.
    failures: u32,
    /// Its place on the screen.
    rank: Option<usize>,
    /// When it was last on the screen, counted in changes of the focus; 0: never.
    last_focus: u64,
}

impl Track {
    const fn new() -> Self {
        Self {
            slot: Slot::Waiting,
            due: None,
            failures: 0,
            rank: None,
            last_focus: 0,
        }
    }

    fn period(&self) -> Duration {
        let round = if self.rank.is_some() {
            FOCUS_ROUND
        } else {
            ROUND
        };
        round * 2_u32.pow(self.failures.min(RAREST))
    }

    const fn is_tried(&self) -> bool {
        self.due.is_some() || matches!(self.slot, Slot::Streaming)
    }

    /// Whether it may be visited: one that answers in its turn, one that does not when it is due.
    fn may_be_visited(&self, now: Moment) -> bool {
        self.failures == 0 || self.due.is_none_or(|due| due <= now)
    }
}

/// Who is open, who waits, and who is next.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    tracks: BTreeMap<NodeName, Track>,
    focus_changes: u64,
    last_visit: Option<Moment>,
}

impl Pacing {
    /// A daemon that is new, or another one than before.
    pub(super) fn add(&mut self, node: NodeName) {
        let known = self.tracks.remove(&node);
        let mut track = Track::new();
        if let Some(known) = known {
            track.rank = known.rank;
            track.last_focus = known.last_focus;
        }
        self.tracks.insert(node, track);
    }

    /// A daemon that is gone.
    pub(super) fn remove(&mut self, node: &NodeName) {
        self.tracks.remove(node);
    }

    /// What is on the screen from now on.
    pub(super) fn focus(&mut self, focus: &[NodeName]) {
        self.focus_changes += 1;
        for track in self.tracks.values_mut() {
            track.rank = None;
        }
        // Backwards: of a node that is named twice, the first place counts.
        for (rank, node) in focus.iter().enumerate().rev() {
            if let Some(track) = self.tracks.get_mut(node) {
                track.rank = Some(rank);
                track.last_focus = self.focus_changes;
            }
        }
    }

    /// Whether the node is on the screen.
    pub(super) fn is_focused(&self, node: &NodeName) -> bool {
        self.tracks
            .get(node)
            .is_some_and(|track| track.rank.is_some())
    }

    /// A visit has ended; returns when the next one is due.
    pub(super) fn visited(&mut self, node: &NodeName, answered: bool, now: Moment) -> Moment {
        let Some(track) = self.tracks.get_mut(node) else {
            return Moment(now.0 + ROUND);
        };
        track.slot = Slot::Waiting;
        track.failures = if answered { 0 } else { track.failures + 1 };
        let due = Moment(now.0 + track.period());
        track.due = Some(due);
        due
    }

    /// What is to be done now. `is_known`: something has been heard of the node, so that a closed
    /// stream need not be followed by a visit soon.
    pub(super) fn step(&mut self, now: Moment, is_known: impl Fn(&NodeName) -> bool) -> Vec<Order> {
        let wanted = self.streams();
        let mut orders = Vec::new();
        for (node, track) in &mut self.tracks {
            if track.slot == Slot::Streaming && !wanted.contains(node) {
                track.slot = Slot::Waiting;
                track.failures = 0;
                let pause = if is_known(node) {
                    track.period()
                } else {
                    Duration::ZERO
                };
                track.due = Some(Moment(now.0 + pause));
                orders.push(Order::Close(node.clone()));
            }
        }
        let mut open = self.open();
        // Streams first: when visits have all the places, the next one that ends makes room.
        for node in wanted {
            if open == MAX_OPEN {
                break;
            }
            if let Some(track) = self.tracks.get_mut(&node)
                && track.slot == Slot::Waiting
            {
                track.slot = Slot::Streaming;
                open += 1;
                orders.push(Order::Stream(node));
            }
        }
        for _ in open..MAX_OPEN {
            let Some(node) = self.next_visit(now) else {
                break;
            };
            if let Some(track) = self.tracks.get_mut(&node) {
                track.slot = Slot::Visiting;
            }
            orders.push(Order::Visit(node));
        }
        orders
    }

    /// When [`Self::step`] has something to do again, if nothing else happens before.
    pub(super) fn wake(&self, now: Moment) -> Option<Moment> {
        let first = self
            .waiting()
            .filter_map(|(_, track)| {
                let due = track.due?;
                Some(if track.failures == 0 { now } else { due })
            })
            .min()?;
        // A visit that ends wakes, too.
        (self.open() < MAX_OPEN).then(|| first.max(self.next_start().unwrap_or(now)))
    }

    /// The daemons that are to have a stream, the most important first.
    fn streams(&self) -> Vec<NodeName> {
        if self.tracks.len() <= MAX_OPEN {
            return self.tracks.keys().cloned().collect();
        }
        // Places that the screen leaves free go to what it showed last, and only when each has
        // been asked once: until then they are used to get through.
        let all_tried = self.tracks.values().all(Track::is_tried);
        let mut wanted: Vec<(&NodeName, &Track)> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.rank.is_some() || track.slot == Slot::Streaming || all_tried)
            .collect();
        wanted.sort_by_key(|(_, track)| {
            (
                track.rank.unwrap_or(usize::MAX),
                Reverse(track.last_focus),
                track.slot != Slot::Streaming,
            )
        });
        wanted.truncate(STREAMS);
        wanted.into_iter().map(|(node, _)| node.clone()).collect()
    }

    /// The next daemon to visit, if one may be visited now.
    fn next_visit(&mut self, now: Moment) -> Option<NodeName> {
        let untried = self
            .waiting()
            .filter(|(_, track)| track.due.is_none())
            .min_by_key(|(_, track)| track.rank.unwrap_or(usize::MAX));
        if let Some((node, _)) = untried {
            let node = node.clone();
            self.last_visit = Some(now);
            return Some(node);
        }
        if self.next_start().is_some_and(|start| start > now) {
            return None;
        }
        let next = self
            .waiting()
            .filter(|(_, track)| track.may_be_visited(now))
            .min_by_key(|(_, track)| track.due)
            .map(|(node, _)| node.clone())?;
        self.last_visit = Some(now);
        Some(next)
    }

    /// When the next visit may begin: spread evenly, so that all visits together make their
    /// rounds. `None`: at once.
    fn next_start(&self) -> Option<Moment> {
        let visits_a_second: f64 = self
            .tracks
            .values()
            .filter(|track| track.slot != Slot::Streaming)
            .map(|track| track.period().as_secs_f64().recip())
            .sum();
        let last = self.last_visit?;
        (visits_a_second > 0.0)
            .then(|| Moment(last.0 + Duration::from_secs_f64(visits_a_second.recip())))
    }

    fn waiting(&self) -> impl Iterator<Item = (&NodeName, &Track)> {
        self.tracks
            .iter()
            .filter(|(_, track)| track.slot == Slot::Waiting)
    }

    fn open(&self) -> usize {
        let open = |track: &&Track| track.slot != Slot::Waiting;
        self.tracks.values().filter(open).count()
    }
}

#[cfg(test)]
mod tests;
