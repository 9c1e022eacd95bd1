//! Devices.

use std::time::Duration;

use gputop_model::{
    Bytes, Celsius, Device, DeviceKind, Health, MemoryKind, MilliJoules, MilliWatts, PState,
    Percent, Reading, ThrottleReason, printable,
};

use super::WireError;
use super::reading::{Reasons, checked, millis, take};
use crate::pb;
use crate::pb::health::Level;

impl From<&Device> for pb::Device {
    fn from(device: &Device) -> Self {
        changed_device(device, None)
    }
}

/// The device for a client that has `before`: without the groups that are the same.
pub(crate) fn changed_device(device: &Device, before: Option<&Device>) -> pb::Device {
    let mut reasons = Reasons::default();
    let (mig_enabled, mig_instance) = match &device.kind {
        DeviceKind::Gpu { mig_enabled } => (*mig_enabled, None),
        DeviceKind::MigInstance { profile, parent } => {
            let parent_uuid = parent.to_string();
            (
                false,
                Some(pb::MigInstance {
                    profile: profile.clone(),
                    parent_uuid,
                }),
            )
        }
    };
    pb::Device {
        index: device.index,
        uuid: device.uuid.to_string(),
        product: device.product.clone(),
        mig_enabled,
        mig_instance,
        memory_total_bytes: reasons.put("memory_total_bytes", &device.memory_total, |v| v.0),
        memory_used_bytes: reasons.put("memory_used_bytes", &device.memory_used, |v| v.0),
        utilization_percent: reasons
            .put("utilization_percent", &device.utilization, |v| v.0.into()),
        memory_utilization_percent: reasons.put(
            "memory_utilization_percent",
            &device.memory_utilization,
            |v| v.0.into(),
        ),
        temperature_celsius: reasons.put("temperature_celsius", &device.temperature, |v| v.0),
        power_mw: reasons.put("power_mw", &device.power, |v| v.0),
        power_limit_mw: reasons.put("power_limit_mw", &device.power_limit, |v| v.0),
        throttle_reasons: reasons.put("throttle_reasons", &device.throttle_reasons, |v| {
            pb::ThrottleReasons {
                names: v.iter().map(|r| r.name().to_owned()).collect(),
            }
        }),
        health: reasons.put("health", &device.health, health_to_wire),
        process_count: reasons.put("process_count", &device.process_count, |v| *v),
        idle_ms: reasons.put("idle_ms", &device.idle_for, |v| millis(*v)),
        memory_kind: reasons.put("memory_kind", &device.memory_kind, |v| v.name().to_owned()),
        performance_state: reasons.put("performance_state", &device.p_state, |v| v.0.into()),
        energy_mj: reasons.put("energy_mj", &device.energy, |v| v.0),
        clocks: news(&device.clocks, before.map(|d| &d.clocks)),
        video: news(&device.video, before.map(|d| &d.video)),
        thermal: news(&device.thermal, before.map(|d| &d.thermal)),
        memory_detail: news(&device.memory, before.map(|d| &d.memory)),
        pcie: news(&device.pcie, before.map(|d| &d.pcie)),
        ecc: news(&device.ecc, before.map(|d| &d.ecc)),
        nvlink: news(&device.nvlink, before.map(|d| &d.nvlink)),
        power_limits: news(&device.power_limits, before.map(|d| &d.power_limits)),
        identity: news(&device.identity, before.map(|d| &d.identity)),
        settings: news(&device.settings, before.map(|d| &d.settings)),
        activity: news(&device.activity, before.map(|d| &d.activity)),
        traffic: news(&device.traffic, before.map(|d| &d.traffic)),
        not_fresh: reasons.into_list(),
    }
}

/// The group, unless the client has it.
fn news<'a, G: PartialEq, W: From<&'a G>>(group: &'a G, before: Option<&G>) -> Option<W> {
    (before != Some(group)).then(|| group.into())
}

/// The group that was sent, or the one that it is unchanged from.
fn merged<G: Default + Clone, W: Into<G>>(wire: Option<W>, before: Option<&G>) -> G {
    wire.map_or_else(|| before.cloned().unwrap_or_default(), Into::into)
}

impl TryFrom<pb::Device> for Device {
    type Error = WireError;

    fn try_from(wire: pb::Device) -> Result<Self, WireError> {
        device_from_wire(wire, None)
    }
}

/// The device that a client which has `before` is told of.
pub(crate) fn device_from_wire(
    wire: pb::Device,
    before: Option<&Device>,
) -> Result<Device, WireError> {
    if wire.uuid.is_empty() {
        return Err(WireError::Missing {
            field: "Device.uuid",
        });
    }
    let why = &wire.not_fresh;
    let kind = match wire.mig_instance {
        None => DeviceKind::Gpu {
            mig_enabled: wire.mig_enabled,
        },
        Some(mig) => DeviceKind::MigInstance {
            profile: printable(mig.profile),
            parent: printable(mig.parent_uuid).into(),
        },
    };
    let health = wire.health.and_then(health_from_wire);
    Ok(Device {
        index: wire.index,
        uuid: printable(wire.uuid).into(),
        product: printable(wire.product),
        kind,
        memory_total: take("memory_total_bytes", wire.memory_total_bytes, why).map(Bytes),
        memory_used: take("memory_used_bytes", wire.memory_used_bytes, why).map(Bytes),
        utilization: percent(take("utilization_percent", wire.utilization_percent, why)),
        memory_utilization: percent(take(
            "memory_utilization_percent",
            wire.memory_utilization_percent,
            why,
        )),
        temperature: take("temperature_celsius", wire.temperature_celsius, why).map(Celsius),
        power: take("power_mw", wire.power_mw, why).map(MilliWatts),
        power_limit: take("power_limit_mw", wire.power_limit_mw, why).map(MilliWatts),
        throttle_reasons: take("throttle_reasons", wire.throttle_reasons, why).map(|list| {
            // A reason that this client does not know is left out, not an error.
            list.names
                .iter()
                .filter_map(|name| ThrottleReason::from_name(name))
                .collect()
        }),
        health: take("health", health, why),
        process_count: take("process_count", wire.process_count, why),
        idle_for: take("idle_ms", wire.idle_ms, why).map(Duration::from_millis),
        memory_kind: checked(take("memory_kind", wire.memory_kind, why), |name| {
            MemoryKind::from_name(name)
        }),
        p_state: checked(
            take("performance_state", wire.performance_state, why),
            |state| {
                u8::try_from(*state)
                    .ok()
                    .filter(|state| *state <= 15)
                    .map(PState)
            },
        ),
        energy: take("energy_mj", wire.energy_mj, why).map(MilliJoules),
        clocks: merged(wire.clocks, before.map(|d| &d.clocks)),
        video: merged(wire.video, before.map(|d| &d.video)),
        thermal: merged(wire.thermal, before.map(|d| &d.thermal)),
        memory: merged(wire.memory_detail, before.map(|d| &d.memory)),
        pcie: merged(wire.pcie, before.map(|d| &d.pcie)),
        ecc: merged(wire.ecc, before.map(|d| &d.ecc)),
        nvlink: merged(wire.nvlink, before.map(|d| &d.nvlink)),
        power_limits: merged(wire.power_limits, before.map(|d| &d.power_limits)),
        identity: merged(wire.identity, before.map(|d| &d.identity)),
        settings: merged(wire.settings, before.map(|d| &d.settings)),
        activity: merged(wire.activity, before.map(|d| &d.activity)),
        traffic: merged(wire.traffic, before.map(|d| &d.traffic)),
    })
}

/// A percentage from the wire. A number above 100 costs that reading only.
pub(super) fn percent(reading: Reading<u32>) -> Reading<Percent> {
    checked(reading, |value| {
        (*value <= 100).then_some(Percent::clamped(*value))
    })
}

fn health_to_wire(health: &Health) -> pb::Health {
    let level = match health {
        Health::Ok => Level::Ok,
        Health::Degraded { .. } => Level::Degraded,
        Health::Sick { .. } => Level::Sick,
    };
    pb::Health {
        level: level.into(),
        why: health.why().unwrap_or_default().to_owned(),
    }
}

fn health_from_wire(wire: pb::Health) -> Option<Health> {
    match wire.level() {
        Level::Unspecified => None,
        Level::Ok => Some(Health::Ok),
        Level::Degraded => Some(Health::Degraded {
            why: printable(wire.why),
        }),
        Level::Sick => Some(Health::Sick {
            why: printable(wire.why),
        }),
    }
}
