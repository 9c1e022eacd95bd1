//! What devices can be filtered and sorted by.

use std::borrow::Cow;

use gputop_fleet::state::{AllocatedTo, Closed, DeviceRow, DeviceState, ProcessOwner};
use gputop_model::{DeviceKind, Health};

use super::super::gpus::{held_by, processes_of, product_of};
use super::super::shares;
use super::{Field, Get, Unit, Value};
use crate::app::tables::Cx;

pub(super) const FIELDS: &[Field] = &[
    Field::text(
        "node",
        "name of the node",
        Get::Device(|_, row| Value::text(row.node.as_str())),
    )
    .or(&["host"])
    .of_gap(|gap| Value::text(gap.node.as_str()))
    .of_share(|_, row, _| Value::text(row.node.as_str())),
    Field::number(
        "gpu",
        Unit::Count,
        "index of the GPU in its node",
        Get::Device(|_, row| Value::Number(row.device().index.into())),
    )
    .or(&["index"])
    .of_share(|_, row, _| Value::Number(row.device().index.into())),
    Field::text(
        "product",
        "product, or profile of a MIG instance",
        Get::Device(|_, row| product(row)),
    )
    .or(&["name"])
    .of_gap(|gap| Value::known(gap.product.as_deref(), Value::text))
    .of_share(|_, _, to| Value::made(shares::name(to))),
    Field::text(
        "state",
        "free, idle, working…",
        Get::Device(|_, row| state_word(row.state)),
    )
    .of_share(|cx, _, to| state_word(shares::state(cx, to))),
    Field::text(
        "kind",
        "gpu, mig or share",
        Get::Device(|_, row| {
            Value::text(match row.device().kind {
                DeviceKind::Gpu { .. } => "gpu",
                DeviceKind::MigInstance { .. } => "mig",
            })
        }),
    )
    .of_share(|_, _, _| Value::text("share")),
    Field::number(
        "util",
        Unit::Percent,
        "utilisation",
        Get::Device(|_, row| Value::reading(&row.device().utilization, |p| Value::percent(*p))),
    )
    .or(&["utilization", "sm"])
    .of_share(|cx, row, to| {
        Value::known(shares::utilization(cx, row, to), |percent| {
            Value::Number(percent.into())
        })
    }),
    Field::number(
        "membw",
        Unit::Percent,
        "share of time in which memory is read or written",
        Get::Device(|_, row| {
            Value::reading(&row.device().memory_utilization, |p| Value::percent(*p))
        }),
    ),
    Field::number(
        "vram",
        Unit::Bytes,
        "device memory in use",
        Get::Device(|_, row| Value::reading(&row.device().memory_used, |b| Value::bytes(*b))),
    )
    .or(&["mem", "memory"])
    .of_share(|cx, row, to| Value::known(shares::memory(cx, row, to), Value::bytes)),
    Field::number(
        "vram%",
        Unit::Percent,
        "share of the device memory in use",
        Get::Device(|_, row| {
            let device = row.device();
            let known = device.memory_used.get().zip(device.memory_total.get());
            Value::known(
                known.and_then(|(used, total)| used.share_of(total)),
                Value::percent,
            )
        }),
    )
    .or(&["mem%"]),
    Field::number(
        "vram.total",
        Unit::Bytes,
        "device memory in all",
        Get::Device(|_, row| Value::reading(&row.device().memory_total, |b| Value::bytes(*b))),
    ),
    Field::number(
        "vram.free",
        Unit::Bytes,
        "device memory that nobody uses",
        Get::Device(|_, row| {
            let device = row.device();
            let known = device.memory_used.get().zip(device.memory_total.get());
            Value::known(known, |(used, total)| {
                Value::Number(total.0.saturating_sub(used.0) as f64)
            })
        }),
    ),
    Field::number(
        "temp",
        Unit::Celsius,
        "temperature",
        Get::Device(|_, row| {
            Value::reading(&row.device().temperature, |c| Value::Number(c.0.into()))
        }),
    )
    .or(&["temperature"]),
    Field::number(
        "power",
        Unit::Watts,
        "power that it draws",
        Get::Device(|_, row| Value::reading(&row.device().power, |w| Value::watts(*w))),
    ),
    Field::number(
        "limit",
        Unit::Watts,
        "its power limit",
        Get::Device(|_, row| Value::reading(&row.device().power_limit, |w| Value::watts(*w))),
    ),
    Field::number(
        "idle",
        Unit::Seconds,
        "how long nothing has run on it",
        Get::Device(|_, row| Value::reading(&row.device().idle_for, |d| Value::duration(*d))),
    ),
    Field::number(
        "old",
        Unit::Seconds,
        "how old the figures are",
        Get::Device(|_, row| Value::duration(row.age)),
    )
    .or(&["age", "stale"]),
    Field::text("held", "who holds it or uses it", Get::Device(held))
        .or(&["by", "holder"])
        .of_share(|_, _, to| Value::made(held_by(to))),
    Field::text(
        "pod",
        "pods that were given it",
        Get::Device(|_, row| holders(row, |to| to.pod.as_str())),
    )
    .of_share(|_, _, to| Value::text(&to.pod)),
    Field::text(
        "ns",
        "namespaces of the pods that were given it",
        Get::Device(|_, row| holders(row, |to| to.namespace.as_str())),
    )
    .or(&["namespace"])
    .of_share(|_, _, to| Value::text(&to.namespace)),
    Field::number(
        "proc",
        Unit::Count,
        "processes on it",
        Get::Device(|_, row| Value::known(processes_of(row), Value::count)),
    )
    .or(&["processes"])
    .of_share(|cx, row, to| Value::known(shares::process_number(cx, row, to), Value::count)),
    Field::flag(
        "cordoned",
        "its node takes no new pods",
        Get::Device(|_, row| Value::Flag(row.closed == Some(Closed::Cordoned))),
    ),
    Field::flag(
        "closed",
        "its node takes no pods, cordoned or not ready",
        Get::Device(|_, row| Value::Flag(row.closed.is_some())),
    ),
    Field::text("note", "what is amiss", Get::Device(|_, row| note(row)))
        .or(&["why"])
        .of_gap(|gap| Value::text(&gap.reason)),
    Field::text(
        "health",
        "ok, degraded or sick",
        Get::Device(|_, row| health(row)),
    ),
    Field::text(
        "throttle",
        "why the clocks are held back",
        Get::Device(|_, row| {
            Value::reading(&row.device().throttle_reasons, |reasons| {
                Value::Several(
                    reasons
                        .iter()
                        .map(|reason| reason.to_string().into())
                        .collect(),
                )
            })
        }),
    ),
    Field::text(
        "uuid",
        "NVML's UUID",
        Get::Device(|_, row| Value::text(row.device().uuid.as_str())),
    ),
    Field::text(
        "driver",
        "version of the driver",
        Get::Device(|cx, row| {
            let node = cx.node(&row.node);
            Value::known(
                node.and_then(|node| node.driver_version.as_deref()),
                Value::text,
            )
        }),
    ),
    Field::number(
        "clock",
        Unit::MegaHertz,
        "clock of the multiprocessors",
        Get::Device(|_, row| {
            Value::reading(&row.device().clocks.sm, |clock| {
                Value::Number(clock.0.into())
            })
        }),
    ),
    Field::number(
        "memclock",
        Unit::MegaHertz,
        "clock of the memory",
        Get::Device(|_, row| {
            Value::reading(&row.device().clocks.memory, |clock| {
                Value::Number(clock.0.into())
            })
        }),
    ),
    Field::number(
        "fan",
        Unit::Percent,
        "speed of the fan",
        Get::Device(|_, row| Value::reading(&row.device().thermal.fan, |p| Value::percent(*p))),
    ),
    Field::text("pcie", "ok or degraded", Get::Device(|_, row| pcie(row))),
    Field::number(
        "ecc",
        Unit::Count,
        "memory errors that could not be corrected",
        Get::Device(|_, row| {
            Value::reading(&row.device().ecc.volatile_uncorrected, |count| {
                Value::Number(*count as f64)
            })
        }),
    ),
    Field::number(
        "pstate",
        Unit::Count,
        "performance state, 0 is full speed",
        Get::Device(|_, row| {
            Value::reading(&row.device().p_state, |state| Value::Number(state.0.into()))
        }),
    )
    .or(&["p-state"]),
    Field::number(
        "enc",
        Unit::Percent,
        "work of the video encoder",
        Get::Device(|_, row| Value::reading(&row.device().video.encoder, |p| Value::percent(*p))),
    ),
    Field::number(
        "dec",
        Unit::Percent,
        "work of the video decoder",
        Get::Device(|_, row| Value::reading(&row.device().video.decoder, |p| Value::percent(*p))),
    ),
    Field::flag(
        "unified",
        "its memory is the machine's own",
        Get::Device(|_, row| Value::Flag(row.device().has_unified_memory())),
    ),
];

/// What is shown first; the whole name can be asked for too.
fn product(row: &DeviceRow) -> Value<'_> {
    let short = product_of(row);
    let mut names = vec![Cow::Borrowed(short)];
    if row.device().product != short {
        names.push(Cow::Borrowed(row.device().product.as_str()));
    }
    Value::Several(names)
}

/// In the order in which states call for a look.
fn state_word(state: DeviceState) -> Value<'static> {
    let rank = DeviceState::ALL.iter().position(|known| *known == state);
    let rank = rank.and_then(|rank| u8::try_from(rank).ok());
    Value::Word(rank.unwrap_or(u8::MAX), state.name())
}

fn holders<'a>(row: &'a DeviceRow, name: impl Fn(&'a AllocatedTo) -> &'a str) -> Value<'a> {
    Value::known(row.allocated_to.as_ref(), |holders| {
        Value::Several(holders.iter().map(|to| name(to).into()).collect())
    })
}

/// As the HELD BY column has it: those who were given it, or else those who use it.
fn held<'a>(cx: &Cx<'a>, row: &'a DeviceRow) -> Value<'a> {
    let Some(given) = &row.allocated_to else {
        return Value::Unknown;
    };
    let mut names: Vec<Cow<'a, str>> = given.iter().map(|to| held_by(to).into()).collect();
    if names.is_empty() {
        names.extend(row.processes.iter().filter_map(
            |at| match &cx.picture.processes[*at].owner {
                ProcessOwner::Pod { namespace, pod, .. } => {
                    Some(format!("{namespace}/{pod}").into())
                }
                ProcessOwner::Outside(what) => Some(what.as_str().into()),
                ProcessOwner::UnknownPod(_) | ProcessOwner::Unknown => None,
            },
        ));
    }
    Value::Several(names)
}

fn note(row: &DeviceRow) -> Value<'_> {
    let why = row.device().health.known().and_then(Health::why);
    Value::text(why.unwrap_or_default())
}

fn health(row: &DeviceRow) -> Value<'_> {
    Value::reading(&row.device().health, |health| match health {
        Health::Sick { .. } => Value::Word(0, "sick"),
        Health::Degraded { .. } => Value::Word(1, "degraded"),
        Health::Ok => Value::Word(2, "ok"),
    })
}

fn pcie(row: &DeviceRow) -> Value<'_> {
    let device = row.device();
    if device.pcie_degraded().is_some() {
        Value::Word(0, "degraded")
    } else if device.pcie.width.known().is_some() {
        Value::Word(1, "ok")
    } else {
        Value::Unknown
    }
}
