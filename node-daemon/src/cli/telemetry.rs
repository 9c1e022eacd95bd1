//! From the command line's words to a running sampler.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::Section as _;
use color_eyre::eyre::{Result, WrapErr as _, eyre};
use gputop_model::{Limitation, NodeName};
use tokio_util::sync::CancellationToken;

use super::TelemetryArgs;
use crate::machine::{HostMachine, Machine as _, Places};
use crate::pods::{Allocations, DEFAULT_SOCKET, KubeletSocket, NoKubelet};
use crate::procs::{Attribution as _, HostAttribution, NoAttribution, Outlook};
use crate::sampler::{Inputs, Options, Sampler, SamplerHandle};
use crate::source::nvml::NvmlSource;
use crate::source::simulated::{
    FollowKubelet, NodeSpec, SimulatedMachine, SimulatedSource, builtin_node, builtin_tenants,
    parse_scenario,
};

/// The value of `--source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceArg {
    Nvml,
    Simulated { scenario: Option<PathBuf> },
}

impl FromStr for SourceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "nvml" => Ok(Self::Nvml),
            None if text == "sim" => Ok(Self::Simulated { scenario: None }),
            Some(("sim", path)) if !path.is_empty() => Ok(Self::Simulated {
                scenario: Some(path.into()),
            }),
            _ => Err("expected nvml, sim or sim:SCENARIO.toml".to_owned()),
        }
    }
}

/// What a sampler is made of.
struct Parts {
    node: NodeName,
    inputs: Inputs,
}

/// Starts to sample what `args` names, until `cancel`.
pub(super) fn start(
    args: &TelemetryArgs,
    interval: Duration,
    cancel: CancellationToken,
) -> Result<SamplerHandle> {
    let parts = match &args.source {
        SourceArg::Nvml => real(args),
        SourceArg::Simulated { scenario } => simulated(args, scenario.as_ref())?,
    };
    Ok(Sampler::start(
        parts.node,
        parts.inputs,
        Options { interval },
        cancel,
    ))
}

fn real(args: &TelemetryArgs) -> Parts {
    let host_root = host_root(args);
    let attribution = HostAttribution::new(Outlook {
        proc: args.proc.clone(),
        host_root: host_root.clone(),
        trust_pids: args.trust_pids,
        command_arguments: args.command_arguments,
    });
    let machine = HostMachine::new(Places {
        proc: args.proc.clone(),
        shows_host: attribution.sees_host(),
        host_root,
    });
    for limitation in [attribution.limitations(), machine.limitations()].concat() {
        let Limitation { name, lost, fix } = limitation;
        tracing::warn!(name, "{lost}. To mend it: {fix}");
    }
    Parts {
        node: node_name(args),
        inputs: Inputs {
            source: Arc::new(NvmlSource::new()),
            allocations: match socket(args, Some(DEFAULT_SOCKET)) {
                Some(path) => Arc::new(kubelet(path)),
                None => Arc::new(NoKubelet),
            },
            attribution: Arc::new(attribution),
            machine: Arc::new(machine),
        },
    }
}

/// `--host-root`, or where the host's root file system is by custom. A folder that only has that
/// name holds no system.
fn host_root(args: &TelemetryArgs) -> Option<PathBuf> {
    let custom = Path::new("/host");
    let mounted = || custom.join("etc").is_dir().then(|| custom.to_path_buf());
    let own = || (!super::in_pod()).then(|| PathBuf::from("/"));
    args.host_root.clone().or_else(mounted).or_else(own)
}

fn simulated(args: &TelemetryArgs, scenario: Option<&PathBuf>) -> Result<Parts> {
    let spec = match scenario {
        None => builtin_node(node_name(args)),
        Some(path) => from_file(path, args.node.as_deref())?,
    };
    let node = spec.name.clone();
    let machine = Arc::new(SimulatedMachine::new(&spec, args.seed, None));
    let source = Arc::new(SimulatedSource::new(spec.clone(), args.seed));
    let allocations: Arc<dyn Allocations> = if let Some(path) = socket(args, None) {
        let kubelet = Arc::new(kubelet(path));
        Arc::new(FollowKubelet::new(kubelet, Arc::clone(&source)))
    } else {
        if scenario.is_none() {
            source.set_tenants(builtin_tenants(&spec));
        }
        Arc::new(NoKubelet)
    };
    Ok(Parts {
        node,
        inputs: Inputs {
            source,
            allocations,
            attribution: Arc::new(NoAttribution),
            machine,
        },
    })
}

/// The kubelet's socket: `--pod-resources`, or `default` when that was not given. `None`: do not
/// ask a kubelet.
fn socket(args: &TelemetryArgs, default: Option<&str>) -> Option<PathBuf> {
    let given = args.pod_resources.clone();
    given
        .or_else(|| default.map(Into::into))
        .filter(|path| path.as_os_str() != "none")
}

fn kubelet(socket: PathBuf) -> KubeletSocket {
    KubeletSocket::new(socket).seen_from_pod(super::in_pod())
}

/// `--node`, `NODE_NAME`, or what the machine calls itself.
fn node_name(args: &TelemetryArgs) -> NodeName {
    match &args.node {
        Some(name) => NodeName::new(name.as_str()),
        None => rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .as_ref()
            .into(),
    }
}

/// The node called `name` in the scenario at `path`; without a name its only one.
fn from_file(path: &PathBuf, name: Option<&str>) -> Result<NodeSpec> {
    let text = std::fs::read_to_string(path)
        .wrap_err_with(|| format!("the scenario {} can not be read", path.display()))
        .suggestion("name a file after sim:, or leave it out for a made-up node")?;
    let mut scenario = parse_scenario(&text)
        .wrap_err_with(|| format!("the scenario {} can not be used", path.display()))?;
    let names: Vec<_> = scenario.nodes.iter().map(|n| n.name.to_string()).collect();
    let position = match name {
        Some(name) => names.iter().position(|known| known == name),
        None if names.len() == 1 => Some(0),
        None => None,
    };
    match position {
        Some(position) => Ok(scenario.nodes.swap_remove(position)),
        None => Err(eyre!(
            "the scenario {} has no node {}",
            path.display(),
            name.unwrap_or("to choose without --node")
        )
        .suggestion(format!("name one with --node: {}", names.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        let simulated = |path: Option<&str>| SourceArg::Simulated {
            scenario: path.map(Into::into),
        };
        assert_eq!("nvml".parse(), Ok(SourceArg::Nvml));
        assert_eq!("sim".parse(), Ok(simulated(None)));
        assert_eq!("sim:a/b.toml".parse(), Ok(simulated(Some("a/b.toml"))));
        for bad in ["", "sim:", "nvml:x", "simulated", "dcgm"] {
            assert!(bad.parse::<SourceArg>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_node_is_chosen_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_path_buf();
        let nodes = "name = \"two\"\n[[node]]\nname = \"a\"\n[[node]]\nname = \"b\"\n";
        std::fs::write(&path, nodes).unwrap();
        assert_eq!(from_file(&path, Some("b")).unwrap().name, "b".into());
        for name in [Some("c"), None] {
            let error = format!("{:?}", from_file(&path, name).unwrap_err());
            assert!(error.contains("has no node"), "{error}");
        }
        std::fs::write(&path, "name = \"one\"\n[[node]]\nname = \"a\"\n").unwrap();
        assert_eq!(from_file(&path, None).unwrap().name, "a".into());
    }
}
