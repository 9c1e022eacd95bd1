//! What processes can be filtered and sorted by.

use gputop_fleet::state::{ProcessOwner, ProcessRow};
use gputop_model::ProcessKind;

use super::{Field, Get, Unit, Value};
use crate::app::format;

pub(super) const FIELDS: &[Field] = &[
    Field::text(
        "node",
        "name of the node",
        Get::Process(|_, row| Value::text(row.node.as_str())),
    )
    .or(&["host"]),
    Field::number(
        "gpu",
        Unit::Count,
        "index of the GPU in its node",
        Get::Process(|cx, row| {
            Value::known(cx.device(&row.node, &row.process().device), |device| {
                Value::Number(device.device().index.into())
            })
        }),
    )
    .or(&["index"]),
    Field::number(
        "pid",
        Unit::Count,
        "process id on its node",
        Get::Process(|_, row| Value::Number(row.process().pid.into())),
    ),
    Field::text(
        "user",
        "who runs it",
        Get::Process(|_, row| Value::reading(&row.process().user, |user| Value::text(user))),
    ),
    Field::text(
        "name",
        "name of the program",
        Get::Process(|_, row| Value::text(&row.process().name)),
    )
    .or(&["command", "program"]),
    Field::text(
        "type",
        "C computes, G draws, C+G does both, M+C computes through MPS",
        Get::Process(|_, row| {
            Value::text(match row.process().kind {
                ProcessKind::Compute => "C",
                ProcessKind::Graphics => "G",
                ProcessKind::ComputeAndGraphics => "C+G",
                ProcessKind::Mps => "M+C",
            })
        }),
    ),
    Field::number(
        "sm",
        Unit::Percent,
        "share of time in which its kernels run",
        Get::Process(|_, row| Value::reading(&row.process().sm, |p| Value::percent(*p))),
    )
    .or(&["util", "utilization"]),
    Field::number(
        "vram",
        Unit::Bytes,
        "device memory that it holds",
        Get::Process(|_, row| Value::reading(&row.process().memory_used, |b| Value::bytes(*b))),
    )
    .or(&["mem", "memory"]),
    Field::number(
        "idle",
        Unit::Seconds,
        "how long it has run nothing",
        Get::Process(|_, row| Value::reading(&row.process().idle_for, |d| Value::duration(*d))),
    ),
    Field::text("held", "what holds it", Get::Process(|_, row| held(row)))
        .or(&["by", "holder", "owner"]),
    Field::text(
        "pod",
        "pod that it belongs to",
        Get::Process(|_, row| of_pod(row, |_, pod, _| Some(pod))),
    ),
    Field::text(
        "ns",
        "namespace of its pod",
        Get::Process(|_, row| of_pod(row, |namespace, _, _| Some(namespace))),
    )
    .or(&["namespace"]),
    Field::text(
        "container",
        "container that it belongs to",
        Get::Process(|_, row| of_pod(row, |_, _, container| container)),
    ),
    Field::flag(
        "outside",
        "belongs to nothing in the cluster",
        Get::Process(|_, row| match &row.owner {
            ProcessOwner::Outside(_) => Value::Flag(true),
            ProcessOwner::Pod { .. } | ProcessOwner::UnknownPod(_) => Value::Flag(false),
            ProcessOwner::Unknown => Value::Unknown,
        }),
    ),
    Field::flag(
        "unrequested",
        "uses a GPU that its pod did not ask for",
        Get::Process(|_, row| match (&row.owner, row.allocated) {
            (ProcessOwner::Pod { .. }, Some(allocated)) => Value::Flag(!allocated),
            (ProcessOwner::Outside(_), _) => Value::Flag(false),
            _ => Value::Unknown,
        }),
    ),
    Field::text(
        "product",
        "product of the GPU",
        Get::Process(|cx, row| {
            Value::known(cx.device(&row.node, &row.process().device), |device| {
                Value::text(format::product(&device.device().product))
            })
        }),
    ),
    Field::number(
        "old",
        Unit::Seconds,
        "how old the figures are",
        Get::Process(|_, row| Value::duration(row.age)),
    )
    .or(&["age", "stale"]),
];

fn held(row: &ProcessRow) -> Value<'_> {
    match &row.owner {
        ProcessOwner::Pod { namespace, pod, .. } => Value::made(format!("{namespace}/{pod}")),
        ProcessOwner::UnknownPod(_) => Value::text("a pod that is gone"),
        ProcessOwner::Outside(what) => Value::text(what),
        ProcessOwner::Unknown => Value::Unknown,
    }
}

fn of_pod<'a>(
    row: &'a ProcessRow,
    part: impl Fn(&'a str, &'a str, Option<&'a str>) -> Option<&'a str>,
) -> Value<'a> {
    match &row.owner {
        ProcessOwner::Pod {
            namespace,
            pod,
            container,
            ..
        } => Value::known(part(namespace, pod, container.as_deref()), Value::text),
        // It has none.
        ProcessOwner::Outside(_) => Value::text(""),
        ProcessOwner::UnknownPod(_) | ProcessOwner::Unknown => Value::Unknown,
    }
}
