//! Flags and commands. Names follow kubectl's.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use gputop_fleet::connect::Request;

use super::complete::Completion;
use super::config::{Choices, Config};
use super::man::Man;
#[cfg(feature = "demo")]
use super::tape::Record;
use super::tape::Tapes;
use super::wait::Wait;
use crate::export::{Kind, Selector, SortBy};

/// See which GPU is free, who holds the others, and whether they use them.
#[derive(Debug, Parser)]
#[command(name = "gputop-k3s", version, about, max_term_width = 100)]
#[command(
    after_help = "Without a command it opens on the current kubeconfig context.\n\
    Exit codes: 0 done, 1 condition false, 2 usage, 3 API (or every daemon) unreachable, \
    4 failed, 5 forbidden."
)]
pub struct Args {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// Flags of the app itself.
    #[command(flatten, next_help_heading = "Recordings")]
    pub tapes: Tapes,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, /etc/rancher/k3s/k3s.yaml].
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace [default: the context's].
    #[arg(long, short, global = true, value_name = "NS")]
    pub namespace: Option<String>,
    /// Act as this user.
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Act as a member of this group; may be given several times.
    #[arg(
        long = "as-group",
        global = true,
        value_name = "GROUP",
        requires = "impersonate"
    )]
    pub impersonate_groups: Vec<String>,
    /// How long the API server may take to answer at first, such as 5s or 1m.
    #[arg(long, global = true, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub request_timeout: Duration,
    /// Write a log here; `GPUTOP_K3S_LOG` is its filter, such as `debug` or `gputop_fleet=trace`.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Write a log to this file [filter: $GPUTOP_K3S_LOG, default info]"
    )]
    pub log_file: Option<PathBuf>,
    /// Configuration.
    #[command(flatten)]
    pub choices: Choices,
}

impl Global {
    /// The part that concerns the connection.
    pub(super) fn request(&self) -> Request {
        Request {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            namespace: self.namespace.clone(),
            impersonate: self.impersonate.clone(),
            impersonate_groups: self.impersonate_groups.clone(),
            timeout: Some(self.request_timeout),
        }
    }
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the app on an embedded simulated cluster; needs nothing.
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Print nodes, GPUs, pods or processes.
    Get(Get),
    /// Wait until GPUs are free; exit code 1 when the time is over.
    Wait(Wait),
    /// Show, check or begin the configuration.
    Config(Config),
    /// Print a script that completes commands, flags and live names in a shell.
    Completion(Completion),
    /// Write the manual pages.
    Man(Man),
}

/// `demo`.
#[cfg(feature = "demo")]
#[derive(Debug, Clone, clap::Args)]
pub struct Demo {
    /// Same seed, same cluster [default: from the clock].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What the cluster is made of: homelab, lab (large machines, unified memory, ailing cards) or
    /// a scenario file.
    #[arg(long, value_name = "NAME|FILE", default_value = "homelab")]
    pub scenario: String,
    /// What is to be recorded.
    #[command(flatten)]
    pub record: Record,
}

/// `get`.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Get {
    /// What to list.
    #[arg(value_enum)]
    pub kind: KindArg,
    /// Only these: names of nodes and pods, NAMESPACE/POD, a GPU's UUID or NODE/INDEX, the NODE of
    /// GPUs, a pid or NODE/PID; what `-o name` prints is understood too.
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// Pods of all namespaces.
    #[arg(long, short = 'A', conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Only what has these labels, as kubectl writes it (a=b, a!=b, a in (b,c), !a); GPUs and
    /// processes go by the labels of their node.
    #[arg(long, short = 'l', value_name = "LABELS", conflicts_with = "names")]
    pub selector: Option<Selector>,
    /// Fields of JSON or titles of columns; -FIELD or FIELD:desc turns the order round, what is
    /// not known comes last.
    #[arg(
        long,
        value_name = "FIELD",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub sort_by: Vec<SortBy>,
    /// Goes on: then prints what is new or changed, in JSON one object a line.
    #[arg(long, short)]
    pub watch: bool,
    /// Tables and CSV without the titles of their columns.
    #[arg(long)]
    pub no_headers: bool,
    /// Do not ask the nodes' daemons: only what the API knows.
    #[arg(long)]
    pub no_agents: bool,
    /// The simulated cluster.
    #[command(flatten)]
    pub simulated: Simulated,
}

/// Which simulated cluster is looked at, if any.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Simulated {
    /// Of the simulated cluster instead of a real one.
    #[cfg(feature = "demo")]
    #[arg(long)]
    pub demo: bool,
    /// Seed of the simulated cluster.
    #[cfg(feature = "demo")]
    #[arg(long, value_name = "N", requires = "demo")]
    pub seed: Option<u64>,
    /// What the simulated cluster is made of: homelab, lab or a scenario file.
    #[cfg(feature = "demo")]
    #[arg(
        long,
        value_name = "NAME|FILE",
        requires = "demo",
        default_value = "homelab"
    )]
    pub scenario: String,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindArg {
    /// Nodes with the GPU units that they offer.
    #[value(alias = "node", alias = "no")]
    Nodes,
    /// Physical GPUs and MIG instances.
    #[value(alias = "gpu")]
    Gpus,
    /// Pods with what they request, hold and use.
    #[value(alias = "pod", alias = "po")]
    Pods,
    /// Processes on the GPUs.
    #[value(alias = "process", alias = "ps")]
    Processes,
}

impl KindArg {
    /// As the lists call it.
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Nodes => Kind::Nodes,
            Self::Gpus => Kind::Gpus,
            Self::Pods => Kind::Pods,
            Self::Processes => Kind::Processes,
        }
    }
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Aligned columns.
    Table,
    /// Aligned columns, more of them.
    Wide,
    /// One JSON object.
    Json,
    /// The same object as YAML.
    Yaml,
    /// Comma-separated values (RFC 4180), raw numbers, the unit in the title.
    Csv,
    /// One name a line: node/N, gpu/NODE/UUID, pod/NS/NAME, process/NODE/PID/UUID.
    Name,
    /// `OpenMetrics` text for Prometheus.
    #[value(alias = "openmetrics")]
    Prometheus,
}

/// `10s`, `500ms`, `2m`, `1h`, or seconds without a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let wrong = || format!("'{text}' is not a time; write it like 500ms, 10s, 2m or 1h");
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let scale = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(scale)
        .map(Duration::from_millis)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        for wrong in [
            "",
            "s",
            "1d",
            "-1s",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
