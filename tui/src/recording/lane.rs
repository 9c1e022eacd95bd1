//! The way from the screen to the writer, which never waits: what does not fit is left out, and
//! made good by a keyframe as soon as there is room again.

use std::collections::BTreeSet;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use gputop_fleet::engine::Event;
use gputop_fleet::state::{Fleet, LinkState};
use gputop_model::{Clock, Moment, NodeName};

use super::format::{Keyframe, gone};
use super::writer::Message;

/// Messages that may wait for the disk.
pub(super) const ROOM: usize = 1024;

/// Longest time between two keyframes; seeking begins at one.
const KEYFRAMES: Duration = Duration::from_secs(60);

/// The writer has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Closed;

/// The screen's end of the way.
#[derive(Debug)]
pub(super) struct Lane {
    sender: SyncSender<Message>,
    /// All that was heard, for keyframes.
    known: Fleet,
    last_keyframe: Option<Moment>,
    /// Something could not be sent since the last message.
    gap: bool,
    /// Nodes whose daemon has gone in the meantime.
    gone: BTreeSet<NodeName>,
    dropped: u64,
}

impl Lane {
    pub(super) const fn new(sender: SyncSender<Message>, empty: Fleet) -> Self {
        Self {
            sender,
            known: empty,
            last_keyframe: None,
            gap: false,
            gone: BTreeSet::new(),
            dropped: 0,
        }
    }

    /// Daemons' reports that were left out.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Hands an event to the writer, or leaves it out.
    pub(super) fn hear(&mut self, event: &Event, clock: Clock) -> Result<(), Closed> {
        if matches!(event, Event::Answer(..)) {
            return Ok(());
        }
        if !self.gap {
            let due = |last: Moment| clock.now.since(last) >= KEYFRAMES;
            if self.last_keyframe.is_none_or(due) {
                self.keyframe(clock)?;
            }
        }
        let _answer = event.clone().apply(&mut self.known);
        let sent = if self.gap {
            self.keyframe(clock)?
        } else {
            self.send(Message::Event(millis(clock.now), event.clone()))?
        };
        if !sent {
            self.leave_out(event);
        }
        Ok(())
    }

    /// Ends the recording; whether there was room to say so.
    pub(super) fn end(&mut self, clock: Clock) -> Result<bool, Closed> {
        self.send(Message::End(millis(clock.now), self.dropped))
    }

    fn keyframe(&mut self, clock: Clock) -> Result<bool, Closed> {
        let at_ms = millis(clock.now);
        let rounded = Duration::from_millis(at_ms).saturating_sub(clock.now.0);
        let wall = clock.wall.checked_add(rounded).unwrap_or(clock.wall);
        let mut keyframe = Keyframe::of(&self.known, wall, self.dropped);
        keyframe.gap = self.gap;
        let gone = self.gone.iter().map(|node| (node.clone(), gone()));
        keyframe.reports.splice(0..0, gone);
        let message = Message::Keyframe(at_ms, Box::new(keyframe));
        let sent = self.send(message)?;
        if sent {
            self.last_keyframe = Some(clock.now);
            self.gap = false;
            self.gone.clear();
        }
        Ok(sent)
    }

    fn leave_out(&mut self, event: &Event) {
        let Event::Reports(reports) = event else {
            return;
        };
        self.dropped += reports.len() as u64;
        for (node, report) in reports {
            if report.link == LinkState::Gone {
                self.gone.insert(node.clone());
            }
        }
    }

    /// Whether there was room; if not, there is a gap.
    fn send(&mut self, message: Message) -> Result<bool, Closed> {
        match self.sender.try_send(message) {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(_)) => {
                self.gap = true;
                Ok(false)
            }
            Err(TrySendError::Disconnected(_)) => Err(Closed),
        }
    }
}

/// In milliseconds, rounded up: nothing is recorded before it was known.
fn millis(moment: Moment) -> u64 {
    u64::try_from(moment.0.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, sync_channel};

    use gputop_fleet::state::{AgentReport, Listing, Update};
    use gputop_model::NodeInfo;
    use jiff::Timestamp;

    use super::*;

    fn at(seconds: u64) -> Clock {
        Clock {
            now: Moment(Duration::from_secs(seconds)),
            wall: Timestamp::UNIX_EPOCH,
        }
    }

    fn lane(room: usize) -> (Lane, Receiver<Message>) {
        let (sender, receiver) = sync_channel(room);
        (Lane::new(sender, Fleet::new()), receiver)
    }

    fn node(name: &str) -> Event {
        let info = Box::new(NodeInfo::unknown(name.into()));
        Event::Update(Update::Nodes(Listing::Changed(info)))
    }

    fn report(node: &str, link: LinkState) -> Event {
        let report = AgentReport { link, last: None };
        Event::Reports(vec![(node.into(), report)])
    }

    #[test]
    fn a_keyframe_comes_first_and_once_a_minute() {
        let (mut lane, sent) = lane(16);
        for second in [0, 30, 59, 61, 100] {
            lane.hear(&node("a"), at(second)).unwrap();
        }
        let kinds: Vec<_> = sent
            .try_iter()
            .map(|message| match message {
                Message::Keyframe(at, keyframe) => (at, Some(keyframe.nodes.len())),
                Message::Event(at, _) | Message::End(at, _) => (at, None),
            })
            .collect();
        assert_eq!(
            kinds,
            [
                (0, Some(0)),
                (0, None),
                (30_000, None),
                (59_000, None),
                (61_000, Some(1)),
                (61_000, None),
                (100_000, None)
            ]
        );
    }

    #[test]
    fn a_gap_is_counted_and_made_good() {
        let (mut lane, sent) = lane(2);
        lane.hear(&report("a", LinkState::Live), at(0)).unwrap();
        // The keyframe and the report fill the room.
        lane.hear(&node("b"), at(1)).unwrap();
        lane.hear(&report("a", LinkState::Gone), at(2)).unwrap();
        lane.hear(&report("b", LinkState::Live), at(3)).unwrap();
        assert_eq!(lane.dropped(), 2);
        assert_eq!(sent.try_iter().count(), 2);
        lane.hear(&report("c", LinkState::Live), at(4)).unwrap();
        let Some(Message::Keyframe(4000, keyframe)) = sent.try_iter().next() else {
            panic!("no keyframe after the gap");
        };
        assert!(keyframe.gap);
        assert_eq!(keyframe.dropped, 2);
        assert_eq!(keyframe.nodes[0].name, "b".into());
        let links: Vec<_> = keyframe
            .reports
            .iter()
            .map(|(node, report)| (node.as_str(), &report.link))
            .collect();
        assert_eq!(
            links,
            [
                ("a", &LinkState::Gone),
                ("b", &LinkState::Live),
                ("c", &LinkState::Live)
            ]
        );
        // Then it goes on as before.
        lane.hear(&node("d"), at(5)).unwrap();
        assert!(matches!(sent.try_recv(), Ok(Message::Event(5000, _))));
    }

    #[test]
    fn a_writer_that_has_ended_is_noticed() {
        let (mut lane, sent) = lane(2);
        drop(sent);
        assert_eq!(lane.hear(&node("a"), at(0)), Err(Closed));
    }

    #[test]
    fn times_are_rounded_up() {
        assert_eq!(millis(Moment(Duration::from_micros(1500))), 2);
        assert_eq!(millis(Moment(Duration::from_millis(2))), 2);
    }
}
