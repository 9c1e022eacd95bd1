//! `gputop-k3s get`: a picture of the cluster, printed once or kept up to date.

use gputop_fleet::state::{AgentStatus, Fleet, Picture, WatchState, Watched};

use super::args::{Get, Global, KindArg, Output};
use super::exit::{Exit, Failure, warn};
use super::print::{render, write};
use super::source::Source;
use super::watch;
use crate::export::{List, Missing, Scope, list, select};

/// Carries out `get`.
pub(super) async fn run(global: &Global, get: &Get) -> Result<(), Failure> {
    sensible(get)?;
    let source = Source::configured(global, &get.simulated).await?;
    let scope = scope(global, get, &source);
    if get.watch {
        return watch::run(&source, global, get, &scope).await;
    }
    let (fleet, picture) = source.once(!get.no_agents, global.request_timeout).await?;
    complain(&fleet, &picture, get)?;
    let (list, missing) = rows(&picture, get, &scope)?;
    let (text, unnamed) = render(&list, get.output, !get.no_headers)?;
    // Whoever has closed the pipe has seen enough.
    let _reader = write(&text)?;
    if unnamed > 0 {
        warn(&format!(
            "{unnamed} GPUs are only known to exist and have no name"
        ));
    }
    if list.is_empty() && missing.is_empty() {
        warn(&format!("nothing found{}", place(&scope)));
    }
    not_found(get, &scope, &missing)
}

/// What makes no sense, found before anything is asked.
fn sensible(get: &Get) -> Result<(), Failure> {
    if get.no_agents && get.kind == KindArg::Processes {
        return Err(Failure::new(
            Exit::Usage,
            "only the daemons know the processes",
            "Leave out --no-agents.",
        ));
    }
    if get.watch && get.output == Output::Prometheus {
        return Err(Failure::new(
            Exit::Usage,
            "metrics are read whole, not change by change",
            "Leave out --watch and run it as often as they are to be read.",
        ));
    }
    let mut nothing = list(&Picture::default(), get.kind.kind(), None);
    sort(&mut nothing, get)
}

fn sort(list: &mut List, get: &Get) -> Result<(), Failure> {
    list.sort(&get.sort_by)
        .map_err(|unknown| Failure::new(Exit::Usage, unknown.to_string(), unknown.fix()))
}

/// Which items are asked for.
fn scope(global: &Global, get: &Get, source: &Source) -> Scope {
    let kind = get.kind.kind();
    // NAMESPACE/NAME says where to look.
    let qualified = |name: &String| kind.plain_name(name).contains('/');
    let everywhere =
        get.all_namespaces || (!get.names.is_empty() && get.names.iter().all(qualified));
    let namespace = match get.kind {
        _ if everywhere => None,
        KindArg::Pods => source.namespace.clone(),
        // Most processes and cards that one looks for belong to somebody else.
        KindArg::Processes | KindArg::Gpus => global.namespace.clone(),
        KindArg::Nodes => None,
    };
    Scope {
        namespace,
        selector: get.selector.clone().unwrap_or_default(),
    }
}

/// The items that are asked for, in the order that is asked for, and the names that nothing has.
pub(super) fn rows(
    picture: &Picture,
    get: &Get,
    scope: &Scope,
) -> Result<(List, Vec<Missing>), Failure> {
    let mut list = select(picture, get.kind.kind(), scope);
    let missing = if get.names.is_empty() {
        Vec::new()
    } else {
        list.pick(&get.names)
    };
    sort(&mut list, get)?;
    Ok((list, missing))
}

/// An error when something was asked for by a name that nothing has.
pub(super) fn not_found(get: &Get, scope: &Scope, missing: &[Missing]) -> Result<(), Failure> {
    if missing.is_empty() {
        return Ok(());
    }
    let kind = get.kind.kind();
    let names = missing
        .iter()
        .map(|missing| format!("\"{}\"", missing.name));
    let near = missing.iter().filter_map(|missing| missing.nearest.clone());
    let (names, near): (Vec<String>, Vec<String>) = (names.collect(), near.collect());
    let fix = if near.is_empty() {
        format!("`gputop-k3s get {}` lists what there is.", kind.plural())
    } else {
        format!("Did you mean {}?", near.join(", "))
    };
    let what = format!("{} {} not found", kind.singular(), names.join(", "));
    Err(Failure::new(Exit::No, what + &place(scope), fix))
}

/// Where was looked.
fn place(scope: &Scope) -> String {
    let namespace = scope.namespace.as_ref();
    namespace.map_or_else(String::new, |name| format!(" in namespace {name}"))
}

/// What the user may not read and has asked for.
pub(super) fn forbidden(fleet: &Fleet, kind: KindArg) -> Result<(), Failure> {
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
pub(super) fn complain(fleet: &Fleet, picture: &Picture, get: &Get) -> Result<(), Failure> {
    forbidden(fleet, get.kind)?;
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
        return Err(Failure::new(Exit::Unreachable, what, first_reason(picture)));
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

/// Why the first of the daemons that should deliver does not, or where to look for them.
pub(super) fn first_reason(picture: &Picture) -> String {
    let mut expected = picture.nodes.iter().filter(|row| {
        matches!(
            row.agent,
            AgentStatus::Lost { .. } | AgentStatus::Connecting | AgentStatus::NotRunning { .. }
        )
    });
    match expected.find_map(|row| row.agent.reason()) {
        Some(reason) => format!("First reason: {reason}."),
        None => "`kubectl -n gputop-k3s get pods -o wide` shows the daemons.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_reason_there_is_a_place_to_look() {
        let fix = first_reason(&Picture::default());
        assert!(fix.contains("kubectl -n gputop-k3s get pods"), "{fix}");
    }
}
