//! What a simulated cluster is made of: nodes, their GPUs, and the workloads on them.

mod duration;
mod file;
mod nearest;

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{Bytes, OutsideKind};
use gputop_node::source::simulated::NodeSpec;

pub(crate) use duration::{format_duration, parse_duration};

/// A cluster to simulate. See `assets/scenarios/` for the file format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Name of the scenario.
    pub name: String,
    /// Its nodes, in the order of the file.
    pub nodes: Vec<NodeScenario>,
    /// What runs on them.
    pub workloads: Vec<WorkloadScenario>,
}

/// A node of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeScenario {
    /// Name, driver and GPUs.
    pub spec: NodeSpec,
    /// Roles, such as `control-plane`.
    pub roles: Vec<String>,
    /// Whether it is cordoned.
    pub cordoned: bool,
    /// Whether the daemon of gputop-k3s runs there.
    pub agent: bool,
    /// Architecture, such as `amd64`.
    pub arch: String,
    /// Number of cores.
    pub cpu: u32,
    /// Main memory.
    pub memory: Bytes,
    /// Version of K3s.
    pub kubelet_version: String,
    /// Operating system, as `/etc/os-release` calls it.
    pub os: String,
    /// Kernel version.
    pub kernel: String,
    /// Address in the local network.
    pub address: String,
    /// Labels besides the usual ones.
    pub labels: BTreeMap<String, String>,
    /// Taints as (key, value, effect).
    pub taints: Vec<(String, String, String)>,
    /// How long it had been in the cluster at the start.
    pub age: Duration,
    /// Processes on its GPUs that are outside the cluster.
    pub outside: Vec<OutsideScenario>,
}

/// A process outside the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideScenario {
    /// Index of the GPU.
    pub gpu: usize,
    /// What kind of thing holds it.
    pub kind: OutsideKind,
    /// The unit, container or session that holds it.
    pub holder: String,
    /// Name of the executable.
    pub process: String,
    /// Login name.
    pub user: String,
    /// Its load, as [`WorkloadScenario::behaviour`].
    pub behaviour: String,
    /// Device memory.
    pub memory: Bytes,
    /// How long it had run at the start.
    pub age: Duration,
    /// How long it had been idle at the start.
    pub idle_for: Duration,
}

/// Kinds of workloads that a scenario can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
pub enum WorkloadKind {
    /// A Deployment with its `ReplicaSet`.
    Deployment,
    /// A `StatefulSet`.
    StatefulSet,
    /// A `DaemonSet`.
    DaemonSet,
    /// A Job.
    Job,
    /// A pod that nobody owns.
    Pod,
}

/// A workload of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadScenario {
    /// What kind of object.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Wanted number of pods.
    pub replicas: u32,
    /// GPU units that each pod asks for.
    pub gpus: u32,
    /// Resource name of these units.
    pub resource: String,
    /// Container image.
    pub image: String,
    /// Node that its pods are pinned to by `nodeSelector`.
    pub node: Option<String>,
    /// More labels for the `nodeSelector`.
    pub node_selector: BTreeMap<String, String>,
    /// Load on the GPU: `training`, `inference`, `quiet-server`, `notebook`, `media`, `desktop`,
    /// `loading` or `none`.
    pub behaviour: Option<String>,
    /// Device memory of its process on each device.
    pub gpu_memory: Option<Bytes>,
    /// Login name of its processes.
    pub user: Option<String>,
    /// Name of its processes' executable.
    pub process: Option<String>,
    /// How long before the start it was created.
    pub age: Duration,
    /// How long its process had been idle at the start.
    pub idle_for: Option<Duration>,
    /// After how long a Job's pod ends well.
    pub completes_after: Option<Duration>,
    /// How long after a Job's end the next of its kind is created.
    pub next_after: Option<Duration>,
    /// Bound to Running.
    pub create_delay: Option<Duration>,
    /// Running to Ready.
    pub ready_delay: Option<Duration>,
    /// Deleted to gone.
    pub term_delay: Option<Duration>,
    /// Running to crash, again and again.
    pub crash_after: Option<Duration>,
    /// Names of init containers.
    pub init: Vec<String>,
    /// How long each init container runs.
    pub init_delay: Option<Duration>,
    /// Index of a GPU of its node that it uses without having asked.
    pub unrequested_gpu: Option<u32>,
    /// CPU request.
    pub cpu: String,
    /// Memory request.
    pub memory: String,
}

/// A scenario file that can not be used, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScenarioError {
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong there, and what was probably meant.
    pub message: String,
}

/// Reads a scenario file.
///
/// # Errors
/// Names the line, and for a misspelt key the one that is nearest.
pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    file::parse(text)
}

/// A scenario that comes with the program: `homelab`, what the demo shows, or `lab`, with large
/// machines, unified memory and ailing cards. `None` when there is none of that name.
#[must_use]
pub fn builtin(name: &str) -> Option<Scenario> {
    let (_, text) = BUILTIN.iter().find(|(known, _)| *known == name)?;
    // That each of them can be read is tested.
    parse(text).ok()
}

/// Names of the scenarios that come with the program.
#[must_use]
pub fn builtin_names() -> Vec<&'static str> {
    BUILTIN.iter().map(|(name, _)| *name).collect()
}

const BUILTIN: &[(&str, &str)] = &[
    (
        "homelab",
        include_str!("../../../assets/scenarios/homelab.toml"),
    ),
    ("lab", include_str!("../../../assets/scenarios/lab.toml")),
];

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use gputop_model::{Device, Health};
    use gputop_node::source::simulated::SimulatedSource;
    use gputop_node::source::{Round, Source as _};

    use super::*;

    /// The cards of a node of a builtin scenario, a minute after the start, without a pod.
    fn cards(scenario: &str, node: &str) -> Vec<Device> {
        let scenario = builtin(scenario).unwrap();
        let mut nodes = scenario.nodes.into_iter();
        let node = nodes
            .find(|known| known.spec.name.as_str() == node)
            .unwrap();
        let source = SimulatedSource::new(node.spec, 7);
        let sample = source
            .sample(Round::watched(Duration::from_secs(60)))
            .now_or_never();
        sample.unwrap().devices
    }

    #[test]
    fn the_lab_has_what_a_homelab_seldom_has() {
        for node in ["spark", "robot"] {
            let card = &cards("lab", node)[0];
            assert!(card.has_unified_memory(), "{node}");
            assert_eq!(card.memory_total.known(), None, "{node}");
        }
        let large = cards("lab", "hgx-1");
        assert_eq!(large[0].nvlink.active.get(), Some(18));
        let level = |device: &Device| device.health.known().map(Health::name);
        assert_eq!(level(&large[0]), Some("ok"));
        assert_eq!(level(&large[3]), Some("degraded"));
        let partitioned = large.iter().filter(|card| card.is_partitioned());
        assert_eq!(partitioned.count(), 1);
        assert!(cards("lab", "render-1")[0].pcie_degraded().is_some());
    }

    #[test]
    fn one_card_of_the_homelab_lacks_lanes() {
        let degraded: Vec<_> = ["atlas", "rig.lab.home", "tesla", "dgx"]
            .into_iter()
            .flat_map(|node| cards("homelab", node))
            .filter_map(|card| Some((card.product.clone(), card.pcie_degraded()?.to_string())))
            .collect();
        let expected = ("NVIDIA GeForce RTX 3060".to_owned(), "x4 of x16".to_owned());
        assert_eq!(degraded, [expected]);
    }

    #[test]
    fn each_builtin_scenario_can_be_read() {
        for (name, text) in BUILTIN {
            let scenario = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(scenario.name, *name);
            assert!(builtin(name).is_some());
        }
        assert_eq!(builtin("nonsense"), None);
    }
}
