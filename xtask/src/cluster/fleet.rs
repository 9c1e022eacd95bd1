//! What the simulated fleet consists of: pure data.

use std::fmt::Write as _;

use serde_json::Value;

use super::workloads;

/// A kind of GPU, as NVIDIA's own tools would describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuKind {
    /// The product name as NVML gives it.
    pub product: &'static str,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Enforced power limit in watts.
    pub power_limit_watts: u32,
    /// Architecture, as GPU feature discovery writes it.
    pub family: &'static str,
    /// CUDA compute capability: major, minor.
    pub compute: (u8, u8),
}

/// One of the cards that people have at home.
pub const RTX_3090: GpuKind = GpuKind {
    product: "NVIDIA GeForce RTX 3090",
    memory_mib: 24_576,
    power_limit_watts: 350,
    family: "ampere",
    compute: (8, 6),
};

/// A faster one of the same sort.
pub const RTX_4090: GpuKind = GpuKind {
    product: "NVIDIA GeForce RTX 4090",
    memory_mib: 24_564,
    power_limit_watts: 450,
    family: "ada-lovelace",
    compute: (8, 9),
};

/// A data centre card without MIG.
pub const L40S: GpuKind = GpuKind {
    product: "NVIDIA L40S",
    memory_mib: 46_068,
    power_limit_watts: 350,
    family: "ada-lovelace",
    compute: (8, 9),
};

/// A data centre card that can be partitioned (MIG).
pub const H100: GpuKind = GpuKind {
    product: "NVIDIA H100 80GB HBM3",
    memory_mib: 81_559,
    power_limit_watts: 700,
    family: "hopper",
    compute: (9, 0),
};

/// How the GPUs of a node are handed out to pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharing {
    /// A whole GPU to one container.
    Whole,
    /// Each GPU counts that many times as `nvidia.com/gpu`.
    TimeSliced(u32),
    /// Each GPU is partitioned into these MIG instances, in order; each profile
    /// is a resource of its own (strategy "mixed").
    Mig(Vec<&'static str>),
}

/// One simulated node. A node without GPUs has no driver and no daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// The node's name; may hold dots.
    pub name: String,
    /// Its GPUs: kind and number. `None`: no NVIDIA GPU at all.
    pub gpus: Option<(GpuKind, u32)>,
    /// How they are handed out.
    pub sharing: Sharing,
    /// Whether it is cordoned once the first pods are placed.
    pub cordoned: bool,
    /// Whether it carries the control-plane role.
    pub server: bool,
    /// Whether it has a daemon; one without GPUs has none in any case.
    pub daemon: bool,
}

impl NodeSpec {
    /// A schedulable agent with whole GPUs.
    #[must_use]
    pub fn gpus(name: impl Into<String>, kind: GpuKind, count: u32) -> Self {
        Self {
            name: name.into(),
            gpus: Some((kind, count)),
            sharing: Sharing::Whole,
            cordoned: false,
            server: false,
            daemon: true,
        }
    }

    /// The resources that the device plugin offers: name and count, by name.
    #[must_use]
    pub fn resources(&self) -> Vec<(String, u32)> {
        let Some((_, count)) = &self.gpus else {
            return Vec::new();
        };
        let mut resources: Vec<(String, u32)> = Vec::new();
        match &self.sharing {
            Sharing::Whole => resources.push(("nvidia.com/gpu".to_owned(), *count)),
            Sharing::TimeSliced(slices) => {
                resources.push(("nvidia.com/gpu".to_owned(), count * slices));
            }
            Sharing::Mig(profiles) => {
                for profile in profiles {
                    let name = format!("nvidia.com/mig-{profile}");
                    match resources.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, number)) => *number += count,
                        None => resources.push((name, *count)),
                    }
                }
            }
        }
        resources.sort();
        resources
    }
}

/// How large a fleet of equal nodes is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Nodes.
    pub nodes: u32,
    /// GPUs in each.
    pub gpus: u32,
    /// Pods in all. Three of four GPUs are given to one-GPU pods; the other pods need none.
    pub pods: u32,
    /// Nodes that have a daemon: the first ones.
    pub daemons: u32,
}

/// Most pods that a kubelet takes, unless told otherwise.
const PODS_A_NODE: u32 = 110;

impl Size {
    /// Pods that do not fit on the nodes, beside the daemons; 0: all do.
    #[must_use]
    pub fn too_many(&self) -> u32 {
        let places = self.nodes.saturating_mul(PODS_A_NODE);
        let wanted = self.pods.saturating_add(self.daemons.min(self.nodes));
        wanted.saturating_sub(places)
    }
}

/// A whole fleet: nodes, and what runs on them at the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// The nodes.
    pub nodes: Vec<NodeSpec>,
    /// Objects created at once; each of their pods is waited for.
    pub workloads: Vec<Value>,
    /// Objects created when all pods of `workloads` have their place; their
    /// pods stay Pending and are not waited for.
    pub latecomers: Vec<Value>,
    /// How many pods `workloads` brings: all of them are to become Ready.
    pub ready_pods: usize,
}

impl Fleet {
    /// The fleet of the manual: every kind of sharing, one node with dots in
    /// its name, one cordoned, one without GPU, one pod that finds no GPU.
    #[must_use]
    pub fn varied() -> Self {
        let mut rig = NodeSpec::gpus("rig.lab.home", RTX_4090, 1);
        rig.sharing = Sharing::TimeSliced(4);
        let mut h100 = NodeSpec::gpus("gpu-h100", H100, 1);
        h100.sharing = Sharing::Mig(vec!["3g.40gb", "2g.20gb", "1g.10gb", "1g.10gb"]);
        let mut cordoned = NodeSpec::gpus("gpu-c", RTX_3090, 1);
        cordoned.cordoned = true;
        let mut server = NodeSpec::gpus("cpu-only", RTX_3090, 0);
        server.gpus = None;
        server.server = true;
        let nodes = vec![
            NodeSpec::gpus("gpu-a", RTX_3090, 2),
            NodeSpec::gpus("gpu-b", L40S, 4),
            rig,
            h100,
            cordoned,
            server,
        ];
        let ready_pods = workloads::varied_pods(nodes.len());
        Self {
            nodes,
            workloads: workloads::varied(),
            latecomers: vec![workloads::hungry()],
            ready_pods,
        }
    }

    /// Equal nodes with whole GPUs, and Deployments that fill them.
    #[must_use]
    pub fn sized(size: Size) -> Self {
        let places = size.nodes * size.gpus;
        let gpu_pods = size.pods.min(places - places / 4);
        let mut fleet = Self::uniform(size.nodes, size.gpus, gpu_pods);
        for node in fleet.nodes.iter_mut().skip(size.daemons as usize) {
            node.daemon = false;
        }
        let plain = size.pods - gpu_pods;
        fleet.workloads.extend(workloads::plain_deployments(plain));
        fleet.ready_pods = size.pods as usize;
        fleet
    }

    /// `nodes` equal nodes of `gpus` whole GPUs each, with `pods` one-GPU pods
    /// in Deployments. More pods than GPUs: the rest stays Pending.
    #[must_use]
    pub fn uniform(nodes: u32, gpus: u32, pods: u32) -> Self {
        let nodes: Vec<NodeSpec> = (0..nodes)
            .map(|at| NodeSpec::gpus(format!("gpu-{at:03}"), L40S, gpus))
            .collect();
        let places: u32 = nodes
            .iter()
            .flat_map(NodeSpec::resources)
            .map(|(_, count)| count)
            .sum();
        Self {
            nodes,
            workloads: workloads::deployments(pods),
            latecomers: Vec::new(),
            ready_pods: pods.min(places) as usize,
        }
    }

    /// Only nodes: what runs on them is the caller's affair.
    #[must_use]
    pub fn of_nodes(nodes: Vec<NodeSpec>) -> Self {
        Self {
            nodes,
            workloads: Vec::new(),
            latecomers: Vec::new(),
            ready_pods: 0,
        }
    }

    /// The nodes that have GPUs.
    pub fn gpu_nodes(&self) -> impl Iterator<Item = &NodeSpec> {
        self.nodes.iter().filter(|node| node.gpus.is_some())
    }

    /// The nodes that have a daemon.
    pub fn daemon_nodes(&self) -> impl Iterator<Item = &NodeSpec> {
        self.gpu_nodes().filter(|node| node.daemon)
    }

    /// The scenario file that tells the daemons which GPUs their nodes have.
    /// It says the same as the Node objects do.
    #[must_use]
    pub fn scenario(&self) -> String {
        let mut text = "name = \"testbed\"\n".to_owned();
        for node in self.gpu_nodes() {
            let Some((kind, count)) = &node.gpus else {
                continue;
            };
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n[[node]]\nname = \"{}\"\ndriver = \"{DRIVER}\"\ncuda = \"{CUDA}\"\n",
                node.name
            );
            for _ in 0..*count {
                let _ = write!(
                    text,
                    "[[node.gpu]]\nproduct = \"{}\"\nmemory_mib = {}\npower_limit_watts = {}\n",
                    kind.product, kind.memory_mib, kind.power_limit_watts
                );
                let _ = match &node.sharing {
                    Sharing::Whole => Ok(()),
                    Sharing::TimeSliced(slices) => writeln!(text, "time_slices = {slices}"),
                    Sharing::Mig(profiles) => writeln!(text, "mig = {profiles:?}"),
                };
            }
        }
        text
    }
}

/// The driver version of every GPU node.
pub const DRIVER: &str = "580.95.05";
/// The newest CUDA version that this driver serves.
pub const CUDA: &str = "13.0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_by_sharing() {
        let fleet = Fleet::varied();
        let of = |name: &str| {
            fleet
                .nodes
                .iter()
                .find(|n| n.name == name)
                .unwrap()
                .resources()
        };
        assert_eq!(of("gpu-a"), [("nvidia.com/gpu".to_owned(), 2)]);
        assert_eq!(of("rig.lab.home"), [("nvidia.com/gpu".to_owned(), 4)]);
        assert_eq!(
            of("gpu-h100"),
            [
                ("nvidia.com/mig-1g.10gb".to_owned(), 2),
                ("nvidia.com/mig-2g.20gb".to_owned(), 1),
                ("nvidia.com/mig-3g.40gb".to_owned(), 1),
            ]
        );
        assert!(of("cpu-only").is_empty());
    }

    #[test]
    fn scenario_is_toml_and_agrees_with_the_nodes() {
        let fleet = Fleet::varied();
        let scenario: toml::Table = fleet.scenario().parse().unwrap();
        let nodes = scenario["node"].as_array().unwrap();
        assert_eq!(nodes.len(), fleet.gpu_nodes().count());
        let node = |name: &str| {
            nodes
                .iter()
                .find(|n| n["name"].as_str() == Some(name))
                .unwrap()
        };
        assert_eq!(node("gpu-b")["gpu"].as_array().unwrap().len(), 4);
        assert_eq!(
            node("rig.lab.home")["gpu"][0]["time_slices"].as_integer(),
            Some(4)
        );
        assert_eq!(
            node("gpu-h100")["gpu"][0]["mig"][3].as_str(),
            Some("1g.10gb")
        );
        assert_eq!(node("gpu-a")["driver"].as_str(), Some(DRIVER));
    }

    #[test]
    fn a_size_is_kept() {
        let size = Size {
            nodes: 23,
            gpus: 8,
            pods: 1_000,
            daemons: 5,
        };
        let fleet = Fleet::sized(size);
        assert_eq!(fleet.ready_pods, 1_000);
        assert_eq!(fleet.daemon_nodes().count(), 5);
        assert_eq!(fleet.gpu_nodes().count(), 23);
        let replicas = |namespace: &str| -> u64 {
            let of = fleet
                .workloads
                .iter()
                .filter(|object| object["metadata"]["namespace"].as_str() == Some(namespace));
            of.filter_map(|object| object["spec"]["replicas"].as_u64())
                .sum()
        };
        assert_eq!(replicas("ml"), 138, "three of four of 184");
        assert_eq!(replicas("default"), 1_000 - 138);
        assert_eq!(size.too_many(), 0);
        assert_eq!(
            Size {
                pods: 2_530,
                ..size
            }
            .too_many(),
            5
        );
        let few = Fleet::sized(Size { pods: 10, ..size });
        assert_eq!(few.ready_pods, 10);
        assert!(
            few.workloads
                .iter()
                .all(|w| w["metadata"]["namespace"] == "ml")
        );
    }

    #[test]
    fn uniform_counts_what_fits() {
        assert_eq!(Fleet::uniform(3, 8, 30).ready_pods, 24);
        assert_eq!(Fleet::uniform(3, 8, 5).ready_pods, 5);
        assert_eq!(Fleet::uniform(200, 8, 0).nodes[199].name, "gpu-199");
    }
}
