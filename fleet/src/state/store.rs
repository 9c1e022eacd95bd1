//! The store: what the watches and the daemons have said, applied one message at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use gputop_model::{DevicePast, GpuUuid, Moment, NodeInfo, NodeName, PodInfo, PodKey, PodUid};
use serde::{Deserialize, Serialize};

use super::agent::{AgentReport, LinkState};
use super::history::{History, Series};

/// A change of one watched list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listing<K, T> {
    /// The whole list, after a (re-)connect; replaces all.
    Whole(Vec<T>),
    /// One object is new or changed.
    Changed(Box<T>),
    /// One object is gone.
    Gone(K),
}

/// Which watch a state belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Watched {
    /// Nodes.
    Nodes,
    /// Pods.
    Pods,
    /// The API server itself, which is asked now and then whether it answers.
    Server,
}

/// State of one watch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WatchState {
    /// The first list has not arrived.
    #[default]
    Starting,
    /// Up to date.
    Live,
    /// Broken and tried again; what is shown is as of then.
    Lost {
        /// Since when.
        since: Moment,
        /// What went wrong and what to do, in the operator's words.
        why: String,
    },
    /// The user may not read this; it is tried again, rarely.
    Forbidden {
        /// What the server says.
        why: String,
    },
}

impl WatchState {
    /// Takes the next state; a loss that goes on keeps its beginning.
    fn follow(&mut self, mut next: Self) {
        if let (Self::Lost { since: first, .. }, Self::Lost { since, .. }) = (&*self, &mut next) {
            *since = *first;
        }
        *self = next;
    }
}

/// One message of the control lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Update {
    /// Nodes changed.
    Nodes(Listing<NodeName, NodeInfo>),
    /// Pods changed.
    Pods(Listing<PodUid, PodInfo>),
    /// Only the pods of this namespace can be seen, so that nothing can be said about what is
    /// free.
    OneNamespace(String),
    /// The pods of all namespaces can be seen (again).
    AllNamespaces,
    /// A watch changed its state.
    Watch(Watched, WatchState),
}

/// All that is known of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    nodes: BTreeMap<NodeName, Arc<NodeInfo>>,
    pods: BTreeMap<PodUid, Arc<PodInfo>>,
    /// The same pods, in the order of the tables.
    pods_by_name: BTreeMap<(PodKey, PodUid), Arc<PodInfo>>,
    agents: BTreeMap<NodeName, AgentReport>,
    history: History,
    node_watch: WatchState,
    pod_watch: WatchState,
    server: WatchState,
    pods_listed: bool,
    one_namespace: Option<String>,
    no_agents: bool,
}

impl Fleet {
    /// An empty store that daemons will report to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store for someone who does not ask the daemons.
    #[must_use]
    pub fn without_agents() -> Self {
        Self {
            no_agents: true,
            ..Self::default()
        }
    }

    /// An empty store, with daemons that will report to it or without.
    #[must_use]
    pub fn for_agents(asked: bool) -> Self {
        if asked {
            Self::new()
        } else {
            Self::without_agents()
        }
    }

    /// Applies one message of the control lane.
    pub fn apply(&mut self, update: Update) {
        match update {
            Update::Nodes(Listing::Whole(nodes)) => {
                self.nodes = nodes
                    .into_iter()
                    .map(|node| (node.name.clone(), Arc::new(node)))
                    .collect();
                self.agents.retain(|name, _| self.nodes.contains_key(name));
                self.history.retain(|name| self.nodes.contains_key(name));
            }
            Update::Nodes(Listing::Changed(node)) => {
                self.nodes.insert(node.name.clone(), Arc::from(node));
            }
            Update::Nodes(Listing::Gone(name)) => {
                self.nodes.remove(&name);
                self.agents.remove(&name);
                self.history.retain(|kept| *kept != name);
            }
            Update::Pods(Listing::Whole(pods)) => {
                self.pods_listed = true;
                self.pods.clear();
                self.pods_by_name.clear();
                for pod in pods {
                    self.put_pod(Arc::new(pod));
                }
            }
            Update::Pods(Listing::Changed(pod)) => self.put_pod(Arc::from(pod)),
            Update::Pods(Listing::Gone(uid)) => self.remove_pod(&uid),
            Update::OneNamespace(namespace) => self.one_namespace = Some(namespace),
            Update::AllNamespaces => self.one_namespace = None,
            Update::Watch(Watched::Nodes, state) => self.node_watch.follow(state),
            Update::Watch(Watched::Pods, state) => self.pod_watch.follow(state),
            Update::Watch(Watched::Server, state) => self.server.follow(state),
        }
    }

    fn put_pod(&mut self, pod: Arc<PodInfo>) {
        self.remove_pod(&pod.uid);
        let name = (pod.key.clone(), pod.uid.clone());
        self.pods_by_name.insert(name, pod.clone());
        self.pods.insert(pod.uid.clone(), pod);
    }

    fn remove_pod(&mut self, uid: &PodUid) {
        if let Some(pod) = self.pods.remove(uid) {
            let name = (pod.key.clone(), pod.uid.clone());
            self.pods_by_name.remove(&name);
        }
    }

    /// Takes the newest report of a node's daemon.
    pub fn report(&mut self, node: NodeName, report: AgentReport) {
        if report.link == LinkState::Gone {
            self.agents.remove(&node);
            return;
        }
        let known = self
            .agents
            .get(&node)
            .and_then(|report| report.last.as_ref());
        // A report on the link alone brings the same snapshot again.
        if let Some(last) = &report.last
            && known.is_none_or(|known| last.at > known.at)
        {
            self.history.record(&node, &last.snapshot, last.at);
        }
        self.agents.insert(node, report);
    }

    /// Takes what a node's daemon has measured before, on the scale of [`super::history_time`]: it
    /// fills the gaps between what was reported.
    pub fn fill(&mut self, node: &NodeName, past: &[DevicePast]) {
        self.history.fill(node, past);
    }

    /// What a device's daemon has reported over the last minutes; `None`: nothing yet.
    #[must_use]
    pub fn history(&self, node: &NodeName, device: &GpuUuid) -> Option<&Series> {
        self.history.get(node, device)
    }

    /// Nodes by name.
    #[must_use]
    pub const fn nodes(&self) -> &BTreeMap<NodeName, Arc<NodeInfo>> {
        &self.nodes
    }

    /// Pods by uid.
    #[must_use]
    pub const fn pods(&self) -> &BTreeMap<PodUid, Arc<PodInfo>> {
        &self.pods
    }

    /// The same pods by namespace and name.
    pub(super) fn pods_by_name(&self) -> impl Iterator<Item = &Arc<PodInfo>> {
        self.pods_by_name.values()
    }

    /// What the daemons last said, by node.
    #[must_use]
    pub const fn agents(&self) -> &BTreeMap<NodeName, AgentReport> {
        &self.agents
    }

    /// State of a watch.
    #[must_use]
    pub const fn watch(&self, watched: Watched) -> &WatchState {
        match watched {
            Watched::Nodes => &self.node_watch,
            Watched::Pods => &self.pod_watch,
            Watched::Server => &self.server,
        }
    }

    /// The only namespace whose pods can be seen; `None`: all can.
    #[must_use]
    pub fn one_namespace(&self) -> Option<&str> {
        self.one_namespace.as_deref()
    }

    /// Whether a whole list of pods has arrived, of all namespaces or of one.
    #[must_use]
    pub const fn has_listed_pods(&self) -> bool {
        self.pods_listed
    }

    /// Whether every pod of the cluster is known, so that something can be said about what is
    /// free. True from the first whole list on, also while the API server is away.
    #[must_use]
    pub const fn knows_all_pods(&self) -> bool {
        self.pods_listed && self.one_namespace.is_none()
    }

    /// Whether daemons are asked at all.
    #[must_use]
    pub const fn asks_agents(&self) -> bool {
        !self.no_agents
    }

    /// Whether both first lists have arrived (or will not, for lack of a right).
    #[must_use]
    pub fn is_listed(&self) -> bool {
        ![&self.node_watch, &self.pod_watch]
            .into_iter()
            .any(|w| *w == WatchState::Starting)
    }
}
