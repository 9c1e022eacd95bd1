//! What was measured before a link was opened: asked for once, and only what is missing.

use std::time::Duration;

use futures::future::BoxFuture;
use gputop_model::{Moment, NodeSnapshot, Protocol};
use gputop_proto::{past_from_wire, pb};

use super::failure::SessionError;
use super::line::Line;
use super::session::Session;
use crate::engine::moment;
use crate::state::{HISTORY_KEPT, history_time};

/// A little more than what is missing: what is there twice is left out by the store.
const MARGIN: Duration = Duration::from_secs(2);

type Answer = Result<pb::HistoryReply, SessionError>;

/// What one link knows of its daemon's past.
pub(super) enum CatchUp {
    /// Not known since then, on the scale of [`history_time`], and not asked for yet.
    Missing(Moment),
    /// Asked for.
    Asking(Moment, BoxFuture<'static, Answer>),
    /// Known.
    Known,
    /// Not to be had on this link.
    GivenUp,
}

impl CatchUp {
    /// What is missing at the beginning of a link.
    pub(super) fn new(line: &Line) -> Self {
        let gap = line.mailboxes.gap(&line.node, moment(line.epoch));
        gap.map_or(Self::Known, Self::Missing)
    }

    /// Asks, if something is missing, it is `wanted`, and the daemon of `snapshot` can tell it.
    pub(super) fn ask(
        &mut self,
        wanted: bool,
        session: &Session,
        snapshot: &NodeSnapshot,
        line: &Line,
        limit: Duration,
    ) {
        let Self::Missing(since) = *self else { return };
        if !wanted || !snapshot.protocol.can(Protocol::HISTORY) {
            return;
        }
        let time = history_time(moment(line.epoch)).since(since);
        *self = Self::Asking(since, session.past(time.saturating_add(MARGIN), limit));
    }

    /// Whether an answer is awaited.
    pub(super) const fn is_asking(&self) -> bool {
        matches!(self, Self::Asking(..))
    }

    /// The answer; `None` at once when none is awaited. Cancel-safe; once there is an answer it is
    /// to be taken.
    pub(super) async fn answered(&mut self) -> Option<Answer> {
        match self {
            Self::Asking(_, answer) => Some(answer.await),
            _ => None,
        }
    }

    /// Takes the answer of a daemon that last said `snapshot`.
    pub(super) fn take(&mut self, answer: Option<Answer>, snapshot: &NodeSnapshot, line: &Line) {
        let (Some(answer), Self::Asking(since, _)) = (answer, &*self) else {
            return;
        };
        match answer {
            Ok(mut reply) => {
                // Nobody asks for others, and they would only take room.
                reply.devices.retain(|past| {
                    let is_it = |uuid: &str| uuid == past.device_uuid;
                    snapshot.devices.iter().any(|d| is_it(d.uuid.as_str()))
                });
                let at = history_time(moment(line.epoch));
                let past = past_from_wire(reply, at, HISTORY_KEPT);
                line.mailboxes.put_past(&line.node, *since, past);
                *self = Self::Known;
            }
            Err(error) => {
                tracing::debug!(node = %line.node, ?error, "the past is not to be had");
                *self = Self::GivenUp;
            }
        }
    }

    /// Notes that the daemon was heard at `at`.
    pub(super) fn heard(&self, line: &Line, at: Moment) {
        if matches!(self, Self::Known) {
            line.mailboxes.known_until(&line.node, at);
        }
    }
}
