//! What the lines of a recording say.
//!
//! The first line is the [`Header`], every other one a [`Line`]. Moments are those of the engine
//! that was recorded: time since it began to count. Reports are told as differences from the last
//! report of the same node ([`super::patch`]); a keyframe has them whole.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gputop_fleet::connect::Problem;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{
    AgentReport, Fleet, LinkState, Listing, Settings, Update, WatchState, Watched,
};
use gputop_model::{DevicePast, NodeInfo, NodeName, PodInfo};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::Session;

/// What a file says to be.
const FORMAT: &str = "gputop-k3s/recording";

/// The version that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// Longest line that is written and read, in bytes without its end: a keyframe of 200 nodes and
/// 4,000 pods has about ten million. A file from elsewhere can not fill the memory with one.
pub(super) const LONGEST_LINE: usize = 32 * 1024 * 1024;

/// What is known before anything is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    format: String,
    version: u32,
    /// The wall clock when the moments began.
    pub started: Timestamp,
    /// Version of the program that recorded.
    pub app: String,
    /// Name of the context; `None`: redacted.
    pub context: Option<String>,
    /// Version of the API server.
    pub server_version: String,
    /// Default namespace.
    pub namespace: String,
    /// The only namespace that was shown at first.
    pub only_namespace: Option<String>,
    /// The nodes' daemons were asked.
    pub agents: bool,
    /// What idle meant, in milliseconds.
    idle_after_ms: u64,
    /// What stale meant, in milliseconds.
    stale_after_ms: u64,
    /// Names of nodes, namespaces, pods and the like are the real ones.
    pub names: bool,
}

impl Header {
    /// The header for what a session shows; `started` is the wall clock when its moments began.
    #[must_use]
    pub fn new(session: &Session, started: Timestamp, names: bool) -> Self {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            started,
            app: env!("CARGO_PKG_VERSION").to_owned(),
            context: Some(session.context.clone()),
            server_version: session.server_version.clone(),
            namespace: session.namespace.clone(),
            only_namespace: session.only_namespace.clone(),
            agents: session.agents,
            idle_after_ms: millis(session.settings.idle_after),
            stale_after_ms: millis(session.settings.stale_after),
            names,
        }
    }

    /// Reads a first line.
    pub(super) fn read(line: &str) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct First {
            format: String,
            version: u32,
        }
        let foreign = || Problem {
            what: "it is no recording of gputop-k3s".to_owned(),
            fix: "Recordings are made with `gputop-k3s --record FILE`.".to_owned(),
        };
        let first: First = serde_json::from_str(line).map_err(|_| foreign())?;
        if first.format != FORMAT {
            return Err(foreign());
        }
        if first.version > VERSION {
            return Err(Problem {
                what: format!(
                    "it is a recording of version {}, and this program reads up to {VERSION}",
                    first.version
                ),
                fix: "Play it with a newer gputop-k3s.".to_owned(),
            });
        }
        super::clean::parse(line).map_err(|error| Problem {
            what: format!("its first line can not be understood: {error}"),
            fix: "The file is damaged; record anew.".to_owned(),
        })
    }

    /// When something counted as idle or stale.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            idle_after: Duration::from_millis(self.idle_after_ms),
            stale_after: Duration::from_millis(self.stale_after_ms),
        }
    }

    /// A store for what follows.
    pub(super) fn fleet(&self) -> Fleet {
        Fleet::for_agents(self.agents)
    }
}

/// Every line but the first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    /// When, in milliseconds since the moments began.
    pub(super) at_ms: u64,
    /// What has happened.
    pub(super) event: Entry,
}

/// What has happened.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// All that is known.
    Keyframe(Keyframe),
    /// A message of the control lane.
    Update(Update),
    /// What the daemons report, as differences.
    Reports(BTreeMap<NodeName, Value>),
    /// What daemons had measured before somebody listened.
    Past(Vec<(NodeName, Vec<DevicePast>)>),
    /// The recording was ended; without it, it breaks off.
    End {
        /// Reports that were not recorded because the disk was too slow.
        dropped: u64,
    },
}

/// All that is known at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Keyframe {
    /// The wall clock.
    pub(super) wall: Timestamp,
    /// Something before it was not recorded, so that one who has played until here must not pass
    /// it over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) gap: bool,
    /// Reports that were not recorded so far.
    pub(super) dropped: u64,
    /// Nodes.
    pub(super) nodes: Vec<Arc<NodeInfo>>,
    /// Pods; `None`: they are not listed yet.
    pub(super) pods: Option<Vec<Arc<PodInfo>>>,
    /// The only namespace whose pods can be seen.
    pub(super) one_namespace: Option<String>,
    /// State of each watch.
    pub(super) watches: Vec<(Watched, WatchState)>,
    /// The last report of each daemon.
    pub(super) reports: Vec<(NodeName, AgentReport)>,
}

impl Keyframe {
    /// What `fleet` knows.
    pub(super) fn of(fleet: &Fleet, wall: Timestamp, dropped: u64) -> Self {
        let watches = [Watched::Nodes, Watched::Pods, Watched::Server];
        Self {
            wall,
            gap: false,
            dropped,
            nodes: fleet.nodes().values().cloned().collect(),
            pods: fleet
                .has_listed_pods()
                .then(|| fleet.pods().values().cloned().collect()),
            one_namespace: fleet.one_namespace().map(str::to_owned),
            watches: watches
                .into_iter()
                .map(|watched| (watched, fleet.watch(watched).clone()))
                .collect(),
            reports: fleet
                .agents()
                .iter()
                .map(|(node, report)| (node.clone(), report.clone()))
                .collect(),
        }
    }

    /// The messages that bring a store to this state, whatever it knew before: what it knows of
    /// daemons that are gone is told by reports that say so.
    pub(super) fn events(self) -> Vec<Event> {
        fn owned<T: Clone>(list: Vec<Arc<T>>) -> Vec<T> {
            list.into_iter().map(Arc::unwrap_or_clone).collect()
        }
        let mut updates = vec![Update::Nodes(Listing::Whole(owned(self.nodes)))];
        updates.push(match self.one_namespace {
            Some(namespace) => Update::OneNamespace(namespace),
            None => Update::AllNamespaces,
        });
        updates.extend(
            self.pods
                .map(|pods| Update::Pods(Listing::Whole(owned(pods)))),
        );
        let watches = self.watches.into_iter();
        updates.extend(watches.map(|(watched, state)| Update::Watch(watched, state)));
        let mut events: Vec<Event> = updates.into_iter().map(Event::Update).collect();
        if !self.reports.is_empty() {
            events.push(Event::Reports(self.reports));
        }
        events
    }
}

/// The report that says that a node has no daemon any more.
pub(super) const fn gone() -> AgentReport {
    AgentReport {
        link: LinkState::Gone,
        last: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header::new(&Session::default(), Timestamp::UNIX_EPOCH, false)
    }

    #[test]
    fn a_header_is_read_back() {
        let line = serde_json::to_string(&header()).unwrap();
        assert_eq!(Header::read(&line).unwrap(), header());
        assert_eq!(header().settings(), Settings::default());
    }

    #[test]
    fn a_newer_recording_and_a_foreign_file_are_told_apart() {
        let mut newer = header();
        newer.version = VERSION + 1;
        // What a newer version has beside these two is its own business.
        let line = serde_json::to_string(&newer).unwrap();
        let line = line.replace("\"started\"", "\"began\"");
        let problem = Header::read(&line).unwrap_err();
        assert!(problem.what.contains("version 2"), "{problem:?}");
        assert!(problem.fix.contains("newer"), "{problem:?}");
        for foreign in ["", "hello", "{}", r#"{"format":"x","version":1}"#] {
            let problem = Header::read(foreign).unwrap_err();
            assert!(problem.what.contains("no recording"), "{problem:?}");
        }
        let damaged = r#"{"format":"gputop-k3s/recording","version":1}"#;
        let problem = Header::read(damaged).unwrap_err();
        assert!(problem.what.contains("started"), "{problem:?}");
    }

    #[test]
    fn a_keyframe_brings_an_empty_store_to_what_is_known() {
        let mut fleet = Fleet::new();
        let node = NodeInfo::unknown("a".into());
        fleet.apply(Update::Nodes(Listing::Whole(vec![node])));
        fleet.apply(Update::Pods(Listing::Whole(Vec::new())));
        fleet.apply(Update::Watch(Watched::Nodes, WatchState::Live));
        let why = "no answer".to_owned();
        let since = gputop_model::Moment(Duration::from_secs(7));
        let lost = WatchState::Lost { since, why };
        fleet.apply(Update::Watch(Watched::Server, lost));
        fleet.apply(Update::OneNamespace("ml".to_owned()));
        let report = AgentReport {
            link: LinkState::Connecting,
            last: None,
        };
        fleet.report("a".into(), report);
        let keyframe = Keyframe::of(&fleet, Timestamp::UNIX_EPOCH, 0);
        let text = serde_json::to_string(&keyframe).unwrap();
        let keyframe: Keyframe = serde_json::from_str(&text).unwrap();
        let mut again = Fleet::new();
        for event in keyframe.events() {
            assert_eq!(event.apply(&mut again), None);
        }
        assert_eq!(again, fleet);
    }
}
