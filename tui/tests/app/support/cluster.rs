//! Nine machines, each with a story.

use std::time::Duration;

use gputop_fleet::state::{AgentReport, LinkState};
use gputop_model::{
    Device, DeviceKind, DriverState, Health, Holder, Moment, NodeInfo, NodeName, OutsideKind,
    Phase, PodInfo, ProcessKind, Readiness, Reading, Taint, ThrottleReason, Workload,
};

use super::NOW;
use super::build::{
    Gpu, daemon, given, gpu, in_pod, instance, node, pod, process, report, snapshot, uuid,
};

const RTX: &str = "NVIDIA GeForce RTX 3090";

pub(crate) fn nodes() -> Vec<NodeInfo> {
    let mut anvil = node("anvil", &[("gpu", 2)]);
    anvil.roles = vec!["control-plane".to_owned()];
    let mut cellar = node("cellar", &[("gpu", 1)]);
    cellar.cordoned = true;
    cellar.taints = vec![Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        value: String::new(),
        effect: "NoSchedule".to_owned(),
    }];
    let mut ghost = node("ghost", &[("gpu", 2)]);
    ghost.readiness = Readiness::NotReady {
        why: "Kubelet stopped posting node status.".to_owned(),
    };
    vec![
        anvil,
        node("bench", &[("gpu", 4)]),
        cellar,
        node("desk", &[("gpu", 1)]),
        node(
            "forge-01.lab.example.com",
            &[("mig-1g.10gb", 2), ("mig-3g.40gb", 1)],
        ),
        ghost,
        node("harbor", &[("gpu", 1)]),
        node("icebox", &[]),
        node("newbie", &[("gpu", 1)]),
    ]
}

pub(crate) fn pods() -> Vec<PodInfo> {
    let mut pods = vec![
        pod("ml/train-llama-0", Some("anvil"), Some("gpu")),
        pod("ml/notebook-anna", Some("anvil"), Some("gpu")),
        pod("chat/ollama-7d9f", Some("bench"), Some("gpu")),
        pod("chat/whisper-5c4b", Some("bench"), Some("gpu")),
        pod("media/jellyfin-0", Some("desk"), None),
        pod(
            "lab/mig-eval",
            Some("forge-01.lab.example.com"),
            Some("mig-1g.10gb"),
        ),
        pod("ml/batch-embed-x2k4", Some("ghost"), Some("gpu")),
        pod("vision/detector-0", Some("harbor"), Some("gpu")),
        pod("ml/finetune-qwen", None, Some("gpu")),
        pod("vision/retired-job", Some("harbor"), Some("gpu")),
        pod("kube-system/coredns", Some("anvil"), None),
        pod("web/frontend", Some("icebox"), None),
    ];
    let named = |kind: &str, name: &str| Workload {
        kind: kind.to_owned(),
        name: name.to_owned(),
    };
    pods[0].workload = named("StatefulSet", "train-llama");
    pods[1].workload = named("Pod", "notebook-anna");
    pods[4].workload = named("StatefulSet", "jellyfin");
    pods[8].phase = Phase::Pending;
    pods[8].ready = false;
    pods[8].workload = named("Job", "finetune-qwen");
    pods[8].reason = Some(
        "0/9 nodes are available: 1 node(s) were unschedulable, 8 Insufficient nvidia.com/gpu."
            .to_owned(),
    );
    pods[9].phase = Phase::Succeeded;
    pods[7].ready = false;
    pods[7].reason = Some("CrashLoopBackOff".to_owned());
    for name in [
        "anvil",
        "bench",
        "cellar",
        "desk",
        "forge-01.lab.example.com",
        "harbor",
        "icebox",
    ] {
        pods.push(daemon(name));
    }
    let mut starting = daemon("newbie");
    starting.phase = Phase::Pending;
    starting.reason = Some("ImagePullBackOff".to_owned());
    pods.push(starting);
    pods
}

pub(crate) fn agents() -> Vec<(NodeName, AgentReport)> {
    vec![
        ("anvil".into(), anvil()),
        ("bench".into(), bench()),
        ("cellar".into(), cellar()),
        ("desk".into(), desk()),
        ("forge-01.lab.example.com".into(), forge()),
        ("harbor".into(), harbor()),
        ("icebox".into(), icebox()),
    ]
}

/// One card trains, the other is held by a notebook that does nothing.
fn anvil() -> AgentReport {
    let watts = (338, 350);
    let mut busy = gpu(
        0,
        "anvil",
        RTX,
        &Gpu {
            percent: 97,
            used: 23.2,
            total: 24,
            celsius: 79,
            watts,
            idle: 0,
        },
    );
    busy.throttle_reasons = vec![ThrottleReason::SoftwarePowerCap].into();
    let watts = (29, 350);
    let idle = gpu(
        1,
        "anvil",
        RTX,
        &Gpu {
            percent: 0,
            used: 9.4,
            total: 24,
            celsius: 41,
            watts,
            idle: 7800,
        },
    );
    let processes = vec![
        process(48_213, &busy, "python3", 22.8, in_pod("ml/train-llama-0")),
        process(51_877, &idle, "python3", 9.1, in_pod("ml/notebook-anna")),
    ];
    let allocations = vec![
        given("ml/train-llama-0", "gpu", uuid("anvil", 0).as_str()),
        given("ml/notebook-anna", "gpu", uuid("anvil", 1).as_str()),
    ];
    report(
        snapshot("anvil", vec![busy, idle], processes, allocations),
        0,
        LinkState::Live,
    )
}

/// One card in four time-sliced shares, two of them held.
fn bench() -> AgentReport {
    let watts = (61, 320);
    let ready = Gpu {
        percent: 0,
        used: 7.7,
        total: 16,
        celsius: 52,
        watts,
        idle: 95,
    };
    let card = gpu(0, "bench", "NVIDIA GeForce RTX 4080", &ready);
    let processes = vec![
        process(7120, &card, "ollama", 6.1, in_pod("chat/ollama-7d9f")),
        process(
            7344,
            &card,
            "whisper-server",
            1.5,
            in_pod("chat/whisper-5c4b"),
        ),
    ];
    let allocations = vec![
        given("chat/ollama-7d9f", "gpu", "GPU-bench-0::0"),
        given("chat/whisper-5c4b", "gpu", "GPU-bench-0::3"),
    ];
    report(
        snapshot("bench", vec![card], processes, allocations),
        1,
        LinkState::Live,
    )
}

/// Cordoned, and nothing on it.
fn cellar() -> AgentReport {
    let watts = (11, 70);
    let free = Gpu {
        percent: 0,
        used: 0.0,
        total: 16,
        celsius: 33,
        watts,
        idle: 90_000,
    };
    let card = gpu(0, "cellar", "Tesla T4", &free);
    report(
        snapshot("cellar", vec![card], Vec::new(), Vec::new()),
        0,
        LinkState::Live,
    )
}

/// Nobody asked for the card, yet a media server and the desktop use it.
fn desk() -> AgentReport {
    let watts = (74, 170);
    let card = Gpu {
        percent: 23,
        used: 2.9,
        total: 12,
        celsius: 58,
        watts,
        idle: 0,
    };
    let card = gpu(0, "desk", "NVIDIA GeForce RTX 3060", &card);
    let outside = Holder::Outside {
        kind: OutsideKind::Desktop,
        name: "gnome-shell".to_owned(),
    };
    let mut shell = process(2411, &card, "gnome-shell", 0.4, outside);
    shell.kind = ProcessKind::Graphics;
    shell.user = "mara".to_owned().into();
    shell.sm = Reading::Unsupported;
    let jellyfin = process(9033, &card, "ffmpeg", 1.9, in_pod("media/jellyfin-0"));
    report(
        snapshot("desk", vec![card], vec![shell, jellyfin], Vec::new()),
        0,
        LinkState::Live,
    )
}

/// A card in three instances, one of them held.
fn forge() -> AgentReport {
    let watts = (188, 400);
    let whole = Gpu {
        percent: 0,
        used: 9.0,
        total: 80,
        celsius: 48,
        watts,
        idle: 0,
    };
    let mut card = gpu(0, "forge", "NVIDIA A100-SXM4-80GB", &whole);
    card.kind = DeviceKind::Gpu { mig_enabled: true };
    card.utilization = Reading::Unsupported;
    let parts: Vec<Device> = [("1g.10gb", 10, 6), ("1g.10gb", 10, 0), ("3g.40gb", 40, 0)]
        .into_iter()
        .zip(0..)
        .map(|((profile, gib, used), number)| instance(&card, number, profile, gib, used))
        .collect();
    let processes = vec![process(
        611,
        &parts[0],
        "python3",
        5.8,
        in_pod("lab/mig-eval"),
    )];
    let allocations = vec![given("lab/mig-eval", "mig-1g.10gb", parts[0].uuid.as_str())];
    let mut devices = vec![card];
    devices.extend(parts);
    let name = "forge-01.lab.example.com";
    report(
        snapshot(name, devices, processes, allocations),
        2,
        LinkState::Live,
    )
}

/// The daemon was heard 42 s ago; the card was hot, full and failing.
fn harbor() -> AgentReport {
    let watts = (247, 250);
    let hot = Gpu {
        percent: 88,
        used: 31.6,
        total: 32,
        celsius: 91,
        watts,
        idle: 0,
    };
    let mut card = gpu(0, "harbor", "Tesla V100-PCIE-32GB", &hot);
    card.throttle_reasons = vec![ThrottleReason::HardwareThermalSlowdown].into();
    card.health = Health::Degraded {
        why: "12 memory errors corrected today".to_owned(),
    }
    .into();
    let processes = vec![process(
        1207,
        &card,
        "detector",
        31.0,
        in_pod("vision/detector-0"),
    )];
    let allocations = vec![given("vision/detector-0", "gpu", card.uuid.as_str())];
    let since = Moment(Duration::from_secs(NOW - 40));
    let link = LinkState::Lost {
        since,
        why: "connection reset by peer".to_owned(),
    };
    report(
        snapshot("harbor", vec![card], processes, allocations),
        42,
        link,
    )
}

/// A daemon without a driver to ask.
fn icebox() -> AgentReport {
    let mut told = snapshot("icebox", Vec::new(), Vec::new(), Vec::new());
    told.driver = DriverState::NoDriver {
        why: "libnvidia-ml.so.1 not found".to_owned(),
    };
    report(told, 0, LinkState::Live)
}
