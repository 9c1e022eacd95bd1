//! What a recording may not contain is taken out of what is recorded (pure).
//!
//! Always: arguments of programs, secrets, users, addresses, the values of labels that are not the
//! same everywhere. Unless names are to stay: the names of everything, which become pseudonyms of
//! their kind (`node-1`, `pod-7`), the same one for the same thing for as long as it is there.

mod names;
mod objects;
mod release;
mod snapshot;
mod text;

use std::sync::Arc;

use gputop_fleet::state::{AgentReport, LinkState, Listing, Update, WatchState};
use gputop_model::{DeviceId, DevicePast, GpuUuid, NodeName, PodKey, PodUid};

use super::format::{Header, Keyframe};
use names::{Kind, Names};

/// Namespaces that every cluster has.
const PUBLIC_NAMESPACES: [&str; 5] = [
    "default",
    "gputop-k3s",
    "kube-node-lease",
    "kube-public",
    "kube-system",
];

/// Takes out what may not be recorded; remembers the pseudonyms.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    names: Names,
    /// Names stay.
    keep: bool,
}

impl Redactor {
    /// `keep`: names stay as they are.
    pub(super) fn new(keep: bool) -> Self {
        Self {
            names: Names::default(),
            keep,
        }
    }

    /// The header.
    pub(super) fn header(&mut self, mut header: Header) -> Header {
        header.context = header.context.filter(|_| self.keep);
        header.namespace = self.namespace(&header.namespace);
        let only = header.only_namespace.take();
        header.only_namespace = only.map(|namespace| self.namespace(&namespace));
        header
    }

    /// All that is known. Names are learned before the texts that may contain them are read.
    pub(super) fn keyframe(&mut self, keyframe: Keyframe) -> Keyframe {
        self.names.turn();
        for node in &keyframe.nodes {
            self.node_name(&node.name);
        }
        for pod in keyframe.pods.iter().flatten() {
            self.learn_pod(pod);
        }
        for (_, report) in &keyframe.reports {
            self.learn_users(report);
        }
        let nodes = keyframe.nodes.iter();
        let pods = keyframe.pods.as_ref();
        Keyframe {
            nodes: nodes.map(|node| Arc::new(self.node(node))).collect(),
            pods: pods.map(|pods| pods.iter().map(|pod| Arc::new(self.pod(pod))).collect()),
            one_namespace: keyframe
                .one_namespace
                .map(|namespace| self.namespace(&namespace)),
            watches: keyframe
                .watches
                .into_iter()
                .map(|(watched, state)| (watched, self.watch(state)))
                .collect(),
            reports: keyframe
                .reports
                .into_iter()
                .map(|(node, report)| self.report(&node, report))
                .collect(),
            ..keyframe
        }
    }

    /// A message of the control lane.
    pub(super) fn update(&mut self, update: Update) -> Update {
        match update {
            Update::Nodes(Listing::Whole(list)) => {
                for node in &list {
                    self.node_name(&node.name);
                }
                let list = list.iter().map(|node| self.node(node));
                Update::Nodes(Listing::Whole(list.collect()))
            }
            Update::Nodes(Listing::Changed(node)) => {
                Update::Nodes(Listing::Changed(Box::new(self.node(&node))))
            }
            Update::Nodes(Listing::Gone(name)) => {
                Update::Nodes(Listing::Gone(self.node_name(&name)))
            }
            Update::Pods(Listing::Whole(list)) => {
                for pod in &list {
                    self.learn_pod(pod);
                }
                let list = list.iter().map(|pod| self.pod(pod));
                Update::Pods(Listing::Whole(list.collect()))
            }
            Update::Pods(Listing::Changed(pod)) => {
                Update::Pods(Listing::Changed(Box::new(self.pod(&pod))))
            }
            Update::Pods(Listing::Gone(uid)) => Update::Pods(Listing::Gone(self.uid(&uid))),
            Update::OneNamespace(namespace) => Update::OneNamespace(self.namespace(&namespace)),
            Update::AllNamespaces => Update::AllNamespaces,
            Update::Watch(watched, state) => Update::Watch(watched, self.watch(state)),
        }
    }

    /// A daemon's report.
    pub(super) fn report(
        &mut self,
        node: &NodeName,
        report: AgentReport,
    ) -> (NodeName, AgentReport) {
        self.learn_users(&report);
        let AgentReport { link, last } = report;
        let link = match link {
            LinkState::Lost { since, why } => LinkState::Lost {
                since,
                why: self.text(&why),
            },
            LinkState::Connecting
            | LinkState::Live
            | LinkState::Visited { .. }
            | LinkState::Gone => link,
        };
        let last = last.map(|mut last| {
            last.snapshot = Arc::new(self.snapshot(Arc::unwrap_or_clone(last.snapshot)));
            last
        });
        (self.node_name(node), AgentReport { link, last })
    }

    /// What daemons had measured before.
    pub(super) fn past(
        &mut self,
        past: Vec<(NodeName, Vec<DevicePast>)>,
    ) -> Vec<(NodeName, Vec<DevicePast>)> {
        let nodes = past.into_iter();
        nodes
            .map(|(node, mut devices)| {
                for past in &mut devices {
                    past.device = self.device(&past.device);
                }
                (self.node_name(&node), devices)
            })
            .collect()
    }

    fn learn_users(&mut self, report: &AgentReport) {
        let processes = report.last.iter().flat_map(|last| &last.snapshot.processes);
        for user in processes.filter_map(|process| process.user.known()) {
            self.private(Kind::Named("user"), user);
        }
    }

    fn watch(&mut self, state: WatchState) -> WatchState {
        match state {
            WatchState::Lost { since, why } => WatchState::Lost {
                since,
                why: self.text(&why),
            },
            WatchState::Forbidden { why } => WatchState::Forbidden {
                why: self.text(&why),
            },
            WatchState::Starting | WatchState::Live => state,
        }
    }

    /// Free text.
    fn text(&mut self, text: &str) -> String {
        text::scrub(&mut self.names, text, self.keep)
    }

    /// The release of a kernel.
    fn release(&mut self, real: &str) -> String {
        if self.keep {
            return self.text(real);
        }
        release::public(real)
    }

    /// A name that stays if names stay.
    fn name(&mut self, kind: Kind<'_>, real: &str) -> String {
        if self.keep || real.is_empty() {
            return real.to_owned();
        }
        self.names.of(kind, real)
    }

    /// What goes whether names stay or not.
    fn private(&mut self, kind: Kind<'_>, real: &str) -> String {
        if real.is_empty() {
            return String::new();
        }
        self.names.of(kind, real)
    }

    fn namespace(&mut self, real: &str) -> String {
        if PUBLIC_NAMESPACES.contains(&real) {
            return real.to_owned();
        }
        self.name(Kind::Named("ns"), real)
    }

    fn node_name(&mut self, real: &NodeName) -> NodeName {
        self.name(Kind::Named("node"), real.as_str()).into()
    }

    fn key(&mut self, real: &PodKey) -> PodKey {
        let namespace = self.namespace(&real.namespace);
        PodKey::new(namespace, self.name(Kind::Named("pod"), &real.name))
    }

    fn uid(&mut self, real: &PodUid) -> PodUid {
        self.name(Kind::Uid, real.as_str()).into()
    }

    fn device(&mut self, real: &GpuUuid) -> GpuUuid {
        self.name(Kind::Device, real.as_str()).into()
    }

    /// The id of a device, whose share stays.
    fn device_id(&mut self, real: &DeviceId) -> DeviceId {
        let device = self.device(&real.device());
        match real.as_str().split_once("::") {
            Some((_, share)) => DeviceId::new(format!("{device}::{share}")),
            None => DeviceId::new(device.as_str()),
        }
    }
}

#[cfg(test)]
mod tests;
