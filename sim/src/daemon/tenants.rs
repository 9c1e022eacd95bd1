//! Which processes are on a node's cards: those of its pods, and those outside the cluster.

use std::time::Duration;

use gputop_model::{Bytes, GpuUuid, Holder, OutsideKind, ProcessKind};
use gputop_node::source::simulated::{Behaviour, Tenant};
use jiff::Timestamp;

use crate::identity::hash;

/// Clock ticks of the kernel in a second.
const TICKS: u64 = 100;

/// A process of a container on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Occupant {
    pub(crate) pod_uid: String,
    pub(crate) container_id: String,
    pub(crate) device: GpuUuid,
    /// When its container started.
    pub(crate) started: Timestamp,
    pub(crate) behaviour: Behaviour,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) memory: Bytes,
    pub(crate) idle_before: Duration,
}

/// A process outside the cluster; it is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) device: GpuUuid,
    pub(crate) kind: OutsideKind,
    /// The unit, container or session that holds it.
    pub(crate) holder: String,
    pub(crate) process: String,
    pub(crate) user: String,
    pub(crate) behaviour: Behaviour,
    pub(crate) memory: Bytes,
    /// How long before the cluster's start it began.
    pub(crate) age: Duration,
    pub(crate) idle_before: Duration,
}

/// The moments that a tenant's times are counted from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    /// Start of the simulated cluster.
    pub(crate) cluster: Timestamp,
    /// Start of the daemon, which is zero on the tenants' clock.
    pub(crate) daemon: Timestamp,
}

impl Occupant {
    /// The tenant as the daemon's source takes it.
    pub(crate) fn tenant(&self, moments: Moments) -> Tenant {
        let id = hash(&[&self.container_id, self.device.as_str()]);
        let (since, age_before) = on_daemon_clock(self.started, moments.daemon);
        Tenant {
            pid: pid(id),
            start_ticks: Some(ticks(self.started, moments.cluster)),
            name: self.name.clone(),
            user: self.user.clone(),
            kind: process_kind(self.behaviour),
            device: self.device.clone(),
            holder: Holder::Pod {
                uid: Some(self.pod_uid.as_str().into()),
                container_id: Some(self.container_id.clone()),
                namespace: None,
                pod: None,
                container: None,
            },
            behaviour: self.behaviour,
            memory: self.memory,
            since,
            age_before,
            idle_before: self.idle_before,
        }
    }
}

impl Outside {
    /// The tenant as the daemon's source takes it.
    pub(crate) fn tenant(&self, moments: Moments) -> Tenant {
        let started = crate::clock::before(moments.cluster, self.age);
        let id = hash(&[&self.holder, &self.process, self.device.as_str()]);
        let (since, age_before) = on_daemon_clock(started, moments.daemon);
        Tenant {
            pid: pid(id),
            start_ticks: Some(ticks(started, moments.cluster)),
            name: self.process.clone(),
            user: self.user.clone(),
            kind: process_kind(self.behaviour),
            device: self.device.clone(),
            holder: Holder::Outside {
                kind: self.kind,
                name: self.holder.clone(),
            },
            behaviour: self.behaviour,
            memory: self.memory,
            since,
            age_before,
            idle_before: self.idle_before,
        }
    }
}

/// When a process appeared after the daemon's start, and how old it was by then.
fn on_daemon_clock(started: Timestamp, daemon: Timestamp) -> (Duration, Duration) {
    let span = |from: Timestamp, to: Timestamp| {
        Duration::try_from(to.duration_since(from)).unwrap_or_default()
    };
    (span(daemon, started), span(started, daemon))
}

const fn process_kind(behaviour: Behaviour) -> ProcessKind {
    match behaviour {
        Behaviour::Desktop => ProcessKind::Graphics,
        Behaviour::Media => ProcessKind::ComputeAndGraphics,
        _ => ProcessKind::Compute,
    }
}

/// A pid as a machine has it that has been up for weeks.
fn pid(id: u64) -> u32 {
    u32::try_from(3_000 + id % 4_000_000).unwrap_or(3_000)
}

/// How long the machine had run at `now`: it booted some weeks before the cluster's start.
pub(crate) fn uptime(now: Timestamp, cluster: Timestamp) -> Duration {
    let before = 40 * 24 * 3600;
    let seconds = before + now.duration_since(cluster).as_secs();
    Duration::from_secs(u64::try_from(seconds.max(1)).unwrap_or_default())
}

/// When a process started, in clock ticks since the machine booted.
fn ticks(started: Timestamp, cluster: Timestamp) -> u64 {
    uptime(started, cluster).as_secs().saturating_mul(TICKS)
}

/// The behaviour that a scenario or an annotation names.
pub(crate) fn behaviour_by_name(name: &str) -> Option<Behaviour> {
    Some(match name {
        "training" => Behaviour::Training,
        "inference" => Behaviour::Inference,
        "quiet-server" => Behaviour::QuietServer,
        "notebook" => Behaviour::Notebook,
        "media" => Behaviour::Media,
        "desktop" => Behaviour::Desktop,
        "loading" => Behaviour::Loading,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_older_than_the_daemon_brings_its_age() {
        let daemon: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        let hour = Duration::from_secs(3600);
        let earlier = crate::clock::before(daemon, hour);
        assert_eq!(on_daemon_clock(earlier, daemon), (Duration::ZERO, hour));
        let later = crate::clock::after(daemon, hour);
        assert_eq!(on_daemon_clock(later, daemon), (hour, Duration::ZERO));
    }
}
