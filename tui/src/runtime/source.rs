//! Where news of the cluster come from, and who answers questions about it.

use std::time::Duration;

use gputop_fleet::engine::{Engine, Event, moment};
use gputop_fleet::inspect::{Ask, AskId};
use gputop_fleet::link::Interest;
use gputop_fleet::state::Fleet;
use gputop_model::Clock;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::app::Seek;

/// What a source delivers.
#[derive(Debug)]
pub enum News {
    /// Something has changed, or a question is answered.
    Event(Event),
    /// A recording was wound: all that was known at that time.
    Wound(Box<Fleet>),
    /// The recording that is being made has stopped by itself, and why.
    RecordingStopped(String),
    /// Something that the user is to know.
    Said(String),
}

/// Delivers news of the cluster, one after another. What only a live cluster can do is ignored by
/// the others.
pub trait Source {
    /// The next news; waits for as long as there is none. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = News> + Send;

    /// Asks the API server; answers come as news.
    fn ask(&mut self, _id: AskId, _ask: Ask) {}

    /// No answer is waited for any more.
    fn cancel(&mut self, _id: AskId) {}

    /// Says which nodes are looked at.
    fn interest(&mut self, _interest: Interest) {}

    /// Winds a recording.
    fn seek(&mut self, _seek: Seek) {}

    /// Where a recording is, and how long it is; `None`: this is no recording.
    fn position(&self) -> Option<(Duration, Duration)> {
        None
    }

    /// Daemons' reports that are missing in the recording that is being made.
    fn dropped(&self) -> u64 {
        0
    }

    /// What time it is in what is delivered.
    fn clock(&self, epoch: Instant) -> Clock {
        Clock {
            now: moment(epoch),
            wall: Timestamp::now(),
        }
    }
}

impl Source for Engine {
    async fn next(&mut self) -> News {
        News::Event(Self::next(self).await)
    }

    fn ask(&mut self, id: AskId, ask: Ask) {
        Self::ask(self, id, ask);
    }

    fn cancel(&mut self, id: AskId) {
        Self::cancel(self, id);
    }

    fn interest(&mut self, interest: Interest) {
        Self::interest(self, interest);
    }
}
