//! A snapshot for people.

mod machine;

use std::fmt::{Display, Write as _};
use std::time::Duration;

use gputop_model::{
    Device, DeviceEvent, DeviceKind, DriverState, GpuProcess, Holder, NodeSnapshot, Reading,
};

const DEVICES: [&str; 12] = [
    "GPU", "PRODUCT", "UTIL", "MEMORY", "TEMP", "FAN", "POWER", "STATE", "CLOCKS", "PCIE", "IDLE",
    "HEALTH",
];
const ACTIVITY: [&str; 7] = [
    "GPU",
    "SM ACTIVE",
    "OCCUPANCY",
    "TENSOR",
    "BANDWIDTH",
    "PCIE IN",
    "PCIE OUT",
];
/// The command is the longest and so the last.
const PROCESSES: [&str; 13] = [
    "PID", "GPU", "KIND", "USER", "MEMORY", "SM", "MEM", "ENC", "DEC", "RUNS", "IDLE", "HELD BY",
    "COMMAND",
];
const EVENTS: [&str; 4] = ["GPU", "AGO", "COUNT", "EVENT"];

/// The whole text. `–`: not known; `~`: not fresh.
pub(super) fn table(snapshot: &NodeSnapshot) -> String {
    let mut text = format!("node {}", snapshot.node);
    match &snapshot.driver {
        DriverState::Ready { version, cuda } => {
            write!(text, " · driver {version}").ok();
            if let Some(cuda) = cuda {
                write!(text, " · CUDA {cuda}").ok();
            }
        }
        other => {
            write!(text, " · {}", other.reason().unwrap_or_default()).ok();
        }
    }
    writeln!(text, " · gputop-node {}", snapshot.daemon_version).ok();
    machine::describe(&mut text, &snapshot.host);
    if !snapshot.devices.is_empty() {
        text.push('\n');
        let rows = snapshot.devices.iter().map(|d| device(d, snapshot));
        lay_out(&mut text, DEVICES, rows.collect());
        let active = snapshot.devices.iter().filter(|d| has_activity(d));
        let rows: Vec<_> = active.map(|d| activity(d, snapshot)).collect();
        if !rows.is_empty() {
            text.push('\n');
            lay_out(&mut text, ACTIVITY, rows);
        }
        text.push('\n');
        if snapshot.processes.is_empty() {
            text.push_str("no processes\n");
        } else {
            let rows = snapshot.processes.iter().map(|p| process(p, snapshot));
            lay_out(&mut text, PROCESSES, rows.collect());
        }
    }
    let allocated = match snapshot.allocations.known() {
        Some(list) => format!("{} allocated by the kubelet", list.len()),
        None if snapshot.allocations == Reading::Unsupported => "no kubelet".to_owned(),
        None => "the kubelet could not be asked".to_owned(),
    };
    writeln!(text, "\n{allocated}").ok();
    if !snapshot.events.is_empty() {
        text.push('\n');
        let rows = snapshot.events.iter().map(|e| event(e, snapshot));
        lay_out(&mut text, EVENTS, rows.collect());
    }
    machine::describe_limits(&mut text, &snapshot.limitations);
    text
}

fn event(event: &DeviceEvent, snapshot: &NodeSnapshot) -> [String; 4] {
    let on = snapshot.devices.iter().find(|d| d.uuid == event.device);
    let mut what = event.kind.meaning().into_owned();
    if let Some(advice) = event.kind.advice() {
        write!(what, "; {advice}").ok();
    }
    [
        on.map_or("–".to_owned(), |device| label(device, snapshot)),
        time(snapshot.event_age(event)),
        event.count.to_string(),
        what,
    ]
}

fn device(device: &Device, snapshot: &NodeSnapshot) -> [String; 12] {
    let product = match &device.kind {
        DeviceKind::Gpu { mig_enabled: true } => format!("{} (MIG)", device.product),
        DeviceKind::Gpu { .. } => device.product.clone(),
        DeviceKind::MigInstance { profile, .. } => format!("└ MIG {profile}"),
    };
    let mut health = match device.health.known() {
        None => "–".to_owned(),
        Some(health) => health.why().map_or(health.name().to_owned(), |why| {
            format!("{}: {why}", health.name())
        }),
    };
    let throttled = device.throttle_reasons.known().into_iter().flatten();
    for reason in throttled {
        write!(health, ", {reason}").ok();
    }
    [
        label(device, snapshot),
        product,
        cell(&device.utilization),
        if device.has_unified_memory() {
            "unified".to_owned()
        } else {
            of(&device.memory_used, &device.memory_total)
        },
        cell(&device.temperature),
        cell(&device.thermal.fan),
        of(&device.power, &device.power_limit),
        cell(&device.p_state),
        of(&device.clocks.sm, &device.clocks.memory),
        pcie(device),
        idle(&device.idle_for),
        health,
    ]
}

/// Whether what the multiprocessors do, or what goes over the link, is known of it.
fn has_activity(device: &Device) -> bool {
    device.activity.sm_active.known().is_some() || device.traffic.pcie_receive.known().is_some()
}

fn activity(device: &Device, snapshot: &NodeSnapshot) -> [String; 7] {
    [
        label(device, snapshot),
        cell(&device.activity.sm_active),
        cell(&device.activity.sm_occupancy),
        cell(&device.activity.tensor),
        cell(&device.activity.memory_bandwidth),
        cell(&device.traffic.pcie_receive),
        cell(&device.traffic.pcie_transmit),
    ]
}

/// `gen4 x16`; where it is worse than it could be, how.
fn pcie(device: &Device) -> String {
    if let Some(degraded) = device.pcie_degraded() {
        return degraded.to_string();
    }
    match (device.pcie.generation.get(), device.pcie.width.get()) {
        (Some(generation), Some(width)) => format!("gen{generation} x{width}"),
        _ => "–".to_owned(),
    }
}

fn process(process: &GpuProcess, snapshot: &NodeSnapshot) -> [String; 13] {
    let on = snapshot.devices.iter().find(|d| d.uuid == process.device);
    let held_by = match &process.holder {
        Holder::Pod {
            uid,
            container_id,
            namespace,
            pod,
            ..
        } => match (namespace, pod, uid, container_id) {
            (Some(namespace), Some(pod), ..) => format!("pod {namespace}/{pod}"),
            (_, _, Some(uid), _) => format!("pod {uid}"),
            (_, _, None, Some(id)) => format!("container {}", id.get(..12).unwrap_or(id)),
            _ => "a pod".to_owned(),
        },
        Holder::Outside { kind, name } => format!("{} {name}", kind.name()),
        Holder::Unknown => "–".to_owned(),
    };
    [
        process.pid.to_string(),
        on.map_or("–".to_owned(), |device| label(device, snapshot)),
        process.kind.letters().to_owned(),
        cell(&process.user),
        cell(&process.memory_used),
        cell(&process.sm),
        cell(&process.memory_busy),
        cell(&process.encoder),
        cell(&process.decoder),
        snapshot.running_for(process).map_or("–".to_owned(), time),
        idle(&process.idle_for),
        held_by,
        process.command.known().unwrap_or(&process.name).clone(),
    ]
}

/// `0` for a GPU, `0.1` for its second instance.
fn label(device: &Device, snapshot: &NodeSnapshot) -> String {
    let DeviceKind::MigInstance { parent, .. } = &device.kind else {
        return device.index.to_string();
    };
    let siblings = snapshot.devices.iter().filter(
        |other| matches!(&other.kind, DeviceKind::MigInstance { parent: p, .. } if p == parent),
    );
    let slot = siblings
        .take_while(|other| other.uuid != device.uuid)
        .count();
    format!("{}.{slot}", device.index)
}

fn cell<T: Display>(reading: &Reading<T>) -> String {
    match reading {
        Reading::Value(value) => value.to_string(),
        Reading::Stale { value, .. } => format!("{value}~"),
        _ => "–".to_owned(),
    }
}

fn of<T: Display, U: Display>(part: &Reading<T>, whole: &Reading<U>) -> String {
    format!("{}/{}", cell(part), cell(whole))
}

fn idle(reading: &Reading<Duration>) -> String {
    reading.get().map_or("–".to_owned(), time)
}

fn time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// Columns as wide as their widest cell, two spaces apart.
fn lay_out<const N: usize>(text: &mut String, head: [&str; N], rows: Vec<[String; N]>) {
    let all: Vec<_> = std::iter::once(head.map(str::to_owned))
        .chain(rows)
        .collect();
    for row in &all {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            // Names are ASCII here; a wider character would shift its line only.
            let width = all.iter().map(|row| row[column].chars().count()).max();
            write!(line, "{cell:<width$}  ", width = width.unwrap_or(0)).ok();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::{Celsius, Clocks, EventKind, GpuUuid, MegaHertz, PState, Pcie};

    use super::*;

    fn snapshot() -> NodeSnapshot {
        let gpu = Device {
            temperature: Reading::Stale {
                value: Celsius(61),
                age: Duration::from_secs(9),
            },
            idle_for: Duration::from_secs(3 * 3600 + 60).into(),
            p_state: PState(8).into(),
            clocks: Clocks {
                sm: MegaHertz(210).into(),
                memory: MegaHertz(405).into(),
                ..Clocks::default()
            },
            pcie: Pcie {
                width: 4.into(),
                width_max: 16.into(),
                ..Pcie::default()
            },
            ..Device::unmeasured(
                0,
                "GPU-1".into(),
                "Test".to_owned(),
                DeviceKind::Gpu { mig_enabled: true },
            )
        };
        let instance = |uuid: &str| {
            let kind = DeviceKind::MigInstance {
                profile: "1g.10gb".to_owned(),
                parent: "GPU-1".into(),
            };
            Device::unmeasured(0, GpuUuid::new(uuid), String::new(), kind)
        };
        NodeSnapshot {
            daemon_version: "0".to_owned(),
            sequence: 1,
            driver: DriverState::Ready {
                version: "580".to_owned(),
                cuda: None,
            },
            devices: vec![gpu, instance("MIG-1"), instance("MIG-2")],
            allocations: Reading::Unsupported,
            uptime: Duration::from_secs(600),
            events: vec![DeviceEvent {
                device: "GPU-1".into(),
                kind: EventKind::Xid(31),
                at: Duration::from_secs(480),
                count: 3,
            }],
            ..NodeSnapshot::unsampled("n".into())
        }
    }

    #[test]
    fn the_table_is_aligned_and_says_what_is_not_known() {
        let expected = "\
node n · driver 580 · gputop-node 0

GPU  PRODUCT        UTIL  MEMORY  TEMP   FAN  POWER  STATE  CLOCKS         PCIE       IDLE   HEALTH
0    Test (MIG)     –     –/–     61°C~  –    –/–    P8     210MHz/405MHz  x4 of x16  3h01m  –
0.0  └ MIG 1g.10gb  –     –/–     –      –    –/–    –      –/–            –          –      –
0.1  └ MIG 1g.10gb  –     –/–     –      –    –/–    –      –/–            –          –      –

no processes

no kubelet

GPU  AGO  COUNT  EVENT
0    2m   3      Xid 31: a program used an illegal memory address; look for it with compute-sanitizer
";
        assert_eq!(table(&snapshot()), expected);
    }

    #[test]
    fn without_a_driver_there_is_one_sentence() {
        let mut snapshot = snapshot();
        snapshot.devices.clear();
        snapshot.driver = DriverState::NoDriver {
            why: "no library".to_owned(),
        };
        let text = table(&snapshot);
        assert!(text.starts_with("node n · no NVIDIA driver: no library · gputop-node 0\n"));
    }
}
