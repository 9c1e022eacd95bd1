//! Why a pod waits: the scheduler's message, the kubelet's or a quota's, taken apart and said in
//! plain words.
//!
//! The messages are made for people and change with versions: what is not recognised is kept as
//! it is and said as it is.

mod parse;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

/// A message taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// What is in the way, in the order of the message.
    pub obstacles: Vec<Obstacle>,
    /// Number of nodes that the scheduler looked at; `None`: the message does not say.
    pub nodes: Option<u32>,
    /// Whether waiting can help.
    pub outlook: Outlook,
}

/// Something that keeps a pod from running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Number of nodes that it keeps the pod from; 0: it has to do with no node.
    pub nodes: u32,
    /// What it is.
    pub kind: ObstacleKind,
}

/// Whether waiting can help, by what the scheduler says of preemption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// The message does not say.
    Unsaid,
    /// On so many nodes the pod would fit if others left.
    NotNow(u32),
    /// On no node would it fit, whoever left.
    Never,
}

/// What keeps a pod from running.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObstacleKind {
    /// Too little of this resource is free.
    Resource(String),
    /// The nodes run as many pods as they may.
    TooManyPods,
    /// The nodes are cordoned.
    Cordoned,
    /// The nodes are not ready, or can not be reached.
    NotReady,
    /// The nodes have a taint that the pod does not tolerate; `key: value` where the message says.
    Taint(Option<String>),
    /// Node selector, node affinity or node name name others.
    NodeSelector,
    /// The pod wants to be beside pods that are not there.
    PodAffinity,
    /// The pod does not want to be beside pods that are there.
    PodAntiAffinity,
    /// Pods that are there do not want it beside them.
    OthersAntiAffinity,
    /// Spread over zones or nodes would become too uneven.
    Spread,
    /// A host port that it wants is taken.
    Ports,
    /// A volume that it uses lies on, or is bound to, other nodes.
    VolumeElsewhere,
    /// No volume is there for a claim.
    NoVolume,
    /// A claim is bound to a volume that is gone.
    VolumeGone,
    /// A volume is in use by another pod.
    VolumeInUse,
    /// The nodes have as many volumes as they may.
    TooManyVolumes,
    /// The nodes have too little storage for the volume.
    NoStorage,
    /// A claim is not bound yet.
    ClaimUnbound,
    /// This claim does not exist.
    ClaimMissing(String),
    /// This claim is being deleted.
    ClaimLeaving(String),
    /// A volume could not be bound in time; with what came back.
    VolumeBinding(String),
    /// Scheduling gates hold the pod back; their names where the message has them.
    Gated(Vec<String>),
    /// A quota of the namespace is used up.
    Quota {
        /// Name of the quota.
        name: String,
        /// `requested: …, used: …, limited: …`
        figures: String,
    },
    /// There is no node at all.
    NoNodes,
    /// Lower-ranking pods are being removed for it.
    Preempting,
    /// The kubelet had fewer devices to give than the scheduler thought.
    DevicesTaken {
        /// Resource name.
        resource: String,
        /// Devices asked for, and devices there.
        figures: String,
    },
    /// More than one share of a shared GPU was asked for; the number.
    TooManyShares(String),
    /// Nobody has said anything yet.
    Unsaid,
    /// Something else, as the message says it.
    Other(String),
}

impl Pending {
    /// Takes `message` apart.
    #[must_use]
    pub fn parse(message: &str) -> Self {
        parse::parse(message)
    }

    /// A pod that no scheduler has said anything of.
    #[must_use]
    pub fn unsaid() -> Self {
        Self {
            obstacles: vec![Obstacle {
                nodes: 0,
                kind: ObstacleKind::Unsaid,
            }],
            nodes: None,
            outlook: Outlook::Unsaid,
        }
    }

    /// In plain words, such as `needs 2 GPUs: 3 nodes have too few free, 1 is cordoned`.
    /// `requests`: GPU units that the pod asks for, by resource name.
    #[must_use]
    pub fn plain(&self, requests: &BTreeMap<String, i64>) -> String {
        words::plain(self, requests)
    }

    /// What to do; `None`: nothing is known but to read the message.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        words::fix(self)
    }
}
