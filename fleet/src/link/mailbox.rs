//! A mailbox a node: only the newest report is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use gputop_model::NodeName;
use tokio::sync::Notify;

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
            slots.latest.insert(
                node.clone(),
                AgentReport {
                    link,
                    last: last.or(kept),
                },
            );
            slots.unread.insert(node.clone());
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
            slots.latest.insert(node.clone(), gone);
            slots.unread.insert(node.clone());
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

    /// All unread reports; waits until there is one. Cancel-safe.
    pub async fn take(&self) -> Vec<(NodeName, AgentReport)> {
        loop {
            let reports = self.drain();
            if !reports.is_empty() {
                return reports;
            }
            self.changed.notified().await;
        }
    }

    fn drain(&self) -> Vec<(NodeName, AgentReport)> {
        let mut slots = self.lock();
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
    use super::*;

    #[tokio::test]
    async fn only_the_newest_report_of_a_node_is_taken() {
        let mailboxes = Mailboxes::default();
        mailboxes.put(&"a".into(), LinkState::Connecting, None);
        mailboxes.put(&"a".into(), LinkState::Live, None);
        mailboxes.put(&"b".into(), LinkState::Connecting, None);
        let taken = mailboxes.take().await;
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
            async move { mailboxes.take().await.len() }
        });
        tokio::task::yield_now().await;
        mailboxes.put(&"a".into(), LinkState::Live, None);
        assert_eq!(reader.await.unwrap(), 1);
    }
}
