//! What nodes can be filtered and sorted by.

use gputop_fleet::state::{AgentStatus, NodeRow};
use gputop_model::Readiness;

use super::{Field, Get, Unit, Value};
use crate::app::format;

pub(super) const FIELDS: &[Field] = &[
    Field::text(
        "node",
        "name of the node",
        Get::Node(|_, row| Value::text(row.info.name.as_str())),
    )
    .or(&["name", "host"]),
    Field::text(
        "status",
        "Ready, NotReady, cordoned, away",
        Get::Node(|_, row| status(row)),
    )
    .or(&["state"]),
    Field::flag(
        "cordoned",
        "takes no new pods",
        Get::Node(|_, row| Value::Flag(row.info.cordoned)),
    ),
    Field::text(
        "role",
        "role of the node",
        Get::Node(|_, row| several(row.info.roles.iter().map(String::as_str))),
    )
    .or(&["roles"]),
    Field::text(
        "product",
        "product of its GPUs",
        Get::Node(|_, row| products(row)),
    )
    .or(&["gpus"]),
    Field::number(
        "devices",
        Unit::Count,
        "number of GPUs",
        Get::Node(|_, row| {
            Value::known(row.devices.as_ref(), |counts| {
                Value::count(counts.values().sum())
            })
        }),
    )
    .or(&["gpu"]),
    Field::number(
        "units",
        Unit::Count,
        "GPU units that pods may use",
        Get::Node(|_, row| Value::units(row.allocatable())),
    )
    .or(&["alloc", "allocatable"]),
    Field::number(
        "req",
        Unit::Count,
        "GPU units that pods ask for",
        Get::Node(|_, row| Value::known(row.requested(), Value::units)),
    )
    .or(&["requested"]),
    Field::number(
        "free",
        Unit::Count,
        "GPU units that nobody asks for",
        Get::Node(|_, row| Value::known(row.free(), Value::units)),
    ),
    Field::number(
        "util",
        Unit::Percent,
        "mean utilisation of its GPUs",
        Get::Node(|_, row| {
            Value::known(row.utilization.value, |percent| {
                Value::Number(percent.into())
            })
        }),
    )
    .or(&["utilization"]),
    Field::number(
        "vram",
        Unit::Bytes,
        "device memory in use",
        Get::Node(|_, row| Value::known(row.memory.value, |(used, _)| Value::bytes(used))),
    )
    .or(&["mem", "memory"]),
    Field::number(
        "vram%",
        Unit::Percent,
        "share of the device memory in use",
        Get::Node(|_, row| {
            let memory = row.memory.value;
            let share = memory.and_then(|(used, total)| used.share_of(total));
            Value::known(share, Value::percent)
        }),
    )
    .or(&["mem%"]),
    Field::number(
        "vram.total",
        Unit::Bytes,
        "device memory in all",
        Get::Node(|_, row| Value::known(row.memory.value, |(_, total)| Value::bytes(total))),
    ),
    Field::number(
        "temp",
        Unit::Celsius,
        "temperature of its hottest GPU",
        Get::Node(|_, row| {
            Value::known(row.temperature.value, |celsius| {
                Value::Number(celsius.into())
            })
        }),
    )
    .or(&["temperature"]),
    Field::number(
        "power",
        Unit::Watts,
        "power of its GPUs",
        Get::Node(|_, row| Value::known(row.power.value, Value::watts)),
    ),
    Field::number(
        "old",
        Unit::Seconds,
        "how old the figures are",
        Get::Node(|_, row| Value::known(row.age, Value::duration)),
    )
    .or(&["stale"]),
    Field::text(
        "daemon",
        "what its daemon does",
        Get::Node(|_, row| daemon(row)),
    ),
    Field::text(
        "why",
        "what is amiss",
        Get::Node(|_, row| Value::text(row.reason.as_deref().unwrap_or_default())),
    )
    .or(&["reason"]),
    Field::text(
        "driver",
        "version of the driver",
        Get::Node(|_, row| Value::known(row.driver_version.as_deref(), Value::text)),
    ),
    Field::text(
        "cuda",
        "newest CUDA version that the driver serves",
        Get::Node(|_, row| Value::known(row.cuda_version.as_deref(), Value::text)),
    ),
    Field::text(
        "version",
        "version of K3s",
        Get::Node(|_, row| stated(&row.info.kubelet_version)),
    )
    .or(&["kubelet"]),
    Field::text(
        "os",
        "operating system",
        Get::Node(|_, row| stated(&row.info.os_image)),
    ),
    Field::text(
        "arch",
        "processor architecture",
        Get::Node(|_, row| stated(&row.info.architecture)),
    ),
    Field::text(
        "kernel",
        "version of the kernel",
        Get::Node(|_, row| stated(&row.info.kernel_version)),
    ),
    Field::text(
        "runtime",
        "container runtime",
        Get::Node(|_, row| stated(&row.info.container_runtime)),
    ),
    Field::text(
        "taint",
        "keys of its taints",
        Get::Node(|_, row| several(row.info.taints.iter().map(|taint| taint.key.as_str()))),
    )
    .or(&["taints"]),
    Field::text(
        "condition",
        "conditions that say that something is wrong",
        Get::Node(|_, row| several(row.info.conditions.iter().map(|found| found.kind.as_str()))),
    )
    .or(&["conditions"]),
    Field::text(
        "other",
        "accelerators of other vendors, by resource name",
        Get::Node(|_, row| several(row.info.other_resources.keys().map(String::as_str))),
    ),
    Field::text(
        "ip",
        "internal address",
        Get::Node(|_, row| several(row.info.addresses.iter().map(String::as_str))),
    ),
    Field::number(
        "age",
        Unit::Seconds,
        "how long the node has been in the cluster",
        Get::Node(|cx, row| {
            Value::known(row.info.created, |created| {
                Value::duration(cx.clock.age(created))
            })
        }),
    ),
];

fn several<'a>(texts: impl Iterator<Item = &'a str>) -> Value<'a> {
    Value::Several(texts.map(Into::into).collect())
}

/// Text that the API gives, empty where it does not.
fn stated(text: &str) -> Value<'_> {
    if text.is_empty() {
        Value::Unknown
    } else {
        Value::text(text)
    }
}

/// What is in trouble comes first.
fn status(row: &NodeRow) -> Value<'_> {
    match &row.info.readiness {
        _ if row.info.is_away() => Value::Word(4, "away"),
        Readiness::NotReady { .. } => Value::Word(0, "NotReady"),
        Readiness::Unknown => Value::Word(1, "Unknown"),
        Readiness::Ready if row.info.cordoned => Value::Word(2, "cordoned"),
        Readiness::Ready => Value::Word(3, "Ready"),
    }
}

fn products(row: &NodeRow) -> Value<'_> {
    if row.products.is_empty() {
        return Value::Unknown;
    }
    several(row.products.iter().map(|(name, _)| format::product(name)))
}

fn daemon(row: &NodeRow) -> Value<'_> {
    match &row.agent {
        AgentStatus::Lost { .. } => Value::Word(0, "lost"),
        AgentStatus::NotRunning { .. } => Value::Word(1, "down"),
        AgentStatus::Absent => Value::Word(2, "none"),
        AgentStatus::Connecting => Value::Word(3, "connecting"),
        AgentStatus::Hidden => Value::Word(4, "hidden"),
        AgentStatus::NotAsked => Value::Word(5, "off"),
        AgentStatus::Visited { .. } => Value::Word(6, "in turn"),
        AgentStatus::Live => Value::Word(7, "live"),
    }
}
