//! The lists as OpenMetrics text, for a Prometheus that reads files or is pushed to.
//!
//! What is not known has no sample. Nor has what a silent daemon said last: a sample says what is
//! so now. Names and units follow <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

mod gpus;
mod text;

use gputop_model::Phase;

use super::node::{NodeItem, ResourceItem};
use super::pod::PodItem;
use super::process::ProcessItem;
pub(super) use gpus::gpus;
use text::{Exposition, Labels, Unit};

/// Name, meaning and value of a number of units.
type Units = (&'static str, &'static str, fn(&ResourceItem) -> Option<i64>);

/// Nodes and the units that the scheduler counts there.
pub(super) fn nodes(items: &[NodeItem]) -> String {
    let mut text = Exposition::default();
    let labels = |item: &NodeItem| Labels::default().with("node", &item.name);
    let flag = |flag: bool| f64::from(u8::from(flag));
    text.gauge(
        "gputop_node_ready",
        Unit::None,
        "Whether the node's Ready condition is true",
        items
            .iter()
            .filter_map(|item| Some((labels(item), flag(item.ready?)))),
    );
    text.gauge(
        "gputop_node_cordoned",
        Unit::None,
        "Whether the node takes no new pods",
        items.iter().map(|item| (labels(item), flag(item.cordoned))),
    );
    text.gauge(
        "gputop_node_daemon_live",
        Unit::None,
        "Whether the node's daemon delivers",
        items
            .iter()
            .filter(|item| item.agent.state != "not_asked")
            .map(|item| (labels(item), flag(item.agent.delivers))),
    );
    text.gauge(
        "gputop_node_devices",
        Unit::None,
        "Physical GPUs and MIG instances",
        items
            .iter()
            .filter_map(|item| Some((labels(item), item.devices? as f64))),
    );
    let units: [Units; 3] = [
        (
            "gputop_node_units_capacity",
            "Units of the resource that the node has",
            |resource| Some(resource.capacity),
        ),
        (
            "gputop_node_units_allocatable",
            "Units of the resource that pods may use",
            |resource| Some(resource.allocatable),
        ),
        (
            "gputop_node_units_requested",
            "Units of the resource that pods ask for",
            |resource| resource.requested,
        ),
    ];
    for (name, help, value) in units {
        let samples = items.iter().flat_map(|item| {
            item.resources.iter().filter_map(move |resource| {
                let labels = Labels::default().with("node", &item.name);
                Some((
                    labels.with("resource", &resource.name),
                    value(resource)? as f64,
                ))
            })
        });
        text.gauge(name, Unit::None, help, samples);
    }
    text.gauge(
        "gputop_node_telemetry_age",
        Unit::Seconds,
        "Time since the daemon was heard",
        items
            .iter()
            .filter_map(|item| Some((labels(item), seconds(item.age_ms?)))),
    );
    text.end()
}

/// Pods that have to do with GPUs.
pub(super) fn pods(items: &[PodItem]) -> String {
    let mut text = Exposition::default();
    let concerned: Vec<&PodItem> = items
        .iter()
        .filter(|item| {
            let some = |count: Option<usize>| count.is_some_and(|count| count > 0);
            item.gpus_requested > 0
                || some(item.gpus_allocated)
                || some(item.gpus_in_use)
                || item.unrequested
        })
        .collect();
    let all = || concerned.iter().copied();
    let fresh = || all().filter(|item| !item.stale);
    let phases = [
        Phase::Pending,
        Phase::Running,
        Phase::Succeeded,
        Phase::Failed,
        Phase::Unknown,
    ];
    text.states(
        "gputop_pod_phase",
        "The pod's phase",
        &phases.map(Phase::name),
        all().map(|item| (pod(item), vec![item.phase])),
    );
    text.gauge(
        "gputop_pod_units_requested",
        Unit::None,
        "GPU units that the scheduler counts for the pod",
        all().map(|item| (pod(item), item.gpus_requested as f64)),
    );
    text.gauge(
        "gputop_pod_gpus_held",
        Unit::None,
        "Devices that the pod was given",
        fresh().filter_map(|item| Some((pod(item), item.gpus_allocated? as f64))),
    );
    text.gauge(
        "gputop_pod_gpus_used",
        Unit::None,
        "Devices that the pod has used lately",
        fresh().filter_map(|item| Some((pod(item), item.gpus_in_use? as f64))),
    );
    text.gauge(
        "gputop_pod_memory_used",
        Unit::Bytes,
        "Device memory that the pod's processes hold",
        fresh().filter_map(|item| Some((pod(item), whole(item.memory_used_bytes?)))),
    );
    text.gauge(
        "gputop_pod_idle_since_timestamp",
        Unit::Seconds,
        "Since when the pod has had devices and done nothing with them (Unix time)",
        fresh().filter_map(|item| {
            let since = item.idle_since?.as_millisecond();
            Some((pod(item), since as f64 / 1000.0))
        }),
    );
    text.gauge(
        "gputop_pod_unrequested",
        Unit::None,
        "Whether the pod uses a device that it was not given",
        fresh().map(|item| (pod(item), f64::from(u8::from(item.unrequested)))),
    );
    text.end()
}

fn pod(item: &PodItem) -> Labels {
    Labels::default()
        .with("namespace", &item.namespace)
        .with("pod", &item.name)
        .with_some("node", item.node.clone())
        .with("workload_kind", &item.workload.kind)
        .with("workload", &item.workload.name)
}

/// Processes on devices.
pub(super) fn processes(items: &[ProcessItem]) -> String {
    let mut text = Exposition::default();
    let fresh = || items.iter().filter(|item| !item.stale);
    text.gauge(
        "gputop_process_memory_used",
        Unit::Bytes,
        "Device memory that the process holds",
        fresh().filter_map(|item| Some((process(item), whole(item.process.memory_used_bytes?)))),
    );
    text.gauge(
        "gputop_process_utilization",
        Unit::Ratio,
        "Share of the time in which a kernel of the process ran",
        fresh().filter_map(|item| Some((process(item), ratio(item.process.sm_percent?)))),
    );
    text.end()
}

fn process(item: &ProcessItem) -> Labels {
    let process = &item.process;
    Labels::default()
        .with("node", &item.node)
        .with_some("gpu", item.gpu_index.map(|index| index.to_string()))
        .with("uuid", &item.gpu_uuid)
        .with("pid", &process.pid.to_string())
        .with("process", &process.name)
        .with_some("namespace", process.namespace.clone())
        .with_some("pod", process.pod.clone())
        .with_some("container", process.container.clone())
        .with_some("outside", item.outside.clone())
}

fn ratio(percent: u8) -> f64 {
    f64::from(percent) / 100.0
}

fn whole(number: u64) -> f64 {
    number as f64
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
