//! The tasks behind one screen or one command: watches, links, and the lane that brings their
//! messages together.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use gputop_model::{DevicePast, Moment, NodeName};
use kube::Client;
use tokio::sync::{mpsc, watch as latest};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::connect::Problem;
use crate::inspect::{Answer, Ask, AskId, Desk};
use crate::link::{self, Interest, Mail, Mailboxes};
use crate::state::{AgentReport, Fleet, LinkState, Update, WatchState, Watched};
use crate::watch;

/// Messages of the control lane that may wait before the watches are slowed down.
const CONTROL_LANE: usize = 256;

/// How an engine is to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ask the nodes' daemons.
    pub agents: bool,
    /// The namespace to fall back to when the user may not list pods in all of them.
    pub namespace: String,
    /// The beginning of [`Moment`]s.
    pub epoch: Instant,
}

/// What an engine delivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message of the control lane.
    Update(Update),
    /// The newest reports of the daemons that have reported since the last time.
    Reports(Vec<(NodeName, AgentReport)>),
    /// What daemons had measured before somebody listened, on the scale of
    /// [`crate::state::history_time`].
    Past(Vec<(NodeName, Vec<DevicePast>)>),
    /// What has come back on an ask that has not been cancelled.
    Answer(AskId, Answer),
}

impl Event {
    /// Takes what concerns the store into it; what is left is an answer to somebody.
    #[must_use]
    pub fn apply(self, fleet: &mut Fleet) -> Option<(AskId, Answer)> {
        match self {
            Self::Update(update) => fleet.apply(update),
            Self::Reports(reports) => {
                for (node, report) in reports {
                    fleet.report(node, report);
                }
            }
            Self::Past(past) => {
                for (node, past) in past {
                    fleet.fill(&node, &past);
                }
            }
            Self::Answer(id, answer) => return Some((id, answer)),
        }
        None
    }
}

/// Running watches, links and asks; they end when this is dropped.
#[derive(Debug)]
pub struct Engine {
    updates: mpsc::Receiver<Update>,
    mailboxes: Arc<Mailboxes>,
    /// What was taken out of the mailboxes and comes after the reports.
    past: Vec<(NodeName, Vec<DevicePast>)>,
    interest: latest::Sender<Option<Interest>>,
    /// When figures are delivered next.
    beat: Instant,
    desk: Desk,
    _guard: DropGuard,
}

impl Engine {
    /// Starts everything on the current runtime.
    #[must_use]
    pub fn start(client: &Client, options: &Options) -> Self {
        let cancel = CancellationToken::new();
        let (lane, updates) = mpsc::channel(CONTROL_LANE);
        let mailboxes = Arc::new(Mailboxes::default());
        let daemons = watch::start(client, options, lane, &cancel);
        let (interest, wanted) = latest::channel(None);
        if options.agents {
            let (epoch, mailboxes) = (options.epoch, mailboxes.clone());
            link::start(client, epoch, daemons, wanted, mailboxes, &cancel);
        }
        Self {
            updates,
            mailboxes,
            past: Vec::new(),
            interest,
            beat: Instant::now(),
            desk: Desk::new(client.clone(), cancel.clone()),
            _guard: cancel.drop_guard(),
        }
    }

    /// Says which daemons matter now. Until the first time all matter alike.
    pub fn interest(&self, interest: Interest) {
        self.interest.send_replace(Some(interest));
    }

    /// Asks the API server; what comes back are [`Event::Answer`]s under this id. An ask that is
    /// under way under the same id is cancelled. Must be called within a runtime.
    pub fn ask(&self, id: AskId, ask: Ask) {
        self.desk.ask(id, ask);
    }

    /// Ends an ask: no answer of it comes any more. Nothing happens if it has ended.
    pub fn cancel(&self, id: AskId) {
        self.desk.cancel(id);
    }

    /// The client that everything goes through.
    #[must_use]
    pub const fn client(&self) -> &Client {
        self.desk.client()
    }

    /// The next event. Control messages come before reports, reports before what was measured
    /// before them, all before answers. Cancel-safe.
    pub async fn next(&mut self) -> Event {
        tokio::select! {
            biased;
            Some(update) = self.updates.recv() => Event::Update(update),
            () = ready(()), if !self.past.is_empty() => {
                Event::Past(std::mem::take(&mut self.past))
            }
            Mail { reports, past } = self.mailboxes.take(self.beat) => {
                let beat = self.interest.borrow().as_ref().map(|interest| interest.pace.beat());
                self.beat = Instant::now() + beat.unwrap_or_default();
                if reports.is_empty() {
                    return Event::Past(past);
                }
                self.past = past;
                Event::Reports(reports)
            }
            (id, answer) = self.desk.next() => Event::Answer(id, answer),
        }
    }
}

/// `Instant::now()` on the engine's scale.
#[must_use]
pub fn moment(epoch: Instant) -> Moment {
    Moment(Instant::now().saturating_duration_since(epoch))
}

/// Lists once, asks every daemon once, and returns what is known then.
///
/// `agents`: how long the daemons may take once the lists are there; those that are late are
/// simply not in the result. Fails when the lists can not be read.
pub async fn collect(
    client: &Client,
    options: &Options,
    lists: Duration,
    agents: Duration,
) -> Result<Fleet, Problem> {
    let mut engine = Engine::start(client, options);
    let mut fleet = Fleet::for_agents(options.agents);
    listed(&mut engine, &mut fleet, lists).await?;
    for watched in [Watched::Nodes, Watched::Pods] {
        if let WatchState::Lost { why, .. } = fleet.watch(watched) {
            return Err(unlisted(why));
        }
    }
    if options.agents {
        answered(&mut engine, &mut fleet, agents).await;
    }
    Ok(fleet)
}

/// Takes events in until the first lists are there.
///
/// # Errors
/// When they are not within `limit`.
pub async fn listed(
    engine: &mut Engine,
    fleet: &mut Fleet,
    limit: Duration,
) -> Result<(), Problem> {
    let listed = tokio::time::timeout(limit, async {
        while !fleet.is_listed() {
            // Nothing is asked here.
            let _answer = engine.next().await.apply(fleet);
        }
    });
    listed.await.map_err(|_elapsed| Problem {
        what: format!("the API server has not listed nodes and pods for {limit:?}"),
        fix: format!("A large cluster may need a longer --request-timeout. {LOOK}"),
    })
}

/// How the user finds out whether it is the server or the way to it.
const LOOK: &str = "`kubectl get nodes` shows whether the API server answers this machine, and \
                    `systemctl status k3s` on the server whether K3s runs.";

/// The lists can not be read, for this reason of a watch.
#[must_use]
pub fn unlisted(why: &str) -> Problem {
    Problem {
        what: why.to_owned(),
        fix: LOOK.to_owned(),
    }
}

/// Takes events in until every daemon has answered or is known to be out of reach, for `limit` at
/// most. Late ones are unknown, which is what the store says of them.
pub async fn answered(engine: &mut Engine, fleet: &mut Fleet, limit: Duration) {
    let answered = tokio::time::timeout(limit, async {
        while !all_answered(fleet) {
            let _answer = engine.next().await.apply(fleet);
        }
    });
    let _late = answered.await;
}

/// Whether every running daemon has delivered or is known to be out of reach.
fn all_answered(fleet: &Fleet) -> bool {
    fleet
        .pods()
        .values()
        .filter(|pod| pod.is_running_daemon())
        .filter_map(|pod| pod.node.as_ref())
        .all(|node| {
            fleet
                .agents()
                .get(node)
                .is_some_and(|r| r.link != LinkState::Connecting)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_not_read_the_lists_is_told_where_to_look() {
        let said = unlisted("the API server refuses connections");
        assert!(said.what.contains("refuses"), "{said}");
        for place in ["kubectl get nodes", "systemctl status k3s"] {
            assert!(said.fix.contains(place), "{said}");
        }
    }
}
