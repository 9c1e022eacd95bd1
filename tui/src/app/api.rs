//! How the API server is reached, in one value for the header.

use std::time::Duration;

use gputop_fleet::state::{Fleet, WatchState, Watched};
use gputop_model::Clock;

use super::format;

/// State of the API server as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// The first lists have not arrived.
    Connecting,
    /// Both watches are up to date.
    Live,
    /// A watch is broken; what is shown is as of then.
    Lost {
        /// For how long.
        age: Duration,
        /// What went wrong.
        why: String,
        /// There is something to show.
        shown: bool,
    },
    /// The user may not see everything.
    Limited {
        /// What can not be seen.
        why: String,
    },
}

impl Api {
    /// What `fleet` says about it.
    #[must_use]
    pub fn of(fleet: &Fleet, clock: Clock) -> Self {
        let watches = [Watched::Nodes, Watched::Pods].map(|watched| fleet.watch(watched));
        let server = fleet.watch(Watched::Server);
        let lost = watches
            .iter()
            .chain([&server])
            .filter_map(|watch| match watch {
                WatchState::Lost { since, why } => Some((clock.now.since(*since), why)),
                _ => None,
            });
        if let Some((age, why)) = lost.max_by_key(|(age, _)| *age) {
            let shown = !fleet.nodes().is_empty() || !fleet.pods().is_empty();
            return Self::Lost {
                age,
                why: format::one_line(why),
                shown,
            };
        }
        if watches.contains(&&WatchState::Starting) {
            return Self::Connecting;
        }
        for (watch, what) in watches.into_iter().zip(["nodes", "pods"]) {
            if let WatchState::Forbidden { why } = watch {
                // Of what is left one must know that it is not all.
                let own = fleet.one_namespace().filter(|_| what == "nodes");
                let pods = own.map_or_else(String::new, |namespace| {
                    format!(", and only pods of namespace {namespace}")
                });
                return Self::Limited {
                    why: format!("no right to see {what}{pods}: {}", format::one_line(why)),
                };
            }
        }
        match fleet.one_namespace() {
            Some(namespace) => Self::Limited {
                why: format!(
                    "only pods of namespace {namespace} can be seen, so what is free is not known"
                ),
            },
            None => Self::Live,
        }
    }

    /// A few words for the corner of the screen.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Connecting => "◌ connecting".to_owned(),
            Self::Live => "● live".to_owned(),
            Self::Lost { age, .. } => format!("▲ API lost {}", format::age(*age)),
            Self::Limited { .. } => "◑ limited view".to_owned(),
        }
    }

    /// The whole sentence in three parts, of which the middle one may be cut; `None`: nothing is
    /// amiss.
    #[must_use]
    pub fn sentence(&self) -> Option<[String; 3]> {
        match self {
            Self::Connecting | Self::Live => None,
            Self::Lost { age, why, shown } => {
                let then = if *shown {
                    " — showing the last state"
                } else {
                    " — trying again"
                };
                let lost = format!("API lost {} ago: ", format::spoken(*age));
                Some([lost, why.clone(), then.to_owned()])
            }
            Self::Limited { why } => Some([String::new(), why.clone(), String::new()]),
        }
    }
}
