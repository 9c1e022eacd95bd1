//! A mailbox a node: only the newest report is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::sync::{Mutex, PoisonError};

use gputop_model::NodeName;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::state::{AgentReport, LinkState, Received};

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
            slots.put(node, gone);
        }
        self.changed.notify_one();
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

    /// All unread reports; waits until there is one. News of a link is handed out at once, figures
    /// alone not before `beat`, so that many daemons make no more work than one. Cancel-safe.
    pub async fn take(&self, beat: Instant) -> Vec<(NodeName, AgentReport)> {
        loop {
            if self.lock().urgent || Instant::now() >= beat {
                let reports = self.drain();
                if !reports.is_empty() {
                    return reports;
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

    fn drain(&self) -> Vec<(NodeName, AgentReport)> {
        let mut slots = self.lock();
        slots.urgent = false;
        let unread = std::mem::take(&mut slots.unread);
        unread
            .into_iter()
            .filter_map(|node| {
                let report = slots.latest.get(&node).cloned()?;
                if report.link == LinkState::Gone {
                    slots.latest.remove(&node);
                }
                Some((node, report))
            })
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slots> {
        // Nothing in here panics while the lock is held; a poisoned one is still whole.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn only_the_newest_report_of_a_node_is_taken() {
        let mailboxes = Mailboxes::default();
        mailboxes.put(&"a".into(), LinkState::Connecting, None);
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.put(&"b".into(), LinkState::Connecting, None);
        let taken = mailboxes.take(Instant::now()).await;
        let links: Vec<_> = taken
            .iter()
            .map(|(n, r)| (n.as_str(), r.link.clone()))
            .collect();
        assert_eq!(
            links,
            [("a", LinkState::Live), ("b", LinkState::Connecting)]
        );
        assert!(mailboxes.drain().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn news_of_a_link_is_told_at_once_and_figures_in_time() {
        let began = Instant::now();
        let beat = began + Duration::from_secs(1);
        let mailboxes = Mailboxes::default();
        mailboxes.put(&"a".into(), LinkState::Live, None);
        assert_eq!(mailboxes.take(beat).await.len(), 1);
        assert_eq!(began.elapsed(), Duration::ZERO);
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.put(&"a".into(), LinkState::Live, None);
        assert_eq!(mailboxes.take(beat).await.len(), 1);
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        // A loss takes the figures of others along.
        let beat = Instant::now() + Duration::from_secs(60);
        mailboxes.put(&"b".into(), LinkState::Live, None);
        mailboxes.take(beat).await;
        mailboxes.put(&"b".into(), LinkState::Live, None);
        mailboxes.put(&"a".into(), LinkState::Connecting, None);
        assert_eq!(mailboxes.take(beat).await.len(), 2);
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_forgotten_node_is_said_once_and_leaves_nothing() {
        let mailboxes = Mailboxes::default();
        mailboxes.forget(&"a".into());
        assert!(mailboxes.drain().is_empty(), "nobody knew it");
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.forget(&"a".into());
        let taken = mailboxes.drain();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].1.link, LinkState::Gone);
        assert_eq!(mailboxes.link(&"a".into()), None);
        assert!(mailboxes.lock().latest.is_empty());
        // A new daemon before anybody has looked: it is there.
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.forget(&"a".into());
        mailboxes.put(&"a".into(), LinkState::Connecting, None);
        assert_eq!(mailboxes.drain()[0].1.link, LinkState::Connecting);
    }

    #[tokio::test(start_paused = true)]
    async fn taking_waits_for_the_next_report() {
        let mailboxes = std::sync::Arc::new(Mailboxes::default());
        let reader = tokio::spawn({
            let mailboxes = mailboxes.clone();
            async move { mailboxes.take(Instant::now()).await.len() }
        });
        tokio::task::yield_now().await;
        mailboxes.put(&"a".into(), LinkState::Live, None);
        assert_eq!(reader.await.unwrap(), 1);
    }
}
