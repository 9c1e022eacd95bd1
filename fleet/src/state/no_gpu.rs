//! Why a node has no GPU that a pod could use: the first broken link of the chain from the card
//! over driver, runtime and device plugin to the scheduler.

use gputop_model::{DeviceKind, DriverState, Health, NodeInfo, NodeSnapshot};

use super::agent::AgentStatus;

/// Why a node has no GPU that a pod could use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoGpu {
    /// The daemon finds no driver.
    NoDriver {
        /// What was tried and what came back.
        why: String,
        /// It is known that the container runtime has no `nvidia` handler either.
        no_runtime: bool,
    },
    /// Library and kernel driver are of different versions.
    Mismatch {
        /// What came back.
        why: String,
    },
    /// The driver is there and does not work.
    DriverFails {
        /// What came back.
        why: String,
    },
    /// The driver works and finds no card.
    NoCard {
        /// Driver version.
        version: String,
    },
    /// The container runtime has no `nvidia` handler.
    NoRuntime,
    /// No device plugin offers the cards.
    NoPlugin {
        /// It is known that the driver works.
        driver_works: bool,
    },
    /// A device plugin offered cards and does not any more.
    PluginAway {
        /// It is known that the cards are well.
        cards_well: bool,
    },
    /// No card may be given work.
    Sick,
    /// Every card is in MIG mode and none has an instance.
    NoInstances,
    /// Nobody has looked.
    NoAgent,
}

impl NoGpu {
    /// For a table cell: at most eleven letters.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NoDriver { .. } => "no driver",
            Self::Mismatch { .. } => "mismatch",
            Self::DriverFails { .. } => "driver down",
            Self::NoCard { .. } => "no card",
            Self::NoRuntime => "no runtime",
            Self::NoPlugin { .. } => "no plugin",
            Self::PluginAway { .. } => "plugin away",
            Self::Sick => "sick",
            Self::NoInstances => "no MIG",
            Self::NoAgent => "no agent",
        }
    }

    /// What is amiss, in one sentence.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::NoDriver { why, no_runtime } => {
                let runtime = if *no_runtime {
                    "; the container runtime has no nvidia handler"
                } else {
                    ""
                };
                format!("no NVIDIA driver: {why}{runtime}")
            }
            Self::Mismatch { why } => format!("driver and library differ: {why}"),
            Self::DriverFails { why } => format!("the driver does not answer: {why}"),
            Self::NoCard { version } => format!("driver {version} finds no GPU"),
            Self::NoRuntime => {
                { "the container runtime has no nvidia handler: pods can not reach the GPUs" }
                    .to_owned()
            }
            Self::NoPlugin { driver_works: true } => {
                "the driver works, but no device plugin offers its GPUs".to_owned()
            }
            Self::NoPlugin { .. } => {
                "it has an NVIDIA card by its labels, but no device plugin offers it".to_owned()
            }
            Self::PluginAway { cards_well: true } => {
                "the device plugin is away: it offers none of the node's GPUs".to_owned()
            }
            Self::PluginAway { .. } => {
                "the device plugin is away, or all its GPUs are sick".to_owned()
            }
            Self::Sick => "all its GPUs are sick".to_owned(),
            Self::NoInstances => "its GPUs are in MIG mode and have no MIG instances".to_owned(),
            Self::NoAgent => "no GPU known, and no gputop-node daemon to look".to_owned(),
        }
    }

    /// What to do, in one or two sentences.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::NoDriver { .. } => {
                "If there is a card in it: install the NVIDIA driver and the NVIDIA Container \
                 Toolkit on the node, then restart K3s there."
            }
            Self::Mismatch { .. } => {
                "A driver package was updated under the running driver: drain the node and restart \
                 it. Pods that run go on, new ones fail until then."
            }
            Self::DriverFails { .. } => {
                "Read the NVRM lines of dmesg on the node; a restart of the node often helps."
            }
            Self::NoCard { .. } => {
                "Check with lspci that the machine sees the card, and that it is not passed to a \
                 virtual machine; else its slot and its power."
            }
            Self::NoRuntime => {
                "Install the NVIDIA Container Toolkit on the node and restart K3s there: it looks \
                 for the runtime at its start only."
            }
            Self::NoPlugin { .. } => {
                "Install NVIDIA's device plugin with runtimeClassName nvidia. If it is installed \
                 and passes this node by: label the node nvidia.com/gpu.present=true."
            }
            Self::PluginAway { .. } => {
                "Look at the device plugin's pod on this node: its log says why it stopped."
            }
            Self::Sick => {
                "Cordon the node and see its devices for the reason. After the repair restart the \
                 device plugin: it calls no device well again by itself."
            }
            Self::NoInstances => {
                "Create MIG instances on the node (nvidia-smi mig -cgi PROFILE -C), or switch MIG \
                 off (nvidia-smi -mig 0)."
            }
            Self::NoAgent => "Install the gputop-node daemon on the node, and it looks.",
        }
    }
}

/// The first broken link, as far as it can be told; `None`: there are GPUs to use, or nothing is
/// known.
pub(super) fn no_gpu(
    info: &NodeInfo,
    agent: &AgentStatus,
    snapshot: Option<&NodeSnapshot>,
) -> Option<NoGpu> {
    let capacity: i64 = info.resources.values().map(|r| r.capacity).sum();
    let allocatable: i64 = info.resources.values().map(|r| r.allocatable).sum();
    let no_runtime = info
        .runtime_handlers
        .as_ref()
        .is_some_and(|handlers| !handlers.iter().any(|name| name.starts_with("nvidia")));
    if let Some(snapshot) = snapshot {
        match &snapshot.driver {
            DriverState::Ready { .. } => {}
            DriverState::NoDriver { why } => {
                let why = why.clone();
                return Some(NoGpu::NoDriver { why, no_runtime });
            }
            DriverState::Mismatch { why } => return Some(NoGpu::Mismatch { why: why.clone() }),
            DriverState::Failed { why } => return Some(NoGpu::DriverFails { why: why.clone() }),
            DriverState::NoGpu { version } => {
                let version = version.clone();
                return Some(NoGpu::NoCard { version });
            }
        }
        if allocatable > 0 {
            return None;
        }
        let sick = sick_cards(snapshot);
        return Some(match capacity {
            _ if sick == Some(true) => NoGpu::Sick,
            _ if lacks_instances(snapshot) => NoGpu::NoInstances,
            0 if no_runtime => NoGpu::NoRuntime,
            0 => NoGpu::NoPlugin { driver_works: true },
            _ => NoGpu::PluginAway {
                cards_well: sick == Some(false),
            },
        });
    }
    if allocatable > 0 {
        return None;
    }
    if capacity > 0 {
        return Some(NoGpu::PluginAway { cards_well: false });
    }
    match agent {
        _ if has_card_by_labels(info) && no_runtime => Some(NoGpu::NoRuntime),
        _ if has_card_by_labels(info) => Some(NoGpu::NoPlugin {
            driver_works: false,
        }),
        AgentStatus::Absent => Some(NoGpu::NoAgent),
        _ => None,
    }
}

/// Whether every physical GPU is sick; `None`: the daemon does not know of some.
fn sick_cards(snapshot: &NodeSnapshot) -> Option<bool> {
    let mut all = !snapshot.devices.is_empty();
    for device in &snapshot.devices {
        match device.health.known()? {
            Health::Sick { .. } => {}
            Health::Ok | Health::Degraded { .. } => all = false,
        }
    }
    Some(all)
}

/// Whether every GPU is in MIG mode and none has an instance.
fn lacks_instances(snapshot: &NodeSnapshot) -> bool {
    let devices = &snapshot.devices;
    !devices.is_empty()
        && devices
            .iter()
            .all(|device| device.is_partitioned() && matches!(device.kind, DeviceKind::Gpu { .. }))
}

/// Whether GPU feature discovery, node feature discovery or the operator say that there is a card.
fn has_card_by_labels(info: &NodeInfo) -> bool {
    const PRESENT: [&str; 4] = [
        "nvidia.com/gpu.present",
        "feature.node.kubernetes.io/pci-10de.present",
        "feature.node.kubernetes.io/pci-0300_10de.present",
        "feature.node.kubernetes.io/pci-0302_10de.present",
    ];
    PRESENT
        .iter()
        .any(|label| info.labels.get(*label).is_some_and(|value| value == "true"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gputop_model::{Device, ResourceCounts};

    use super::*;

    fn node(capacity: i64, allocatable: i64) -> NodeInfo {
        let counts = ResourceCounts {
            capacity,
            allocatable,
        };
        NodeInfo {
            resources: BTreeMap::from([("nvidia.com/gpu".to_owned(), counts)]),
            ..NodeInfo::unknown("a".into())
        }
    }

    fn handlers(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn ready() -> DriverState {
        DriverState::Ready {
            version: "580".to_owned(),
            cuda: None,
        }
    }

    fn snapshot(driver: DriverState, devices: Vec<Device>) -> NodeSnapshot {
        NodeSnapshot {
            sequence: 1,
            driver,
            devices,
            ..NodeSnapshot::unsampled("a".into())
        }
    }

    fn gpu(mig_enabled: bool, health: Health) -> Device {
        let kind = DeviceKind::Gpu { mig_enabled };
        let mut device = Device::unmeasured(0, "GPU-0".into(), String::new(), kind);
        device.health = health.into();
        device
    }

    fn word(info: &NodeInfo, said: &NodeSnapshot) -> &'static str {
        no_gpu(info, &AgentStatus::Live, Some(said)).map_or("", |no| no.word())
    }

    #[test]
    fn every_link_of_the_chain_has_its_word() {
        let why = || "x".to_owned();
        let broken = |driver| word(&node(2, 2), &snapshot(driver, Vec::new()));
        assert_eq!(broken(DriverState::Mismatch { why: why() }), "mismatch");
        assert_eq!(broken(DriverState::Failed { why: why() }), "driver down");
        assert_eq!(broken(DriverState::NoDriver { why: why() }), "no driver");
        assert_eq!(broken(DriverState::NoGpu { version: why() }), "no card");
        let well = snapshot(ready(), vec![gpu(false, Health::Ok)]);
        let mut bare = node(0, 0);
        assert_eq!(word(&bare, &well), "no plugin");
        bare.runtime_handlers = Some(handlers(&["", "runc"]));
        assert_eq!(word(&bare, &well), "no runtime");
        bare.runtime_handlers = Some(handlers(&["", "nvidia"]));
        assert_eq!(word(&bare, &well), "no plugin");
        assert_eq!(word(&node(2, 0), &well), "plugin away");
        assert_eq!(word(&node(2, 2), &well), "");
        let sick = gpu(false, Health::Sick { why: why() });
        assert_eq!(word(&node(2, 0), &snapshot(ready(), vec![sick])), "sick");
        let split = gpu(true, Health::Ok);
        assert_eq!(word(&node(0, 0), &snapshot(ready(), vec![split])), "no MIG");
    }

    #[test]
    fn without_a_daemon_the_labels_tell_what_they_can() {
        let absent = AgentStatus::Absent;
        let word = |info: &NodeInfo| no_gpu(info, &absent, None).map_or("", |no| no.word());
        let mut labelled = node(0, 0);
        assert_eq!(word(&labelled), "no agent");
        let label = "feature.node.kubernetes.io/pci-10de.present";
        labelled.labels.insert(label.to_owned(), "true".to_owned());
        assert_eq!(word(&labelled), "no plugin");
        labelled.runtime_handlers = Some(handlers(&["runc"]));
        assert_eq!(word(&labelled), "no runtime");
        assert_eq!(word(&node(2, 2)), "");
        assert_eq!(word(&node(2, 0)), "plugin away");
        // Who has not asked can not say that nobody looks.
        assert_eq!(no_gpu(&node(0, 0), &AgentStatus::NotAsked, None), None);
    }

    #[test]
    fn words_fit_a_cell_and_everything_says_what_to_do() {
        let why = String::new;
        let all = [
            NoGpu::NoDriver {
                why: why(),
                no_runtime: true,
            },
            NoGpu::Mismatch { why: why() },
            NoGpu::DriverFails { why: why() },
            NoGpu::NoCard { version: why() },
            NoGpu::NoRuntime,
            NoGpu::NoPlugin { driver_works: true },
            NoGpu::PluginAway { cards_well: true },
            NoGpu::Sick,
            NoGpu::NoInstances,
            NoGpu::NoAgent,
        ];
        let words: std::collections::BTreeSet<_> = all.iter().map(NoGpu::word).collect();
        assert_eq!(words.len(), all.len());
        for no in &all {
            assert!(no.word().len() <= 11, "{}", no.word());
            assert!(!no.what().is_empty() && no.fix().ends_with('.'), "{no:?}");
        }
    }
}
