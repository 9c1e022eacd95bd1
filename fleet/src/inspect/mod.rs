//! What a detail page asks for once or follows: events, manifests, logs, rights, a shell.
//!
//! An [`Ask`] is given to [`crate::engine::Engine::ask`] under an id of the caller's choice; the
//! [`Answer`]s come back as engine events under the same id. All text in them is safe to show on a
//! terminal and has no secret that could be told by its name.

mod answer;
mod container;
mod describe;
mod desk;
mod events;
mod fetch;
mod json;
mod lines;
mod logs;
mod manifest;
mod mask;
mod problem;
mod rights;
pub mod shell;

use gputop_model::{NodeName, PodKey};
use jiff::Timestamp;

use crate::connect::Problem;
pub(crate) use desk::Desk;

/// Names one ask; chosen by the asker, who must not use it for two asks at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// The object that a page is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A node.
    Node(NodeName),
    /// A pod.
    Pod(PodKey),
}

/// A question to the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// The events of the object, once.
    Events(Subject),
    /// The object as YAML, once.
    Manifest(Subject),
    /// The object in words, with its events, once.
    Describe(Subject),
    /// A container's log; with `follow` until it is cancelled or ends.
    Logs(LogRequest),
    /// What the user may do in this namespace; `None`: in all of them.
    Rights(Option<String>),
    /// Names of the namespaces.
    Namespaces,
}

/// Which lines of which log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRequest {
    /// Whose log.
    pub pod: PodKey,
    /// Absent: the pod's default container, else its first.
    pub container: Option<String>,
    /// The log of the run before the container's last restart.
    pub previous: bool,
    /// Wait for further lines.
    pub follow: bool,
    /// Lines from the end to begin with.
    pub tail: u32,
    /// Each line begins with the time (RFC 3339) at which the node received it.
    pub timestamps: bool,
}

/// What comes back. All but [`Answer::LogLines`] end the ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Newest last.
    Events(Vec<EventInfo>),
    /// YAML.
    Manifest(String),
    /// Lines of text.
    Describe(String),
    /// The next lines of a log, oldest first; at most [`LOG_BATCH`].
    LogLines(Vec<String>),
    /// No more lines will come; `None`: the log's end was reached or the container ended.
    LogEnded(Option<Problem>),
    /// What the user may do.
    Rights(Rights),
    /// Sorted.
    Namespaces(Vec<String>),
    /// There is no answer, and why.
    Failed(Problem),
}

/// Lines of a log that come in one answer, at most.
pub const LOG_BATCH: usize = 500;

/// Bytes of a log line; longer ones are cut and end in `…`.
pub const LOG_LINE: usize = 8 * 1024;

impl Answer {
    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        !matches!(self, Self::LogLines(_))
    }
}

/// Something that has happened to an object, once or repeatedly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventInfo {
    /// `Normal`, `Warning`, or what a component made up.
    pub kind: String,
    /// One word, such as `FailedScheduling`.
    pub reason: String,
    /// Who says so, such as `kubelet, rig.lab`; empty when unknown.
    pub source: String,
    /// What happened.
    pub message: String,
    /// How often it has happened; 1 or more.
    pub count: u32,
    /// When it happened first, by the reporter's clock.
    pub first: Option<Timestamp>,
    /// When it happened last, by the reporter's clock.
    pub last: Option<Timestamp>,
}

impl EventInfo {
    /// Whether it tells of trouble.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        self.kind == "Warning"
    }
}

/// What the user may do. `None`: not known, which is not a "no".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// Read logs of pods.
    pub logs: Option<bool>,
    /// Open a shell in pods.
    pub exec: Option<bool>,
    /// List events.
    pub events: Option<bool>,
    /// Reach daemons, by port-forward to pods.
    pub portforward: Option<bool>,
    /// List nodes.
    pub list_nodes: Option<bool>,
    /// List pods of all namespaces.
    pub list_all_pods: Option<bool>,
    /// Evict pods.
    pub evict: Option<bool>,
    /// Change nodes, as cordoning does.
    pub patch_nodes: Option<bool>,
    /// At least one of these is not known.
    pub incomplete: bool,
}
