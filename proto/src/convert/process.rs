//! Processes and what holds them.

use std::time::Duration;

use gputop_model::{Bytes, GpuProcess, Holder, OutsideKind, ProcessKind, printable};

use super::WireError;
use super::device::percent;
use super::reading::{Reasons, millis, take};
use crate::pb;
use crate::pb::process::Kind;

impl From<&GpuProcess> for pb::Process {
    fn from(process: &GpuProcess) -> Self {
        let mut reasons = Reasons::default();
        let kind = match process.kind {
            ProcessKind::Compute => Kind::Compute,
            ProcessKind::Graphics => Kind::Graphics,
            ProcessKind::ComputeAndGraphics => Kind::ComputeAndGraphics,
            ProcessKind::Mps => Kind::Mps,
        };
        Self {
            pid: process.pid,
            start_ticks: process.start_ticks,
            device_uuid: process.device.to_string(),
            kind: kind.into(),
            name: process.name.clone(),
            user: reasons.put("user", &process.user, Clone::clone),
            memory_used_bytes: reasons.put("memory_used_bytes", &process.memory_used, |v| v.0),
            sm_percent: reasons.put("sm_percent", &process.sm, |v| v.0.into()),
            command: reasons.put("command", &process.command, Clone::clone),
            memory_busy_percent: reasons
                .put("memory_busy_percent", &process.memory_busy, |v| v.0.into()),
            encoder_percent: reasons.put("encoder_percent", &process.encoder, |v| v.0.into()),
            decoder_percent: reasons.put("decoder_percent", &process.decoder, |v| v.0.into()),
            idle_ms: reasons.put("idle_ms", &process.idle_for, |v| millis(*v)),
            holder: holder_to_wire(&process.holder),
            not_fresh: reasons.into_list(),
        }
    }
}

impl TryFrom<pb::Process> for GpuProcess {
    type Error = WireError;

    fn try_from(wire: pb::Process) -> Result<Self, WireError> {
        if wire.device_uuid.is_empty() {
            return Err(WireError::Missing {
                field: "Process.device_uuid",
            });
        }
        let kind = match wire.kind() {
            Kind::Compute | Kind::Unspecified => ProcessKind::Compute,
            Kind::Graphics => ProcessKind::Graphics,
            Kind::ComputeAndGraphics => ProcessKind::ComputeAndGraphics,
            Kind::Mps => ProcessKind::Mps,
        };
        let why = &wire.not_fresh;
        Ok(Self {
            pid: wire.pid,
            start_ticks: wire.start_ticks,
            device: printable(wire.device_uuid).into(),
            kind,
            name: printable(wire.name),
            user: take("user", wire.user, why).map(printable),
            memory_used: take("memory_used_bytes", wire.memory_used_bytes, why).map(Bytes),
            sm: percent(take("sm_percent", wire.sm_percent, why)),
            command: take("command", wire.command, why).map(printable),
            memory_busy: percent(take("memory_busy_percent", wire.memory_busy_percent, why)),
            encoder: percent(take("encoder_percent", wire.encoder_percent, why)),
            decoder: percent(take("decoder_percent", wire.decoder_percent, why)),
            idle_for: take("idle_ms", wire.idle_ms, why).map(Duration::from_millis),
            holder: holder_from_wire(wire.holder),
        })
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
