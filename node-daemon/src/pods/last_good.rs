//! Whether an empty list of allocations can be believed.
//!
//! After a start the kubelet answers OK with no pods at all until it has heard from the API
//! server: for a second, or for as long as that is away. Its pods run on all the while. An empty
//! list after a new connection is therefore no proof that all GPUs are free, and without a single pod
//! it is none where the daemon itself is one of the kubelet's pods.

use std::time::Duration;

use gputop_model::{Allocation, Failure, Reading};

/// How long after a new connection a list that names pods, none of them with a GPU, is doubted.
/// Static pods, which come from the node's own files, are listed before all others.
const SETTLING: Duration = Duration::from_secs(30);

/// An answer of the kubelet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Devices and their containers.
    pub allocations: Vec<Allocation>,
    /// Number of pods that were named, with or without devices.
    pub pods: usize,
}

/// Keeps the last list that was good.
///
/// All times are on one monotonic clock of the caller's.
#[derive(Debug, Default)]
pub struct LastGood {
    good: Option<(Duration, Vec<Allocation>)>,
    connected: Option<Duration>,
    /// The connection is newer than the last good list: the kubelet may have been restarted.
    doubt: bool,
    /// Whether the kubelet has at least one pod, this daemon's own.
    in_pod: bool,
}

impl LastGood {
    /// Nothing is known yet; `in_pod`: this process runs in a pod of the kubelet that is asked.
    #[must_use]
    pub fn new(in_pod: bool) -> Self {
        Self {
            in_pod,
            ..Self::default()
        }
    }

    /// A new connection was made.
    pub fn connected(&mut self, now: Duration) {
        self.connected = Some(now);
        self.doubt = self.good.as_ref().is_some_and(|(_, list)| !list.is_empty());
    }

    /// The kubelet answered. Returns what is known now: the answer, or the last good list while
    /// an empty answer is not to be believed; without such a list nothing is known.
    pub fn answered(&mut self, now: Duration, answer: Answer) -> Reading<Vec<Allocation>> {
        if answer.allocations.is_empty() && !self.believes_empty(now, answer.pods) {
            let unknown = Reading::Failed(Failure::NotMeasured);
            return self.kept(now).unwrap_or(unknown);
        }
        self.doubt = false;
        self.good = Some((now, answer.allocations.clone()));
        Reading::Value(answer.allocations)
    }

    /// The kubelet did not answer: its containers run on, so that the last good list stays, with
    /// its age.
    pub fn failed(&mut self, now: Duration, failure: Failure) -> Reading<Vec<Allocation>> {
        self.kept(now).unwrap_or(Reading::Failed(failure))
    }

    /// Whether a list without allocations that names so many pods is complete. One without a
    /// single pod may be the answer of a kubelet for which the API server has been away for any
    /// time.
    fn believes_empty(&self, now: Duration, pods: usize) -> bool {
        if pods == 0 && self.in_pod {
            return false;
        }
        let since = self.connected.map(|at| now.saturating_sub(at));
        let settled = since.is_some_and(|since| since >= SETTLING);
        match &self.good {
            // Outside of pods a machine may well have none.
            None => pods > 0 || settled,
            Some(_) => !self.doubt || (pods > 0 && settled),
        }
    }

    fn kept(&self, now: Duration) -> Option<Reading<Vec<Allocation>>> {
        let (at, list) = self.good.as_ref()?;
        let age = now.saturating_sub(*at);
        let value = list.clone();
        Some(Reading::Stale { value, age })
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::DeviceId;

    use super::*;

    fn held() -> Vec<Allocation> {
        vec![Allocation {
            namespace: "default".to_owned(),
            pod: "train".to_owned(),
            container: "main".to_owned(),
            resource: "nvidia.com/gpu".to_owned(),
            device_id: DeviceId::new("GPU-1"),
        }]
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn list(allocations: Vec<Allocation>, pods: usize) -> Answer {
        Answer { allocations, pods }
    }

    fn stale(age: u64) -> Reading<Vec<Allocation>> {
        Reading::Stale {
            value: held(),
            age: s(age),
        }
    }

    /// One that has known an allocation at 10 s, on a connection of 1 s.
    fn knowing() -> LastGood {
        let mut last = LastGood::default();
        last.connected(s(1));
        assert_eq!(
            last.answered(s(10), list(held(), 3)),
            Reading::Value(held())
        );
        last
    }

    #[test]
    fn on_one_connection_empty_means_free() {
        let mut last = knowing();
        assert_eq!(
            last.answered(s(11), list(vec![], 2)),
            Reading::Value(vec![])
        );
    }

    #[test]
    fn without_any_pod_a_new_connection_is_never_believed() {
        let mut last = knowing();
        last.connected(s(12));
        assert_eq!(last.answered(s(12), list(vec![], 0)), stale(2));
        assert_eq!(last.answered(s(3610), list(vec![], 0)), stale(3600));
        // The API server is back, and the same pod is listed again.
        assert_eq!(
            last.answered(s(3611), list(held(), 3)),
            Reading::Value(held())
        );
        assert_eq!(
            last.answered(s(3612), list(vec![], 0)),
            Reading::Value(vec![])
        );
    }

    #[test]
    fn pods_without_a_gpu_are_believed_after_a_while() {
        let mut last = knowing();
        last.connected(s(12));
        assert_eq!(last.answered(s(13), list(vec![], 2)), stale(3));
        assert_eq!(last.answered(s(41), list(vec![], 2)), stale(31));
        assert_eq!(
            last.answered(s(42), list(vec![], 2)),
            Reading::Value(vec![])
        );
        assert_eq!(
            last.answered(s(43), list(vec![], 0)),
            Reading::Value(vec![])
        );
    }

    #[test]
    fn reconnecting_again_starts_the_wait_anew() {
        let mut last = knowing();
        last.connected(s(12));
        assert_eq!(last.answered(s(13), list(vec![], 2)), stale(3));
        last.connected(s(40));
        assert_eq!(last.answered(s(50), list(vec![], 2)), stale(40));
    }

    #[test]
    fn a_silent_kubelet_leaves_the_last_list() {
        let mut last = knowing();
        assert_eq!(last.failed(s(15), Failure::Timeout), stale(5));
        let mut nothing = LastGood::default();
        let failed = nothing.failed(s(15), Failure::NotFound);
        assert_eq!(failed, Reading::Failed(Failure::NotFound));
    }

    #[test]
    fn without_a_pod_nothing_is_known_at_first() {
        let unknown = Reading::Failed(Failure::NotMeasured);
        let mut last = LastGood::default();
        last.connected(s(1));
        assert_eq!(last.answered(s(1), list(vec![], 0)), unknown);
        assert_eq!(last.answered(s(30), list(vec![], 0)), unknown);
        // A machine that has no pods, in the end.
        assert_eq!(
            last.answered(s(31), list(vec![], 0)),
            Reading::Value(vec![])
        );
        // It held nothing before and is believed at once.
        last.connected(s(40));
        assert_eq!(
            last.answered(s(40), list(vec![], 0)),
            Reading::Value(vec![])
        );
    }

    #[test]
    fn in_a_pod_a_list_without_pods_is_never_believed() {
        let unknown = Reading::Failed(Failure::NotMeasured);
        let mut last = LastGood::new(true);
        last.connected(s(1));
        assert_eq!(last.answered(s(1), list(vec![], 0)), unknown);
        assert_eq!(last.answered(s(7200), list(vec![], 0)), unknown);
        // This daemon and others, none with a GPU.
        let none = Reading::Value(vec![]);
        assert_eq!(last.answered(s(7201), list(vec![], 3)), none);
        assert_eq!(
            last.answered(s(7202), list(held(), 3)),
            Reading::Value(held())
        );
        assert_eq!(last.answered(s(7204), list(vec![], 0)), stale(2));
        assert_eq!(last.answered(s(7205), list(vec![], 3)), none);
    }

    #[test]
    fn pods_without_a_gpu_are_believed_at_once_when_nothing_was_held() {
        let mut last = LastGood::default();
        last.connected(s(1));
        assert_eq!(last.answered(s(1), list(vec![], 2)), Reading::Value(vec![]));
        last.connected(s(2));
        assert_eq!(last.answered(s(2), list(vec![], 2)), Reading::Value(vec![]));
    }
}
