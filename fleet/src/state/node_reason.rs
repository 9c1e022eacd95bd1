//! Why a node has no data, or no GPU to use, in one sentence.

use gputop_model::{NodeInfo, Readiness};

use super::agent::AgentStatus;
use super::no_gpu::NoGpu;

/// The first thing that is amiss; `None`: nothing is. `heard`: the daemon has spoken.
pub(super) fn node_reason(
    info: &NodeInfo,
    agent: &AgentStatus,
    no_gpu: Option<&NoGpu>,
    heard: bool,
) -> Option<String> {
    if info.is_away() {
        return Some("away, as it is marked to be at times".to_owned());
    }
    if let Readiness::NotReady { why } = &info.readiness {
        return Some(format!("node not ready: {why}"));
    }
    if matches!(agent, AgentStatus::Lost { .. }) {
        return agent.reason();
    }
    if let Some(no_gpu) = no_gpu {
        return Some(no_gpu.what());
    }
    if heard {
        return None;
    }
    let capacity: i64 = info.resources.values().map(|r| r.capacity).sum();
    match agent {
        AgentStatus::NotAsked if capacity == 0 => Some("no GPU known".to_owned()),
        AgentStatus::NotAsked => None,
        status => status.reason(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gputop_model::{DriverState, NodeSnapshot, ResourceCounts};

    use super::super::no_gpu::no_gpu;
    use super::*;

    fn node(capacity: i64, allocatable: i64) -> NodeInfo {
        let counts = ResourceCounts {
            capacity,
            allocatable,
        };
        NodeInfo {
            readiness: Readiness::Ready,
            resources: BTreeMap::from([("nvidia.com/gpu".to_owned(), counts)]),
            ..NodeInfo::unknown("a".into())
        }
    }

    fn snapshot(driver: DriverState) -> NodeSnapshot {
        NodeSnapshot {
            sequence: 1,
            driver,
            devices: Vec::new(),
            ..NodeSnapshot::unsampled("a".into())
        }
    }

    fn reason(info: &NodeInfo, agent: &AgentStatus, driver: Option<DriverState>) -> String {
        let snapshot = driver.map(snapshot);
        let no_gpu = no_gpu(info, agent, snapshot.as_ref());
        node_reason(info, agent, no_gpu.as_ref(), snapshot.is_some()).unwrap_or_default()
    }

    #[test]
    fn every_link_of_the_chain_has_its_sentence() {
        let ready = || {
            Some(DriverState::Ready {
                version: "580".to_owned(),
                cuda: None,
            })
        };
        let none = || {
            Some(DriverState::NoDriver {
                why: "no libnvidia-ml.so.1".to_owned(),
            })
        };
        let live = AgentStatus::Live;
        assert_eq!(reason(&node(2, 2), &live, ready()), "");
        assert!(reason(&node(0, 0), &live, none()).contains("no NVIDIA driver: no libnvidia-ml"));
        assert!(reason(&node(0, 0), &live, ready()).contains("no device plugin"));
        assert!(reason(&node(2, 0), &live, ready()).contains("device plugin is away"));
        assert!(reason(&node(2, 2), &AgentStatus::Absent, None).contains("no gputop-node daemon"));
        assert!(reason(&node(0, 0), &AgentStatus::Absent, None).contains("no GPU known"));
        assert_eq!(reason(&node(2, 2), &AgentStatus::NotAsked, None), "");
        let mut dead = node(2, 2);
        dead.readiness = Readiness::NotReady {
            why: "kubelet stopped posting".to_owned(),
        };
        assert!(reason(&dead, &live, ready()).contains("kubelet stopped posting"));
        dead.expected_away = true;
        assert!(reason(&dead, &live, ready()).starts_with("away"));
    }

    #[test]
    fn a_lost_daemon_is_said_even_when_its_last_words_are_known() {
        let lost = AgentStatus::Lost {
            age: std::time::Duration::ZERO,
            why: "connection reset".to_owned(),
        };
        let ready = Some(DriverState::Ready {
            version: "580".to_owned(),
            cuda: None,
        });
        assert_eq!(
            reason(&node(2, 2), &lost, ready),
            "daemon lost: connection reset"
        );
    }
}
