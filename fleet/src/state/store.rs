//! The store: what the watches and the daemons have said, applied one message at a time.

use std::collections::BTreeMap;

use gputop_model::{Moment, NodeInfo, NodeName, PodInfo, PodUid};

use super::agent::AgentReport;

/// A change of one watched list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing<K, T> {
    /// The whole list, after a (re-)connect; replaces all.
    Whole(Vec<T>),
    /// One object is new or changed.
    Changed(Box<T>),
    /// One object is gone.
    Gone(K),
}

/// Which watch a state belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watched {
    /// Nodes.
    Nodes,
    /// Pods.
    Pods,
    /// The API server itself, which is asked now and then whether it answers.
    Server,
}

/// State of one watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    nodes: BTreeMap<NodeName, NodeInfo>,
    pods: BTreeMap<PodUid, PodInfo>,
    agents: BTreeMap<NodeName, AgentReport>,
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

    /// Applies one message of the control lane.
    pub fn apply(&mut self, update: Update) {
        match update {
            Update::Nodes(Listing::Whole(nodes)) => {
                self.nodes = nodes
                    .into_iter()
                    .map(|node| (node.name.clone(), node))
                    .collect();
                self.agents.retain(|name, _| self.nodes.contains_key(name));
            }
            Update::Nodes(Listing::Changed(node)) => {
                self.nodes.insert(node.name.clone(), *node);
            }
            Update::Nodes(Listing::Gone(name)) => {
                self.nodes.remove(&name);
                self.agents.remove(&name);
            }
            Update::Pods(Listing::Whole(pods)) => {
                self.pods_listed = true;
                self.pods = pods.into_iter().map(|pod| (pod.uid.clone(), pod)).collect();
            }
            Update::Pods(Listing::Changed(pod)) => {
                self.pods.insert(pod.uid.clone(), *pod);
            }
            Update::Pods(Listing::Gone(uid)) => {
                self.pods.remove(&uid);
            }
            Update::OneNamespace(namespace) => self.one_namespace = Some(namespace),
            Update::AllNamespaces => self.one_namespace = None,
            Update::Watch(Watched::Nodes, state) => self.node_watch.follow(state),
            Update::Watch(Watched::Pods, state) => self.pod_watch.follow(state),
            Update::Watch(Watched::Server, state) => self.server.follow(state),
        }
    }

    /// Takes the newest report of a node's daemon.
    pub fn report(&mut self, node: NodeName, report: AgentReport) {
        self.agents.insert(node, report);
    }

    /// Nodes by name.
    #[must_use]
    pub const fn nodes(&self) -> &BTreeMap<NodeName, NodeInfo> {
        &self.nodes
    }

    /// Pods by uid.
    #[must_use]
    pub const fn pods(&self) -> &BTreeMap<PodUid, PodInfo> {
        &self.pods
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
