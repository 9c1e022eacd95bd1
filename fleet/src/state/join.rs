//! The join: nodes, pods and snapshots become one [`Picture`].

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{Clock, Device, GpuProcess, NodeName, PodInfo, PodUid, Readiness};

use super::agent::{AgentStatus, LinkState, Received};
use super::allocations::{NodeAllocations, node_allocations};
use super::device_state::{Use, device_state};
use super::node_row::node_row;
use super::pod_use::{PodDeviceView, pod_use};
use super::process_owner::{Names, owner};
use super::rows::{Closed, DeviceRow, Gap, NodeRow, Picture, PodRow, ProcessOwner, ProcessRow};
use super::store::{Fleet, WatchState, Watched};
use super::totals::totals;

/// What the operator can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A device that was given to a container and has been quiet for this long is idle.
    pub idle_after: Duration,
    /// Telemetry older than this is stale even when the link is up.
    pub stale_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        // Ten minutes: longer than a model takes to load, shorter than a lunch break.
        // Fifteen seconds: three missed heartbeats of the daemon.
        Self {
            idle_after: Duration::from_secs(600),
            stale_after: Duration::from_secs(15),
        }
    }
}

/// Makes the tables.
#[must_use]
pub fn join(fleet: &Fleet, clock: Clock, settings: &Settings) -> Picture {
    let mut picture = Picture::default();
    let names = Names::new(fleet.pods());
    let mut pods_by_node: BTreeMap<&NodeName, Vec<&PodInfo>> = BTreeMap::new();
    for pod in fleet.pods().values() {
        if let Some(node) = &pod.node {
            pods_by_node.entry(node).or_default().push(pod);
        }
    }
    let mut allocations = BTreeMap::new();
    for (name, info) in fleet.nodes() {
        let pods = pods_by_node.get(name).map_or(&[][..], Vec::as_slice);
        let telemetry = Telemetry::of(fleet, name, clock, settings);
        let held = node_allocations(name, &telemetry, pods, &names, fleet);
        let agent = agent_status(fleet, name, pods, clock);
        let (first, first_process) = (picture.devices.len(), picture.processes.len());
        if let Some(received) = telemetry.received {
            let rows = ProcessRows {
                name,
                received,
                telemetry: &telemetry,
                held: &held,
            };
            rows.add(&names, &mut picture.processes);
            let closed = if info.readiness == Readiness::Ready {
                info.cordoned.then_some(Closed::Cordoned)
            } else {
                Some(Closed::NotReady)
            };
            add_devices(&mut picture, first_process, closed, &rows, settings);
        }
        let row = node_row(
            info,
            pods,
            agent,
            &telemetry,
            &picture.devices[first..],
            fleet,
        );
        if let Some(reason) = row.reason.clone().or_else(|| row.agent.reason())
            && picture.devices.len() == first
            && (row.capacity() > 0 || row.driver_version.is_some())
        {
            picture.gaps.push(gap(&row, &held, reason));
        }
        picture.nodes.push(row);
        allocations.insert(name, (held, telemetry));
    }
    add_pods(&mut picture, fleet, &allocations, clock, settings);
    picture.totals = totals(&picture, fleet);
    picture
}

fn gap(row: &NodeRow, held: &NodeAllocations, reason: String) -> Gap {
    let label = |name: &str| row.info.labels.get(name);
    let number = |name: &str| label(name).and_then(|text| text.parse::<usize>().ok());
    // Shares are units and no devices: without GPU feature discovery nobody knows the devices.
    Gap {
        node: row.info.name.clone(),
        units: row.capacity(),
        devices: number("nvidia.com/gpu.count"),
        product: label("nvidia.com/gpu.product").cloned(),
        named: held.all(),
        reason,
    }
}

/// What a node's daemon last said, and how old it is.
pub(super) struct Telemetry<'a> {
    pub(super) received: Option<&'a Received>,
    pub(super) age: Duration,
    pub(super) stale: bool,
}

impl<'a> Telemetry<'a> {
    fn of(fleet: &'a Fleet, node: &NodeName, clock: Clock, settings: &Settings) -> Self {
        let report = fleet.agents().get(node);
        let received = report.and_then(|report| report.last.as_ref());
        let age = received.map_or(Duration::ZERO, |received| clock.now.since(received.at));
        let live = report.is_some_and(|report| report.link == LinkState::Live);
        Self {
            received,
            age,
            stale: !live || age > settings.stale_after,
        }
    }

    pub(super) fn snapshot(&self) -> Option<&'a gputop_model::NodeSnapshot> {
        self.received.map(|received| &*received.snapshot)
    }
}

fn agent_status(fleet: &Fleet, name: &NodeName, pods: &[&PodInfo], clock: Clock) -> AgentStatus {
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
            LinkState::Connecting => {}
        }
    }
    match pods
        .iter()
        .find(|pod| pod.is_daemon && !pod.phase.is_finished())
    {
        None if is_blind(fleet) => AgentStatus::Hidden,
        None => AgentStatus::Absent,
        Some(pod) if pod.phase == gputop_model::Phase::Running => AgentStatus::Connecting,
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

/// What the rows of one node have in common.
struct ProcessRows<'a> {
    name: &'a NodeName,
    received: &'a Received,
    telemetry: &'a Telemetry<'a>,
    held: &'a NodeAllocations,
}

impl ProcessRows<'_> {
    fn add(&self, names: &Names<'_>, rows: &mut Vec<ProcessRow>) {
        let snapshot = &self.received.snapshot;
        for (position, process) in snapshot.processes.iter().enumerate() {
            let owner = owner(process, self.name, names);
            rows.push(ProcessRow {
                node: self.name.clone(),
                snapshot: snapshot.clone(),
                position,
                allocated: self.is_allocated(process, &owner),
                owner,
                age: self.telemetry.age,
                stale: self.telemetry.stale,
            });
        }
    }

    /// Whether the process's pod was given the device it runs on.
    fn is_allocated(&self, process: &GpuProcess, owner: &ProcessOwner) -> Option<bool> {
        let ProcessOwner::Pod { namespace, pod, .. } = owner else {
            return None;
        };
        let holders = self.held.of(&process.device)?;
        Some(
            holders
                .iter()
                .any(|to| to.namespace == *namespace && to.pod == *pod),
        )
    }
}

fn add_devices(
    picture: &mut Picture,
    first_process: usize,
    closed: Option<Closed>,
    node: &ProcessRows<'_>,
    settings: &Settings,
) {
    let snapshot = &node.received.snapshot;
    for (position, device) in snapshot.devices.iter().enumerate() {
        let processes: Vec<usize> = picture
            .processes
            .iter()
            .enumerate()
            .skip(first_process)
            .filter(|(_, row)| row.process().device == device.uuid)
            .map(|(index, _)| index)
            .collect();
        let allocated_to = node.held.of(&device.uuid);
        let busiest = processes
            .iter()
            .filter_map(|at| picture.processes[*at].process().idle_for.get())
            .min();
        let old = reading_age(device);
        let use_ = Use {
            allocated: allocated_to.as_ref().map(|holders| !holders.is_empty()),
            processes: processes.len(),
            idle_for: device.idle_for.get().or(busiest),
            looked: is_readable(device) && old <= settings.stale_after,
        };
        picture.devices.push(DeviceRow {
            node: node.name.clone(),
            snapshot: snapshot.clone(),
            position,
            state: device_state(device, use_, settings.idle_after),
            closed,
            allocated_to,
            processes,
            age: node.telemetry.age + old,
            stale: node.telemetry.stale || old > settings.stale_after,
        });
    }
}

/// Whether the driver answers for this device: it lists its processes and says its memory or its
/// utilisation.
fn is_readable(device: &Device) -> bool {
    let figures = device.memory_used.known().is_some() || device.utilization.known().is_some();
    figures && device.process_count.known().is_some()
}

/// Age of the oldest of the figures that the daemon itself calls old: those of a card whose driver
/// call hangs.
fn reading_age(device: &Device) -> Duration {
    let ages = [
        device.utilization.age(),
        device.memory_used.age(),
        device.temperature.age(),
        device.power.age(),
        device.process_count.age(),
    ];
    ages.into_iter().flatten().max().unwrap_or_default()
}

fn add_pods(
    picture: &mut Picture,
    fleet: &Fleet,
    nodes: &BTreeMap<&NodeName, (NodeAllocations, Telemetry<'_>)>,
    clock: Clock,
    settings: &Settings,
) {
    let mut processes_of: BTreeMap<(&NodeName, &str, &str), Vec<&ProcessRow>> = BTreeMap::new();
    for row in &picture.processes {
        if let ProcessOwner::Pod { namespace, pod, .. } = &row.owner {
            processes_of
                .entry((&row.node, namespace, pod))
                .or_default()
                .push(row);
        }
    }
    for info in fleet.pods().values() {
        let node = info.node.as_ref().and_then(|name| nodes.get(name));
        let own = info
            .node
            .as_ref()
            .and_then(|node| processes_of.get(&(node, &*info.key.namespace, &*info.key.name)))
            .map_or(&[][..], Vec::as_slice);
        picture.pods.push(pod_row(info, node, own, clock, settings));
    }
    picture.pods.sort_by(|a, b| a.info.key.cmp(&b.info.key));
}

fn pod_row(
    info: &PodInfo,
    node: Option<&(NodeAllocations, Telemetry<'_>)>,
    own: &[&ProcessRow],
    clock: Clock,
    settings: &Settings,
) -> PodRow {
    let mut row = PodRow {
        info: info.clone(),
        devices: None,
        in_use: None,
        memory_used: None,
        idle_since: None,
        unrequested: false,
        age: None,
        stale: false,
    };
    if info.node.is_none() || info.phase.is_finished() {
        // Not bound, or over: it holds nothing.
        row.devices = Some(Vec::new());
        row.in_use = Some(0);
        return row;
    }
    let Some((held, telemetry)) = node else {
        // Its node is not in the list (or the list may not be read): only the pod's own status
        // can tell.
        let mut named: Vec<_> = info.devices.iter().map(|d| d.device_id.device()).collect();
        named.sort();
        named.dedup();
        row.devices = (info.gpu_units() == 0 || !named.is_empty()).then_some(named);
        return row;
    };
    row.devices = held.of_pod(info);
    let Some(snapshot) = telemetry.snapshot() else {
        if info.gpu_units() == 0 {
            row.devices = Some(Vec::new());
        }
        return row;
    };
    row.age = Some(telemetry.age);
    row.stale = telemetry.stale;
    let given = row.devices.clone().unwrap_or_default();
    let mut uuids = given.clone();
    uuids.extend(own.iter().map(|row| row.process().device.clone()));
    uuids.sort();
    uuids.dedup();
    let views: Vec<PodDeviceView<'_>> = uuids
        .into_iter()
        .map(|uuid| PodDeviceView {
            device: snapshot.devices.iter().find(|device| device.uuid == uuid),
            given: row.devices.is_none() || given.contains(&uuid),
            alone: held.is_alone(&uuid, info),
            processes: own
                .iter()
                .map(|r| r.process())
                .filter(|p| p.device == uuid)
                .collect(),
        })
        .collect();
    let use_ = pod_use(&views, settings.idle_after);
    row.in_use = use_.in_use;
    row.memory_used = use_.memory_used;
    row.unrequested = use_.unrequested;
    row.idle_since = use_.idle_for.map(|idle| clock.date(idle + telemetry.age));
    if row.devices.is_none() && views.is_empty() && info.gpu_units() > 0 {
        // It asked for devices, and nobody can say which it was given.
        row.in_use = None;
    }
    row
}

/// Uid of a pod by namespace and name, where the API shows it.
pub(super) fn uid_of(
    names: &Names<'_>,
    node: &NodeName,
    namespace: &str,
    pod: &str,
) -> Option<PodUid> {
    let info = names.by_key(namespace, pod);
    info.filter(|info| info.node.as_ref() == Some(node))
        .map(|info| info.uid.clone())
}
