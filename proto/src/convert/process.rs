//! Processes and what holds them.

use gputop_model::{Bytes, GpuProcess, GpuUuid, Holder, OutsideKind, ProcessKind, printable};

use super::WireError;
use super::device::percent;
use super::reading::{Before, Reader, Writer};
use crate::pb;
use crate::pb::process::Kind;

impl From<&GpuProcess> for pb::Process {
    fn from(process: &GpuProcess) -> Self {
        process_to_wire(process, Before::Nothing)
    }
}

/// The process for a client that has `before`, which is the [same](is_same) process.
pub(crate) fn process_to_wire(process: &GpuProcess, before: Before<'_, GpuProcess>) -> pb::Process {
    let mut out = Writer::new(process, before);
    let readings = pb::Process {
        user: out.put("user", |p| &p.user, Clone::clone),
        memory_used_bytes: out.put("memory_used_bytes", |p| &p.memory_used, |v| v.0),
        sm_percent: out.put("sm_percent", |p| &p.sm, |v| v.0.into()),
        command: out.put("command", |p| &p.command, Clone::clone),
        memory_busy_percent: out.put("memory_busy_percent", |p| &p.memory_busy, |v| v.0.into()),
        encoder_percent: out.put("encoder_percent", |p| &p.encoder, |v| v.0.into()),
        decoder_percent: out.put("decoder_percent", |p| &p.decoder, |v| v.0.into()),
        idle_ms: out.put_idle("idle_ms", |p| &p.idle_for),
        not_fresh: out.into_reasons(),
        ..pb::Process::default()
    };
    if matches!(before, Before::All(..)) {
        return readings;
    }
    let kind = match process.kind {
        ProcessKind::Compute => Kind::Compute,
        ProcessKind::Graphics => Kind::Graphics,
        ProcessKind::ComputeAndGraphics => Kind::ComputeAndGraphics,
        ProcessKind::Mps => Kind::Mps,
    };
    pb::Process {
        pid: process.pid,
        start_ticks: process.start_ticks,
        device_uuid: process.device.to_string(),
        kind: kind.into(),
        name: process.name.clone(),
        holder: holder_to_wire(&process.holder),
        ..readings
    }
}

/// Whether both differ in readings only, so that the one can be told as a change of the other.
pub(crate) fn is_same(before: &GpuProcess, now: &GpuProcess) -> bool {
    before.pid == now.pid
        && before.start_ticks == now.start_ticks
        && before.device == now.device
        && before.kind == now.kind
        && before.name == now.name
        && before.holder == now.holder
}

impl TryFrom<pb::Process> for GpuProcess {
    type Error = WireError;

    fn try_from(wire: pb::Process) -> Result<Self, WireError> {
        process_from_wire(wire, Before::Nothing)
    }
}

/// The process that a client which has `before` is told of.
pub(crate) fn process_from_wire(
    wire: pb::Process,
    before: Before<'_, GpuProcess>,
) -> Result<GpuProcess, WireError> {
    let kind = kind_from_wire(wire.kind());
    let name = match before {
        Before::All(known, _) => GpuProcess {
            start_ticks: known.start_ticks,
            name: known.name.clone(),
            holder: known.holder.clone(),
            ..GpuProcess::unmeasured(known.pid, known.device.clone(), known.kind)
        },
        Before::Nothing | Before::Groups(_) => GpuProcess {
            start_ticks: wire.start_ticks,
            name: printable(wire.name),
            holder: holder_from_wire(wire.holder),
            ..GpuProcess::unmeasured(wire.pid, uuid_from_wire(wire.device_uuid)?, kind)
        },
    };
    let said = Reader::new(&wire.not_fresh, before);
    Ok(GpuProcess {
        user: said.take("user", wire.user, |p| &p.user, |v| v.map(printable)),
        memory_used: said.take(
            "memory_used_bytes",
            wire.memory_used_bytes,
            |p| &p.memory_used,
            |v| v.map(Bytes),
        ),
        sm: said.take("sm_percent", wire.sm_percent, |p| &p.sm, percent),
        command: said.take(
            "command",
            wire.command,
            |p| &p.command,
            |v| v.map(printable),
        ),
        memory_busy: said.take(
            "memory_busy_percent",
            wire.memory_busy_percent,
            |p| &p.memory_busy,
            percent,
        ),
        encoder: said.take(
            "encoder_percent",
            wire.encoder_percent,
            |p| &p.encoder,
            percent,
        ),
        decoder: said.take(
            "decoder_percent",
            wire.decoder_percent,
            |p| &p.decoder,
            percent,
        ),
        idle_for: said.take_idle("idle_ms", wire.idle_ms, |p| &p.idle_for),
        pid: name.pid,
        start_ticks: name.start_ticks,
        device: name.device,
        kind: name.kind,
        name: name.name,
        holder: name.holder,
    })
}

fn uuid_from_wire(uuid: String) -> Result<GpuUuid, WireError> {
    if uuid.is_empty() {
        return Err(WireError::Missing {
            field: "Process.device_uuid",
        });
    }
    Ok(printable(uuid).into())
}

fn kind_from_wire(kind: Kind) -> ProcessKind {
    match kind {
        Kind::Compute | Kind::Unspecified => ProcessKind::Compute,
        Kind::Graphics => ProcessKind::Graphics,
        Kind::ComputeAndGraphics => ProcessKind::ComputeAndGraphics,
        Kind::Mps => ProcessKind::Mps,
    }
}

fn holder_to_wire(holder: &Holder) -> Option<pb::process::Holder> {
    match holder.clone() {
        Holder::Pod {
            uid,
            container_id,
            namespace,
            pod,
            container,
        } => {
            let uid = uid.map(|uid| uid.to_string());
            Some(pb::process::Holder::Pod(pb::PodHolder {
                uid,
                container_id,
                namespace,
                pod,
                container,
            }))
        }
        Holder::Outside { kind, name } => {
            let kind = kind.name().to_owned();
            Some(pb::process::Holder::Outside(pb::OutsideHolder {
                kind,
                name,
            }))
        }
        Holder::Unknown => None,
    }
}

fn holder_from_wire(wire: Option<pb::process::Holder>) -> Holder {
    match wire {
        None => Holder::Unknown,
        Some(pb::process::Holder::Pod(pod)) => Holder::Pod {
            uid: pod.uid.map(|uid| printable(uid).into()),
            container_id: pod.container_id.map(printable),
            namespace: pod.namespace.map(printable),
            pod: pod.pod.map(printable),
            container: pod.container.map(printable),
        },
        Some(pb::process::Holder::Outside(outside)) => Holder::Outside {
            kind: OutsideKind::from_name(&outside.kind).unwrap_or(OutsideKind::Other),
            name: printable(outside.name),
        },
    }
}
