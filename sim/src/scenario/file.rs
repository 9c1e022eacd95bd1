//! The TOML form of a scenario.
//!
//! What concerns a node's GPUs (`name`, `driver`, `cuda`, `[[node.gpu]]`) is read by
//! `gputop-node`, which understands the same files; the rest is read here.

use std::collections::BTreeMap;
use std::time::Duration;

use gputop_model::{Bytes, OutsideKind};
use gputop_node::source::simulated::{NodeSpec, parse_scenario};
use serde::Deserialize;
use toml::Spanned;

use super::nearest::{nearest, with_nearest};
use super::{
    NodeScenario, OutsideScenario, Scenario, ScenarioError, WorkloadKind, WorkloadScenario,
    parse_duration,
};
use crate::daemon::behaviour_by_name;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileToml {
    name: String,
    #[serde(default)]
    node: Vec<NodeToml>,
    #[serde(default)]
    workload: Vec<WorkloadToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeToml {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "driver")]
    _driver: Option<String>,
    #[serde(rename = "cuda")]
    _cuda: Option<String>,
    #[serde(rename = "gpu", default)]
    _gpu: Vec<toml::Value>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    cordoned: bool,
    #[serde(default = "yes")]
    agent: bool,
    arch: Option<String>,
    cpu: Option<u32>,
    memory_gib: Option<u64>,
    kubelet_version: Option<String>,
    os: Option<String>,
    kernel: Option<String>,
    address: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    taints: Vec<Spanned<String>>,
    age: Option<Spanned<String>>,
    #[serde(default)]
    outside: Vec<OutsideToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutsideToml {
    gpu: Spanned<usize>,
    kind: Spanned<String>,
    holder: String,
    process: String,
    user: String,
    behaviour: Spanned<String>,
    memory_mib: u64,
    age: Option<Spanned<String>>,
    idle_for: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadToml {
    kind: WorkloadKind,
    name: Spanned<String>,
    namespace: Option<String>,
    replicas: Option<u32>,
    #[serde(default)]
    gpus: u32,
    resource: Option<String>,
    image: String,
    node: Option<Spanned<String>>,
    #[serde(default)]
    node_selector: BTreeMap<String, String>,
    behaviour: Option<Spanned<String>>,
    memory_gib: Option<Spanned<f64>>,
    user: Option<String>,
    process: Option<String>,
    age: Option<Spanned<String>>,
    idle_for: Option<Spanned<String>>,
    completes_after: Option<Spanned<String>>,
    next_after: Option<Spanned<String>>,
    create_delay: Option<Spanned<String>>,
    ready_delay: Option<Spanned<String>>,
    term_delay: Option<Spanned<String>>,
    crash_after: Option<Spanned<String>>,
    #[serde(default)]
    init: Vec<String>,
    init_delay: Option<Spanned<String>>,
    unrequested_gpu: Option<u32>,
    cpu: Option<String>,
    memory: Option<String>,
}

const fn yes() -> bool {
    true
}

/// A place in the file, and what is wrong there.
type Wrong = (usize, String);

/// Reads a scenario file.
pub(super) fn parse(text: &str) -> Result<Scenario, ScenarioError> {
    let at = |(start, message): Wrong| ScenarioError {
        line: text.get(..start).unwrap_or(text).matches('\n').count() + 1,
        message,
    };
    let file: FileToml = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        at((start, with_nearest(error.message())))
    })?;
    let gpus = parse_scenario(text).map_err(|error| ScenarioError {
        line: error.line,
        message: with_nearest(&error.message),
    })?;
    let nodes = file
        .node
        .into_iter()
        .zip(gpus.nodes)
        .enumerate()
        .map(|(index, (node, spec))| self::node(index, node, spec).map_err(at))
        .collect::<Result<Vec<_>, _>>()?;
    let workloads = file
        .workload
        .into_iter()
        .map(|workload| self::workload(workload, &nodes).map_err(at))
        .collect::<Result<_, _>>()?;
    Ok(Scenario {
        name: file.name,
        nodes,
        workloads,
    })
}

fn node(index: usize, node: NodeToml, spec: NodeSpec) -> Result<NodeScenario, Wrong> {
    let outside = node.outside.into_iter();
    let outside = outside
        .map(|item| self::outside(item, spec.gpus.len()))
        .collect::<Result<_, _>>()?;
    Ok(NodeScenario {
        roles: node.roles,
        cordoned: node.cordoned,
        agent: node.agent,
        arch: node.arch.unwrap_or_else(|| "amd64".to_owned()),
        cpu: node.cpu.unwrap_or(16),
        memory: Bytes::from_gib(node.memory_gib.unwrap_or(64)),
        kubelet_version: node
            .kubelet_version
            .unwrap_or_else(|| crate::VERSION.to_owned()),
        os: node.os.unwrap_or_else(|| "Ubuntu 24.04.3 LTS".to_owned()),
        kernel: node.kernel.unwrap_or_else(|| "6.8.0-79-generic".to_owned()),
        address: node
            .address
            .unwrap_or_else(|| format!("192.168.178.{}", 20 + index)),
        labels: node.labels,
        taints: node
            .taints
            .into_iter()
            .map(taint)
            .collect::<Result<_, _>>()?,
        age: duration(node.age)?.unwrap_or(Duration::from_secs(30 * 86_400)),
        outside,
        spec,
    })
}

fn outside(item: OutsideToml, gpus: usize) -> Result<OutsideScenario, Wrong> {
    let start = item.gpu.span().start;
    let gpu = item.gpu.into_inner();
    if gpu >= gpus {
        return Err((start, format!("there is no GPU {gpu}; the node has {gpus}")));
    }
    let start = item.kind.span().start;
    let kind = item.kind.into_inner();
    let kind = OutsideKind::from_name(&kind).ok_or_else(|| {
        let names: Vec<_> = OutsideKind::ALL
            .into_iter()
            .map(OutsideKind::name)
            .collect();
        (start, unknown("kind", &kind, &names))
    })?;
    Ok(OutsideScenario {
        gpu,
        kind,
        holder: item.holder,
        process: item.process,
        user: item.user,
        behaviour: behaviour(item.behaviour)?,
        memory: Bytes::from_mib(item.memory_mib),
        age: duration(item.age)?.unwrap_or(Duration::from_secs(3600)),
        idle_for: duration(item.idle_for)?.unwrap_or_default(),
    })
}

fn workload(item: WorkloadToml, nodes: &[NodeScenario]) -> Result<WorkloadScenario, Wrong> {
    let start = item.name.span().start;
    if item.name.get_ref().is_empty() {
        return Err((start, "a workload needs a name".to_owned()));
    }
    if item.next_after.is_some() && item.kind != WorkloadKind::Job {
        return Err((start, "next_after is for workloads of kind Job".to_owned()));
    }
    let node = item.node.map(|node| {
        let start = node.span().start;
        let node = node.into_inner();
        let names: Vec<&str> = nodes.iter().map(|known| known.spec.name.as_str()).collect();
        if names.contains(&node.as_str()) {
            Ok(node)
        } else {
            Err((start, unknown("node", &node, &names)))
        }
    });
    let gpu_memory = item.memory_gib.map(|number| {
        let start = number.span().start;
        let mib = number.into_inner() * 1024.0;
        if !(0.0..1e9).contains(&mib) {
            return Err((start, "memory_gib must be a sensible number".to_owned()));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked just above"
        )]
        Ok(Bytes::from_mib(mib as u64))
    });
    Ok(WorkloadScenario {
        kind: item.kind,
        name: item.name.into_inner(),
        namespace: item.namespace.unwrap_or_else(|| "default".to_owned()),
        replicas: item.replicas.unwrap_or(1),
        gpus: item.gpus,
        resource: item.resource.unwrap_or_else(|| "nvidia.com/gpu".to_owned()),
        image: item.image,
        node: node.transpose()?,
        node_selector: item.node_selector,
        behaviour: item.behaviour.map(behaviour).transpose()?,
        gpu_memory: gpu_memory.transpose()?,
        user: item.user,
        process: item.process,
        age: duration(item.age)?.unwrap_or(Duration::from_secs(3600)),
        idle_for: duration(item.idle_for)?,
        completes_after: duration(item.completes_after)?,
        next_after: duration(item.next_after)?,
        create_delay: duration(item.create_delay)?,
        ready_delay: duration(item.ready_delay)?,
        term_delay: duration(item.term_delay)?,
        crash_after: duration(item.crash_after)?,
        init: item.init,
        init_delay: duration(item.init_delay)?,
        unrequested_gpu: item.unrequested_gpu,
        cpu: item.cpu.unwrap_or_else(|| "100m".to_owned()),
        memory: item.memory.unwrap_or_else(|| "256Mi".to_owned()),
    })
}

fn duration(text: Option<Spanned<String>>) -> Result<Option<Duration>, Wrong> {
    let parse = |text: Spanned<String>| {
        let start = text.span().start;
        parse_duration(text.get_ref()).map_err(|message| (start, message))
    };
    text.map(parse).transpose()
}

fn behaviour(text: Spanned<String>) -> Result<String, Wrong> {
    let start = text.span().start;
    let name = text.into_inner();
    if name == "none" || behaviour_by_name(&name).is_some() {
        return Ok(name);
    }
    let names = [
        "training",
        "inference",
        "quiet-server",
        "notebook",
        "media",
        "desktop",
        "loading",
        "none",
    ];
    Err((start, unknown("behaviour", &name, &names)))
}

fn taint(text: Spanned<String>) -> Result<(String, String, String), Wrong> {
    let start = text.span().start;
    let text = text.into_inner();
    let parts = text.rsplit_once(':').map(|(head, effect)| {
        let (key, value) = head.split_once('=').unwrap_or((head, ""));
        (key.to_owned(), value.to_owned(), effect.to_owned())
    });
    let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    parts
        .filter(|(key, _, effect)| !key.is_empty() && effects.contains(&effect.as_str()))
        .ok_or_else(|| {
            let message = format!("{text:?} is no taint; one looks like \"gpu=yes:NoSchedule\"");
            (start, message)
        })
}

fn unknown(what: &str, wrong: &str, names: &[&str]) -> String {
    let known = names.join("`, `");
    let message = format!("unknown {what} `{wrong}`, expected one of `{known}`");
    match nearest(wrong, names.iter().copied()) {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SMALL: &str = r#"
name = "small"

[[node]]
name = "gpu-a"
driver = "580.95.05"
taints = ["gpu=yes:NoSchedule"]
age = "3d4h"
[[node.gpu]]
product = "NVIDIA GeForce RTX 3090"
memory_mib = 24576
power_limit_watts = 350
[[node.outside]]
gpu = 0
kind = "desktop"
holder = "gnome-shell"
process = "gnome-shell"
user = "ada"
behaviour = "desktop"
memory_mib = 400

[[workload]]
kind = "Deployment"
name = "web"
node = "gpu-a"
image = "nginx"
behaviour = "inference"
"#;

    #[test]
    fn both_halves_of_the_file_are_read() {
        let scenario = parse(SMALL).unwrap();
        let node = &scenario.nodes[0];
        assert_eq!(node.spec.gpus.len(), 1);
        assert_eq!(node.outside[0].kind, OutsideKind::Desktop);
        assert_eq!(node.age, Duration::from_secs(273_600));
        assert_eq!(scenario.workloads[0].namespace, "default");
    }

    #[rstest]
    #[case("image = ", "imge = ", 26, "did you mean `image`?")]
    #[case("\"Deployment\"", "\"Deploymnet\"", 23, "did you mean `Deployment`?")]
    #[case("node = \"gpu-a\"", "node = \"gpu-b\"", 25, "did you mean `gpu-a`?")]
    #[case("\"inference\"", "\"inferense\"", 27, "did you mean `inference`?")]
    #[case(
        "memory_mib = 24576",
        "memory_mb = 24576",
        11,
        "did you mean `memory_mib`?"
    )]
    #[case("3d4h", "3 days", 8, "is no duration")]
    #[case("gpu=yes:NoSchedule", "gpu", 7, "is no taint")]
    #[case("gpu = 0", "gpu = 1", 14, "there is no GPU 1")]
    fn an_error_names_the_line_and_what_was_meant(
        #[case] from: &str,
        #[case] to: &str,
        #[case] line: usize,
        #[case] words: &str,
    ) {
        assert!(SMALL.contains(from));
        let error = parse(&SMALL.replacen(from, to, 1)).unwrap_err();
        assert!(error.message.contains(words), "{error}");
        assert_eq!(error.line, line, "{error}");
    }
}
