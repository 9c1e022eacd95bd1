//! Names from the kubeconfig and from the cluster, for completion.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser as _;
use gputop_fleet::connect::contexts;
use gputop_fleet::state::{NodeRow, NodeState, Picture, PodRow};
use tokio::time::{Instant, timeout_at};

use super::words::{Candidate, Names, Seen};
use crate::app::format;
use crate::cli::args::{Args, Global, Simulated};
use crate::cli::source::Source;

/// How long a cluster may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// More than these do not help anybody.
const MOST: usize = 500;

/// The names; none where something goes wrong.
pub(super) async fn names(names: Names, seen: &Seen) -> Vec<Candidate> {
    let Some(global) = global(seen) else {
        return Vec::new();
    };
    let mut found = match names {
        Names::Contexts => contexts(global.kubeconfig.as_deref())
            .await
            .unwrap_or_default()
            .into_iter()
            .map(|name| candidate(name, String::new()))
            .collect(),
        _ => from_cluster(names, &global, seen).await.unwrap_or_default(),
    };
    let taken = seen.values("names");
    found.retain(|candidate| !taken.contains(&candidate.value));
    found.truncate(MOST);
    found
}

/// The flags that say which cluster is meant, and as whom.
fn global(seen: &Seen) -> Option<Global> {
    let text = |id: &str| seen.value(id).map(str::to_owned);
    let nothing_said = Args::try_parse_from([""]).ok()?.global;
    Some(Global {
        kubeconfig: seen.value("kubeconfig").map(PathBuf::from),
        context: text("context"),
        namespace: text("namespace"),
        impersonate: text("impersonate"),
        impersonate_groups: seen.values("impersonate_groups").to_vec(),
        request_timeout: PATIENCE,
        ..nothing_said
    })
}

async fn from_cluster(names: Names, global: &Global, seen: &Seen) -> Option<Vec<Candidate>> {
    let agents = names == Names::Gpus;
    let begin = Instant::now();
    let simulated = simulated(seen);
    let (source, deadline) = if seen.value("demo").is_some() {
        // That a simulation has to be started is not the cluster's slowness.
        let source = Source::open(global, &simulated).await.ok()?;
        (source, Instant::now() + PATIENCE)
    } else {
        let deadline = begin + PATIENCE;
        let source = timeout_at(deadline, Source::open(global, &simulated)).await;
        (source.ok()?.ok()?, deadline)
    };
    let looked = timeout_at(deadline, source.once(agents, PATIENCE)).await;
    let (_, picture) = looked.ok()?.ok()?;
    let everywhere = seen.value("all_namespaces").is_some();
    Some(match names {
        Names::Nodes => picture.nodes.iter().map(node).collect(),
        Names::Pods => {
            let here = |row: &&PodRow| {
                let wanted = source.namespace.as_deref().filter(|_| !everywhere);
                wanted.is_none_or(|wanted| wanted == &*row.info.key.namespace)
            };
            let rows = picture.pods.iter().filter(here);
            // Without one namespace the names of its pods do not say which is meant.
            let whole = everywhere || source.namespace.is_none();
            rows.map(|row| pod(row, whole)).collect()
        }
        Names::Gpus => gpus(&picture),
        Names::Namespaces => namespaces(&picture),
        Names::Contexts => Vec::new(),
    })
}

#[cfg(feature = "demo")]
fn simulated(seen: &Seen) -> Simulated {
    Simulated {
        demo: seen.value("demo").is_some(),
        seed: seen.value("seed").and_then(|seed| seed.parse().ok()),
        scenario: seen.value("scenario").unwrap_or("homelab").to_owned(),
    }
}

#[cfg(not(feature = "demo"))]
const fn simulated(_: &Seen) -> Simulated {
    Simulated {}
}

fn node(row: &NodeRow) -> Candidate {
    let units = format::count(usize::try_from(row.allocatable()).unwrap_or(0), "unit");
    // What nobody can have now is not promised.
    let free = match row.state() {
        NodeState::Ready => row.free().map(|free| format!(", {free} free")),
        closed => Some(format!(", {}", closed.name())),
    };
    candidate(
        row.info.name.to_string(),
        format!("{units}{}", free.unwrap_or_default()),
    )
}

fn pod(row: &PodRow, whole: bool) -> Candidate {
    let key = &row.info.key;
    let name = if whole {
        key.to_string()
    } else {
        key.name.to_string()
    };
    candidate(name, row.status().to_owned())
}

fn gpus(picture: &Picture) -> Vec<Candidate> {
    let rows = picture.devices.iter();
    rows.map(|row| {
        let device = row.device();
        let product = format::product(&device.product);
        candidate(
            format!("{}/{}", row.node, device.uuid),
            format!("{} {product}, {}", device.index, row.state.name()),
        )
    })
    .collect()
}

/// The namespaces that have pods: only these have anything to do with GPUs.
fn namespaces(picture: &Picture) -> Vec<Candidate> {
    let mut names: Vec<&str> = picture
        .pods
        .iter()
        .map(|row| &*row.info.key.namespace)
        .collect();
    names.sort_unstable();
    names.dedup();
    let names = names.into_iter();
    names
        .map(|name| candidate(name.to_owned(), String::new()))
        .collect()
}

/// Text from elsewhere: it has to stay on its line, and is not to confuse the terminal.
fn candidate(value: String, meaning: String) -> Candidate {
    let plain = |text: String| format::one_line(&gputop_model::printable(text));
    Candidate {
        value: plain(value),
        meaning: plain(meaning),
    }
}
