//! A node.

use gputop_fleet::state::NodeRow;
use gputop_model::{MilliWatts, Readiness};
use jiff::Timestamp;
use serde::Serialize;

use super::column::{Column, Columns, Datum, cell, several};
use super::host::{self, HostItem, LimitationItem};
use super::item::Item;
use crate::app::format;

/// One node. `gpu_*` are units as the scheduler counts them, over all `nvidia.com/*` resources.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeItem {
    /// Name.
    pub name: String,
    /// The `Ready` condition; `null`: not there.
    pub ready: Option<bool>,
    /// Since when it has been as it is.
    pub ready_since: Option<Timestamp>,
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
    /// The telemetry is no longer fresh, or the daemon is silent.
    pub stale: bool,
    /// It may be away: that it is not ready is no alarm.
    pub expected_away: bool,
    /// Types of the conditions, beside `Ready`, that say that something is wrong.
    pub conditions: Vec<String>,
    /// Accelerators of other vendors and fractions by other sharing tools: counted by nobody here.
    pub other_resources: Vec<OtherResourceItem>,
    /// From `node-role.kubernetes.io/…`.
    pub roles: Vec<String>,
    /// Version of the kubelet.
    pub kubelet_version: String,
    /// What its physical GPUs are; empty while nobody has counted.
    pub products: Vec<ProductItem>,
    /// Device memory in all.
    pub memory_total_bytes: Option<u64>,
    /// Device memory in use.
    pub memory_used_bytes: Option<u64>,
    /// Mean of the physical GPUs, 0..=100.
    pub utilization_percent: Option<u8>,
    /// The hottest GPU's core, in degrees Celsius.
    pub temperature_celsius: Option<i32>,
    /// Of all physical GPUs together.
    pub power_mw: Option<u32>,
    /// How many of its GPUs do not answer now, or lack a figure that they have at other times: the
    /// figures above are without them.
    pub silent_gpus: Option<usize>,
    /// The machine around the GPUs; `null`: the daemon has not spoken.
    pub host: Option<HostItem>,
    /// What the daemon can not see.
    pub limitations: Vec<LimitationItem>,
}

/// A resource that is shown and never computed with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OtherResourceItem {
    /// Such as `amd.com/gpu`.
    pub name: String,
    /// What the node has.
    pub capacity: i64,
    /// What pods may use.
    pub allocatable: i64,
}

/// GPUs of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProductItem {
    /// As NVML spells it.
    pub product: String,
    /// How many.
    pub count: usize,
}

/// The daemon of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentItem {
    /// `live`, `visited` (asked in turn with many others), `connecting`, `lost`, `not_running`,
    /// `absent`, `hidden` (nobody may see whether there is one) or `not_asked`.
    pub state: &'static str,
    /// It delivers: all the time, or in turn with others.
    #[serde(skip)]
    pub delivers: bool,
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

/// What `row` says.
pub(super) fn item(row: &NodeRow) -> NodeItem {
    NodeItem {
        name: row.info.name.to_string(),
        ready: match row.info.readiness {
            Readiness::Ready => Some(true),
            Readiness::NotReady { .. } => Some(false),
            Readiness::Unknown => None,
        },
        ready_since: row.info.ready_since,
        cordoned: row.info.cordoned,
        gpu_capacity: row.capacity(),
        gpu_allocatable: row.allocatable(),
        gpu_requested: row.requested(),
        gpu_free: row.free(),
        agent: AgentItem {
            state: row.agent.name(),
            delivers: row.agent.delivers(),
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
        stale: row.stale,
        expected_away: row.info.expected_away,
        conditions: row
            .info
            .conditions
            .iter()
            .map(|of| of.kind.clone())
            .collect(),
        other_resources: row
            .info
            .other_resources
            .iter()
            .map(|(name, counts)| OtherResourceItem {
                name: name.clone(),
                capacity: counts.capacity,
                allocatable: counts.allocatable,
            })
            .collect(),
        roles: row.info.roles.clone(),
        kubelet_version: row.info.kubelet_version.clone(),
        products: row
            .products
            .iter()
            .map(|(product, count)| ProductItem {
                product: product.clone(),
                count: *count,
            })
            .collect(),
        memory_total_bytes: row.memory.value.map(|(_, total)| total.0),
        memory_used_bytes: row.memory.value.map(|(used, _)| used.0),
        utilization_percent: row.utilization.value,
        temperature_celsius: row.temperature.value,
        power_mw: row.power.value.map(|power| power.0),
        silent_gpus: row.devices.as_ref().map(|_| row.silent_gpus()),
        host: host::host(row),
        limitations: host::limitations(row),
    }
}

impl NodeItem {
    /// As kubectl's STATUS column has it.
    fn status(&self) -> String {
        let ready = match self.ready {
            Some(true) => "Ready",
            Some(false) if self.expected_away => "Away",
            Some(false) => "NotReady",
            None => "Unknown",
        };
        let cordoned = if self.cordoned {
            ",SchedulingDisabled"
        } else {
            ""
        };
        format!("{ready}{cordoned}")
    }

    fn roles(&self) -> Datum {
        if self.roles.is_empty() {
            return Datum::Unknown;
        }
        several(self.roles.clone()).into()
    }

    fn products(&self) -> Datum {
        if self.products.is_empty() {
            return Datum::Unknown;
        }
        several(
            self.products
                .iter()
                .map(|of| format!("{}x {}", of.count, of.product)),
        )
        .into()
    }

    fn products_in_short(&self) -> String {
        if self.products.is_empty() {
            return cell(None::<u8>);
        }
        let each = self.products.iter();
        each.map(|of| format!("{}× {}", of.count, format::product(&of.product)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn other_resources(&self) -> String {
        let others = self.other_resources.iter();
        several(others.map(|of| format!("{}={}", of.name, of.allocatable)))
    }

    /// What is free on a node that takes no pods is not promised: `(2)`.
    fn free_in_short(&self) -> String {
        match self.gpu_free {
            Some(free @ 1..) if self.cordoned || self.ready != Some(true) => format!("({free})"),
            free => cell(free),
        }
    }

    fn resources(&self) -> String {
        several(self.resources.iter().map(|of| {
            let requested = of.requested.map(|units| units.to_string());
            let requested = requested.unwrap_or_default();
            format!("{}={requested}/{}", of.name, of.allocatable)
        }))
    }
}

impl Item for NodeItem {
    const COLUMNS: Columns<Self> = &[
        &[
            Column::of("name", |n: &Self| (&n.name).into()).titled("NAME"),
            Column::of("status", |n: &Self| n.status().into()).titled("STATUS"),
            Column::of("ready", |n: &Self| n.ready.into()),
            Column::of("ready_since", |n: &Self| {
                n.ready_since.map(|since| since.to_string()).into()
            }),
            Column::of("cordoned", |n: &Self| n.cordoned.into()),
            Column::of("expected_away", |n: &Self| n.expected_away.into()),
            Column::of("gpu_capacity", |n: &Self| n.gpu_capacity.into()),
            Column::of("gpu_requested", |n: &Self| n.gpu_requested.into()).titled("REQUESTED"),
            Column::of("gpu_allocatable", |n: &Self| n.gpu_allocatable.into())
                .titled("ALLOCATABLE"),
            Column::of("gpu_free", |n: &Self| n.gpu_free.into())
                .titled("FREE")
                .said(Self::free_in_short),
            // requested/allocatable of each resource name.
            Column::of("resources", |n: &Self| n.resources().into()),
            Column::of("other_resources", |n: &Self| n.other_resources().into()),
            Column::of("devices", |n: &Self| n.devices.into()).titled("DEVICES"),
            Column::of("products", Self::products)
                .wide("PRODUCTS")
                .said(Self::products_in_short),
            Column::of("utilization_percent", |n: &Self| {
                n.utilization_percent.into()
            })
            .wide("UTIL")
            .said(|n| cell(n.utilization_percent.map(|v| format!("{v}%")))),
            Column::of("memory_used_bytes", |n: &Self| n.memory_used_bytes.into())
                .wide("VRAM")
                .said(|n| super::memory(n.memory_used_bytes, n.memory_total_bytes)),
            Column::of("memory_total_bytes", |n: &Self| n.memory_total_bytes.into()),
            Column::of("temperature_celsius", |n: &Self| {
                n.temperature_celsius.into()
            })
            .wide("TEMP")
            .said(|n| cell(n.temperature_celsius.map(|v| format!("{v}°C")))),
            Column::of("power_mw", |n: &Self| n.power_mw.into())
                .wide("POWER")
                .said(|n| cell(n.power_mw.map(MilliWatts))),
            Column::of("silent_gpus", |n: &Self| n.silent_gpus.into()).wide("SILENT"),
            Column::of("roles", Self::roles).wide("ROLES").said(|n| {
                if n.roles.is_empty() {
                    cell(None::<u8>)
                } else {
                    n.roles.join(",")
                }
            }),
            Column::of("conditions", |n: &Self| {
                several(n.conditions.clone()).into()
            })
            .wide("CONDITIONS"),
            Column::of("kubelet_version", |n: &Self| (&n.kubelet_version).into()).wide("VERSION"),
            Column::of("driver_version", |n: &Self| {
                n.driver_version.as_ref().into()
            })
            .wide("DRIVER"),
            Column::of("agent_state", |n: &Self| n.agent.state.into()).titled("DAEMON"),
            Column::of("agent_version", |n: &Self| n.agent.version.as_ref().into()),
            Column::of("agent_reason", |n: &Self| n.agent.reason.as_ref().into()),
            Column::of("limitations", |n: &Self| {
                several(n.limitations.iter().map(|of| of.name.clone())).into()
            }),
            Column::of("age_ms", |n: &Self| n.age_ms.into())
                .wide("TELEMETRY")
                .said(|n| super::telemetry(n.age_ms, n.stale))
                .ages(),
            Column::of("stale", |n: &Self| n.stale.into()),
            Column::of("reason", |n: &Self| n.reason.as_ref().into())
                .titled("REASON")
                .said(|n| n.reason.clone().unwrap_or_default()),
        ],
        host::COLUMNS,
    ];

    fn name(&self) -> Option<String> {
        Some(format!("node/{}", self.name))
    }

    fn key(&self) -> String {
        self.name.clone()
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name
    }
}
