//! `gputop-k3s wait`: ends when GPUs are free.

use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::Duration;

use clap::ValueEnum;
use gputop_model::{Bytes, NodeName};
use serde::Serialize;
use tokio::time::Instant;
use unicode_width::UnicodeWidthStr;

use super::args::{Global, Simulated, duration};
use super::exit::{Exit, Failure, warn};
use super::get::first_reason;
use super::print::{unwritable, write};
use super::source::{Live, Source};
use crate::app::format;
use crate::app::wanted::{Basis, Free, Product, Progress, Wanted, parse_memory, satisfied};
use crate::export::{SCHEMA, Widths};
use crate::runtime::signals;

/// How often it is looked.
const PACE: Duration = Duration::from_millis(500);

/// `wait`.
#[derive(Debug, Clone, clap::Args)]
pub struct Wait {
    /// How many devices have to be free at once: physical GPUs or MIG instances.
    #[arg(long, value_name = "N")]
    pub free: NonZeroUsize,
    /// With at least so much memory, such as 20G (10^9) or 20Gi (2^30).
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub vram: Option<Bytes>,
    /// Only on this node.
    #[arg(long, value_name = "NODE")]
    pub node: Option<String>,
    /// Only products like this regular expression; case does not count.
    #[arg(long, value_name = "REGEX")]
    pub product: Option<Product>,
    /// For at most so long, such as 30s, 10m or 2h; 0 looks once [default: for ever].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = WaitOutput::Table)]
    pub output: WaitOutput,
    /// Do not ask the nodes' daemons: count units as the scheduler does.
    #[arg(long)]
    pub no_agents: bool,
    /// The simulated cluster.
    #[command(flatten)]
    pub simulated: Simulated,
}

/// Form of what is printed about the free devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WaitOutput {
    /// Aligned columns.
    Table,
    /// One JSON object, also when the time is over.
    Json,
    /// One name a line: gpu/NODE/UUID, or node/NODE where units are counted.
    Name,
}

impl Wait {
    fn wanted(&self) -> Wanted {
        Wanted {
            count: self.free.get(),
            vram: self.vram,
            node: self.node.as_deref().map(NodeName::new),
            product: self.product.clone(),
        }
    }
}

/// Carries out `wait`.
pub(super) async fn run(global: &Global, wait: &Wait) -> Result<(), Failure> {
    let begin = Instant::now();
    let deadline = wait.timeout.map(|time| begin + time);
    let mut stop = pin!(signals::termination().map_err(|error| no_signals(&error))?);
    let wanted = wait.wanted();
    let source = Source::configured(global, &wait.simulated).await?;
    let mut live = tokio::select! {
        biased;
        () = stop.as_mut() => return Err(told_to_end(None)),
        live = source.live(!wait.no_agents, global.request_timeout) => live?,
    };
    let mut line = Line::new();
    let mut most: Option<Progress> = None;
    let mut basis = None;
    loop {
        let progress = look(&live, &wanted, basis)?;
        if basis != Some(progress.basis) {
            basis = Some(progress.basis);
            line.clear();
            explain(&live, &progress, &wanted, wait.no_agents)?;
        }
        // What is known of a cluster that does not answer is no longer so.
        if progress.is_met() && live.loss().is_none() {
            line.clear();
            return write(&text(wait.output, &progress, progress.count())?).map(|_reader| ());
        }
        if most
            .as_ref()
            .is_none_or(|most| progress.count() > most.count())
        {
            most = Some(progress.clone());
        }
        let now = Instant::now();
        if deadline.is_some_and(|deadline| now >= deadline) {
            line.clear();
            return over(&live, wait, &progress, most.as_ref());
        }
        line.show(
            &progress,
            now - begin,
            deadline.map(|deadline| deadline - now),
        );
        let pause = deadline.map_or(PACE, |deadline| PACE.min(deadline - now));
        tokio::select! {
            biased;
            () = stop.as_mut() => {
                line.clear();
                return Err(told_to_end(Some(&progress)));
            }
            () = live.follow(pause) => {}
        }
    }
}

/// How near the wish is, by what was counted so far; an error when that can never be said.
fn look(live: &Live, wanted: &Wanted, counted: Option<Basis>) -> Result<Progress, Failure> {
    super::get::forbidden(live.fleet(), super::args::KindArg::Gpus)?;
    let picture = live.picture();
    let known = |node: &NodeName| picture.nodes.iter().any(|row| row.info.name == *node);
    if let Some(node) = wanted.node.as_ref().filter(|node| !known(node)) {
        let names = picture.nodes.iter().map(|row| row.info.name.as_str());
        let near = crate::nearest::nearest(node.as_str(), names);
        return Err(Failure::new(
            Exit::No,
            format!("node \"{node}\" not found"),
            near.map_or_else(
                || "`gputop-k3s get nodes` lists what there is.".to_owned(),
                |near| format!("Did you mean {near}?"),
            ),
        ));
    }
    Ok(satisfied(&picture, wanted, counted))
}

/// Says what is counted where that is not what one would expect.
fn explain(
    live: &Live,
    progress: &Progress,
    wanted: &Wanted,
    no_agents: bool,
) -> Result<(), Failure> {
    if progress.basis == Basis::Devices {
        if !progress.is_possible() {
            warn(&format!(
                "there are not {} that match, free or not; waiting for more to come",
                progress.wanted
            ));
        }
        return Ok(());
    }
    if let Some(namespace) = live.fleet().one_namespace() {
        return Err(Failure::new(
            Exit::Forbidden,
            format!(
                "without daemons what is free follows from the pods of all namespaces, and only \
                 those of {namespace} can be seen"
            ),
            "Ask for the right to list pods, or to forward ports in the namespace gputop-k3s.",
        ));
    }
    let nothing_labelled = progress.free.is_empty() && progress.others.is_empty();
    if nothing_labelled && let Some(node) = progress.unlabelled.first() {
        let flag = if wanted.vram.is_some() {
            "--vram"
        } else {
            "--product"
        };
        return Err(Failure::new(
            Exit::Failed,
            format!(
                "{flag} can not be told without daemons: {node} has no labels \
                 nvidia.com/gpu.product and nvidia.com/gpu.memory"
            ),
            "Install gputop-node, or NVIDIA's GPU feature discovery, which sets these labels.",
        ));
    }
    let why = if no_agents {
        "daemons are not asked"
    } else {
        "no node has a gputop-node daemon"
    };
    warn(&format!(
        "{why}: units are counted as the scheduler does; a unit may be a share of a device, and \
         something outside the cluster may use it"
    ));
    for node in &progress.unlabelled {
        warn(&format!(
            "{node} is left out: its labels do not say what its units are"
        ));
    }
    Ok(())
}

/// The time is over.
fn over(live: &Live, wait: &Wait, last: &Progress, most: Option<&Progress>) -> Result<(), Failure> {
    let picture = live.picture();
    let totals = &picture.totals;
    if let Some(why) = live.loss() {
        return Err(Failure::new(
            Exit::Unreachable,
            format!("the API server is lost: {why}"),
            "Try again when it is back.",
        ));
    }
    if last.basis == Basis::Devices && totals.agents_live == 0 {
        return Err(Failure::new(
            Exit::Unreachable,
            format!(
                "none of the {} daemons has answered",
                totals.agents_expected
            ),
            first_reason(&picture),
        ));
    }
    let most = most.map_or(last.count(), Progress::count);
    if wait.output == WaitOutput::Json {
        let _reader = write(&text(wait.output, last, most)?)?;
    }
    let time = wait.timeout.unwrap_or_default();
    let fix = if last.is_possible() {
        format!("At most {most} at once. Wait longer, or ask for fewer.")
    } else {
        format!(
            "At most {most} at once, and there are not that many that match: \
             `gputop-k3s get gpus -o wide` lists what there is."
        )
    };
    Err(Failure::new(
        Exit::No,
        format!(
            "not free within {}: {}",
            format::spoken(time),
            last.sentence()
        ),
        fix,
    ))
}

fn told_to_end(progress: Option<&Progress>) -> Failure {
    let so_far = progress.map(|progress| format!(": {}", progress.sentence()));
    Failure::new(
        Exit::No,
        format!("told to end before{}", so_far.unwrap_or_default()),
        "Start it again to go on waiting.",
    )
}

fn no_signals(error: &io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("signals can not be listened to: {error}"),
        "`gputop-k3s get gpus` shows once what is free.",
    )
}

/// The object that `-o json` prints.
#[derive(Debug, Serialize)]
struct Outcome {
    schema: &'static str,
    kind: &'static str,
    satisfied: bool,
    /// `devices`, or `units` where no node has a daemon.
    basis: &'static str,
    wanted: usize,
    /// The most that were free at once while it waited.
    most_free: usize,
    free: Vec<Item>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Item {
    Device {
        node: String,
        index: u32,
        mig_device: Option<usize>,
        uuid: String,
        product: String,
        mig_profile: Option<String>,
        memory_total_bytes: Option<u64>,
    },
    Units {
        node: String,
        resource: String,
        units: usize,
    },
}

/// What is free, in the form that was asked for.
fn text(output: WaitOutput, progress: &Progress, most: usize) -> Result<String, Failure> {
    match output {
        WaitOutput::Table => Ok(table(progress)),
        WaitOutput::Name => Ok(progress
            .free
            .iter()
            .map(|free| match free {
                Free::Device { node, uuid, .. } => format!("gpu/{node}/{uuid}\n"),
                Free::Units { node, .. } => format!("node/{node}\n"),
            })
            .collect()),
        WaitOutput::Json => {
            let outcome = Outcome {
                schema: SCHEMA,
                kind: "WaitResult",
                satisfied: progress.is_met(),
                basis: match progress.basis {
                    Basis::Devices => "devices",
                    Basis::Units => "units",
                },
                wanted: progress.wanted,
                most_free: most.max(progress.count()),
                free: progress.free.iter().map(item).collect(),
            };
            let json = serde_json::to_string_pretty(&outcome);
            Ok(json.map_err(|error| unwritable(&error))? + "\n")
        }
    }
}

fn item(free: &Free) -> Item {
    match free {
        Free::Device {
            node,
            index,
            instance,
            uuid,
            product,
            profile,
            memory,
        } => Item::Device {
            node: node.to_string(),
            index: *index,
            mig_device: *instance,
            uuid: uuid.to_string(),
            product: product.clone(),
            mig_profile: profile.clone(),
            memory_total_bytes: memory.map(|memory| memory.0),
        },
        Free::Units {
            node,
            resource,
            units,
        } => Item::Units {
            node: node.to_string(),
            resource: resource.clone(),
            units: *units,
        },
    }
}

fn table(progress: &Progress) -> String {
    let headings: &[&str] = match progress.basis {
        Basis::Devices => &["NODE", "GPU", "PRODUCT", "VRAM", "UUID"],
        Basis::Units => &["NODE", "RESOURCE", "FREE UNITS"],
    };
    let headings = headings.iter().map(|&heading| heading.to_owned()).collect();
    let rows = progress.free.iter().map(|free| match free {
        Free::Device {
            node,
            index,
            instance,
            uuid,
            product,
            profile,
            memory,
        } => {
            let instance = instance.map(|of| format!(".{of}")).unwrap_or_default();
            let profile = profile.as_ref().map(|profile| format!("/{profile}"));
            let memory = memory.map(|memory| memory.to_string());
            vec![
                node.to_string(),
                format!("{index}{instance}{}", profile.unwrap_or_default()),
                gputop_model::printable(product.clone()),
                memory.unwrap_or_else(|| format::UNKNOWN.to_owned()),
                gputop_model::printable(uuid.to_string()),
            ]
        }
        Free::Units {
            node,
            resource,
            units,
        } => vec![node.to_string(), resource.clone(), units.to_string()],
    });
    let rows: Vec<Vec<String>> = std::iter::once(headings).chain(rows).collect();
    Widths::default().lines(&rows)
}

/// One line on a terminal's stderr that is written over again and again; nothing elsewhere.
struct Line {
    shown: bool,
    terminal: bool,
}

impl Line {
    fn new() -> Self {
        Self {
            shown: false,
            terminal: io::stderr().is_terminal(),
        }
    }

    fn show(&mut self, progress: &Progress, waited: Duration, left: Option<Duration>) {
        if !self.terminal {
            return;
        }
        let left = left.map(|left| format!(", {} left", format::spoken(left)));
        let mut text = format!(
            "waiting for {}{}: {}",
            format::spoken(waited),
            left.unwrap_or_default(),
            progress.sentence()
        );
        let width = crossterm::terminal::size().map_or(80, |(width, _)| usize::from(width));
        while text.width() >= width.max(2) {
            text.pop();
        }
        // Nobody is left to tell when stderr is closed.
        let _written = write!(io::stderr(), "\r\x1b[K{text}");
        self.shown = true;
    }

    fn clear(&mut self) {
        if self.shown {
            let _written = write!(io::stderr(), "\r\x1b[K");
            self.shown = false;
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}
