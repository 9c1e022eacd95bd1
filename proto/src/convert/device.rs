//! Devices.

use std::time::Duration;

use gputop_model::{
    Bytes, Celsius, Device, DeviceKind, Failure, Health, MilliWatts, Percent, Reading,
    ThrottleReason, printable,
};

use super::WireError;
use super::reading::{Reasons, millis, take};
use crate::pb;
use crate::pb::health::Level;

/// The code of a reading that was sent and makes no sense.
const OUT_OF_RANGE: u32 = 1;

impl From<&Device> for pb::Device {
    fn from(device: &Device) -> Self {
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
        Self {
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
            not_fresh: reasons.into_list(),
        }
    }
}

impl TryFrom<pb::Device> for Device {
    type Error = WireError;

    fn try_from(wire: pb::Device) -> Result<Self, WireError> {
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
        Ok(Self {
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
        })
    }
}

/// A percentage from the wire. A number above 100 costs that reading only.
pub(super) fn percent(reading: Reading<u32>) -> Reading<Percent> {
    if reading.known().is_some_and(|value| *value > 100) {
        return Reading::Failed(Failure::Other(OUT_OF_RANGE));
    }
    reading.map(Percent::clamped)
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
