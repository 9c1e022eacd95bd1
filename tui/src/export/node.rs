//! A node.

use gputop_fleet::state::{NodeRow, Picture};
use gputop_model::Readiness;
use serde::Serialize;

use super::table::{Cells, cell};

/// One node. `gpu_*` are units as the scheduler counts them, over all `nvidia.com/*` resources.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeItem {
    /// Name.
    pub name: String,
    /// The `Ready` condition; `null`: not there.
    pub ready: Option<bool>,
    /// Takes no new pods.
    pub cordoned: bool,
    /// Units that the node has.
    pub gpu_capacity: i64,
    /// Units that pods may use.
    pub gpu_allocatable: i64,
    /// Units that pods ask for; `null`: not all pods can be seen.
    pub gpu_requested: Option<i64>,
    /// Allocatable less requested.
    pub gpu_free: Option<i64>,
    /// The node's daemon.
    pub agent: AgentItem,
    /// Why there is no data, or no GPU to use.
    pub reason: Option<String>,
    /// The same units by resource name.
    pub resources: Vec<ResourceItem>,
    /// Number of devices (physical GPUs or MIG instances); `null`: nobody has counted.
    pub devices: Option<usize>,
    /// Driver version.
    pub driver_version: Option<String>,
    /// Age of the telemetry in milliseconds.
    pub age_ms: Option<u64>,
}

/// The daemon of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentItem {
    /// `live`, `connecting`, `lost`, `not_running`, `absent` or `not_asked`.
    pub state: &'static str,
    /// Why it does not deliver.
    pub reason: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// Units of one resource name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceItem {
    /// Such as `nvidia.com/gpu`.
    pub name: String,
    /// Units that the node has.
    pub capacity: i64,
    /// Units that pods may use.
    pub allocatable: i64,
    /// Units that pods ask for.
    pub requested: Option<i64>,
    /// Allocatable less requested.
    pub free: Option<i64>,
}

/// All nodes, by name.
pub(super) fn items(picture: &Picture) -> Vec<NodeItem> {
    picture.nodes.iter().map(item).collect()
}

fn item(row: &NodeRow) -> NodeItem {
    NodeItem {
        name: row.info.name.to_string(),
        ready: match row.info.readiness {
            Readiness::Ready => Some(true),
            Readiness::NotReady { .. } => Some(false),
            Readiness::Unknown => None,
        },
        cordoned: row.info.cordoned,
        gpu_capacity: row.capacity(),
        gpu_allocatable: row.allocatable(),
        gpu_requested: row.requested(),
        gpu_free: row.free(),
        agent: AgentItem {
            state: row.agent.name(),
            reason: row.agent.reason(),
            version: row.agent_version.clone(),
        },
        reason: row.reason.clone(),
        resources: row
            .resources
            .iter()
            .map(|resource| ResourceItem {
                name: resource.name.clone(),
                capacity: resource.capacity,
                allocatable: resource.allocatable,
                requested: resource.requested,
                free: resource.free(),
            })
            .collect(),
        devices: row.devices.as_ref().map(|counts| counts.values().sum()),
        driver_version: row.driver_version.clone(),
        age_ms: row.age.map(super::millis),
    }
}

impl Cells for NodeItem {
    const HEADINGS: &'static [&'static str] = &[
        "NAME",
        "STATUS",
        "REQUESTED",
        "ALLOCATABLE",
        "FREE",
        "DEVICES",
        "AGENT",
        "REASON",
    ];

    fn cells(&self) -> Vec<String> {
        let ready = match self.ready {
            Some(true) => "Ready",
            Some(false) => "NotReady",
            None => "Unknown",
        };
        let cordoned = if self.cordoned {
            ",SchedulingDisabled"
        } else {
            ""
        };
        vec![
            self.name.clone(),
            format!("{ready}{cordoned}"),
            cell(self.gpu_requested),
            self.gpu_allocatable.to_string(),
            cell(self.gpu_free),
            cell(self.devices),
            self.agent.state.to_owned(),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}
