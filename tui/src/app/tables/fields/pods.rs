//! What pods can be filtered and sorted by.

use gputop_fleet::state::PodRow;

use super::{Field, Get, Unit, Value};
use crate::app::format;
use crate::app::tables::Cx;

pub(super) const FIELDS: &[Field] = &[
    Field::text(
        "pod",
        "name of the pod",
        Get::Pod(|_, row| {
            Value::Several(vec![
                row.info.key.to_string().into(),
                (&*row.info.key.name).into(),
            ])
        }),
    )
    .or(&["name"])
    .of_workload(|_, row| Value::made(format!("{}/{}", row.namespace, row.name))),
    Field::text(
        "ns",
        "namespace",
        Get::Pod(|_, row| Value::text(&row.info.key.namespace)),
    )
    .or(&["namespace"])
    .of_workload(|_, row| Value::text(&row.namespace)),
    Field::text(
        "workload",
        "what owns it",
        Get::Pod(|_, row| Value::text(&row.info.workload.name)),
    )
    .or(&["owner"])
    .of_workload(|_, row| Value::text(&row.name)),
    Field::text(
        "kind",
        "kind of what owns it, such as Deployment",
        Get::Pod(|_, row| Value::text(&row.info.workload.kind)),
    )
    .of_workload(|_, row| Value::text(&row.kind)),
    Field::text(
        "node",
        "name of the node",
        Get::Pod(|_, row| Value::text(row.info.node.as_ref().map_or("", |node| node.as_str()))),
    )
    .or(&["host"]),
    Field::text(
        "status",
        "Running, Pending, CrashLoopBackOff…",
        Get::Pod(|_, row| Value::text(row.status())),
    )
    .or(&["state", "phase"]),
    Field::flag(
        "ready",
        "ready to serve",
        Get::Pod(|_, row| Value::Flag(row.info.ready)),
    ),
    Field::number(
        "req",
        Unit::Count,
        "GPU units that it asks for",
        Get::Pod(|_, row| Value::units(row.info.gpu_units())),
    )
    .or(&["requested"])
    .of_workload(|_, row| Value::units(row.requested)),
    Field::number(
        "alloc",
        Unit::Count,
        "devices that it was given",
        Get::Pod(|_, row| {
            Value::known(row.devices.as_ref(), |devices| Value::count(devices.len()))
        }),
    )
    .or(&["allocated", "devices"])
    .of_workload(|_, row| Value::known(row.devices, Value::count)),
    Field::number(
        "used",
        Unit::Count,
        "devices that it has used lately",
        Get::Pod(|_, row| Value::known(row.in_use, Value::count)),
    )
    .of_workload(|_, row| Value::known(row.in_use, Value::count)),
    Field::number(
        "vram",
        Unit::Bytes,
        "device memory that it holds",
        Get::Pod(|_, row| Value::known(row.memory_used, Value::bytes)),
    )
    .or(&["mem", "memory"])
    .of_workload(|_, row| Value::known(row.memory_used, Value::bytes)),
    Field::number(
        "idle",
        Unit::Seconds,
        "how long it has done nothing with its GPUs",
        Get::Pod(|cx, row| {
            Value::known(row.idle_since, |since| Value::duration(cx.clock.age(since)))
        }),
    )
    .of_workload(|cx, row| {
        Value::known(row.idle_since, |since| Value::duration(cx.clock.age(since)))
    }),
    Field::flag(
        "unrequested",
        "uses a GPU that it did not ask for",
        Get::Pod(|_, row| Value::Flag(row.unrequested)),
    )
    .of_workload(|_, row| Value::Flag(row.unrequested)),
    Field::text(
        "why",
        "why it waits or does not run",
        Get::Pod(|_, row| Value::made(row.why().unwrap_or_default())),
    )
    .or(&["reason"]),
    Field::number(
        "age",
        Unit::Seconds,
        "how long it has been there",
        Get::Pod(|cx, row| {
            Value::known(row.info.created, |created| {
                Value::duration(cx.clock.age(created))
            })
        }),
    ),
    Field::number(
        "old",
        Unit::Seconds,
        "how old the figures are",
        Get::Pod(|_, row| Value::known(row.age, Value::duration)),
    )
    .or(&["stale"]),
    Field::number(
        "restarts",
        Unit::Count,
        "how often its containers were started anew",
        Get::Pod(|_, row| Value::Number(row.info.restarts().into())),
    ),
    Field::text(
        "container",
        "names of its containers",
        Get::Pod(|_, row| {
            Value::Several(
                row.info
                    .containers
                    .iter()
                    .map(|found| found.name.as_str().into())
                    .collect(),
            )
        }),
    )
    .or(&["containers"]),
    Field::text(
        "image",
        "images of its containers",
        Get::Pod(|_, row| {
            Value::Several(
                row.info
                    .containers
                    .iter()
                    .map(|found| found.image.as_str().into())
                    .collect(),
            )
        }),
    ),
    Field::text(
        "product",
        "products of the devices that it was given",
        Get::Pod(products),
    ),
];

fn products<'a>(cx: &Cx<'a>, row: &'a PodRow) -> Value<'a> {
    let (Some(devices), Some(node)) = (&row.devices, &row.info.node) else {
        return Value::Unknown;
    };
    let rows = devices.iter().filter_map(|uuid| cx.device(node, uuid));
    Value::Several(
        rows.map(|row| format::product(&row.device().product).into())
            .collect(),
    )
}
