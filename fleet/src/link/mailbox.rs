//! A mailbox a node: only the newest report is kept, and what was measured before it.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gputop_model::{DevicePast, Moment, NodeName};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::state::{AgentReport, HISTORY_SPAN, LinkState, Received, history_time};

/// A time without reports that is no gap in a graph: a daemon that is asked for a calm pace is
/// silent for that long.
const SHORT: Duration = Duration::from_secs(5);

/// The newest report of each node, and which of them have not been taken yet.
#[derive(Debug, Default)]
pub struct Mailboxes {
    slots: Mutex<Slots>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Slots {
    latest: BTreeMap<NodeName, AgentReport>,
    unread: BTreeSet<NodeName>,
    /// Among the unread is news of a link, not only figures.
    urgent: bool,
    /// What was measured before it was reported and has not been taken yet, and since when.
    past: BTreeMap<NodeName, (Moment, Vec<DevicePast>)>,
    /// Until when there is no gap in what is known of a node.
    known_until: BTreeMap<NodeName, Moment>,
}

/// What was taken out of the mailboxes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// The newest reports.
    pub reports: Vec<(NodeName, AgentReport)>,
    /// What was measured before; to be read after the reports.
    pub past: Vec<(NodeName, Vec<DevicePast>)>,
}

impl Slots {
    fn put(&mut self, node: &NodeName, report: AgentReport) {
        let known = self.latest.get(node);
        self.urgent |= known.is_none_or(|known| {
            discriminant(&known.link) != discriminant(&report.link)
                || known.last.is_some() != report.last.is_some()
        });
        self.latest.insert(node.clone(), report);
        self.unread.insert(node.clone());
    }
}

impl Mailboxes {
    /// Replaces a node's link state and, when given, its last snapshot.
    pub fn put(&self, node: &NodeName, link: LinkState, last: Option<Received>) {
        {
            let mut slots = self.lock();
            let kept = slots
                .latest
                .get(node)
                .and_then(|report| report.last.clone());
            let last = last.or(kept);
            slots.put(node, AgentReport { link, last });
        }
        self.changed.notify_one();
    }

    /// Forgets a node that has no daemon any more, and says so to whoever takes the reports.
    pub fn forget(&self, node: &NodeName) {
        {
            let mut slots = self.lock();
            if !slots.latest.contains_key(node) {
                return;
            }
            let gone = AgentReport {
                link: LinkState::Gone,
                last: None,
            };
            slots.past.remove(node);
            slots.known_until.remove(node);
            slots.put(node, gone);
        }
        self.changed.notify_one();
    }

    /// Puts what a node's daemon has measured since `since`, on the scale of [`history_time`], at
    /// the side of its reports. What [`Self::gap`] named is then known.
    pub(super) fn put_past(&self, node: &NodeName, since: Moment, past: Vec<DevicePast>) {
        self.lock().past.insert(node.clone(), (since, past));
        self.changed.notify_one();
    }

    /// Says that nothing is missing of a node's past up to `at`.
    pub(super) fn known_until(&self, node: &NodeName, at: Moment) {
        self.lock().known_until.insert(node.clone(), at);
    }

    /// Since when, on the scale of [`history_time`], what was measured of a node is not known here;
    /// `None`: everything is that matters.
    pub(super) fn gap(&self, node: &NodeName, now: Moment) -> Option<Moment> {
        let slots = self.lock();
        let now = history_time(now);
        let earliest = Moment(now.0.saturating_sub(HISTORY_SPAN));
        // What has not been taken would be replaced.
        let unread = slots.past.get(node).map(|(since, _)| *since);
        let known = slots.known_until.get(node).copied().map(history_time);
        match unread.or(known) {
            None => Some(earliest),
            Some(since) => (now.since(since) > SHORT).then(|| since.max(earliest)),
        }
    }

    /// Whether that node's daemon has ever answered.
    #[must_use]
    pub fn is_known(&self, node: &NodeName) -> bool {
        let slots = self.lock();
        slots
            .latest
            .get(node)
            .is_some_and(|report| report.last.is_some())
    }

    /// Whether a report of that node is there at all.
    #[must_use]
    pub fn link(&self, node: &NodeName) -> Option<LinkState> {
        self.lock()
            .latest
            .get(node)
            .map(|report| report.link.clone())
    }

    /// All that is unread; waits until there is something. News of a link is handed out at once, figures
    /// alone not before `beat`, so that many daemons make no more work than one. Cancel-safe.
    pub async fn take(&self, beat: Instant) -> Mail {
        loop {
            if self.lock().urgent || Instant::now() >= beat {
                let mail = self.drain();
                if mail != Mail::default() {
                    return mail;
                }
                self.changed.notified().await;
            } else {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep_until(beat) => {}
                }
            }
        }
    }

    fn drain(&self) -> Mail {
        let mut slots = self.lock();
        slots.urgent = false;
        let unread = std::mem::take(&mut slots.unread);
        let past = std::mem::take(&mut slots.past);
        let reports = unread
            .into_iter()
            .filter_map(|node| {
                let report = slots.latest.get(&node).cloned()?;
                if report.link == LinkState::Gone {
                    slots.latest.remove(&node);
                }
                Some((node, report))
            })
            .collect();
        Mail {
            reports,
            past: past
                .into_iter()
                .map(|(node, (_, past))| (node, past))
                .collect(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slots> {
        // Nothing in here panics while the lock is held; a poisoned one is still whole.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_newest_report_of_a_node_is_taken() {
        let mailboxes = Mailboxes::default();
        mailboxes.put(&"a".into(), LinkState::Connecting, None);
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.put(&"b".into(), LinkState::Connecting, None);
        let taken = mailboxes.take(Instant::now()).await;
        let links: Vec<_> = taken
            .reports
            .iter()
            .map(|(n, r)| (n.as_str(), r.link.clone()))
            .collect();
        assert_eq!(
            links,
            [("a", LinkState::Live), ("b", LinkState::Connecting)]
        );
        assert_eq!(mailboxes.drain(), Mail::default());
    }

    #[tokio::test(start_paused = true)]
    async fn news_of_a_link_is_told_at_once_and_figures_in_time() {
        let began = Instant::now();
        let beat = began + Duration::from_secs(1);
        let mailboxes = Mailboxes::default();
        mailboxes.put(&"a".into(), LinkState::Live, None);
        assert_eq!(mailboxes.take(beat).await.reports.len(), 1);
        assert_eq!(began.elapsed(), Duration::ZERO);
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.put(&"a".into(), LinkState::Live, None);
        assert_eq!(mailboxes.take(beat).await.reports.len(), 1);
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        // A loss takes the figures of others along.
        let beat = Instant::now() + Duration::from_secs(60);
        mailboxes.put(&"b".into(), LinkState::Live, None);
        mailboxes.take(beat).await;
        mailboxes.put(&"b".into(), LinkState::Live, None);
        mailboxes.put(&"a".into(), LinkState::Connecting, None);
        assert_eq!(mailboxes.take(beat).await.reports.len(), 2);
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_forgotten_node_is_said_once_and_leaves_nothing() {
        let mailboxes = Mailboxes::default();
        mailboxes.forget(&"a".into());
        assert_eq!(mailboxes.drain(), Mail::default(), "nobody knew it");
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.forget(&"a".into());
        let taken = mailboxes.drain().reports;
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].1.link, LinkState::Gone);
        assert_eq!(mailboxes.link(&"a".into()), None);
        assert!(mailboxes.lock().latest.is_empty());
        // A new daemon before anybody has looked: it is there.
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.forget(&"a".into());
        mailboxes.put(&"a".into(), LinkState::Connecting, None);
        assert_eq!(mailboxes.drain().reports[0].1.link, LinkState::Connecting);
    }

    #[tokio::test(start_paused = true)]
    async fn taking_waits_for_the_next_report() {
        let mailboxes = std::sync::Arc::new(Mailboxes::default());
        let reader = tokio::spawn({
            let mailboxes = mailboxes.clone();
            async move { mailboxes.take(Instant::now()).await.reports.len() }
        });
        tokio::task::yield_now().await;
        mailboxes.put(&"a".into(), LinkState::Live, None);
        assert_eq!(reader.await.unwrap(), 1);
    }

    #[test]
    fn the_past_is_missing_until_it_is_told_and_again_after_a_silence() {
        let mailboxes = Mailboxes::default();
        let node = NodeName::from("a");
        let at = |second: u64| Moment(Duration::from_secs(second));
        let gap = |now: u64| {
            let since = mailboxes.gap(&node, at(now))?;
            Some(history_time(at(now)).since(since).as_secs())
        };
        assert_eq!(gap(10), Some(300), "nothing is known");
        mailboxes.known_until(&node, at(10));
        assert_eq!(gap(14), None, "a short silence");
        assert_eq!(gap(40), Some(30));
        assert_eq!(gap(4_000), Some(300), "no graph is longer");
        // Until somebody takes it, what was told may still be replaced.
        mailboxes.put_past(&node, history_time(at(10)), Vec::new());
        mailboxes.known_until(&node, at(40));
        assert_eq!(gap(45), Some(35));
        assert_eq!(mailboxes.drain().past, [(node.clone(), Vec::new())]);
        assert_eq!(gap(45), None);
        mailboxes.put(&node, LinkState::Live, None);
        mailboxes.forget(&node);
        assert_eq!(gap(45), Some(300));
    }
}
