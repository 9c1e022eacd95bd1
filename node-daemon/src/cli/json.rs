//! A snapshot as JSON.
//!
//! ```json
//! {
//!   "schema": "gputop-k3s/v1",
//!   "kind": "Probe",
//!   "node": "…", "daemon_version": "…",
//!   "driver": {"state": "ready", "version": "…", "cuda": "…", "why": null},
//!   "devices": [{
//!     "index": 0, "uuid": "GPU-…", "power_mw": 285000, …, "not_fresh": [],
//!     "clocks": {"sm_mhz": 1815, …, "not_fresh": []}, "pcie": {…}, …
//!   }],
//!   "processes": [{"pid": 4711, "device_uuid": "GPU-…", "holder": {"pod": {…}}, …}],
//!   "allocations": [{"namespace": "…", "pod": "…", …}],
//!   "events": [{"device_uuid": "GPU-…", "kind": "xid", "xid": 79, "severity": "sick", …}],
//!   "host": {"cpu_percent": 12, "disks": [{"mount": "/", …}], …, "not_fresh": []},
//!   "limitations": [{"name": "no_host_root", "lost": "…", "fix": "…"}],
//!   "protocol": {"version": 1, "capabilities": ["history"]}
//! }
//! ```
//!
//! Names and units are those of telemetry.proto. What is not known is `null`, and `not_fresh`
//! says why; a stale value is there, with its age in `not_fresh`.

mod parts;

use std::time::Duration;

use gputop_model::{
    Allocation, Device, DeviceEvent, DeviceKind, DriverState, Failure, GpuProcess, Health, Holder,
    Limitation, NodeSnapshot, Protocol, Reading,
};
use serde_json::{Map, Value, json};

/// The whole document.
pub(super) fn probe(snapshot: &NodeSnapshot) -> Value {
    let mut fields = Fields::default();
    fields.set("schema", "gputop-k3s/v1");
    fields.set("kind", "Probe");
    fields.set("node", snapshot.node.as_str());
    fields.set("daemon_version", snapshot.daemon_version.as_str());
    fields.set("driver", driver(&snapshot.driver));
    let devices: Vec<_> = snapshot.devices.iter().map(device).collect();
    fields.set("devices", devices);
    let processes = snapshot.processes.iter().map(|p| process(p, snapshot));
    let processes: Vec<_> = processes.collect();
    fields.set("processes", processes);
    fields.put("allocations", &snapshot.allocations, |list| {
        list.iter().map(allocation).collect()
    });
    fields.set("uptime_ms", millis(snapshot.uptime));
    let events = snapshot
        .events
        .iter()
        .map(|event| self::event(event, snapshot));
    fields.set("events", events.collect::<Vec<_>>());
    fields.set("host", parts::host(&snapshot.host));
    let limitations: Vec<_> = snapshot.limitations.iter().map(limitation).collect();
    fields.set("limitations", limitations);
    let Protocol {
        version,
        capabilities,
    } = &snapshot.protocol;
    fields.set(
        "protocol",
        json!({"version": version, "capabilities": capabilities}),
    );
    fields.done()
}

/// Fields of an object, and why some of them are missing or old.
#[derive(Default)]
struct Fields {
    map: Map<String, Value>,
    not_fresh: Vec<Value>,
}

impl Fields {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.map.insert(name.to_owned(), value.into());
    }

    fn put<T>(&mut self, name: &str, reading: &Reading<T>, to_json: impl FnOnce(&T) -> Value) {
        self.set(name, reading.known().map(to_json));
        let why = match reading {
            Reading::Value(_) => return,
            Reading::Unsupported => json!({"metric": name, "kind": "unsupported"}),
            Reading::Failed(failure) => {
                let (code, other_code) = code(*failure);
                json!({
                    "metric": name, "kind": "failed", "code": code, "other_code": other_code,
                })
            }
            Reading::Stale { age, .. } => {
                json!({"metric": name, "kind": "stale", "age_ms": millis(*age)})
            }
        };
        self.not_fresh.push(why);
    }

    fn done(mut self) -> Value {
        let not_fresh = std::mem::take(&mut self.not_fresh);
        self.set("not_fresh", not_fresh);
        Value::Object(self.map)
    }
}

/// Name as in telemetry.proto, and the number of an unnamed failure.
fn code(failure: Failure) -> (&'static str, Option<u32>) {
    match failure {
        Failure::NotMeasured => ("not_measured", None),
        Failure::NoPermission => ("no_permission", None),
        Failure::Timeout => ("timeout", None),
        Failure::GpuLost => ("gpu_lost", None),
        Failure::NotFound => ("not_found", None),
        Failure::Other(number) => ("other", Some(number)),
    }
}

fn millis(time: Duration) -> Value {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into()
}

fn driver(driver: &DriverState) -> Value {
    let (version, cuda, why) = match driver {
        DriverState::Ready { version, cuda } => (Some(version), cuda.as_ref(), None),
        DriverState::NoGpu { version } => (Some(version), None, None),
        DriverState::NoDriver { why }
        | DriverState::Mismatch { why }
        | DriverState::Failed { why } => (None, None, Some(why)),
    };
    json!({"state": driver.name(), "version": version, "cuda": cuda, "why": why})
}

fn device(device: &Device) -> Value {
    let mut fields = Fields::default();
    fields.set("index", device.index);
    fields.set("uuid", device.uuid.as_str());
    fields.set("product", device.product.as_str());
    fields.set("mig_enabled", device.is_partitioned());
    fields.set(
        "mig_instance",
        match &device.kind {
            DeviceKind::Gpu { .. } => Value::Null,
            DeviceKind::MigInstance { profile, parent } => {
                json!({"profile": profile, "parent_uuid": parent.as_str()})
            }
        },
    );
    fields.put("memory_total_bytes", &device.memory_total, |v| v.0.into());
    fields.put("memory_used_bytes", &device.memory_used, |v| v.0.into());
    fields.put("utilization_percent", &device.utilization, |v| v.0.into());
    let memory = &device.memory_utilization;
    fields.put("memory_utilization_percent", memory, |v| v.0.into());
    fields.put("temperature_celsius", &device.temperature, |v| v.0.into());
    fields.put("power_mw", &device.power, |v| v.0.into());
    fields.put("power_limit_mw", &device.power_limit, |v| v.0.into());
    fields.put("throttle_reasons", &device.throttle_reasons, |list| {
        list.iter().map(|reason| reason.name()).collect()
    });
    fields.put("health", &device.health, health);
    fields.put("process_count", &device.process_count, |v| (*v).into());
    fields.put("idle_ms", &device.idle_for, |v| millis(*v));
    fields.put("memory_kind", &device.memory_kind, |v| v.name().into());
    fields.put("performance_state", &device.p_state, |v| v.0.into());
    fields.put("energy_mj", &device.energy, |v| v.0.into());
    // Computed, not on the wire.
    fields.set(
        "temperature_margin_celsius",
        device.temperature_margin().map(|v| v.0),
    );
    fields.set(
        "pcie_degraded",
        device.pcie_degraded().map(|what| what.to_string()),
    );
    fields.set("clocks", parts::clocks(&device.clocks));
    fields.set("video", parts::video(&device.video));
    fields.set("thermal", parts::thermal(&device.thermal));
    fields.set("memory_detail", parts::memory(&device.memory));
    fields.set("pcie", parts::pcie(&device.pcie));
    fields.set("ecc", parts::ecc(&device.ecc));
    fields.set("nvlink", parts::nvlink(&device.nvlink));
    fields.set("power_limits", parts::power_limits(&device.power_limits));
    fields.set("identity", parts::identity(&device.identity));
    fields.set("settings", parts::settings(&device.settings));
    fields.set("activity", parts::activity(&device.activity));
    fields.set("traffic", parts::traffic(&device.traffic));
    fields.done()
}

fn event(event: &DeviceEvent, snapshot: &NodeSnapshot) -> Value {
    json!({
        "device_uuid": event.device.as_str(),
        "kind": event.kind.name(),
        "xid": event.kind.xid_number(),
        "severity": event.kind.severity().name(),
        "meaning": event.kind.meaning(),
        "advice": event.kind.advice(),
        "count": event.count,
        "age_ms": millis(snapshot.event_age(event)),
    })
}

fn health(health: &Health) -> Value {
    json!({"level": health.name(), "why": health.why()})
}

fn limitation(limitation: &Limitation) -> Value {
    let Limitation { name, lost, fix } = limitation;
    let fix = (!fix.is_empty()).then_some(fix);
    json!({"name": name, "lost": lost, "fix": fix})
}

fn process(process: &GpuProcess, snapshot: &NodeSnapshot) -> Value {
    let mut fields = Fields::default();
    fields.set("pid", process.pid);
    fields.set("start_ticks", process.start_ticks);
    fields.set("device_uuid", process.device.as_str());
    fields.set("kind", process.kind.name());
    fields.set("name", process.name.as_str());
    fields.put("command", &process.command, |line| line.as_str().into());
    fields.put("user", &process.user, |user| user.as_str().into());
    fields.put("memory_used_bytes", &process.memory_used, |v| v.0.into());
    fields.put("sm_percent", &process.sm, |v| v.0.into());
    fields.put("memory_busy_percent", &process.memory_busy, |v| v.0.into());
    fields.put("encoder_percent", &process.encoder, |v| v.0.into());
    fields.put("decoder_percent", &process.decoder, |v| v.0.into());
    // Computed, not on the wire.
    fields.set("running_ms", snapshot.running_for(process).map(millis));
    fields.put("idle_ms", &process.idle_for, |v| millis(*v));
    fields.set("holder", holder(&process.holder));
    fields.done()
}

fn holder(holder: &Holder) -> Value {
    match holder {
        Holder::Pod {
            uid,
            container_id,
            namespace,
            pod,
            container,
        } => json!({"pod": {
            "uid": uid.as_ref().map(gputop_model::PodUid::as_str),
            "container_id": container_id,
            "namespace": namespace,
            "pod": pod,
            "container": container,
        }}),
        Holder::Outside { kind, name } => json!({"outside": {"kind": kind.name(), "name": name}}),
        Holder::Unknown => Value::Null,
    }
}

fn allocation(allocation: &Allocation) -> Value {
    json!({
        "namespace": allocation.namespace,
        "pod": allocation.pod,
        "container": allocation.container,
        "resource": allocation.resource,
        "device_id": allocation.device_id.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::machine::Machine as _;
    use crate::source::simulated::{
        Fault, SimulatedMachine, SimulatedSource, builtin_node, builtin_tenants,
    };
    use crate::source::{Round, Source as _};

    fn snapshot(fault: Option<Fault>) -> NodeSnapshot {
        let source = SimulatedSource::new(builtin_node("n".into()), 1);
        source.set_tenants(builtin_tenants(&source.spec()));
        source.set_fault(fault);
        let sample = source
            .sample(Round::watched(Duration::from_secs(9)))
            .now_or_never()
            .unwrap();
        NodeSnapshot {
            daemon_version: "0".to_owned(),
            sequence: 1,
            driver: sample.driver,
            devices: sample.devices,
            processes: sample.processes,
            allocations: Reading::Unsupported,
            uptime: Duration::from_secs(9),
            events: sample.events,
            host: SimulatedMachine::new(&source.spec(), 1, None).read(Duration::from_secs(9)),
            limitations: vec![Limitation {
                name: "no_host_root".to_owned(),
                lost: "disks".to_owned(),
                fix: String::new(),
            }],
            protocol: Protocol::current(),
            ..NodeSnapshot::unsampled("n".into())
        }
    }

    #[test]
    fn what_is_not_known_is_null_with_a_reason() {
        let document = probe(&snapshot(Some(Fault::Lost(0))));
        let lost = &document["devices"][0];
        assert!(lost["power_mw"].is_null());
        assert_eq!(lost["health"]["level"], "sick");
        let reasons = lost["not_fresh"].as_array().unwrap();
        let power = reasons.iter().find(|r| r["metric"] == "power_mw").unwrap();
        assert_eq!(power["code"], "gpu_lost");
        assert!(document["allocations"].is_null());
        let fine = &document["devices"][1];
        assert!(fine["power_mw"].is_u64());
        assert_eq!(fine["not_fresh"], json!([]));
        assert_eq!(document["events"][0]["xid"], 79);
        assert_eq!(document["events"][0]["severity"], "sick");
        assert_eq!(document["events"][0]["age_ms"], 0);
    }

    #[test]
    fn a_card_is_described_whole() {
        let document = probe(&snapshot(None));
        let card = &document["devices"][0];
        for (group, field) in [
            ("clocks", "sm_mhz"),
            ("clocks", "memory_max_mhz"),
            ("video", "encoder_percent"),
            ("thermal", "slowdown_celsius"),
            ("thermal", "fan_percent"),
            ("memory_detail", "bar1_total_bytes"),
            ("pcie", "width_max"),
            ("nvlink", "links"),
            ("power_limits", "max_mw"),
            ("identity", "vbios"),
            ("settings", "compute_mode"),
        ] {
            let value = &card[group][field];
            assert!(
                value.is_u64() || value.is_string(),
                "{group}.{field}: {value}"
            );
        }
        assert!(card["temperature_margin_celsius"].is_i64());
        assert_eq!(card["memory_kind"], "dedicated");
        // A card for desktops has no ECC, and says so.
        assert!(card["ecc"]["volatile_corrected"].is_null());
        let why = &card["ecc"]["not_fresh"][0];
        assert_eq!(why["kind"], "unsupported");
    }

    #[test]
    fn a_missing_driver_is_said() {
        let document = probe(&snapshot(Some(Fault::NoDriver)));
        assert_eq!(document["driver"]["state"], "no_driver");
        assert!(document["driver"]["version"].is_null());
        assert_eq!(document["devices"], json!([]));
    }

    #[test]
    fn holders_are_told_apart() {
        let document = probe(&snapshot(None));
        let holders = document["processes"].as_array().unwrap();
        let outside = |holder: &&Value| holder["holder"]["outside"]["kind"] == "unit";
        assert_eq!(holders.iter().filter(outside).count(), 1);
        let pod = |holder: &&Value| holder["holder"]["pod"]["namespace"] == "default";
        assert_eq!(holders.iter().filter(pod).count(), 1);
    }

    #[test]
    fn the_machine_is_told_and_what_can_not_be_seen() {
        let mut snapshot = snapshot(None);
        let document = probe(&snapshot);
        let host = &document["host"];
        assert_eq!(host["cpus"], 16);
        assert_eq!(host["disks"][0]["mount"], "/");
        assert!(host["load_hundredths"].is_u64() && host["kernel"].is_string());
        assert_eq!(host["not_fresh"], json!([]));
        let limitation = &document["limitations"][0];
        assert_eq!(limitation["name"], "no_host_root");
        assert!(limitation["fix"].is_null());
        assert_eq!(document["protocol"]["version"], 1);
        snapshot.host.cpu = Reading::Failed(Failure::NotMeasured);
        let host = &probe(&snapshot)["host"];
        assert!(host["cpu_percent"].is_null());
        assert_eq!(host["not_fresh"][0]["code"], "not_measured");
    }

    #[test]
    fn a_process_is_described_whole() {
        let document = probe(&snapshot(None));
        let process = &document["processes"][0];
        // It began two hours before the daemon, which has run for 9 s.
        assert_eq!(process["running_ms"], 7_209_000);
        for field in ["memory_busy_percent", "encoder_percent", "decoder_percent"] {
            assert!(process[field].is_u64(), "{field}");
        }
        let command = process["command"].as_str().unwrap();
        assert!(command.starts_with("python3 train.py"), "{command}");
        let mut snapshot = snapshot(None);
        snapshot.host.uptime = Reading::default();
        assert!(probe(&snapshot)["processes"][0]["running_ms"].is_null());
    }
}
