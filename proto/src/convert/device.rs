//! Devices.

use gputop_model::{
    Bytes, Celsius, Device, DeviceKind, GpuUuid, Health, MemoryKind, MilliJoules, MilliWatts,
    PState, Percent, Reading, ThrottleReason, printable,
};

use super::WireError;
use super::reading::{Before, Reader, Writer, checked};
use crate::pb;
use crate::pb::health::Level;

impl From<&Device> for pb::Device {
    fn from(device: &Device) -> Self {
        device_to_wire(device, Before::Nothing)
    }
}

/// The device for a client that has `before`, which is the [same](is_same) device.
pub(crate) fn device_to_wire(device: &Device, before: Before<'_, Device>) -> pb::Device {
    let mut out = Writer::new(device, before);
    let readings = pb::Device {
        memory_total_bytes: out.put("memory_total_bytes", |d| &d.memory_total, |v| v.0),
        memory_used_bytes: out.put("memory_used_bytes", |d| &d.memory_used, |v| v.0),
        utilization_percent: out.put("utilization_percent", |d| &d.utilization, |v| v.0.into()),
        memory_utilization_percent: out.put(
            "memory_utilization_percent",
            |d| &d.memory_utilization,
            |v| v.0.into(),
        ),
        temperature_celsius: out.put("temperature_celsius", |d| &d.temperature, |v| v.0),
        power_mw: out.put("power_mw", |d| &d.power, |v| v.0),
        power_limit_mw: out.put("power_limit_mw", |d| &d.power_limit, |v| v.0),
        throttle_reasons: out.put(
            "throttle_reasons",
            |d| &d.throttle_reasons,
            |v| pb::ThrottleReasons {
                names: v.iter().map(|r| r.name().to_owned()).collect(),
            },
        ),
        health: out.put("health", |d| &d.health, health_to_wire),
        process_count: out.put("process_count", |d| &d.process_count, |v| *v),
        idle_ms: out.put_idle("idle_ms", |d| &d.idle_for),
        memory_kind: out.put("memory_kind", |d| &d.memory_kind, |v| v.name().to_owned()),
        performance_state: out.put("performance_state", |d| &d.p_state, |v| v.0.into()),
        energy_mj: out.put("energy_mj", |d| &d.energy, |v| v.0),
        clocks: out.group(|d| &d.clocks),
        video: out.group(|d| &d.video),
        thermal: out.group(|d| &d.thermal),
        memory_detail: out.group(|d| &d.memory),
        pcie: out.group(|d| &d.pcie),
        ecc: out.group(|d| &d.ecc),
        nvlink: out.group(|d| &d.nvlink),
        power_limits: out.group(|d| &d.power_limits),
        identity: out.group(|d| &d.identity),
        settings: out.group(|d| &d.settings),
        activity: out.group(|d| &d.activity),
        traffic: out.group(|d| &d.traffic),
        not_fresh: out.into_reasons(),
        ..pb::Device::default()
    };
    if matches!(before, Before::All(..)) {
        return readings;
    }
    let (mig_enabled, mig_instance) = kind_to_wire(&device.kind);
    pb::Device {
        index: device.index,
        uuid: device.uuid.to_string(),
        product: device.product.clone(),
        mig_enabled,
        mig_instance,
        ..readings
    }
}

/// Whether both differ in readings only, so that the one can be told as a change of the other.
pub(crate) fn is_same(before: &Device, now: &Device) -> bool {
    before.uuid == now.uuid
        && before.index == now.index
        && before.product == now.product
        && before.kind == now.kind
}

impl TryFrom<pb::Device> for Device {
    type Error = WireError;

    fn try_from(wire: pb::Device) -> Result<Self, WireError> {
        device_from_wire(wire, Before::Nothing)
    }
}

/// The device that a client which has `before` is told of.
pub(crate) fn device_from_wire(
    wire: pb::Device,
    before: Before<'_, Device>,
) -> Result<Device, WireError> {
    let name = name_from_wire(&wire, before)?;
    let said = Reader::new(&wire.not_fresh, before);
    Ok(Device {
        memory_total: said.take(
            "memory_total_bytes",
            wire.memory_total_bytes,
            |d| &d.memory_total,
            |v| v.map(Bytes),
        ),
        memory_used: said.take(
            "memory_used_bytes",
            wire.memory_used_bytes,
            |d| &d.memory_used,
            |v| v.map(Bytes),
        ),
        utilization: said.take(
            "utilization_percent",
            wire.utilization_percent,
            |d| &d.utilization,
            percent,
        ),
        memory_utilization: said.take(
            "memory_utilization_percent",
            wire.memory_utilization_percent,
            |d| &d.memory_utilization,
            percent,
        ),
        temperature: said.take(
            "temperature_celsius",
            wire.temperature_celsius,
            |d| &d.temperature,
            |v| v.map(Celsius),
        ),
        power: said.take(
            "power_mw",
            wire.power_mw,
            |d| &d.power,
            |v| v.map(MilliWatts),
        ),
        power_limit: said.take(
            "power_limit_mw",
            wire.power_limit_mw,
            |d| &d.power_limit,
            |v| v.map(MilliWatts),
        ),
        throttle_reasons: said.take(
            "throttle_reasons",
            wire.throttle_reasons,
            |d| &d.throttle_reasons,
            throttle_reasons,
        ),
        health: said.take(
            "health",
            wire.health,
            |d| &d.health,
            |v| checked(v, health_from_wire),
        ),
        process_count: said.take(
            "process_count",
            wire.process_count,
            |d| &d.process_count,
            |v| v,
        ),
        idle_for: said.take_idle("idle_ms", wire.idle_ms, |d| &d.idle_for),
        memory_kind: said.take(
            "memory_kind",
            wire.memory_kind,
            |d| &d.memory_kind,
            |v| checked(v, |name| MemoryKind::from_name(name)),
        ),
        p_state: said.take(
            "performance_state",
            wire.performance_state,
            |d| &d.p_state,
            |v| checked(v, |state| p_state(*state)),
        ),
        energy: said.take(
            "energy_mj",
            wire.energy_mj,
            |d| &d.energy,
            |v| v.map(MilliJoules),
        ),
        clocks: said.group(wire.clocks, |d| &d.clocks),
        video: said.group(wire.video, |d| &d.video),
        thermal: said.group(wire.thermal, |d| &d.thermal),
        memory: said.group(wire.memory_detail, |d| &d.memory),
        pcie: said.group(wire.pcie, |d| &d.pcie),
        ecc: said.group(wire.ecc, |d| &d.ecc),
        nvlink: said.group(wire.nvlink, |d| &d.nvlink),
        power_limits: said.group(wire.power_limits, |d| &d.power_limits),
        identity: said.group(wire.identity, |d| &d.identity),
        settings: said.group(wire.settings, |d| &d.settings),
        activity: said.group(wire.activity, |d| &d.activity),
        traffic: said.group(wire.traffic, |d| &d.traffic),
        index: name.index,
        uuid: name.uuid,
        product: name.product,
        kind: name.kind,
    })
}

/// The device without its readings.
fn name_from_wire(wire: &pb::Device, before: Before<'_, Device>) -> Result<Device, WireError> {
    Ok(match before {
        Before::All(known, _) => Device::unmeasured(
            known.index,
            known.uuid.clone(),
            known.product.clone(),
            known.kind.clone(),
        ),
        Before::Nothing | Before::Groups(_) => Device::unmeasured(
            wire.index,
            uuid_from_wire(&wire.uuid)?,
            printable(wire.product.clone()),
            kind_from_wire(wire.mig_enabled, wire.mig_instance.clone()),
        ),
    })
}

fn uuid_from_wire(uuid: &str) -> Result<GpuUuid, WireError> {
    if uuid.is_empty() {
        return Err(WireError::Missing {
            field: "Device.uuid",
        });
    }
    Ok(printable(uuid.to_owned()).into())
}

fn kind_to_wire(kind: &DeviceKind) -> (bool, Option<pb::MigInstance>) {
    match kind {
        DeviceKind::Gpu { mig_enabled } => (*mig_enabled, None),
        DeviceKind::MigInstance { profile, parent } => {
            let instance = pb::MigInstance {
                profile: profile.clone(),
                parent_uuid: parent.to_string(),
            };
            (false, Some(instance))
        }
    }
}

fn kind_from_wire(mig_enabled: bool, instance: Option<pb::MigInstance>) -> DeviceKind {
    match instance {
        None => DeviceKind::Gpu { mig_enabled },
        Some(mig) => DeviceKind::MigInstance {
            profile: printable(mig.profile),
            parent: printable(mig.parent_uuid).into(),
        },
    }
}

fn throttle_reasons(reading: Reading<pb::ThrottleReasons>) -> Reading<Vec<ThrottleReason>> {
    // A reason that this client does not know is left out, not an error.
    reading.map(|list| {
        let names = list.names.iter();
        names
            .filter_map(|name| ThrottleReason::from_name(name))
            .collect()
    })
}

fn p_state(number: u32) -> Option<PState> {
    let state = u8::try_from(number).ok()?;
    (state <= 15).then_some(PState(state))
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

fn health_from_wire(wire: &pb::Health) -> Option<Health> {
    let why = || printable(wire.why.clone());
    match wire.level() {
        Level::Unspecified => None,
        Level::Ok => Some(Health::Ok),
        Level::Degraded => Some(Health::Degraded { why: why() }),
        Level::Sick => Some(Health::Sick { why: why() }),
    }
}
