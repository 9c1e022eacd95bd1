//! Scenario files: which nodes there are and what GPUs they have.
//!
//! The same file may describe a whole simulated cluster. What is not about a node's GPUs
//! (`[cluster]`, `[[workload]]`, a node's labels) belongs to other readers and is passed over;
//! inside `[[node.gpu]]` an unknown key is an error.

use std::collections::BTreeSet;

use gputop_model::{Bytes, MilliWatts};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::spec::profile_memory;
use super::{GpuSpec, NodeSpec};

/// The part of a scenario that describes nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Name of the scenario.
    pub name: String,
    /// Its nodes, in the order of the file; names are unique.
    pub nodes: Vec<NodeSpec>,
}

/// A scenario that can not be used, with the place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {message}")]
pub struct ScenarioError {
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong there.
    pub message: String,
}

#[derive(Deserialize)]
struct FileToml {
    name: String,
    #[serde(default)]
    node: Vec<NodeToml>,
}

#[derive(Deserialize)]
struct NodeToml {
    name: Spanned<String>,
    driver: Option<String>,
    cuda: Option<String>,
    #[serde(default)]
    gpu: Vec<Spanned<GpuToml>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GpuToml {
    product: String,
    memory_mib: Spanned<u64>,
    power_limit_watts: Spanned<u32>,
    time_slices: Option<Spanned<u32>>,
    #[serde(default)]
    mig: Vec<Spanned<String>>,
    #[serde(default)]
    hot_memory: bool,
    pcie_width: Option<Spanned<u32>>,
    #[serde(default)]
    xids: Vec<u32>,
}

/// Reads a scenario.
pub fn parse_scenario(text: &str) -> Result<Scenario, ScenarioError> {
    let at = |start: usize, message: String| ScenarioError {
        line: text.get(..start).unwrap_or(text).matches('\n').count() + 1,
        message,
    };
    let file: FileToml = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        at(start, error.message().to_owned())
    })?;
    let mut names = BTreeSet::new();
    let mut nodes = Vec::with_capacity(file.node.len());
    for node in file.node {
        let start = node.name.span().start;
        let name = node.name.into_inner();
        if name.is_empty() {
            return Err(at(start, "a node needs a name".to_owned()));
        }
        if !names.insert(name.clone()) {
            return Err(at(start, format!("two nodes are named {name:?}")));
        }
        let gpus = node
            .gpu
            .into_iter()
            .map(|gpu| gpu_spec(gpu).map_err(|(start, message)| at(start, message)))
            .collect::<Result<_, _>>()?;
        nodes.push(NodeSpec {
            name: name.into(),
            driver: node.driver,
            cuda: node.cuda,
            gpus,
        });
    }
    Ok(Scenario {
        name: file.name,
        nodes,
    })
}

/// Checks one GPU; an error is the place in the file and what is wrong.
fn gpu_spec(gpu: Spanned<GpuToml>) -> Result<GpuSpec, (usize, String)> {
    let start = gpu.span().start;
    let gpu = gpu.into_inner();
    let memory = Bytes::from_mib(*gpu.memory_mib.get_ref());
    if memory == Bytes(0) {
        let message = "memory_mib must be at least 1".to_owned();
        return Err((gpu.memory_mib.span().start, message));
    }
    let watts = *gpu.power_limit_watts.get_ref();
    // NVML counts milliwatts in 32 bits.
    let power_limit = match watts.checked_mul(1000) {
        Some(milliwatts) if watts > 0 => MilliWatts(milliwatts),
        _ => {
            let message = format!("power_limit_watts must lie in 1..={}", u32::MAX / 1000);
            return Err((gpu.power_limit_watts.span().start, message));
        }
    };
    if let Some(slices) = &gpu.time_slices
        && !(2..=256).contains(slices.get_ref())
    {
        let message = "time_slices must lie in 2..=256; leave it out for a whole GPU".to_owned();
        return Err((slices.span().start, message));
    }
    if gpu.time_slices.is_some() && !gpu.mig.is_empty() {
        let message = "a GPU has either time_slices or mig, not both".to_owned();
        return Err((start, message));
    }
    for profile in &gpu.mig {
        if profile_memory(profile.get_ref()).is_none() {
            let name = profile.get_ref();
            let message = format!("{name:?} is no MIG profile; one looks like \"1g.10gb\"");
            return Err((profile.span().start, message));
        }
    }
    if let Some(width) = &gpu.pcie_width
        && ![1, 2, 4, 8, 16].contains(width.get_ref())
    {
        let message = "pcie_width must be 1, 2, 4, 8 or 16".to_owned();
        return Err((width.span().start, message));
    }
    Ok(GpuSpec {
        product: gpu.product,
        memory,
        power_limit,
        time_slices: gpu.time_slices.map(Spanned::into_inner),
        mig: gpu.mig.into_iter().map(Spanned::into_inner).collect(),
        hot_memory: gpu.hot_memory,
        pcie_width: gpu.pcie_width.map(Spanned::into_inner),
        xids: gpu.xids,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const TESTBED: &str = r#"
name = "testbed"

[cluster]
version = "v1.36.3+k3s1"

[[node]]
name = "gpu-a"
driver = "580.95.05"
cuda = "13.0"
labels = { zone = "rack-1" }
[[node.gpu]]
product = "NVIDIA GeForce RTX 3090"
memory_mib = 24576
power_limit_watts = 350
time_slices = 4
pcie_width = 8
[[node.gpu]]
product = "NVIDIA H100 80GB HBM3"
memory_mib = 81559
power_limit_watts = 700
mig = ["3g.40gb", "2g.20gb", "1g.10gb", "1g.10gb"]

[[node]]
name = "bare"

[[workload]]
name = "train"
"#;

    #[test]
    fn a_scenario_is_read_and_the_cluster_part_passed_over() {
        let scenario = parse_scenario(TESTBED).unwrap();
        assert_eq!(scenario.name, "testbed");
        let [a, bare] = scenario.nodes.as_slice() else {
            panic!("two nodes, not {:?}", scenario.nodes);
        };
        assert_eq!(a.driver.as_deref(), Some("580.95.05"));
        assert_eq!(a.gpus[0].memory, Bytes::from_gib(24));
        assert_eq!(a.gpus[0].power_limit, MilliWatts(350_000));
        assert_eq!(a.gpus[0].time_slices, Some(4));
        assert_eq!(a.gpus[0].pcie_width, Some(8));
        assert_eq!(a.gpus[1].mig.len(), 4);
        assert_eq!((&bare.driver, bare.gpus.len()), (&None, 0));
    }

    #[rstest]
    #[case::key("time_slices = 4", "time_slice = 4", 16, "unknown field")]
    #[case::number("memory_mib = 24576", "memory_mib = 0", 14, "at least 1")]
    #[case::watts("power_limit_watts = 350", "power_limit_watts = 0", 15, "1..=4294967")]
    #[case::shares("time_slices = 4", "time_slices = 1", 16, "2..=256")]
    #[case::lanes("pcie_width = 8", "pcie_width = 5", 17, "1, 2, 4, 8 or 16")]
    #[case::profile("\"2g.20gb\"", "\"2g20\"", 22, "no MIG profile")]
    #[case::twice("name = \"bare\"", "name = \"gpu-a\"", 25, "two nodes")]
    #[case::syntax("cuda = \"13.0\"", "cuda = ", 10, "")]
    fn an_error_names_its_line(
        #[case] from: &str,
        #[case] to: &str,
        #[case] line: usize,
        #[case] words: &str,
    ) {
        assert!(TESTBED.contains(from));
        let error = parse_scenario(&TESTBED.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.line, line, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}
