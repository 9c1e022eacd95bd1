//! The line under the header that says what is amiss with the whole view.

use gputop_fleet::state::AgentStatus;

use super::format;
use super::state::State;

impl State {
    /// What is amiss with the whole view, in three parts of which the middle one may be cut;
    /// `None`: nothing.
    #[must_use]
    pub fn banner(&self) -> Option<[String; 3]> {
        self.api().sentence().or_else(|| self.without_daemons())
    }

    /// Why nothing is measured, where that is so for every node.
    fn without_daemons(&self) -> Option<[String; 3]> {
        if !self.fleet.is_listed() || self.session.replay {
            return None;
        }
        let with_gpus = || self.picture.nodes.iter().filter(|row| row.capacity() > 0);
        if with_gpus().next().is_none() || with_gpus().any(|row| row.agent.delivers()) {
            return None;
        }
        if with_gpus().all(|row| row.agent == AgentStatus::Absent) {
            return Some([
                "No gputop-node daemon in this cluster: ".to_owned(),
                "you see what is allocated; it would add use, memory, processes and health"
                    .to_owned(),
                String::new(),
            ]);
        }
        // The same for all that should deliver: the way there is broken, not a daemon.
        let mut reasons = with_gpus().filter_map(|row| match &row.agent {
            AgentStatus::Lost { why, .. } => Some(why),
            _ => None,
        });
        let first = reasons.next()?;
        let others = reasons.all(|why| why == first);
        let waiting = with_gpus().any(|row| row.agent == AgentStatus::Connecting);
        (others && !waiting).then(|| {
            [
                "No daemon can be reached: ".to_owned(),
                format::one_line(first),
                " — you see what is allocated".to_owned(),
            ]
        })
    }
}
