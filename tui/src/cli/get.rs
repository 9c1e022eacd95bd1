//! `gputop-k3s get`: one picture of the cluster, printed.

use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use gputop_fleet::connect::{Connection, connect};
use gputop_fleet::engine::{self, Options};
use gputop_fleet::state::{AgentStatus, Fleet, Picture, Settings, WatchState, Watched, join};
use gputop_model::Clock;
use jiff::Timestamp;
use tokio::time::Instant;

use super::args::{Get, Global, KindArg, Output};
use super::exit::{Exit, Failure, warn};
use crate::export::{Kind, List, list};

/// How long the daemons may take; those that are late are `null`.
const AGENTS: Duration = Duration::from_millis(500);

/// Carries out `get`.
pub(super) async fn run(global: &Global, get: &Get) -> Result<(), Failure> {
    if get.no_agents && get.kind == KindArg::Processes {
        return Err(Failure::new(
            Exit::Usage,
            "only the daemons know the processes",
            "Leave out --no-agents.",
        ));
    }
    #[cfg(feature = "demo")]
    if get.demo {
        let demo = super::demo::start(get.seed).await?;
        return print(&demo.connection, global, get, global.namespace.as_deref()).await;
    }
    let connection = connect(&global.request()).await?;
    let namespace = (!get.all_namespaces).then_some(connection.namespace.as_str());
    print(&connection, global, get, namespace).await
}

async fn print(
    connection: &Connection,
    global: &Global,
    get: &Get,
    namespace: Option<&str>,
) -> Result<(), Failure> {
    let epoch = Instant::now();
    let fallback = connection.namespace.clone();
    let options = Options {
        agents: !get.no_agents,
        namespace: fallback,
        epoch,
    };
    let fleet = engine::collect(&connection.client, &options, global.request_timeout, AGENTS).await;
    let fleet = fleet.map_err(|problem| Failure {
        exit: Exit::Unreachable,
        problem,
    })?;
    forbidden(&fleet, get.kind)?;
    let clock = Clock {
        now: engine::moment(epoch),
        wall: Timestamp::now(),
    };
    let picture = join(&fleet, clock, &Settings::default());
    complain(&fleet, &picture, get)?;
    let kind = match get.kind {
        KindArg::Nodes => Kind::Nodes,
        KindArg::Gpus => Kind::Gpus,
        KindArg::Pods => Kind::Pods,
        KindArg::Processes => Kind::Processes,
    };
    let wanted = match get.kind {
        KindArg::Pods => namespace,
        KindArg::Processes if !get.all_namespaces => global.namespace.as_deref(),
        _ => None,
    };
    let list = list(&picture, kind, wanted);
    write(&render(&list, get.output)?)?;
    if list.is_empty() && get.output == Output::Table {
        warn(&format!(
            "nothing found{}",
            wanted
                .map(|ns| format!(" in namespace {ns}"))
                .unwrap_or_default()
        ));
    }
    Ok(())
}

/// What the user may not read and has asked for.
fn forbidden(fleet: &Fleet, kind: KindArg) -> Result<(), Failure> {
    let needed: &[Watched] = match kind {
        KindArg::Nodes | KindArg::Gpus => &[Watched::Nodes],
        KindArg::Pods => &[Watched::Pods],
        KindArg::Processes => &[Watched::Nodes, Watched::Pods],
    };
    for watched in needed {
        if let WatchState::Forbidden { why } = fleet.watch(*watched) {
            return Err(Failure::new(
                Exit::Forbidden,
                why.clone(),
                "Ask the cluster's administrator for the right to list nodes and pods.",
            ));
        }
    }
    Ok(())
}

/// Warnings about what is missing; an error when nobody at all could answer.
fn complain(fleet: &Fleet, picture: &Picture, get: &Get) -> Result<(), Failure> {
    if let Some(namespace) = fleet.one_namespace() {
        warn(&format!(
            "only the pods of namespace {namespace} can be seen; nothing is said about what is free"
        ));
    }
    if get.no_agents {
        return Ok(());
    }
    let totals = &picture.totals;
    if get.kind == KindArg::Processes && totals.agents_live == 0 {
        let what = if totals.agents_expected == 0 {
            "no node has a gputop-node daemon, and only daemons know the processes".to_owned()
        } else {
            format!(
                "none of the {} daemons has answered",
                totals.agents_expected
            )
        };
        let mut expected = picture.nodes.iter().filter(|row| {
            matches!(
                row.agent,
                AgentStatus::Lost { .. } | AgentStatus::Connecting | AgentStatus::NotRunning { .. }
            )
        });
        let first = expected.find_map(|row| row.agent.reason());
        let fix = first.map_or_else(String::new, |reason| format!("First reason: {reason}."));
        return Err(Failure::new(Exit::Unreachable, what, fix));
    }
    if !matches!(get.kind, KindArg::Pods) {
        for row in &picture.nodes {
            if row.agent.name() == "lost" || row.agent.name() == "connecting" {
                let reason = row.agent.reason().unwrap_or_default();
                warn(&format!("{}: {reason}", row.info.name));
            }
        }
    }
    Ok(())
}

fn render(list: &List, output: Output) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            Exit::Failed,
            format!("the list can not be written: {error}"),
            "Report this.",
        )
    };
    Ok(match output {
        Output::Table => list.to_table(),
        Output::Json => serde_json::to_string_pretty(list).map_err(|error| failed(&error))? + "\n",
        Output::Yaml => serde_yaml_ng::to_string(list).map_err(|error| failed(&error))?,
    })
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        // The reader has seen enough (`| head`).
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(
            Exit::Failed,
            format!("the output can not be written: {error}"),
            "Check the disk or the pipe.",
        )),
        Ok(()) => Ok(()),
    }
}
