//! Nothing that may not be recorded is left, and what belongs together stays together.

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_fleet::state::{Received, Watched};
use gputop_model::{
    Allocation, Bytes, ContainerInfo, ContainerState, Device, DeviceKind, Disk, DriverState,
    GpuProcess, Health, Holder, Host, Limitation, Moment, NodeInfo, NodeSnapshot, OutsideKind,
    Percent, Phase, PodInfo, ProcessKind, Readiness, Reading, Taint, Workload,
};
use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::app::Session;

/// Everything that has a name, called by names that occur nowhere else.
#[derive(Debug, Clone)]
struct Called {
    node: String,
    namespace: String,
    pod: String,
    workload: String,
    container: String,
    user: String,
    label: String,
    secret: String,
    address: String,
}

impl Called {
    fn names(&self) -> [&str; 5] {
        [
            &self.node,
            &self.namespace,
            &self.pod,
            &self.workload,
            &self.container,
        ]
    }

    fn private(&self) -> [&str; 4] {
        [&self.user, &self.label, &self.secret, &self.address]
    }

    /// A text with all of it.
    fn text(&self) -> String {
        format!(
            "0/1 of {} ({}): pod \"{}\" of {}/{}, {} at {}: --token={} by {}",
            self.node,
            self.namespace,
            self.pod,
            self.namespace,
            self.workload,
            self.container,
            self.address,
            self.secret,
            self.user,
        )
    }

    fn node(&self) -> NodeInfo {
        NodeInfo {
            readiness: Readiness::NotReady { why: self.text() },
            labels: BTreeMap::from([
                ("acme/owner".to_owned(), self.label.clone()),
                ("kubernetes.io/hostname".to_owned(), self.node.clone()),
                ("nvidia.com/gpu.product".to_owned(), "Tesla-T4".to_owned()),
            ]),
            taints: vec![Taint {
                key: "owner".to_owned(),
                value: self.label.clone(),
                effect: "NoSchedule".to_owned(),
            }],
            os_image: format!("Ubuntu 24.04 of {}", self.node),
            kernel_version: format!("6.8.0-{}", self.label),
            addresses: vec![self.address.clone()],
            ..NodeInfo::unknown(self.node.as_str().into())
        }
    }

    fn pod(&self) -> PodInfo {
        let state = ContainerState::Waiting {
            reason: self.text(),
        };
        let main = ContainerInfo {
            id: Some("9f".repeat(32)),
            image: format!("registry.example/{}:1", self.workload),
            state,
            ..ContainerInfo::unknown(self.container.clone())
        };
        PodInfo {
            node: Some(self.node.as_str().into()),
            phase: Phase::Running,
            reason: Some(self.text()),
            message: Some(self.text()),
            workload: Workload {
                kind: "Job".to_owned(),
                name: self.workload.clone(),
            },
            requests: BTreeMap::from([("nvidia.com/gpu".to_owned(), 1)]),
            labels: [("app", self.label.as_str())].into_iter().collect(),
            containers: vec![main],
            ..PodInfo::unknown(
                PodKey::new(self.namespace.as_str(), self.pod.as_str()),
                "1b4e28ba-2fa1-11d2-883f-0016d3cca427".into(),
            )
        }
    }

    fn process(&self, holder: Holder) -> GpuProcess {
        GpuProcess {
            start_ticks: Some(1),
            name: format!("/opt/{}/python3 --password {}", self.user, self.secret),
            command: format!("python3 --data /home/{} {}", self.user, self.secret).into(),
            user: self.user.clone().into(),
            memory_used: Bytes(5).into(),
            sm: Percent(9).into(),
            idle_for: Duration::ZERO.into(),
            holder,
            ..GpuProcess::unmeasured(7, "GPU-7f".into(), ProcessKind::Compute)
        }
    }

    fn report(&self) -> AgentReport {
        let why = self.text();
        let mut device = Device::unmeasured(
            0,
            "GPU-7f".into(),
            "NVIDIA T4".to_owned(),
            DeviceKind::Gpu { mig_enabled: false },
        );
        device.health = Health::Sick { why: why.clone() }.into();
        device.identity.serial = self.label.clone().into();
        let inside = Holder::Pod {
            uid: Some("1b4e28ba-2fa1-11d2-883f-0016d3cca427".into()),
            container_id: Some("9f".repeat(32)),
            namespace: Some(self.namespace.clone()),
            pod: Some(self.pod.clone()),
            container: Some(self.container.clone()),
        };
        let outside = Holder::Outside {
            kind: OutsideKind::Login,
            name: self.user.clone(),
        };
        let snapshot = NodeSnapshot {
            daemon_version: "0.1.0".to_owned(),
            sequence: 1,
            driver: DriverState::Failed { why: why.clone() },
            devices: vec![device],
            processes: vec![self.process(inside), self.process(outside)],
            allocations: Reading::Value(vec![Allocation {
                namespace: self.namespace.clone(),
                pod: self.pod.clone(),
                container: self.container.clone(),
                resource: "nvidia.com/gpu".to_owned(),
                device_id: DeviceId::new("GPU-7f::3"),
            }]),
            uptime: Duration::from_secs(1),
            host: Host {
                disks: vec![Disk {
                    mount: format!("/srv/{}", self.namespace),
                    total: Bytes(9),
                    available: Bytes(3),
                }]
                .into(),
                kernel: format!("6.8.0-{}", self.label).into(),
                ..Host::default()
            },
            limitations: vec![Limitation {
                name: "hidden_processes".to_owned(),
                lost: format!("/mnt/{}/proc is mounted with hidepid: {why}", self.label),
                fix: format!("remount /mnt/{}/proc on {}", self.label, self.node),
            }],
            ..NodeSnapshot::unsampled(self.node.as_str().into())
        };
        let at = Moment(Duration::from_secs(3));
        AgentReport {
            link: LinkState::Lost { since: at, why },
            last: Some(Received {
                snapshot: Arc::new(snapshot),
                at,
            }),
        }
    }

    fn keyframe(&self) -> Keyframe {
        let why = self.text();
        Keyframe {
            wall: Timestamp::UNIX_EPOCH,
            gap: false,
            dropped: 0,
            nodes: vec![Arc::new(self.node())],
            pods: Some(vec![Arc::new(self.pod())]),
            one_namespace: Some(self.namespace.clone()),
            watches: vec![(Watched::Pods, WatchState::Forbidden { why })],
            reports: vec![(self.node.as_str().into(), self.report())],
        }
    }
}

fn called() -> impl Strategy<Value = Called> {
    // Names as Kubernetes takes them, each with a beginning of its own.
    let names = (
        "zn[a-z0-9]{2,8}(-[a-z0-9]{1,5}){0,2}",
        "zs[a-z0-9]{2,8}(-[a-z0-9]{1,5}){0,2}",
        "zp[a-z0-9]{2,8}(-[a-z0-9]{1,5}){0,2}",
        "zw[a-z0-9]{2,8}(-[a-z0-9]{1,5}){0,2}",
        "zc[a-z0-9]{2,8}(-[a-z0-9]{1,5}){0,2}",
    );
    let private = (
        "zu[a-z]{3,8}",
        "zl[a-z]{3,8}",
        "[a-zA-Z0-9]{12}Zx9[a-zA-Z0-9]{12}",
        "10\\.[1-9][0-9]\\.[1-9][0-9]\\.[1-9][0-9]",
    );
    (names, private).prop_map(|(names, private)| {
        let (node, namespace, pod, workload, container) = names;
        let (user, label, secret, address) = private;
        Called {
            node,
            namespace,
            pod,
            workload,
            container,
            user,
            label,
            secret,
            address,
        }
    })
}

/// All that is written of a cluster, in the order in which it might come.
fn written(redactor: &mut Redactor, called: &Called) -> String {
    let header = Session {
        context: called.node.clone(),
        namespace: called.namespace.clone(),
        only_namespace: Some(called.namespace.clone()),
        ..Session::default()
    };
    let header = redactor.header(Header::new(&header, Timestamp::UNIX_EPOCH, redactor.keep));
    let keyframe = redactor.keyframe(called.keyframe());
    let changed = [
        Update::Nodes(Listing::Changed(Box::new(called.node()))),
        Update::Pods(Listing::Changed(Box::new(called.pod()))),
        Update::Nodes(Listing::Gone(called.node.as_str().into())),
        Update::OneNamespace(called.namespace.clone()),
    ];
    let updates: Vec<Update> = changed.map(|update| redactor.update(update)).into();
    let report = redactor.report(&called.node.as_str().into(), called.report());
    serde_json::to_string(&(header, keyframe, updates, report)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_name_and_nothing_private_is_left(called in called()) {
        let text = written(&mut Redactor::new(false), &called);
        for name in called.names().into_iter().chain(called.private()) {
            prop_assert!(!text.contains(name), "{name} in {text}");
        }
        for gone in ["GPU-7f", "1b4e28ba", "9f9f", "registry.example", "/opt", "/srv", "/mnt"] {
            prop_assert!(!text.contains(gone), "{gone} in {text}");
        }
        let stays = [
            "Tesla-T4", "NVIDIA T4", "nvidia.com/gpu", "python3", "Ubuntu 24.04", "6.8.0-…",
            "hidden_processes", "is mounted with hidepid",
        ];
        for stays in stays {
            prop_assert!(text.contains(stays), "no {stays} in {text}");
        }
    }

    #[test]
    fn with_names_only_what_is_private_goes(called in called()) {
        let text = written(&mut Redactor::new(true), &called);
        for name in called.names() {
            prop_assert!(text.contains(name), "no {name} in {text}");
        }
        for private in [&called.user, &called.secret, &called.address] {
            prop_assert!(!text.contains(private.as_str()), "{private} in {text}");
        }
        prop_assert!(text.contains("GPU-7f") && text.contains("1b4e28ba"));
    }
}

#[test]
fn what_belongs_together_stays_together() {
    let called = Called {
        node: "titan".to_owned(),
        namespace: "research".to_owned(),
        pod: "train-0".to_owned(),
        workload: "train".to_owned(),
        container: "main".to_owned(),
        user: "ada".to_owned(),
        label: "acme".to_owned(),
        secret: "Zx9Zx9Zx9".to_owned(),
        address: "10.0.0.1".to_owned(),
    };
    let mut redactor = Redactor::new(false);
    let keyframe = redactor.keyframe(called.keyframe());
    let pod = &keyframe.pods.as_ref().unwrap()[0];
    assert_eq!(pod.key, PodKey::new("ns-1", "pod-1"));
    assert_eq!(pod.node, Some("node-1".into()));
    assert_eq!(pod.workload.name, "job-1");
    assert_eq!(keyframe.nodes[0].name, "node-1".into());
    assert_eq!(keyframe.one_namespace.as_deref(), Some("ns-1"));
    let (node, report) = &keyframe.reports[0];
    let snapshot = &report.last.as_ref().unwrap().snapshot;
    assert_eq!((node, &snapshot.node), (&"node-1".into(), &"node-1".into()));
    let allocation = &snapshot.allocations.known().unwrap()[0];
    assert_eq!(allocation.namespace, "ns-1");
    assert_eq!(allocation.pod, "pod-1");
    assert_eq!(allocation.device_id.device(), snapshot.devices[0].uuid);
    assert_eq!(allocation.device_id.share(), Some(3));
    assert_eq!(snapshot.processes[0].device, snapshot.devices[0].uuid);
    let Holder::Pod {
        uid,
        container_id,
        pod: name,
        ..
    } = &snapshot.processes[0].holder
    else {
        panic!("{snapshot:?}");
    };
    assert_eq!(uid.as_ref(), Some(&pod.uid));
    assert_eq!(container_id, &pod.containers[0].id);
    assert_eq!(name.as_deref(), Some("pod-1"));
    // The same later on.
    assert_eq!(redactor.pod(&called.pod()), **pod);
    let device = called.keyframe().reports[0]
        .1
        .last
        .as_ref()
        .unwrap()
        .snapshot
        .devices[0]
        .uuid
        .clone();
    let past = DevicePast {
        device,
        samples: Vec::new(),
    };
    let past = redactor.past(vec![("titan".into(), vec![past])]);
    assert_eq!(past[0].0, "node-1".into());
    assert_eq!(past[0].1[0].device, snapshot.devices[0].uuid);
    // What every cluster has keeps its name.
    assert_eq!(redactor.namespace("kube-system"), "kube-system");
}
