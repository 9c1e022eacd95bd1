//! What is known of a node's daemon.

use std::sync::Arc;
use std::time::Duration;

use gputop_model::{Moment, NodeSnapshot};
use serde::{Deserialize, Serialize};

/// What the link to one daemon last delivered. Whole: the newest replaces the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// Whether the stream is up.
    pub link: LinkState,
    /// The last snapshot, kept when the link is lost.
    pub last: Option<Received>,
}

/// A snapshot with the moment of its receipt: ages are counted from there, not from the other
/// machine's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// What the daemon said.
    pub snapshot: Arc<NodeSnapshot>,
    /// When it arrived, or when the daemon last confirmed that nothing has changed.
    pub at: Moment,
}

/// State of the stream to a daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// The first connection is being made.
    Connecting,
    /// The stream delivers.
    Live,
    /// The daemon was asked once and the connection closed: there are more daemons than tunnels
    /// may be open at a time, and this one is not on the screen.
    Visited {
        /// When it is to be asked again; what it said holds until a little after then.
        next: Moment,
    },
    /// The node has no daemon any more: nothing is known of it.
    Gone,
    /// The stream broke or can not be opened; it is tried again.
    Lost {
        /// Since when.
        since: Moment,
        /// What went wrong, in one sentence.
        why: String,
    },
}

/// A daemon as the tables show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentStatus {
    /// Daemons were not asked (`--no-agents`).
    NotAsked,
    /// No daemon pod on this node.
    Absent,
    /// The user may not see whether there is one.
    Hidden,
    /// The daemon's pod does not run.
    NotRunning {
        /// The pod's phase or reason.
        why: String,
    },
    /// The first connection is being made.
    Connecting,
    /// Telemetry arrives.
    Live,
    /// Telemetry arrives now and then: the daemon is asked in turn with many others.
    Visited {
        /// How old the last answer is.
        age: Duration,
    },
    /// No telemetry arrives any more.
    Lost {
        /// For how long.
        age: Duration,
        /// Why.
        why: String,
    },
}

impl AgentStatus {
    /// Whether the daemon delivers: all the time, or in turn with others.
    #[must_use]
    pub const fn delivers(&self) -> bool {
        matches!(self, Self::Live | Self::Visited { .. })
    }

    /// Stable name for JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::Absent => "absent",
            Self::Hidden => "hidden",
            Self::NotRunning { .. } => "not_running",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Visited { .. } => "visited",
            Self::Lost { .. } => "lost",
        }
    }

    /// Why there is no telemetry; `None` when there is.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Live | Self::Visited { .. } => None,
            Self::NotAsked => Some("daemons were not asked".to_owned()),
            Self::Absent => Some("no gputop-node daemon on this node".to_owned()),
            Self::Hidden => Some(
                "the daemons can not be seen with these rights (pods in gputop-k3s)".to_owned(),
            ),
            Self::NotRunning { why } => Some(format!("the daemon's pod does not run: {why}")),
            Self::Connecting => Some("connecting to the daemon".to_owned()),
            Self::Lost { why, .. } => Some(format!("daemon lost: {why}")),
        }
    }
}
