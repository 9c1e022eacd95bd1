//! What is told, what is not, and that rules and dashboard speak of what is told.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use gputop_model::{
    Allocation, Bytes, BytesPerSecond, Celsius, Device, DeviceEvent, DeviceId, DeviceKind, Disk,
    DriverState, EventKind, Failure, GpuProcess, Health, Holder, LoadAverage, MegaHertz,
    MemoryKind, MilliJoules, MilliWatts, OutsideKind, PState, ProcessKind, ThrottleReason,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::machine::NoMachine;
use crate::pods::NoKubelet;
use crate::procs::NoAttribution;
use crate::sampler::{Inputs, Options, Sampler};
use crate::source::simulated::{SimulatedSource, builtin_node, builtin_tenants};

/// The sampler of a made-up node, after its first sample.
pub(super) async fn sampler() -> SamplerHandle {
    let source = SimulatedSource::new(builtin_node("n".into()), 9);
    source.set_tenants(builtin_tenants(&source.spec()));
    let inputs = Inputs {
        source: Arc::new(source),
        allocations: Arc::new(NoKubelet),
        attribution: Arc::new(NoAttribution),
        machine: Arc::new(NoMachine),
    };
    let cancel = CancellationToken::new();
    let sampler = Sampler::start("n".into(), inputs, Options::default(), cancel);
    let mut snapshots = sampler.subscribe();
    snapshots
        .wait_for(|snapshot| snapshot.sequence > 0)
        .await
        .unwrap();
    sampler
}

/// A card that measures everything.
fn card() -> Device {
    let kind = DeviceKind::Gpu { mig_enabled: false };
    let mut card = Device::unmeasured(0, "GPU-0".into(), "NVIDIA H100".to_owned(), kind);
    card.memory_total = Bytes::from_gib(80).into();
    card.memory_used = Bytes::from_gib(20).into();
    card.utilization = Percent(97).into();
    card.memory_utilization = Percent(31).into();
    card.temperature = Celsius(71).into();
    card.power = MilliWatts(685_500).into();
    card.power_limit = MilliWatts(700_000).into();
    card.throttle_reasons = vec![ThrottleReason::HardwareThermalSlowdown].into();
    card.health = Health::Ok.into();
    card.process_count = 2.into();
    card.idle_for = Duration::ZERO.into();
    card.memory_kind = MemoryKind::Dedicated.into();
    card.p_state = PState(0).into();
    card.energy = MilliJoules(7_200_500).into();
    card.clocks.sm = MegaHertz(1755).into();
    card.clocks.sm_max = MegaHertz(1980).into();
    card.clocks.memory = MegaHertz(2619).into();
    card.video.encoder = Percent(1).into();
    card.video.decoder = Percent(2).into();
    card.activity.sm_active = Percent(90).into();
    card.activity.sm_occupancy = Percent(40).into();
    card.activity.tensor = Percent(60).into();
    card.activity.memory_bandwidth = Percent(30).into();
    card.traffic.pcie_receive = BytesPerSecond(12_000_000).into();
    card.traffic.pcie_transmit = BytesPerSecond(9_000_000).into();
    card.thermal.memory = Celsius(80).into();
    card.thermal.fan = Percent(40).into();
    card.thermal.slowdown = Celsius(90).into();
    card.memory.reserved = Bytes::from_mib(600).into();
    card.memory.bar1_used = Bytes::from_mib(2).into();
    card.memory.bar1_total = Bytes::from_gib(128).into();
    card.pcie.generation = 5.into();
    card.pcie.width = 16.into();
    card.pcie.generation_max = 5.into();
    card.pcie.width_max = 16.into();
    card.pcie.replays = 3.into();
    card.ecc.volatile_corrected = 4.into();
    card.ecc.volatile_uncorrected = 0.into();
    card.ecc.retired_single_bit = 1.into();
    card.ecc.retired_double_bit = 2.into();
    card.ecc.remapped_uncorrectable = 0.into();
    card.ecc.remap_pending = false.into();
    card.ecc.remap_failure = false.into();
    card.nvlink.links = 18.into();
    card.nvlink.active = 18.into();
    card.nvlink.crc_errors = 0.into();
    card.nvlink.recovery_errors = 0.into();
    card.identity.serial = "1653".to_owned().into();
    card.identity.vbios = "96.00".to_owned().into();
    card.identity.pci_bus_id = "00000000:01:00.0".to_owned().into();
    card
}

/// A part of it, of which only the memory is measured.
fn instance() -> Device {
    let kind = DeviceKind::MigInstance {
        profile: "1g.10gb".to_owned(),
        parent: "GPU-0".into(),
    };
    let mut part = Device::unmeasured(0, "MIG-1".into(), "NVIDIA H100".to_owned(), kind);
    part.memory_total = Bytes::from_gib(10).into();
    part.memory_used = Bytes::from_gib(1).into();
    part.utilization = Reading::Unsupported;
    part.power = Reading::Failed(Failure::NoPermission);
    part
}

fn processes() -> Vec<GpuProcess> {
    let mut train = GpuProcess::unmeasured(7, "GPU-0".into(), ProcessKind::Compute);
    train.name = "python3".to_owned();
    train.memory_used = Bytes::from_gib(19).into();
    train.sm = Percent(97).into();
    train.holder = Holder::Pod {
        uid: Some("8a41".into()),
        container_id: None,
        namespace: Some("research".to_owned()),
        pod: Some("train-0".to_owned()),
        container: Some("main".to_owned()),
    };
    let mut desktop = GpuProcess::unmeasured(8, "GPU-0".into(), ProcessKind::Graphics);
    desktop.name = "gnome-shell".to_owned();
    desktop.memory_used = Bytes::from_mib(300).into();
    desktop.holder = Holder::Outside {
        kind: OutsideKind::Desktop,
        name: "seat0".to_owned(),
    };
    vec![train, desktop]
}

/// A node that measures everything, and what the daemon says of itself.
fn whole_node() -> Scrape {
    let mut snapshot = NodeSnapshot {
        daemon_version: "0.1.0".to_owned(),
        sequence: 7,
        driver: DriverState::Ready {
            version: "580.95.05".to_owned(),
            cuda: Some("13.0".to_owned()),
        },
        devices: vec![card(), instance()],
        processes: processes(),
        allocations: Reading::Value(vec![Allocation {
            namespace: "research".to_owned(),
            pod: "train-0".to_owned(),
            container: "main".to_owned(),
            resource: "nvidia.com/gpu".to_owned(),
            device_id: DeviceId::new("GPU-0::1"),
        }]),
        uptime: Duration::from_secs(100),
        limitations: vec![gputop_model::Limitation {
            name: "no_host_root".to_owned(),
            lost: String::new(),
            fix: String::new(),
        }],
        ..NodeSnapshot::unsampled("anvil".into())
    };
    for (kind, at, count) in [
        (EventKind::Xid(79), 70, 1),
        (EventKind::CorrectedEcc, 90, 4),
    ] {
        snapshot.events.push(DeviceEvent {
            device: "GPU-0".into(),
            kind,
            at: Duration::from_secs(at),
            count,
        });
    }
    let host = &mut snapshot.host;
    host.cpu = Percent(12).into();
    host.cpus = 32.into();
    host.load = LoadAverage(125).into();
    host.memory_total = Bytes::from_gib(64).into();
    host.memory_available = Bytes::from_gib(32).into();
    host.disks = vec![Disk {
        mount: "/".to_owned(),
        total: Bytes::from_gib(100),
        available: Bytes::from_gib(50),
    }]
    .into();
    host.network_receive = BytesPerSecond(1_000).into();
    host.network_transmit = BytesPerSecond(2_000).into();
    host.uptime = Duration::from_secs(3_600).into();
    host.reboot_required = true.into();
    let mut stats = SamplerStats::default();
    stats.note(Duration::from_secs(100), Duration::from_millis(3));
    Scrape {
        snapshot: Arc::new(snapshot),
        stats,
        uptime: Duration::from_secs(101),
        subscribers: 2,
        own: OwnProcess {
            resident: Some(11_000_000),
            cpu: Some(Duration::from_millis(1_500)),
            threads: Some(6),
            files: Some(14),
        },
    }
}

fn has(text: &str, line: &str) {
    assert!(
        text.lines().any(|said| said == line),
        "no {line:?} in\n{text}"
    );
}

#[test]
fn what_is_measured_is_told_in_base_units() {
    let text = render(&whole_node(), Format::OpenMetrics);
    let card = r#"node="anvil",gpu="0",uuid="GPU-0",product="NVIDIA H100""#;
    for (name, value) in [
        ("gputop_gpu_up", "1"),
        ("gputop_gpu_utilization_ratio", "0.97"),
        ("gputop_gpu_memory_used_bytes", "21474836480"),
        ("gputop_gpu_power_watts", "685.5"),
        ("gputop_gpu_energy_joules_total", "7200.5"),
        ("gputop_gpu_sm_clock_hertz", "1755000000"),
        ("gputop_gpu_retired_pages", "3"),
        ("gputop_gpu_memory_repair_pending", "0"),
        ("gputop_gpu_holders", "1"),
    ] {
        has(&text, &format!("{name}{{{card}}} {value}"));
    }
    let xid = r#"xid="79",severity="sick""#;
    has(
        &text,
        &format!("gputop_gpu_xid_errors_total{{{card},{xid}}} 1"),
    );
    has(
        &text,
        &format!("gputop_gpu_xid_age_seconds{{{card},{xid}}} 30"),
    );
    let throttled = r#"gputop_gpu_throttled="hw_thermal_slowdown""#;
    has(
        &text,
        &format!("gputop_gpu_throttled{{{card},{throttled}}} 1"),
    );
    let holder = r#"namespace="research",pod="train-0",container="main""#;
    let held = format!(r#"gputop_gpu_held{{{card},{holder},device_id="GPU-0::1"}} 1"#);
    has(&text, &held);
    has(
        &text,
        &format!(
            "gputop_process_utilization_ratio{{node=\"anvil\",gpu=\"0\",uuid=\"GPU-0\",pid=\"7\",\
             process=\"python3\",{holder},pod_uid=\"8a41\"}} 0.97"
        ),
    );
    assert!(text.contains(r#"process="gnome-shell",outside="desktop: seat0"} "#));
    has(
        &text,
        r#"gputop_node_disk_available_bytes{node="anvil",mount="/"} 53687091200"#,
    );
    has(
        &text,
        r#"gputop_driver_info{node="anvil",version="580.95.05",cuda="13.0"} 1"#,
    );
    has(&text, "gputop_daemon_subscribers 2");
    has(&text, "process_cpu_seconds_total 1.5");
}

#[test]
fn what_is_not_known_has_no_sample() {
    let text = render(&whole_node(), Format::OpenMetrics);
    let of_instance: Vec<_> = text
        .lines()
        .filter(|line| line.contains(r#"uuid="MIG-1""#))
        .filter_map(|line| line.split('{').next())
        .collect();
    assert_eq!(
        of_instance,
        [
            "gputop_gpu_info",
            "gputop_gpu_up",
            "gputop_gpu_memory_total_bytes",
            "gputop_gpu_memory_used_bytes",
            "gputop_gpu_holders",
        ]
    );
    assert!(text.contains(r#"product="NVIDIA H100",profile="1g.10gb"} "#));
    // A card that hangs, and a kubelet that is away.
    let mut scrape = whole_node();
    let snapshot = Arc::make_mut(&mut scrape.snapshot);
    let age = OLDEST + Duration::from_secs(1);
    snapshot.devices = vec![card().aged(age)];
    snapshot.allocations = std::mem::take(&mut snapshot.allocations).aged(age);
    let text = render(&scrape, Format::OpenMetrics);
    assert!(!text.contains("gputop_gpu_utilization_ratio"), "{text}");
    assert!(!text.contains("gputop_gpu_health"), "{text}");
    assert!(!text.contains("gputop_gpu_held") && !text.contains("gputop_gpu_holders"));
    has(&text, r#"gputop_kubelet_up{node="anvil"} 0"#);
    let card = r#"node="anvil",gpu="0",uuid="GPU-0",product="NVIDIA H100""#;
    has(&text, &format!("gputop_gpu_up{{{card}}} 0"));
    // No kubelet is no kubelet that is away; and a driver that is away is said.
    let snapshot = Arc::make_mut(&mut scrape.snapshot);
    snapshot.allocations = Reading::Unsupported;
    snapshot.devices.clear();
    let why = "gone".to_owned();
    snapshot.driver = DriverState::NoDriver { why };
    let text = render(&scrape, Format::OpenMetrics);
    assert!(!text.contains("gputop_kubelet_up") && !text.contains("gputop_node_devices"));
    has(
        &text,
        r#"gputop_driver_state{node="anvil",gputop_driver_state="no_driver"} 1"#,
    );
}

#[test]
fn values_of_the_last_seconds_are_of_now_and_a_lost_card_is_sick() {
    let mut scrape = whole_node();
    let snapshot = Arc::make_mut(&mut scrape.snapshot);
    // As when somebody begins to look at a node that was sampled some seconds ago.
    let mut lost = card().failed(Failure::GpuLost);
    lost.uuid = "GPU-1".into();
    let why = "fallen off the bus".to_owned();
    lost.health = Health::Sick { why }.into();
    snapshot.devices = vec![card().aged(Duration::from_secs(6)), lost];
    let text = render(&scrape, Format::OpenMetrics);
    assert_eq!(text.matches("\ngputop_gpu_utilization_ratio{").count(), 1);
    let lost = r#"node="anvil",gpu="0",uuid="GPU-1",product="NVIDIA H100""#;
    has(&text, &format!("gputop_gpu_up{{{lost}}} 0"));
    has(
        &text,
        &format!(r#"gputop_gpu_health{{{lost},gputop_gpu_health="sick"}} 1"#),
    );
}

#[tokio::test(start_paused = true)]
async fn before_the_first_sample_there_is_only_the_daemon() {
    let sampler = sampler().await;
    let mut scrape = Scrape::of(&sampler);
    assert!(render(&scrape, Format::Plain).contains("gputop_gpu_up{"));
    scrape.snapshot = Arc::new(NodeSnapshot::unsampled("n".into()));
    let text = render(&scrape, Format::Plain);
    assert!(text.contains("gputop_daemon_uptime_seconds"));
    assert!(
        !text.contains("gputop_driver") && !text.contains("gputop_gpu"),
        "{text}"
    );
}

/// The names of all samples.
fn names() -> BTreeSet<String> {
    let text = render(&whole_node(), Format::OpenMetrics);
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let names = samples.filter_map(|line| line.split(['{', ' ']).next());
    names.map(str::to_owned).collect()
}

#[test]
fn every_family_is_written_once_and_has_its_unit_in_its_name() {
    let text = render(&whole_node(), Format::OpenMetrics);
    let mut families = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(families.insert(name), "{name} twice");
    }
    for line in text.lines().filter_map(|line| line.strip_prefix("# UNIT ")) {
        let (name, unit) = line.split_once(' ').unwrap();
        let base = name
            .strip_suffix(unit)
            .and_then(|name| name.strip_suffix('_'));
        assert!(families.remove(name), "{name}");
        families.insert(base.unwrap_or_else(|| panic!("{line}")));
    }
    // The node of these tests has all that can be measured.
    let cards = super::devices::GAUGES
        .iter()
        .chain(super::devices::COUNTERS);
    let hosts = super::node::GAUGES.iter();
    for name in cards.map(|m| m.0).chain(hosts.map(|m| m.0)) {
        assert!(families.contains(name), "{name} is not measured here");
    }
}

fn monitoring(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// What looks like a metric of the daemon's in a text.
fn named_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = |word: &&str| word.starts_with("gputop_") || word.starts_with("process_");
    words.filter(ours).collect()
}

#[test]
fn rules_and_dashboard_speak_of_what_is_told() {
    let mut told = names();
    // State sets have a label of their own name; a histogram is asked for by its buckets.
    told.insert("gputop_daemon_sample_duration_seconds_bucket".to_owned());
    for file in ["rules.yaml", "rules_test.yaml", "dashboard.json"] {
        let text = monitoring(file);
        let named = named_in(&text);
        assert!(named.len() > 10, "{file}: {named:?}");
        let unknown: Vec<_> = named.iter().filter(|name| !told.contains(**name)).collect();
        assert!(
            unknown.is_empty(),
            "{file} speaks of {unknown:?}, which nobody tells"
        );
    }
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard: serde_json::Value = serde_json::from_str(&monitoring("dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len(), "each panel has its own id");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = &panel["title"];
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            let query = target["expr"].as_str().unwrap();
            assert!(
                !query.contains("vector("),
                "{title}: what is not known is not 0"
            );
        }
    }
}

/// The table of all families, as it stands in the README.
fn table() -> String {
    let text = render(&whole_node(), Format::Plain);
    let mut table = String::from("| metric | type | meaning |\n|---|---|---|\n");
    let mut kind = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            kind = rest.split(' ').nth(1).unwrap();
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let help = help.trim_end_matches('.');
            writeln!(table, "| `{name}` | {kind} | {help} |").unwrap();
        }
    }
    table
}

#[test]
fn the_readme_names_every_metric() {
    let table = table();
    let readme = monitoring("README.md");
    assert!(
        readme.contains(&table),
        "the table in deploy/monitoring/README.md is to be:\n{table}"
    );
}
