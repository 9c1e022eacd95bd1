//! What a node's daemon last said, how old it is, and how the link to it is.

use std::time::Duration;

use gputop_model::{Clock, NodeName, NodeSnapshot, Phase};

use super::agent::{AgentStatus, LinkState, Received};
use super::bound::Bound;
use super::join::Settings;
use super::store::{Fleet, WatchState, Watched};

/// What a node's daemon last said, and how old it is.
pub(super) struct Telemetry<'a> {
    pub(super) received: Option<&'a Received>,
    pub(super) age: Duration,
    pub(super) stale: bool,
}

impl<'a> Telemetry<'a> {
    pub(super) fn of(fleet: &'a Fleet, node: &NodeName, clock: Clock, settings: &Settings) -> Self {
        let report = fleet.agents().get(node);
        let received = report.and_then(|report| report.last.as_ref());
        let age = received.map_or(Duration::ZERO, |received| clock.now.since(received.at));
        let stale = match report.map(|report| &report.link) {
            Some(LinkState::Live) => age > settings.stale_after,
            Some(LinkState::Visited { next }) => clock.now.since(*next) > settings.stale_after,
            _ => true,
        };
        Self {
            received,
            age,
            stale,
        }
    }

    pub(super) fn snapshot(&self) -> Option<&'a NodeSnapshot> {
        self.received.map(|received| &*received.snapshot)
    }
}

/// How the daemon of a node is; `pods` are those bound to the node.
pub(super) fn agent_status(
    fleet: &Fleet,
    name: &NodeName,
    pods: &[Bound<'_>],
    clock: Clock,
) -> AgentStatus {
    if !fleet.asks_agents() {
        return AgentStatus::NotAsked;
    }
    if let Some(report) = fleet.agents().get(name) {
        match &report.link {
            LinkState::Live => return AgentStatus::Live,
            LinkState::Lost { since, why } => {
                let age = report.last.as_ref().map_or(*since, |last| last.at);
                return AgentStatus::Lost {
                    age: clock.now.since(age),
                    why: why.clone(),
                };
            }
            LinkState::Visited { .. } => {
                let age = report
                    .last
                    .as_ref()
                    .map_or(Duration::ZERO, |last| clock.now.since(last.at));
                return AgentStatus::Visited { age };
            }
            LinkState::Connecting | LinkState::Gone => {}
        }
    }
    match pods
        .iter()
        .map(|pod| pod.info)
        .find(|pod| pod.is_daemon && !pod.phase.is_finished())
    {
        None if is_blind(fleet) => AgentStatus::Hidden,
        None => AgentStatus::Absent,
        Some(pod) if pod.phase == Phase::Running => AgentStatus::Connecting,
        Some(pod) => {
            let why = pod
                .reason
                .clone()
                .unwrap_or_else(|| pod.phase.name().to_owned());
            AgentStatus::NotRunning { why }
        }
    }
}

/// Whether pods of other namespaces than the user's can not be seen.
fn is_blind(fleet: &Fleet) -> bool {
    let forbidden = matches!(fleet.watch(Watched::Pods), WatchState::Forbidden { .. });
    forbidden || fleet.one_namespace().is_some()
}
