//! Why a node has no data, or no GPU to use, in one sentence.

use gputop_model::{DriverState, NodeInfo, NodeSnapshot, Readiness};

use super::agent::AgentStatus;

/// The first thing that is amiss; `None`: nothing is.
pub(super) fn node_reason(
    info: &NodeInfo,
    agent: &AgentStatus,
    snapshot: Option<&NodeSnapshot>,
) -> Option<String> {
    if let Readiness::NotReady { why } = &info.readiness {
        return Some(format!("node not ready: {why}"));
    }
    let capacity: i64 = info.resources.values().map(|r| r.capacity).sum();
    let allocatable: i64 = info.resources.values().map(|r| r.allocatable).sum();
    if matches!(agent, AgentStatus::Lost { .. }) {
        return agent.reason();
    }
    if let Some(snapshot) = snapshot {
        if let Some(reason) = snapshot.driver.reason() {
            return Some(reason);
        }
        if capacity == 0 && matches!(snapshot.driver, DriverState::Ready { .. }) {
            return Some("the driver works, but no device plugin offers its GPUs".to_owned());
        }
    }
    if capacity > 0 && allocatable == 0 {
        return Some("the device plugin is away, or all its GPUs are sick".to_owned());
    }
    if snapshot.is_some() {
        return None;
    }
    match agent {
        AgentStatus::Absent if capacity == 0 => {
            Some("no GPU known, and no gputop-node daemon to look".to_owned())
        }
        AgentStatus::NotAsked if capacity == 0 => Some("no GPU known".to_owned()),
        AgentStatus::NotAsked => None,
        status => status.reason(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gputop_model::{Reading, ResourceCounts};

    use super::*;

    fn node(capacity: i64, allocatable: i64) -> NodeInfo {
        let counts = ResourceCounts {
            capacity,
            allocatable,
        };
        NodeInfo {
            name: "a".into(),
            created: None,
            readiness: Readiness::Ready,
            cordoned: false,
            roles: Vec::new(),
            labels: BTreeMap::new(),
            taints: Vec::new(),
            resources: BTreeMap::from([("nvidia.com/gpu".to_owned(), counts)]),
            runtime_handlers: None,
            kubelet_version: String::new(),
            os_image: String::new(),
            architecture: String::new(),
        }
    }

    fn snapshot(driver: DriverState) -> NodeSnapshot {
        NodeSnapshot {
            node: "a".into(),
            daemon_version: String::new(),
            sequence: 1,
            driver,
            devices: Vec::new(),
            processes: Vec::new(),
            allocations: Reading::default(),
        }
    }

    fn reason(info: &NodeInfo, agent: &AgentStatus, driver: Option<DriverState>) -> String {
        let snapshot = driver.map(snapshot);
        node_reason(info, agent, snapshot.as_ref()).unwrap_or_default()
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
